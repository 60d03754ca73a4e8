//! `cckw attach --watch`: a look at a session's screen in this terminal. No key reaches the session, and its size stays.

mod look;

use std::io::{self, IsTerminal};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, raise};
use tokio::sync::mpsc::{self, Receiver};

use super::super::colours::Colours;
use super::super::live_screen::ScreenNews;
use super::super::top::feed;
use super::super::top::input::InputDecoder;
use super::super::top::pace::Pace;
use super::super::top::ready::{Ready, Signals};
use super::super::top::terminal::FleetTerminal;
use crate::config::{self, DetachKey};
use crate::escape::{escape, prose};
use crate::machines::run::{Mode, block_on};
use crate::machines::store::{self, Machine};
use crate::os::io::Transfer;
use crate::os::tty::{self, Streams};
use crate::os::{job, signals};
use crate::registry::Session;
use crate::user_error::{UserError, files, terminal};
use look::{Look, LookEffect};

/// What a terminal calls itself that can do nothing but print lines.
const PRINTS_LINES: &str = "dumb";
/// News on its way. The host makes no frame while it is full.
const MAX_WAITING: usize = 4;
/// How much is read of what was typed, in bytes.
const READ_BYTES: usize = 4 << 10;
/// How long the rest of a sequence may take. What has come by then was keys: a lone Esc.
const SEQUENCE_TIMEOUT: Duration = Duration::from_millis(30);
/// How long a machine may take to answer where ssh can ask nobody.
const MACHINE_TIMEOUT: Duration = Duration::from_secs(30);
/// The status when the terminal is gone, as after SIGHUP.
const HUNG_UP: u8 = 129;

/// Whose screen is looked at.
pub enum Watched {
    /// A session here.
    Here(Box<Session>),
    /// A session of another machine, by its word there; without one the only one that runs.
    Elsewhere(Machine, String),
}

impl Watched {
    /// A session of the machine with this name.
    ///
    /// # Errors
    /// When no machine is called so.
    pub fn on_machine(name: &str, session: &str) -> Result<Self, UserError> {
        Ok(Self::Elsewhere(store::find(name)?, session.to_owned()))
    }

    /// What is typed for it.
    fn word(&self) -> String {
        match self {
            Self::Here(session) => session.word(),
            Self::Elsewhere(..) => self.name(),
        }
    }

    /// What it is called.
    fn name(&self) -> String {
        match self {
            Self::Here(session) => session.name.clone(),
            Self::Elsewhere(machine, word) => format!("{}{word}", machine.mark()),
        }
    }
}

/// How the look has ended.
enum WatchEnd {
    /// The user has left, or a signal has come: this is the status.
    Left(u8),
    /// There is nothing more to be seen, and why.
    Over(String),
    /// It could not go on.
    Failed(UserError),
}

/// Shows the screen until the user leaves, or the session ends. The status to exit with.
///
/// # Errors
/// When this is no terminal that can show it, or the session cannot be watched.
pub fn main(watched: Watched) -> Result<u8, UserError> {
    match tty::streams() {
        Streams::OneTerminal => {}
        Streams::TwoTerminals => return Err(terminal::two_to_attach()),
        Streams::NoTerminal => return Err(terminal::none_to_attach()),
    }
    if std::env::var_os("TERM").is_some_and(|term| term == PRINTS_LINES) {
        return Err(terminal::prints_lines(&watched.word()));
    }
    let name = watched.name();
    let has_detach_key = config::load()?.detach_key == DetachKey::Backslash;
    // Before any thread is started.
    let terminal = FleetTerminal::open().map_err(terminal::cannot_be_opened)?.without_mouse();
    let look = Look::new(escape(&name).to_string(), Colours::of_stdout().are_shown(), has_detach_key);
    let end = block_on(async {
        let (sender, news) = mpsc::channel(MAX_WAITING);
        // It ends with the runtime.
        tokio::spawn(async move {
            match &watched {
                Watched::Here(session) => feed::here((**session).clone(), &sender).await,
                Watched::Elsewhere(machine, word) => feed::elsewhere(machine, word, mode(), &sender).await,
            }
        });
        Watch::new(terminal, news, look)?.run().await
    })??;
    match end {
        WatchEnd::Left(status) => Ok(status),
        WatchEnd::Failed(error) => Err(error),
        WatchEnd::Over(why) => {
            crate::client::complain(format_args!("{}: {}", escape(&name), prose(&why)));
            Ok(0)
        }
    }
}

/// Who answers what ssh asks, before the first frame has come: the user.
fn mode() -> Mode {
    if io::stderr().is_terminal() { Mode::Attended } else { Mode::Unattended(MACHINE_TIMEOUT) }
}

/// The look, and what it needs.
struct Watch {
    terminal: FleetTerminal,
    /// Nothing while the terminal is the shell's: before the first frame, and while the job is stopped.
    ready: Option<Ready>,
    signals: Signals,
    news: Receiver<ScreenNews>,
    decoder: InputDecoder,
    flush_at: Option<Instant>,
    pace: Pace,
    is_resized: bool,
    look: Look,
}

/// What the loop woke up for.
enum Woken {
    Signals(Vec<i32>),
    Typed(Transfer),
    Room,
    News(Option<ScreenNews>),
    Timer,
}

/// Whether the loop goes on.
type Flow = ControlFlow<WatchEnd>;

impl Watch {
    fn new(terminal: FleetTerminal, news: Receiver<ScreenNews>, look: Look) -> Result<Self, UserError> {
        Ok(Self {
            terminal,
            ready: None,
            signals: Signals::install().map_err(files::cannot_handle_signals)?,
            news,
            decoder: InputDecoder::default(),
            flush_at: None,
            pace: Pace::default(),
            is_resized: false,
            look,
        })
    }

    /// Shows what comes. The terminal is given back at the end.
    async fn run(mut self) -> Result<WatchEnd, UserError> {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            self.show();
            let woken = self.wait(&mut buffer).await;
            match self.turn(woken, &buffer) {
                Ok(Flow::Continue(())) => {}
                Ok(Flow::Break(end)) => return Ok(end),
                Err(error) => return Err(terminal::cannot_be_opened(error)),
            }
        }
    }

    fn enter(&mut self) -> io::Result<()> {
        self.terminal.enter()?;
        self.ready = Some(Ready::new(&self.terminal)?);
        self.decoder.clear();
        (self.flush_at, self.is_resized) = (None, true);
        self.pace.want(true);
        Ok(())
    }

    /// Draws, if that is due and the terminal has taken the last frame.
    fn show(&mut self) {
        if self.ready.is_none() {
            return;
        }
        let now = Instant::now();
        if self.pace.is_due(now) && !self.terminal.is_full() {
            if std::mem::take(&mut self.is_resized) {
                let _ = self.terminal.resize();
            }
            let _ = self.terminal.draw(|frame| self.look.draw(frame));
            self.pace.drawn(now);
        }
        // A terminal that is gone is seen at the next read.
        self.terminal.flush();
    }

    async fn wait(&mut self, buffer: &mut [u8]) -> Woken {
        let now = Instant::now();
        let frame = self.pace.deadline(now).filter(|_| self.ready.is_some() && !self.terminal.is_full());
        let deadline = [frame, self.flush_at].into_iter().flatten().min();
        let (terminal, ready) = (&self.terminal, self.ready.as_ref());
        let typed = async {
            match ready {
                Some(ready) => ready.read(terminal, buffer).await,
                None => std::future::pending().await,
            }
        };
        let room = async {
            match ready.filter(|_| terminal.is_full()) {
                Some(ready) => ready.room().await,
                None => std::future::pending().await,
            }
        };
        let timer = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        // While the terminal takes nothing no more is taken from the host, which makes none then.
        let has_room = !terminal.is_full();
        tokio::select! {
            biased;
            signals = self.signals.next() => Woken::Signals(signals),
            read = typed => Woken::Typed(read),
            () = room => Woken::Room,
            news = self.news.recv(), if has_room => Woken::News(news),
            () = timer => Woken::Timer,
        }
    }

    fn turn(&mut self, woken: Woken, buffer: &[u8]) -> io::Result<Flow> {
        match woken {
            Woken::Signals(signals) => {
                for signal in signals {
                    let flow = self.signalled(signal)?;
                    if flow.is_break() {
                        return Ok(flow);
                    }
                }
            }
            Woken::Typed(Transfer::Moved(count)) => {
                let events = self.decoder.feed(&buffer[..count]);
                self.flush_at = self.decoder.is_waiting().then(|| Instant::now() + SEQUENCE_TIMEOUT);
                return self.act(self.look.typed(&events));
            }
            Woken::Typed(Transfer::Gone) => return Ok(Flow::Break(WatchEnd::Left(HUNG_UP))),
            Woken::Typed(Transfer::Blocked) | Woken::Room => {}
            Woken::News(news) => return self.hear(news),
            Woken::Timer => {
                if self.flush_at.take_if(|at| *at <= Instant::now()).is_some() {
                    let events = self.decoder.flush();
                    return self.act(self.look.typed(&events));
                }
            }
        }
        Ok(Flow::Continue(()))
    }

    fn hear(&mut self, news: Option<ScreenNews>) -> io::Result<Flow> {
        match news {
            Some(ScreenNews::Frame(frame)) => {
                self.look.shown(&frame);
                self.pace.want(false);
                if self.ready.is_none() {
                    self.enter()?;
                }
                Ok(Flow::Continue(()))
            }
            Some(ScreenNews::End(why)) => Ok(Flow::Break(WatchEnd::Over(why))),
            Some(ScreenNews::Failed(error)) => Ok(Flow::Break(WatchEnd::Failed(error))),
            None => Ok(Flow::Break(WatchEnd::Over("nothing more can be seen of it".into()))),
        }
    }

    fn act(&mut self, effect: LookEffect) -> io::Result<Flow> {
        match effect {
            LookEffect::None => Ok(Flow::Continue(())),
            LookEffect::Leave => Ok(Flow::Break(WatchEnd::Left(0))),
            LookEffect::Suspend => self.suspend(),
            LookEffect::Redraw => {
                self.is_resized = true;
                self.pace.want(true);
                Ok(Flow::Continue(()))
            }
        }
    }

    fn signalled(&mut self, signal: i32) -> io::Result<Flow> {
        match signal {
            libc::SIGWINCH => {
                self.is_resized = true;
                self.pace.want(false);
            }
            libc::SIGTSTP => return self.suspend(),
            // Stopped by a signal that cannot be caught, and continued: the shell has had the terminal meanwhile.
            libc::SIGCONT if self.ready.is_some() => self.enter()?,
            libc::SIGCONT | libc::SIGCHLD => {}
            // The way to end it is no failure of it.
            libc::SIGINT if self.ready.is_some() => return Ok(Flow::Break(WatchEnd::Left(0))),
            signal => {
                let status = u8::try_from(128 + signal).unwrap_or(1);
                return Ok(Flow::Break(WatchEnd::Left(status)));
            }
        }
        Ok(Flow::Continue(()))
    }

    /// Stops the job, and goes on when it is continued.
    fn suspend(&mut self) -> io::Result<Flow> {
        if job::is_orphaned() {
            return Ok(Flow::Continue(()));
        }
        let was_shown = self.ready.take().is_some();
        self.terminal.leave();
        let _ = signals::with_default(Signal::SIGTSTP, || raise(Signal::SIGTSTP));
        // Before the terminal is taken: `kill %1` continues the job as well.
        for signal in self.signals.take() {
            if matches!(signal, libc::SIGHUP | libc::SIGTERM | libc::SIGINT | libc::SIGQUIT) {
                return self.signalled(signal);
            }
        }
        if was_shown {
            self.terminal.discard_input();
            self.enter()?;
        }
        Ok(Flow::Continue(()))
    }
}
