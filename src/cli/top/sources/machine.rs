//! One other machine: what it prints becomes rows; a call that ends is made again after a while.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

use super::machine_lines::Lines;
use crate::cli::definition::{On, Verb};
use crate::cli::to_args::request;
use crate::cli::top::event::{Event, Update};
use crate::cli::top::row::Source;
use crate::escape::escape;
use crate::machines::cache;
use crate::machines::call::{Answer, Call, CallError, Shown};
use crate::machines::failure::Failure;
use crate::machines::run::{Mode, Purpose};
use crate::machines::store::Machine;
use crate::registry::event_log::now_ms;

/// How long a machine may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long is waited before the next call, in seconds. The last one is repeated.
const PAUSES: [u64; 4] = [2, 5, 15, 60];
/// A call that went on for so long was a good one: after it the pauses begin anew.
const GOOD: Duration = Duration::from_secs(10);
/// The status of a cckw that does not understand its command line.
const SENSELESS: u8 = 2;

/// What the calls are to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wish {
    all: bool,
    /// Counts how often everything was to be read again.
    refreshes: u64,
}

impl Wish {
    /// Takes what is wanted now. Whether that is something else.
    pub fn update(&mut self, all: bool, refresh: bool) -> bool {
        let before = *self;
        self.all = all;
        self.refreshes += u64::from(refresh);
        *self != before
    }
}

/// The calls to one machine.
pub struct MachineCalls {
    machine: Machine,
    sender: mpsc::Sender<Event>,
    wish: watch::Receiver<Wish>,
}

/// How a call has ended.
enum CallEnd {
    /// It is to be made again at once.
    Again,
    /// It cannot be made, or was lost: this is why.
    Trouble(String),
    /// Nobody wants the rows any more.
    Unwanted,
}

impl MachineCalls {
    /// The calls to this machine, as it is wished.
    pub fn new(machine: Machine, sender: mpsc::Sender<Event>, wish: watch::Receiver<Wish>) -> Self {
        Self { machine, sender, wish }
    }

    /// Calls again and again, until nobody wants the rows any more.
    pub async fn run(mut self) {
        let mut tries = 0;
        loop {
            let begun = Instant::now();
            let end = self.call().await;
            if begun.elapsed() >= GOOD {
                tries = 0;
            }
            match end {
                CallEnd::Again => tries = 0,
                CallEnd::Unwanted => return,
                CallEnd::Trouble(text) => {
                    if self.send(Update::Trouble(self.source(), text)).await.is_err() {
                        return;
                    }
                    let pause = Duration::from_secs(PAUSES[tries.min(PAUSES.len() - 1)]);
                    tries += 1;
                    tokio::select! {
                        () = sleep(pause) => {}
                        changed = self.wish.changed() => match changed {
                            Ok(()) => tries = 0,
                            Err(_) => return,
                        },
                    }
                }
            }
        }
    }

    fn source(&self) -> Source {
        Source::Machine(self.machine.name.to_string())
    }

    async fn send(&self, update: Update) -> Result<(), ()> {
        self.sender.send(Event::Update(update)).await.map_err(|_| ())
    }

    /// One call, as long as it goes on.
    async fn call(&mut self) -> CallEnd {
        let all = self.wish.borrow_and_update().all;
        let (newest, mut rows) = watch::channel(None);
        let mut sink = Lines::new(self.machine.clone(), newest);
        let call = self.list(all, true);
        let mut wish = self.wish.clone();
        let ended = {
            let told = async {
                while rows.changed().await.is_ok() {
                    let update = rows.borrow_and_update().clone();
                    if let Some(update) = update
                        && self.send(update).await.is_err()
                    {
                        break;
                    }
                }
                // Nobody wants the rows, or all of them are told: the call says which.
                self.sender.closed().await;
            };
            tokio::select! {
                ended = call.run(&mut sink) => ended,
                () = told => return CallEnd::Unwanted,
                changed = wish.changed() => return match changed {
                    Ok(()) => CallEnd::Again,
                    Err(_) => CallEnd::Unwanted,
                },
            }
        };
        // What came last may not have been told.
        let last = rows.has_changed().unwrap_or(true).then(|| rows.borrow().clone()).flatten();
        if let Some(update) = last {
            let _ = self.send(update).await;
        }
        match ended {
            Ok(Answer { status: SENSELESS, .. }) if !sink.has_said => self.list_once(all).await,
            ended => CallEnd::Trouble(self.why(ended, &sink)),
        }
    }

    /// Asks a cckw once that is too old to tell of changes.
    async fn list_once(&self, all: bool) -> CallEnd {
        let (newest, rows) = watch::channel(None);
        let mut sink = Lines::new(self.machine.clone(), newest);
        sink.is_one_a_line = true;
        match self.list(all, false).run(&mut sink).await {
            Ok(Answer { status: 0, .. }) => {
                sink.end();
                let update = rows.borrow().clone();
                if let Some(update) = update
                    && self.send(update).await.is_err()
                {
                    return CallEnd::Unwanted;
                }
                CallEnd::Trouble(Failure::TooOld.error(&self.machine).to_string())
            }
            ended => CallEnd::Trouble(self.why(ended, &sink)),
        }
    }

    fn list(&self, all: bool, watch: bool) -> Call {
        let verb = Verb::List { all, json: true, watch, columns: Vec::new(), place: On::default() };
        Call {
            machine: self.machine.clone(),
            ask: request(&verb, None),
            mode: Mode::Unattended(ANSWER_TIMEOUT),
            purpose: if watch { Purpose::Long } else { Purpose::Short },
            shown: Shown::default(),
        }
    }

    /// Why a call has ended, in words.
    fn why(&self, ended: Result<Answer, CallError>, sink: &Lines) -> String {
        let name = &self.machine.name;
        match ended {
            Ok(answer) => {
                cache::note(name, &answer.hello, now_ms(), None);
                let text = String::from_utf8_lossy(&sink.errors);
                let last = text.lines().next_back().unwrap_or_default();
                match last.strip_prefix("cckw: ").unwrap_or(last) {
                    "" => format!("{name}: its list has ended with status {}", answer.status),
                    said => format!("{name}: {}", escape(said)),
                }
            }
            // Nothing was asked for that may have been done.
            Err(CallError::Failed(failure @ Failure::Lost(_))) => format!("{name}: {}", failure.short()),
            Err(CallError::Failed(failure)) => failure.error(&self.machine).to_string(),
            Err(CallError::Output(error)) => {
                Failure::NotUnderstood(error.to_string()).error(&self.machine).to_string()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_another_one_only_if_something_has_changed() {
        let mut wish = Wish::default();
        assert!(!wish.update(false, false));
        assert!(wish.update(true, false) && !wish.update(true, false));
        assert!(wish.update(true, true) && wish.update(true, true));
    }
}
