//! A terminal that cckw plays for an ordinary program. portable-pty opens it, and starts the program in it.
//!
//! The host does not use this: `docs/internals/dependencies.md` says why.

use std::env;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use portable_pty::{CommandBuilder, MasterPty, NativePtySystem, PtySize, PtySystem};

use super::tty::Size;

/// The terminal, and the program that leads its session.
#[derive(Debug)]
pub struct InnerTerminal {
    /// The side of whoever plays the terminal: keys go in, and output comes out. It is close-on-exec, and in
    /// blocking mode. The terminal is hung up when this is closed. [`super::tty::set_size`] resizes it.
    pub master: File,
    /// The program. Its exit status is whole: a signal is told apart from an exit code.
    pub child: Child,
}

/// Opens a terminal of this size, and starts the program in it as the leader of a new session.
///
/// Of the command count program, arguments, directory, and the variables that were set or removed. The program
/// gets all other variables of this process, and `SHELL` where there is none. It gets no descriptors besides
/// the terminal.
///
/// # Errors
/// When the system has no terminal left, when the directory is gone, or when there is no such program. A
/// program that is there and cannot be executed counts as started, and ends at once.
pub fn start(command: &Command, size: Size) -> io::Result<InnerTerminal> {
    let size =
        PtySize { rows: size.rows, cols: size.columns, pixel_width: size.width, pixel_height: size.height };
    let builder = builder(command)?;
    let pair = NativePtySystem::default().openpty(size).map_err(told)?;
    let child: Box<dyn portable_pty::Child> = pair.slave.spawn_command(builder).map_err(told)?;
    // The crate's own status has a signal only as text.
    let child = child.downcast::<Child>().map_err(|_| io::Error::other("the child is no child process"))?;
    Ok(InnerTerminal { master: own(&*pair.master)?, child: *child })
}

/// The same command in the crate's own form.
fn builder(command: &Command) -> io::Result<CommandBuilder> {
    let mut builder = CommandBuilder::new(command.get_program());
    builder.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => builder.env(name, value),
            None => builder.env_remove(name),
        }
    }
    builder.cwd(directory(command.get_current_dir())?);
    Ok(builder)
}

/// Without a directory that is there, the crate would take the home directory.
fn directory(wanted: Option<&Path>) -> io::Result<PathBuf> {
    let directory = match wanted {
        Some(wanted) => wanted.to_owned(),
        None => env::current_dir()?,
    };
    if directory.metadata()?.is_dir() { Ok(directory) } else { Err(io::ErrorKind::NotADirectory.into()) }
}

/// The master of our own. The crate's writer would type a newline and ctrl-d when it is dropped.
fn own(master: &dyn MasterPty) -> io::Result<File> {
    let number = master.as_raw_fd().ok_or(io::ErrorKind::Unsupported)?;
    // SAFETY: the descriptor is open as long as `master` lives, and it is not kept longer than that.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    let owned: OwnedFd = borrowed.as_fd().try_clone_to_owned()?;
    Ok(owned.into())
}

/// The system's own error where there is one, else the crate's words.
fn told(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    let error: Box<dyn std::error::Error + Send + Sync> = error.into();
    match error.downcast::<io::Error>() {
        Ok(error) => *error,
        Err(error) => io::Error::other(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::process::ExitStatusExt;

    use super::*;
    use crate::os::tty;

    const SIZE: Size = Size { rows: 5, columns: 20, width: 180, height: 90 };

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    /// All that comes until the last program has closed the terminal.
    fn read_all(mut master: &File) -> String {
        let mut all = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = master.read(&mut buffer) {
            all.extend_from_slice(&buffer[..count]);
        }
        String::from_utf8_lossy(&all).replace('\r', "")
    }

    #[test]
    fn a_program_has_the_terminal_for_its_own() {
        let InnerTerminal { master, mut child } =
            start(&shell("stty -echo; stty size </dev/tty; read line; echo \"got $line\"; exit 7"), SIZE)
                .unwrap();
        (&master).write_all(b"hello\n").unwrap();
        let all = read_all(&master);
        assert!(all.contains("5 20\n") && all.ends_with("got hello\n"), "{all:?}");
        assert_eq!(child.wait().unwrap().code(), Some(7));
    }

    #[test]
    fn a_new_size_is_told() {
        let script = "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.01; done";
        let InnerTerminal { master, mut child } = start(&shell(script), SIZE).unwrap();
        let mut first = [0; 5];
        (&master).read_exact(&mut first).unwrap();
        tty::set_size(&master, Size { rows: 6, columns: 30, width: 0, height: 0 }).unwrap();
        assert!(read_all(&master).ends_with("6 30\n"));
        child.wait().unwrap();
    }

    #[test]
    fn a_signal_is_no_exit_code() {
        let InnerTerminal { master, mut child } = start(&shell("kill -KILL $$"), SIZE).unwrap();
        read_all(&master);
        assert_eq!(child.wait().unwrap().signal(), Some(9));
    }

    #[test]
    fn the_master_types_nothing_when_it_is_closed() {
        let script = "trap '' HUP; stty raw -echo; exec cat >typed";
        let folder = tempfile::tempdir().unwrap();
        let mut command = shell(script);
        command.current_dir(&folder);
        let InnerTerminal { master, mut child } = start(&command, SIZE).unwrap();
        drop(master);
        child.wait().unwrap();
        let typed = std::fs::read(folder.path().join("typed")).unwrap_or_default();
        assert!(typed.is_empty(), "{typed:?}");
    }

    #[test]
    fn variables_and_directory_are_those_of_the_command() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = shell("echo \"$PWD $ADDED ${HOME-none} ${CARGO_MANIFEST_DIR:+inherited}\"");
        command.current_dir(&folder).env("ADDED", "added").env_remove("HOME").env_remove("PWD");
        let InnerTerminal { master, mut child } = start(&command, Size { columns: 400, ..SIZE }).unwrap();
        let path = folder.path().canonicalize().unwrap();
        assert_eq!(read_all(&master), format!("{} added none inherited\n", path.display()));
        child.wait().unwrap();
    }

    #[test]
    fn what_cannot_be_started_is_an_error() {
        let mut gone = shell("true");
        gone.current_dir("/nonexistent-directory");
        assert_eq!(start(&gone, SIZE).unwrap_err().kind(), io::ErrorKind::NotFound);
        let missing = start(&Command::new("cckw-no-such-program"), SIZE).unwrap_err();
        assert!(missing.to_string().contains("cckw-no-such-program"), "{missing}");
    }
}
