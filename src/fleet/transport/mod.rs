//! Ways into a terminal that is not cckw's own: terminal multiplexers that can be asked what a pane shows, and to type into it.
//!
//! One file for each. `docs/transports.md` says how to add one.

mod tmux;

use nix::unistd::Pid;

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
}

/// A terminal multiplexer.
pub trait Transport {
    /// Its name, as users know it.
    fn name(&self) -> &'static str;

    /// The pane that a process runs in, and how many steps above the process it was found.
    ///
    /// `chain` is the process, its parent, and so on upwards.
    fn pane(&self, chain: &[Pid]) -> Option<(usize, Pane)>;
}

/// All transports that this machine has, asked once which panes there are.
pub struct Transports(Vec<Box<dyn Transport>>);

/// The same, while they are thinking about it.
pub struct Asked {
    tmux: tmux::Asked,
}

impl Transports {
    /// Begins to ask; meanwhile there is something else to do.
    pub fn ask() -> Asked {
        Asked { tmux: tmux::Asked::start() }
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

impl Asked {
    /// Waits for the answers. One that does not answer is as good as not there.
    pub fn finish(self) -> Transports {
        let tmux = self.tmux.finish().map(|tmux| Box::new(tmux) as Box<dyn Transport>);
        Transports(tmux.into_iter().collect())
    }
}
