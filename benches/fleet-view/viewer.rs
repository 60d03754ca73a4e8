//! What is compared: the view, and tmux's list of windows.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::fleet::{Fleet, NAME, name};
use crate::screen::{Missing, Screen, has};
use crate::support::{Tmux, process};

/// What is waited for longer than this does not come.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A size at which lists are looked at, rows first.
pub const USUAL: (u16, u16) = (40, 120);

/// Room for all rows at once: not so wide that the preview would be beside them.
pub fn tall(count: usize) -> (u16, u16) {
    (u16::try_from(count + 60).unwrap_or(u16::MAX), 140)
}

/// One who shows a list of many.
#[derive(Clone, Copy)]
pub enum Viewer<'a> {
    /// Prints one word, and so tells what a process costs here.
    Echo(&'a Fleet),
    /// `cckw top`.
    View(&'a Fleet),
    /// `tmux attach ; choose-tree`, of as many windows.
    Tree(&'a Tmux<'a>),
}

impl Viewer<'_> {
    /// What is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Echo(_) => "`echo`",
            Self::View(_) => "`cckw top`",
            Self::Tree(_) => "`tmux attach ; choose-tree`",
        }
    }

    /// The command of that.
    pub fn command(self) -> Command {
        match self {
            Self::Echo(fleet) => {
                let mut command = fleet.sandbox.command("/bin/echo");
                command.arg(NAME);
                command
            }
            Self::View(fleet) => fleet.view(),
            Self::Tree(tmux) => tmux.command(&["attach", ";", "choose-tree", "-Zw"]),
        }
    }

    /// The processes that do its work, when its program is this one.
    pub fn processes(self, program: i32) -> Vec<i32> {
        let server = match self {
            Self::Tree(tmux) => tmux.run(&["display-message", "-p", "#{pid}"]).trim().parse().ok(),
            Self::Echo(_) | Self::View(_) => None,
        };
        std::iter::once(program).chain(process::descendants(program)).chain(server).collect()
    }

    /// Opens it, and waits until a row is there.
    ///
    /// # Errors
    /// When there is none in time.
    pub fn open(self, size: (u16, u16)) -> Result<(Screen, Duration), Missing> {
        let begun = Instant::now();
        let mut screen = Screen::start(size, self.command());
        let there = screen.wait_for("first row", begun + PATIENCE, |screen| has(screen, NAME))?;
        Ok((screen, there - begun))
    }
}

/// A server of tmux's with as many windows as there are sessions. Each has the name of one.
pub fn windows(fleet: &Fleet) -> Tmux<'_> {
    let program = ["sleep", "1000000"];
    let tmux = Tmux::start_with(&fleet.sandbox, &["-L", "fleet"], USUAL.1, USUAL.0, &program);
    tmux.run(&["set-option", "-g", "status", "off"]);
    tmux.run(&["rename-window", &name(0)]);
    for number in 1..fleet.count {
        tmux.run(&["new-window", "-d", "-n", &name(number), "sleep", "1000000"]);
    }
    tmux
}
