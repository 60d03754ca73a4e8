//! The stand-in on a PTY of its own: keys go in, and the screen and the files are waited for.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::num::NonZero;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{Termios, tcgetattr};
use nix::unistd::Pid;
use serde_json::Value;

/// How long anything may take; only a failing test waits it out.
const DEADLINE: Duration = Duration::from_secs(60);

/// A scratch home, a working directory, and the stand-in under its own name.
pub struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("work.dir")).unwrap();
        symlink(env!("CARGO_BIN_EXE_cckw"), directory.path().join("claude-stand-in")).unwrap();
        Self { directory }
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    pub fn work(&self) -> PathBuf {
        fs::canonicalize(self.path("work.dir")).unwrap()
    }

    /// The conversations' files.
    pub fn transcripts(&self) -> Vec<PathBuf> {
        files(&self.path(".claude/projects"))
            .into_iter()
            .filter(|p| p.extension() == Some(OsStr::new("jsonl")))
            .collect()
    }

    /// The background sessions that the agents view created.
    pub fn jobs(&self) -> usize {
        files(&self.path(".claude/jobs")).len()
    }

    pub fn state_files(&self) -> Vec<PathBuf> {
        files(&self.path(".claude/sessions"))
    }

    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.directory.path()).env("TERM", "xterm-256color");
        command.current_dir(self.path("work.dir"));
        command
    }

    /// The stand-in with these arguments, not started yet.
    pub fn standin(&self, args: &[&str]) -> Command {
        let mut command = self.command(self.path("claude-stand-in"));
        command.args(args);
        command
    }

    /// The stand-in with its prompt on the screen.
    pub fn start(&self, args: &[&str]) -> Tui {
        self.start_with(args, &[])
    }

    /// The same with variables `CCKW_STANDIN_<name>`.
    pub fn start_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Tui {
        let mut command = self.standin(args);
        command.envs(variables.iter().map(|(name, value)| (format!("CCKW_STANDIN_{name}"), value)));
        let mut tui = Tui::spawn(self, command);
        tui.wait("the prompt", |tui| tui.prompt().is_some());
        tui
    }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { vec![entry.path()] })
        .collect()
}

/// A program on a PTY, and the screen as a terminal would show it.
pub struct Tui {
    master: OwnedFd,
    /// Kept open, so that the attributes can be read after the program has ended.
    slave: OwnedFd,
    child: Child,
    status: Option<ExitStatus>,
    screen: vt100::Parser,
    sessions: PathBuf,
    /// Everything the program wrote.
    pub raw: Vec<u8>,
}

impl Tui {
    /// Starts `command` as the leader of a session on an 80 by 24 terminal.
    pub fn spawn(home: &Home, mut command: Command) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(&size, None).unwrap();
        for fd in [&pty.master, &pty.slave] {
            let flags = nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC);
            nix::fcntl::fcntl(fd, flags).unwrap();
        }
        let slave = || Stdio::from(pty.slave.try_clone().unwrap());
        command.stdin(slave()).stdout(slave()).stderr(slave());
        // SAFETY: between fork and exec, the closure makes system calls and nothing else.
        unsafe { command.pre_exec(own_the_terminal) };
        let child = command.spawn().unwrap();
        let rows = |n| NonZero::new(n).unwrap();
        Self {
            master: pty.master,
            slave: pty.slave,
            child,
            status: None,
            screen: vt100::Parser::new(rows(24), rows(80), 0),
            sessions: home.path(".claude/sessions"),
            raw: Vec::new(),
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn send(&mut self, keys: impl AsRef<[u8]>) {
        let mut rest = keys.as_ref();
        while !rest.is_empty() {
            let written = nix::unistd::write(&self.master, rest).unwrap();
            rest = &rest[written..];
        }
    }

    /// Types a line and Enter, apart.
    pub fn submit(&mut self, text: &str) {
        self.send(text);
        self.wait("the typed text", |tui| tui.prompt().is_some_and(|prompt| prompt.ends_with(text)));
        self.send("\r");
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    pub fn resize(&mut self, rows: u16, cols: u16) {
        let size = Winsize { ws_row: rows, ws_col: cols, ws_xpixel: 0, ws_ypixel: 0 };
        use std::os::fd::AsRawFd as _;
        // SAFETY: TIOCSWINSZ reads the size that the pointer names, which outlives the call.
        assert_eq!(unsafe { libc::ioctl(self.master.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) }, 0);
        self.screen.set_size(NonZero::new(rows).unwrap(), NonZero::new(cols).unwrap());
    }

    /// Reads output until `done`; it may ask for screen, files or the program's end.
    #[track_caller]
    pub fn wait(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let start = Instant::now();
        loop {
            self.read_some();
            if done(self) {
                return;
            }
            assert!(start.elapsed() < DEADLINE, "waited in vain for {what}; the screen:\n{}", self.text());
        }
    }

    /// Waits until the screen holds `text`.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        self.wait(&format!("{text:?}"), |tui| tui.text().contains(text));
    }

    /// Waits until `text` was written, though it may be gone from the screen again.
    #[track_caller]
    pub fn wait_written(&mut self, text: &str) {
        let written = |raw: &[u8]| memchr::memmem::find(raw, text.as_bytes()).is_some();
        self.wait(&format!("{text:?} to be written"), |tui| written(&tui.raw));
    }

    /// Waits until the state file's `key` is `value` (null: absent).
    #[track_caller]
    pub fn wait_state(&mut self, key: &str, value: impl Into<Value>) {
        let value = value.into();
        self.wait(&format!("{key} = {value}"), |tui| tui.state().is_some_and(|state| state[key] == value));
    }

    /// Waits for the end of the program, and returns its status with all it wrote.
    #[track_caller]
    pub fn end(&mut self) -> ExitStatus {
        self.wait("the end", |tui| tui.has_ended());
        // What was written before the end may not have been read yet.
        while self.read_some() {}
        self.status.unwrap()
    }

    pub fn has_ended(&mut self) -> bool {
        self.status = self.status.or(self.child.try_wait().unwrap());
        self.status.is_some()
    }

    /// The state file, if there is one that is whole.
    pub fn state(&self) -> Option<Value> {
        let own = self.sessions.join(format!("{}.json", self.child.id()));
        let path = if own.exists() { own } else { files(&self.sessions).pop()? };
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    /// What is on the screen.
    pub fn text(&self) -> String {
        self.screen.screen().contents().replace('\u{a0}', " ")
    }

    pub fn screen(&self) -> &vt100::Screen {
        self.screen.screen()
    }

    /// The text between the prompt's rules, when a prompt is there.
    pub fn prompt(&self) -> Option<String> {
        let text = self.text();
        let lines: Vec<&str> = text.lines().collect();
        let rules: Vec<usize> = (0..lines.len()).filter(|&n| lines[n].starts_with("───")).collect();
        let [.., above, below] = rules[..] else { return None };
        let draft = lines[above + 1..below].iter().map(|line| line.chars().skip(2).collect::<String>());
        Some(draft.collect::<Vec<_>>().join("\n").trim_end().to_owned())
    }

    pub fn attributes(&self) -> Termios {
        tcgetattr(&self.slave).unwrap()
    }

    /// Takes what there is to read, waiting a moment for it; whether there was something.
    fn read_some(&mut self) -> bool {
        let mut fds = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
        if poll(&mut fds, PollTimeout::from(10_u8)) != Ok(1) {
            return false;
        }
        let mut bytes = [0; 4096];
        let count = nix::unistd::read(&self.master, &mut bytes).unwrap_or(0);
        self.raw.extend_from_slice(&bytes[..count]);
        self.screen.process(&bytes[..count]);
        count > 0
    }
}

impl Drop for Tui {
    fn drop(&mut self) {
        if !self.has_ended() {
            // The whole session: a shell or a launcher may have a child.
            if let Some(pid) = self.state().and_then(|state| state["pid"].as_i64()) {
                let _ = kill(Pid::from_raw(pid.try_into().unwrap()), Signal::SIGKILL);
            }
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn own_the_terminal() -> io::Result<()> {
    // A test run in the background of a script ignores INT and QUIT, and so would its children.
    for signal in Signal::iterator().filter(|signal| !matches!(signal, Signal::SIGKILL | Signal::SIGSTOP)) {
        // SAFETY: the default disposition runs no code of ours.
        unsafe { nix::sys::signal::signal(signal, nix::sys::signal::SigHandler::SigDfl) }?;
    }
    nix::unistd::setsid()?;
    // SAFETY: descriptor 0 is the slave; TIOCSCTTY takes an integer.
    if unsafe { libc::ioctl(0, libc::TIOCSCTTY as _, 0) } == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
