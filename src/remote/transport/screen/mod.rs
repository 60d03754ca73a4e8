//! GNU screen, as of version 4.9.
//!
//! Its `hardcopy` writes the low byte of each character and no attributes, in which a prompt cannot be told
//! from other text. So a look is a display of our own, attached beside those that there are, in a PTY with an
//! emulator behind it.

mod display;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::unistd::{Pid, geteuid};

use super::{Pane, Sight, Transport};
use crate::os::{account, command, job, kill, process};
use crate::typing::Keystroke;
use display::Display;

const NAME: &str = "screen";
/// How long screen may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// The sessions of this user's, by the process that holds each; and what is looked at.
pub struct GnuScreen {
    sessions: HashMap<Pid, Named>,
    display: RefCell<Option<(Pane, Display)>>,
}

/// A session: the directory of its socket, and its whole name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    folder: PathBuf,
    name: String,
}

impl GnuScreen {
    /// Looks for sessions; nothing when there is none.
    pub fn find() -> Option<Self> {
        let sessions: HashMap<Pid, Named> = folders().iter().flat_map(|folder| sockets(folder)).collect();
        (!sessions.is_empty()).then(|| Self { sessions, display: RefCell::new(None) })
    }
}

/// Where screen may keep its sockets: as it is told, as distributions build it, as it is by itself.
fn folders() -> Vec<PathBuf> {
    let user = account::name().map(|name| format!("S-{name}"));
    let told = std::env::var_os("SCREENDIR").map(PathBuf::from);
    let usual = ["/run/screen", "/tmp/screens", "/tmp/uscreens"].map(Path::new);
    let usual = usual.into_iter().filter_map(|folder| Some(folder.join(user.as_ref()?)));
    let own = crate::paths::home().map(|home| home.join(".screen"));
    told.into_iter().chain(usual).chain(own).filter(|folder| is_ours(folder)).collect()
}

fn is_ours(folder: &Path) -> bool {
    fs::symlink_metadata(folder).is_ok_and(|metadata| {
        metadata.is_dir() && metadata.uid() == geteuid().as_raw() && metadata.mode() & 0o077 == 0
    })
}

/// The sessions in a directory, which are named after their process.
fn sockets(folder: &Path) -> Vec<(Pid, Named)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let session = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let pid = name.split_once('.')?.0.parse().ok().filter(|pid| *pid > 1).map(Pid::from_raw)?;
        kill::is_ours(pid).then_some(())?;
        Some((pid, Named { folder: folder.to_owned(), name }))
    };
    entries.filter_map(session).collect()
}

/// A command for the window of a pane.
fn screen(pane: &Pane) -> Command {
    let (name, window) = pane.id.rsplit_once(':').unwrap_or((&pane.id, "0"));
    let mut command = Command::new("screen");
    command.arg("-S").arg(name).arg("-p").arg(window);
    command.env("SCREENDIR", &pane.server).env_remove("STY");
    command
}

/// Whether somebody has the session of a pane on a display. Asked so, screen tells nobody but us.
fn is_attached(pane: &Pane) -> bool {
    let (name, _) = pane.id.rsplit_once(':').unwrap_or((&pane.id, ""));
    let mut list = Command::new("screen");
    list.arg("-ls").env("SCREENDIR", &pane.server);
    // Its status depends on how many there are.
    let said =
        command::PendingCommand::start(&mut list, ANSWER_TIMEOUT).and_then(command::PendingCommand::finish);
    said.is_ok_and(|said| {
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        said.lines().any(|line| line.trim().starts_with(name) && line.to_lowercase().contains("attached)"))
    })
}

impl Transport for GnuScreen {
    fn name(&self) -> &'static str {
        NAME
    }

    fn pane(&self, chain: &[Pid]) -> Option<(usize, Pane)> {
        let (steps, session) =
            chain.iter().enumerate().find_map(|(steps, pid)| Some((steps, self.sessions.get(pid)?)))?;
        // What screen starts in a window is told which one that is.
        let first = *chain.get(steps.checked_sub(1)?)?;
        let told = |variable: &str| process::variable(first, variable);
        if told("STY")? != session.name {
            return None;
        }
        let window: u16 = told("WINDOW")?.parse().ok()?;
        let terminal = job::look_up(first)?.terminal;
        let id = format!("{}:{window}", session.name);
        let server = session.folder.to_str()?.to_owned();
        Some((steps, Pane { transport: NAME, server, target: id.clone(), id, terminal }))
    }

    fn look(&self, pane: &Pane) -> Result<Sight, String> {
        let mut held = self.display.borrow_mut();
        let is_there = held.as_ref().is_some_and(|(of, _)| of == pane);
        if !is_there {
            // The last one goes first: two would have to agree on a size.
            *held = None;
            *held = Some((pane.clone(), Display::open(pane)?));
        }
        match held.as_mut() {
            Some((_, display)) => display.look(),
            None => Err("there is no display".into()),
        }
    }

    fn press(&self, pane: &Pane, keys: &Keystroke, _: &Sight) -> Result<(), String> {
        let bytes = match keys {
            Keystroke::Stash => "\x13".into(),
            Keystroke::Enter => "\r".into(),
            Keystroke::Escape => "\x1b".into(),
            Keystroke::Up => "\x1b[A".into(),
            Keystroke::Down => "\x1b[B".into(),
            Keystroke::DeleteToEnd => "D".into(),
            Keystroke::Undo => "\x1f".into(),
            Keystroke::Append => "a".into(),
            Keystroke::Backspaces(count) => "\x7f".repeat(*count),
            // These begin what `stuff` reads as one character.
            Keystroke::Paste(line) if line.contains(['\\', '^', '$']) => {
                return Err("the line cannot be typed through screen: it has a \\, ^ or $".into());
            }
            Keystroke::Paste(line) => format!("\x1b[200~{line}\x1b[201~"),
        };
        let mut command = screen(pane);
        let said = command::ask(command.args(["-X", "stuff", &bytes]), ANSWER_TIMEOUT);
        said.map(drop).map_err(|error| format!("screen: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_named_after_processes_that_run() {
        let folder = tempfile::tempdir().expect("a directory");
        let me = std::process::id();
        for name in [&format!("{me}.a b.c"), "4194400.gone", "x.y", "7"] {
            fs::write(folder.path().join(name), "").expect("a file");
        }
        let found = sockets(folder.path());
        let names: Vec<&str> = found.iter().map(|(_, session)| session.name.as_str()).collect();
        assert_eq!(names, [format!("{me}.a b.c")]);
    }
}
