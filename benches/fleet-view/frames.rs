//! What it costs to watch a session whose screen changes all the time: the watcher, and the session itself.

use std::time::{Duration, Instant};

use crate::cost::processor_time;
use crate::fleet::{Fleet, SOURCE};
use crate::screen::{Missing, Screen, has, selection};
use crate::source::{self, Kind};
use crate::support::verb::cckw;
use crate::viewer::{PATIENCE, USUAL, Viewer};

/// Who looks at the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watcher {
    /// Nobody: the session is detached.
    Nobody,
    /// The view, with that session selected.
    View,
    /// `cckw attach --watch`.
    Watch,
    /// `cckw attach`.
    Attach,
}

impl Watcher {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Nobody, Self::View, Self::Watch, Self::Attach];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::View => "`cckw top`, with the session selected",
            Self::Watch => "`cckw attach --watch`",
            Self::Attach => "`cckw attach`",
        }
    }

    /// Opens it, until the session's screen is to be seen.
    fn open(self, fleet: &Fleet) -> Result<Option<Screen>, Missing> {
        let mut screen = match self {
            Self::Nobody => return Ok(None),
            Self::View => select(fleet)?,
            Self::Watch => Screen::start(USUAL, cckw(&fleet.sandbox, &["attach", "--watch", SOURCE])),
            Self::Attach => Screen::start(USUAL, cckw(&fleet.sandbox, &["attach", SOURCE])),
        };
        let shown = |screen: &vt100::Screen| has(screen, source::GREETING) || has(screen, source::LINE);
        screen.wait_for("screen of the session", Instant::now() + PATIENCE, shown)?;
        screen.settle(Duration::from_millis(500))?;
        Ok(Some(screen))
    }
}

/// The view, with the session selected whose screen is to change.
fn select(fleet: &Fleet) -> Result<Screen, Missing> {
    let (mut screen, _) = Viewer::View(fleet).open(USUAL)?;
    screen.settle(Duration::from_millis(500))?;
    screen.send(format!("/{SOURCE}\r").as_bytes())?;
    let found = |screen: &vt100::Screen| selection(screen).is_some_and(|(_, text)| text.contains(SOURCE));
    screen.wait_for("session that writes", Instant::now() + PATIENCE, found)?;
    Ok(screen)
}

/// What was seen of one that watched.
#[derive(Clone, Copy, Debug)]
pub struct Watched {
    /// What the session got rid of, in MiB a second.
    pub speed: f64,
    /// Frames that were drawn, a second; nothing where they cannot be told.
    pub frames: Option<f64>,
    /// Processor time of the watcher, in percent of one processor.
    pub watcher: Option<f64>,
    /// The same of the session's host.
    pub host: f64,
}

/// Has the session write for so long while somebody looks, or nobody.
///
/// # Errors
/// When something is not there in time.
pub fn watch(fleet: &Fleet, watcher: Watcher, kind: Kind, time: Duration) -> Result<Watched, Missing> {
    let host = fleet.record(SOURCE).pid("host_pid").ok_or("a session without a host")?;
    let mut screen = watcher.open(fleet)?;
    let used = |pid: i32| processor_time(&[pid]);
    let looker = screen.as_ref().map(Screen::pid);
    let host_before = used(host)?;
    let looker_before = looker.map(used).transpose()?;
    let frames_before = screen.as_ref().map(|screen| screen.frames);
    source::begin(&fleet.sandbox, kind, time);
    match &mut screen {
        Some(screen) => screen.rest(time)?,
        None => std::thread::sleep(time),
    }
    let percent = |used: Duration| 100.0 * used.as_secs_f64() / time.as_secs_f64();
    let host = percent(used(host)?.saturating_sub(host_before));
    let watcher = match (looker, looker_before) {
        (Some(pid), Some(before)) => Some(percent(used(pid)?.saturating_sub(before))),
        _ => None,
    };
    let frames = match (&screen, frames_before) {
        (Some(screen), Some(before)) => Some((screen.frames - before) as f64 / time.as_secs_f64()),
        _ => None,
    };
    if let Some(screen) = &mut screen {
        screen.settle(Duration::from_millis(200))?;
    }
    let speed = source::finish(&fleet.sandbox, time) / f64::from(1 << 20);
    if let Some(screen) = screen {
        screen.close();
    }
    Ok(Watched { speed, frames: frames.filter(|frames| *frames > 0.0), watcher, host })
}
