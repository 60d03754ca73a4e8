//! The screen of the selected session, live. One at a time is followed; another selection ends the connection of the one
//! before.

use std::time::Duration;

use tokio::sync::mpsc::{self, Sender};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::super::live_screen::ScreenNews;
use super::event::{Event, PreviewUpdate};
use super::feed;
use super::row::{RowId, Source};
use crate::machines::run::Mode;
use crate::machines::store;
use crate::registry;

/// So long a selection must stand before its screen is asked for, if another one was left just before. Whoever runs
/// through the list starts no ssh for each row.
const SETTLE_TIME: Duration = Duration::from_millis(80);
/// How long a machine may take to answer. A busy one takes a while; one that is not there is given up earlier, by ssh.
const MACHINE_TIMEOUT: Duration = Duration::from_secs(30);
/// News on its way from the connection. The host makes no frame while it is full.
const MAX_WAITING: usize = 4;

/// Follows the screen that is shown.
pub struct Preview {
    events: Sender<Event>,
    shown: Option<RowId>,
    task: Option<JoinHandle<()>>,
    changed_at: Option<Instant>,
}

impl Preview {
    /// One that follows nothing. What it brings goes to `events`.
    pub fn new(events: Sender<Event>) -> Self {
        Self { events, shown: None, task: None, changed_at: None }
    }

    /// Follows this session from now on, or none. If it is followed already, nothing changes.
    pub fn show(&mut self, id: Option<RowId>) {
        if id != self.shown {
            self.follow(id);
        }
    }

    /// Connects anew to what is shown: it may have a host by now, or its machine may answer.
    pub fn refresh(&mut self) {
        let shown = self.shown.clone();
        self.follow(shown);
    }

    fn follow(&mut self, id: Option<RowId>) {
        self.end();
        self.shown.clone_from(&id);
        let now = Instant::now();
        let before = self.changed_at.replace(now);
        let Some(id) = id else { return };
        let is_settled = before.is_none_or(|before| before + SETTLE_TIME <= now);
        // ssh is dear: it waits for the one selection after which no other comes.
        let is_here = !matches!(id.source, Source::Machine(_));
        let delay = if is_settled && is_here { Duration::ZERO } else { SETTLE_TIME };
        let events = self.events.clone();
        self.task = Some(tokio::spawn(async move {
            sleep(delay).await;
            follow(id, events).await;
        }));
    }

    fn end(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

impl Drop for Preview {
    fn drop(&mut self) {
        self.end();
    }
}

/// Follows one session until it ends.
async fn follow(id: RowId, events: Sender<Event>) {
    let (sender, mut news) = mpsc::channel(MAX_WAITING);
    let feeding = async {
        feed_of(&id, &sender).await;
        // Nothing more comes.
        drop(sender);
    };
    let passing = async {
        while let Some(next) = news.recv().await {
            let update = match next {
                ScreenNews::Frame(frame) => PreviewUpdate::Frame(frame),
                ScreenNews::End(why) => PreviewUpdate::Nothing(why),
                ScreenNews::Failed(error) => PreviewUpdate::Nothing(error.to_string()),
            };
            if events.send(Event::Preview(id.clone(), update)).await.is_err() {
                break;
            }
        }
        // The feed sees that nobody takes what it brings.
        news.close();
    };
    tokio::join!(feeding, passing);
}

/// Brings the screen of a session, and why there is none.
async fn feed_of(id: &RowId, out: &Sender<ScreenNews>) {
    let why = match &id.source {
        Source::Here => match registry::by_id(&id.id) {
            Some(session) => return feed::here(session, out).await,
            None => "its record was removed".to_owned(),
        },
        Source::Machine(name) => match store::find(name) {
            Ok(machine) => {
                return feed::elsewhere(&machine, &id.id, Mode::Unattended(MACHINE_TIMEOUT), out).await;
            }
            Err(error) => error.to_string(),
        },
        Source::Unwrapped | Source::Jobs => "cckw does not run it, so its screen is not known".to_owned(),
    };
    let _ = out.send(ScreenNews::End(why)).await;
}
