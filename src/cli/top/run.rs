//! The loop of the fleet view: it waits for everything at once, tells the view, and does what the view wants.

mod others;

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::actions::{self, PagerFeed};
use super::draw::draw;
use super::event::{Effect, Event, Outcome};
use super::home;
use super::input::InputDecoder;
use super::pace::Pace;
use super::preview::Preview;
use super::ready::{Ready, Signals};
use super::sources::Sources;
use super::terminal::FleetTerminal;
use super::view::View;
use super::visit::Visit;
use crate::cli::colours::Colours;
use crate::cli::revive;
use crate::fault;
use crate::os::io::Transfer;
use crate::registry::event_log::now_ms;
use crate::user_error::{UserError, files, terminal};

/// How many events wait for the view. Who sends more waits.
const MAX_EVENTS: usize = 256;
/// How many of them are handled between two looks at everything else.
const EVENTS_A_TURN: usize = 64;
/// How much is read of what was typed, in bytes.
const READ_BYTES: usize = 16 << 10;
/// How long the rest of a sequence may take. What has come by then was keys: a lone Esc.
const SEQUENCE_TIMEOUT: Duration = Duration::from_millis(30);
/// The status when the terminal is gone, as after SIGHUP.
const HUNG_UP: u8 = 129;

/// Whether the loop goes on; else the status to exit with.
type Flow = ControlFlow<u8>;

/// All parts of the view.
pub struct Fleet {
    terminal: FleetTerminal,
    /// Nothing while a session has the terminal.
    ready: Option<Ready>,
    /// Others have had the terminal since this was looked at.
    has_left: bool,
    signals: Signals,
    decoder: InputDecoder,
    /// When what is half through counts as keys.
    flush_at: Option<Instant>,
    view: View,
    pace: Pace,
    /// The terminal may have another size.
    is_resized: bool,
    events: Receiver<Event>,
    sender: Sender<Event>,
    sources: Sources,
    preview: Preview,
    pager: Option<PagerFeed>,
    visit: Option<Visit>,
    /// The status to exit with as soon as the visit is over, and by when that is.
    ending: Option<(u8, Instant)>,
}

/// What the loop woke up for.
enum Woken {
    Signals(Vec<i32>),
    Typed(Transfer),
    Room,
    Event(Event),
    Pager(Option<Event>),
    Timer,
}

impl Fleet {
    /// Puts it together. Inside the runtime.
    ///
    /// # Errors
    /// When the system has no descriptors for it.
    pub fn new(terminal: FleetTerminal) -> Result<Self, UserError> {
        let signals = Signals::install().map_err(files::cannot_handle_signals)?;
        let (sender, events) = channel(MAX_EVENTS);
        let directory = std::env::current_dir().unwrap_or_default().to_string_lossy().into_owned();
        let view = View::new(terminal.size(), now_ms())
            .with_colours(Colours::of_stdout())
            .in_directory(directory, std::env::var("HOME").ok());
        Ok(Self {
            ready: None,
            has_left: false,
            signals,
            decoder: InputDecoder::default(),
            flush_at: None,
            view,
            pace: Pace::default(),
            is_resized: false,
            events,
            sources: Sources::start(sender.clone()),
            preview: Preview::new(sender.clone()),
            sender,
            pager: None,
            visit: None,
            ending: None,
            terminal,
        })
    }

    /// Shows the view until it is left. The status to exit with.
    ///
    /// # Errors
    /// When the terminal cannot be taken.
    pub async fn run(mut self) -> Result<u8, UserError> {
        self.enter().map_err(terminal::cannot_be_opened)?;
        let mut buffer = vec![0; READ_BYTES];
        let mut has_looked = false;
        loop {
            self.show();
            // It reads all records, as the sources do: the user sees the first rows before.
            if !has_looked && self.shows_rows() {
                has_looked = true;
                self.bring_back_lost();
            }
            let woken = self.wait(&mut buffer).await;
            if let ControlFlow::Break(status) = self.turn(woken, &buffer) {
                return Ok(status);
            }
        }
    }

    /// Whether rows are on the terminal.
    fn shows_rows(&self) -> bool {
        !self.view.list().shown().is_empty() && self.pace.deadline(Instant::now()).is_none()
    }

    /// Brings back sessions whose host was killed, as other verbs do at their start. Nobody waits for it.
    fn bring_back_lost(&self) {
        let sender = self.sender.clone();
        let act = move || {
            if let Some(text) = revive::lost_in_words() {
                let outcome = Outcome { label: String::new(), is_done: true, text, select: None };
                // The view may have been left.
                let _ = sender.blocking_send(Event::Finished(outcome));
            }
        };
        // Without a thread for it the next verb does it.
        let _ = std::thread::Builder::new().spawn(act);
    }

    /// Takes the terminal for the view.
    fn enter(&mut self) -> std::io::Result<()> {
        self.terminal.enter()?;
        self.ready = Some(Ready::new(&self.terminal)?);
        self.decoder.clear();
        self.flush_at = None;
        self.is_resized = true;
        self.pace.want(true);
        Ok(())
    }

    /// Draws a frame, if one is due and the terminal has taken the last one.
    fn show(&mut self) {
        if self.ready.is_none() {
            return;
        }
        let now = Instant::now();
        if self.pace.is_due(now) && !self.terminal.is_full() {
            if std::mem::take(&mut self.is_resized) {
                let (columns, rows) = self.terminal.size();
                let _ = self.terminal.resize();
                // What this leads to is done with the next event; the size itself leads to nothing that may not wait.
                let _ = self.tell(Event::Resized { columns, rows });
            }
            assert!(!fault::is_set("top-draw"), "asked to, by a test");
            let _ = self.terminal.draw(|frame| draw(&self.view, frame));
            self.pace.drawn(now);
        }
        // A terminal that is gone is seen at the next read.
        self.terminal.flush();
    }

    /// Waits for whatever comes first.
    async fn wait(&mut self, buffer: &mut [u8]) -> Woken {
        let deadline = self.deadline();
        let (terminal, ready, pager) = (&self.terminal, self.ready.as_ref(), self.pager.as_mut());
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
        let text = async {
            match pager {
                Some(pager) => pager.next().await,
                None => std::future::pending().await,
            }
        };
        let timer = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            signals = self.signals.next() => Woken::Signals(signals),
            read = typed => Woken::Typed(read),
            () = room => Woken::Room,
            event = text => Woken::Pager(event),
            Some(event) = self.events.recv() => Woken::Event(event),
            () = timer => Woken::Timer,
        }
    }

    /// When it wants to go on, whatever happens.
    fn deadline(&self) -> Option<Instant> {
        if self.visit.is_some() {
            return self.ending.map(|(_, by)| by);
        }
        let now = Instant::now();
        let frame = self.pace.deadline(now).filter(|_| !self.terminal.is_full());
        let minute =
            self.view.next_minute().map(|at| now + Duration::from_millis(at.saturating_sub(now_ms())));
        [frame, minute, self.flush_at].into_iter().flatten().min()
    }

    /// Does what it woke up for.
    fn turn(&mut self, woken: Woken, buffer: &[u8]) -> Flow {
        match woken {
            Woken::Signals(signals) => signals.into_iter().try_for_each(|signal| self.signalled(signal)),
            Woken::Typed(Transfer::Moved(count)) => self.typed(&buffer[..count]),
            Woken::Typed(Transfer::Gone) => Flow::Break(HUNG_UP),
            Woken::Typed(Transfer::Blocked) | Woken::Room => Flow::Continue(()),
            Woken::Event(event) => self.happened(event),
            Woken::Pager(Some(event)) => self.tell(event),
            Woken::Pager(None) => {
                self.pager = None;
                Flow::Continue(())
            }
            Woken::Timer => self.timer(),
        }
    }

    /// What has waited long enough.
    fn timer(&mut self) -> Flow {
        let now = Instant::now();
        if let Some((status, by)) = self.ending
            && by <= now
        {
            return Flow::Break(status);
        }
        if self.flush_at.is_some_and(|at| at <= now) {
            self.flush_at = None;
            let events = self.decoder.flush();
            self.pressed(events)?;
        }
        if self.visit.is_none() && self.view.next_minute().is_some_and(|at| at <= now_ms()) {
            self.tell(Event::Minute)?;
        }
        Flow::Continue(())
    }

    /// Something was typed.
    fn typed(&mut self, bytes: &[u8]) -> Flow {
        let events = self.decoder.feed(bytes);
        self.flush_at = self.decoder.is_waiting().then(|| Instant::now() + SEQUENCE_TIMEOUT);
        self.pressed(events)
    }

    fn pressed(&mut self, events: Vec<Event>) -> Flow {
        self.has_left = false;
        for event in events {
            self.pace.want(true);
            self.tell(event)?;
            // What was typed behind the key that has left the view was meant for a session that nobody sees yet, or for
            // the shell, though the view may have come back meanwhile.
            if std::mem::take(&mut self.has_left) {
                break;
            }
        }
        Flow::Continue(())
    }

    /// Others have something to say; what waits behind it is taken with it.
    fn happened(&mut self, event: Event) -> Flow {
        if self.view.list().shown().is_empty() {
            // The user waits for the first rows.
            self.pace.want(true);
        }
        self.tell(event)?;
        for _ in 1..EVENTS_A_TURN {
            let Ok(event) = self.events.try_recv() else { break };
            self.tell(event)?;
        }
        Flow::Continue(())
    }

    /// Tells the view, and does what it wants.
    fn tell(&mut self, event: Event) -> Flow {
        self.pace.want(false);
        let effects = self.view.handle(now_ms(), event);
        effects.into_iter().try_for_each(|effect| self.act(effect))
    }

    fn act(&mut self, effect: Effect) -> Flow {
        match effect {
            Effect::Attach { id, name, is_watch } => return self.visit(id, name, is_watch),
            Effect::Run(verb) => actions::run(verb, self.sender.clone()),
            Effect::Preview(id) => self.preview.show(id),
            Effect::OpenPager(verb) => self.pager = Some(PagerFeed::open(verb)),
            Effect::ClosePager => self.pager = None,
            Effect::Complete(beginning) => home::complete(beginning, self.sender.clone()),
            Effect::Refresh => {
                self.sources.refresh();
                self.preview.refresh();
            }
            Effect::ShowAll(all) => self.sources.show_all(all),
            Effect::Redraw => {
                self.is_resized = true;
                self.pace.want(true);
            }
            Effect::Suspend => return self.suspend(),
            Effect::Quit => return Flow::Break(0),
        }
        Flow::Continue(())
    }

    /// Tells the view a line about what was done.
    fn say(&mut self, is_done: bool, text: String) -> Flow {
        self.tell(Event::Finished(Outcome { label: String::new(), is_done, text, select: None }))
    }
}
