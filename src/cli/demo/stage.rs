//! A terminal of our own with a program in it: keys go in, and what the screen shows is looked at.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::num::NonZero;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::scratch;
use crate::os::inner_terminal::{self, InnerTerminal};
use crate::os::poll::{Interest, Poll};
use crate::os::tty::Size;
use crate::vt::emulator::{Emulator, WholeCharacters};
use crate::vt::screen::colours;

/// The FIFO in the scratch directory that the programs on the stage hold open.
pub const FIFO: &str = "programs";

/// Opens the FIFO that is named first as descriptor 3, and becomes the program that is named after it.
const HOLDING: &str = r#"exec 3>"$0"; exec "$@""#;

/// How long a program may take to end when its terminal is closed.
const ENDS_WITHIN: Duration = Duration::from_secs(5);

/// The terminal, the program, and the screen that it drew.
pub struct Stage {
    /// Nothing when the terminal is closed, or has nothing more to say.
    master: Option<File>,
    child: Child,
    programs: Programs,
    screen: Emulator,
    characters: WholeCharacters,
}

impl Stage {
    /// Starts the program as the leader of a session of its own, with a terminal of this size. `fifo` is where
    /// a FIFO can be made for it.
    pub fn start(
        command: &Command,
        rows: NonZero<u16>,
        columns: NonZero<u16>,
        fifo: PathBuf,
    ) -> io::Result<Self> {
        let size = Size { rows: rows.get(), columns: columns.get(), width: 0, height: 0 };
        let programs = Programs::watch(fifo)?;
        let InnerTerminal { master, child } = inner_terminal::start(&holding(&programs.fifo, command), size)?;
        let screen = Emulator::new(rows.get(), columns.get(), 0);
        let characters = WholeCharacters::default();
        Ok(Self { master: Some(master), child, programs, screen, characters })
    }

    /// Types.
    pub fn send(&mut self, keys: &str) -> io::Result<()> {
        self.master.as_mut().ok_or(io::ErrorKind::BrokenPipe)?.write_all(keys.as_bytes())
    }

    /// What to wait for before [`Stage::take_in`]; nothing when nothing more will come.
    pub fn source(&self) -> Option<BorrowedFd<'_>> {
        self.master.as_ref().map(AsFd::as_fd)
    }

    /// Takes in what the program has written: the next piece of it, for which this waits.
    pub fn take_in(&mut self) {
        let Some(master) = &mut self.master else { return };
        let mut buffer = [0; 16 * 1024];
        match master.read(&mut buffer) {
            Ok(count) if count > 0 => self.screen.process(&self.characters.join(&buffer[..count])),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Linux says EIO when the last program has closed the terminal.
            _ => self.master = None,
        }
    }

    /// What the screen shows, without the spaces at the ends of lines and the empty lines at its end. Spaces
    /// that do not break are shown as others.
    pub fn text(&self) -> String {
        let lines: Vec<_> = self.screen.text().collect();
        let lines: Vec<_> = lines.iter().map(|line| line.trim_end()).collect();
        plain(lines.join("\n").trim_end())
    }

    /// The same, with lines that were too long for the screen in one piece.
    pub fn unwrapped(&self) -> String {
        plain(self.screen.unwrapped_text().trim_end())
    }

    /// The lines of the screen with their colours.
    pub fn coloured(&self) -> Vec<String> {
        colours::lines(&self.screen).collect()
    }

    /// How the program has ended; nothing while it runs, or while there is still output of it to be taken in.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().ok().flatten()?;
        self.master.is_none().then_some(status)
    }

    /// Closes the terminal, as a closed window does, and waits for the end of the programs in it.
    pub fn close(&mut self) {
        self.master = None;
        scratch::wait_for(&mut self.child, ENDS_WITHIN);
        // A client that hears of it while it starts a session goes on until the host is there.
        self.programs.wait_for_end(ENDS_WITHIN);
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.close();
    }
}

fn plain(text: &str) -> String {
    text.replace('\u{a0}', " ")
}

/// The same command, and it holds the FIFO open. portable-pty leaves a program no descriptor but the terminal,
/// so a shell opens it.
fn holding(fifo: &Path, command: &Command) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", HOLDING]).arg(fifo).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        shell.current_dir(directory);
    }
    shell
}

/// The programs that were started in the terminal: each holds a FIFO open. A host is none of them: it closes
/// what it is not told to keep.
struct Programs {
    fifo: PathBuf,
    /// Ends with the last of those that hold it open.
    end: File,
    /// Held open here too, until the end is waited for: before the first program has opened it, it would end.
    held: Option<File>,
}

impl Programs {
    fn watch(fifo: PathBuf) -> io::Result<Self> {
        mkfifo(&fifo, Mode::from_bits_truncate(0o600))?;
        // Open for both it waits for no other side.
        let both = File::options().read(true).write(true).open(&fifo)?;
        let end = File::open(&fifo)?;
        let held = File::options().write(true).open(&fifo)?;
        drop(both);
        Ok(Self { fifo, end, held: Some(held) })
    }

    fn wait_for_end(&mut self, within: Duration) {
        self.held = None;
        let mut poll = Poll::default();
        poll.add(&self.end, Interest::End);
        let _ = poll.wait(Some(within));
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.fifo);
    }
}

/// In the words of a report: "status 1", "signal 9".
pub fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use nix::unistd::Pid;
    use tempfile::TempDir;

    use super::*;

    /// The stage, and the folder of its FIFO.
    fn shell(script: &str) -> (Stage, TempDir) {
        let of = |cells| NonZero::new(cells).unwrap();
        let mut command = Command::new("sh");
        let folder = tempfile::tempdir().unwrap();
        command.args(["-c", script]).current_dir(&folder);
        (Stage::start(&command, of(5), of(20), folder.path().join("fifo")).unwrap(), folder)
    }

    fn watch(stage: &mut Stage, text: &str) {
        while !stage.text().contains(text) {
            assert!(stage.source().is_some(), "no {text:?}: {}", stage.text());
            stage.take_in();
        }
    }

    #[test]
    fn the_screen_and_the_end_are_seen() {
        let (mut stage, _folder) =
            shell("stty -echo; echo ready; read line; echo \"got $line\"; stty size; exit 7");
        watch(&mut stage, "ready");
        assert_eq!(stage.ended(), None);
        stage.send("hello\n").unwrap();
        while stage.source().is_some() {
            stage.take_in();
        }
        assert_eq!(stage.text(), "ready\ngot hello\n5 20");
        let status = loop {
            if let Some(status) = stage.ended() {
                break status;
            }
        };
        assert_eq!(status.code(), Some(7));
    }

    #[test]
    fn a_long_line_can_be_had_in_one_piece() {
        let (mut stage, _folder) = shell("echo 'a line longer than the screen is wide'; read line");
        watch(&mut stage, "wide");
        assert_eq!(stage.text(), "a line longer than t\nhe screen is wide");
        assert_eq!(stage.unwrapped(), "a line longer than the screen is wide");
    }

    #[test]
    fn a_program_does_not_outlive_its_stage() {
        let (mut stage, _folder) = shell("echo ready; while :; do read line; done");
        watch(&mut stage, "ready");
        let pid = Pid::from_raw(stage.child.id().cast_signed());
        drop(stage);
        assert!(!crate::os::kill::exists(pid));
    }

    #[test]
    fn a_stage_is_closed_when_the_last_program_in_it_has_ended() {
        // It does not heed the hang-up, and needs a moment when the shell that started it has gone.
        let (mut stage, folder) = shell(
            "(trap '' HUP; >heedless; while kill -0 $$; do sleep 0.01; done; sleep 0.1; >ended) 2>/dev/null & \
             until [ -e heedless ]; do sleep 0.01; done; echo ready; read line",
        );
        watch(&mut stage, "ready");
        drop(stage);
        assert!(folder.path().join("ended").exists());
    }
}
