//! Ways into a terminal that is not cckw's own: terminal multiplexers that can be asked what a pane shows,
//! and to type into it.
//!
//! One file for each. `docs/user/transports.md` says how to add one.

mod screen;
mod tmux;

use std::time::Duration;

use nix::unistd::Pid;

use crate::typing::Keystroke;

/// A place where keys can be typed for a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pane {
    /// Which transport leads there.
    pub transport: &'static str,
    /// The server, where there can be several; a path or a name that the transport understands.
    pub server: String,
    /// What the transport calls it, for as long as it exists.
    pub id: String,
    /// What its user calls it.
    pub target: String,
    /// The device number of the terminal that it is, as `st_rdev` has it; 0 if it cannot be said, and then
    /// nothing is typed.
    pub terminal: u64,
}

/// A terminal multiplexer.
pub trait Transport {
    /// Its name, as users know it.
    fn name(&self) -> &'static str;

    /// The pane that a process runs in, and how many steps above the process it was found.
    ///
    /// `chain` is the process, its parent, and so on upwards.
    fn pane(&self, chain: &[Pid]) -> Option<(usize, Pane)>;

    /// What a pane shows now, all of it at one moment.
    ///
    /// # Errors
    /// When the pane is gone, or the multiplexer does not answer; in words for the user.
    fn look(&self, pane: &Pane) -> Result<Sight, String>;

    /// Types into a pane. Enter is typed only if the cursor is still where `seen` has it, where that can be
    /// made sure of.
    ///
    /// # Errors
    /// As for a look.
    fn press(&self, pane: &Pane, keys: &Keystroke, seen: &Sight) -> Result<(), String>;
}

/// What a pane shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// How many rows and columns it has.
    pub size: (u16, u16),
    /// Its lines, top to bottom, with their colours and attributes (SGR) where the transport has them.
    pub lines: Vec<Vec<u8>>,
    /// Where the cursor is, row and column from 0.
    pub cursor: (u16, u16),
    /// Whether the cursor is shown.
    pub cursor_shown: bool,
    /// Whether it is the alternate screen.
    pub alternate: bool,
    /// Whether the program in it gets a paste as a bracketed one.
    pub pastes: bool,
    /// Why keys would not go to the program in it, or to others too.
    pub obstacle: Option<&'static str>,
    /// How long ago somebody pressed a key who has this pane before them; nothing if nobody has it, or that
    /// cannot be known.
    pub typed: Option<Duration>,
}

/// All transports that this machine has, asked once which panes there are.
pub struct Transports(Vec<Box<dyn Transport>>);

/// The same, while they are thinking about it.
pub struct Discovery {
    tmux: tmux::TmuxQuery,
}

impl Transports {
    /// Begins to ask; meanwhile there is something else to do.
    pub fn ask() -> Discovery {
        Discovery { tmux: tmux::TmuxQuery::start() }
    }

    /// Whether there is none, so that no pane can be found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The pane that a process runs in. Of several, one within the other, the innermost.
    pub fn pane(&self, chain: &[Pid]) -> Option<Pane> {
        let found = self.0.iter().filter_map(|transport| transport.pane(chain));
        found.min_by_key(|(steps, _)| *steps).map(|(_, pane)| pane)
    }

    /// The transport that a pane was found by.
    pub fn of(&self, pane: &Pane) -> Option<&dyn Transport> {
        self.0.iter().find(|transport| transport.name() == pane.transport).map(AsRef::as_ref)
    }
}

impl Discovery {
    /// Waits for the answers. One that does not answer is as good as not there.
    pub fn finish(self) -> Transports {
        let tmux = self.tmux.finish().map(|tmux| Box::new(tmux) as Box<dyn Transport>);
        let screen = screen::GnuScreen::find().map(|screen| Box::new(screen) as Box<dyn Transport>);
        Transports(tmux.into_iter().chain(screen).collect())
    }
}
