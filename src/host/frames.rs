//! The session's screen for those who watch it, pushed when it has changed.
//!
//! A frame is made when the output rests, and for somebody who takes it. For one who does not read none is made, and
//! the next one has all that was missed. If nobody watches, nothing of this is done.

mod pace;
mod picture;

use std::time::Instant;

use super::Host;
use super::control_server::{ControlServer, Now};
use crate::protocol::Response;
use pace::{Demand, Pace};
use picture::Picture;

/// The most that may watch a session at a time. Its socket has room for others besides.
const MAX_WATCHERS: usize = 12;

/// What the watchers are shown, and when.
#[derive(Default)]
pub(super) struct Frames {
    picture: Picture,
    pace: Pace,
    watchers: usize,
}

impl Frames {
    fn demand(&self, server: &ControlServer) -> Demand {
        let edition = self.picture.edition();
        let each = server.seen_editions().map(|seen| match seen {
            0 => Demand::New,
            seen if seen != edition => Demand::Behind,
            _ => Demand::Followers,
        });
        each.max().unwrap_or(Demand::None)
    }
}

impl Host {
    /// Somebody wants to watch.
    pub(super) fn begin_watch(&mut self) -> Now {
        if self.frames.watchers >= MAX_WATCHERS {
            let reason = format!("{MAX_WATCHERS} others watch this session already; end one of these first");
            return Now::Answer(Response::Refused { reason }, None);
        }
        self.frames.watchers += 1;
        Now::Watch
    }

    /// When the next frame is to be made.
    pub(super) fn frames_deadline(&self, server: &ControlServer) -> Option<Instant> {
        match self.frames.watchers {
            0 => None,
            _ => self.frames.pace.due(Instant::now(), self.frames.demand(server)),
        }
    }

    /// Shows the watchers what has changed. Called in every turn of the loop, so it costs nothing where nobody watches.
    pub(super) fn follow_watchers(&mut self, server: &mut ControlServer) {
        let watchers = server.watchers();
        if watchers == 0 {
            if self.frames.watchers > 0 {
                self.frames = Frames::default();
            }
            return;
        }
        let now = Instant::now();
        self.frames.watchers = watchers;
        self.frames.pace.note(now, self.output.screen.changes());
        let demand = self.frames.demand(server);
        if self.frames.pace.due(now, demand).is_some_and(|at| at <= now) {
            self.make_frames(now, demand, server);
        }
    }

    /// Shows the watchers how the screen was at the end, as far as they take it.
    pub(in crate::host) fn show_last_screen(&mut self, server: &mut ControlServer) {
        if server.watchers() > 0 {
            let Frames { picture, .. } = &mut self.frames;
            self.output.screen.begin_turn();
            self.output.screen.catch_up();
            picture.update(self.output.screen.known_lines());
            server.show(picture.edition(), |seen| picture.frame_since(seen));
        }
    }

    fn make_frames(&mut self, now: Instant, demand: Demand, server: &mut ControlServer) {
        let Frames { picture, pace, .. } = &mut self.frames;
        let screen = &mut self.output.screen;
        let is_at_rest = pace.is_at_rest(now);
        let has_caught_up = screen.catch_up();
        if demand != Demand::New {
            if is_at_rest && !has_caught_up {
                // The next turn goes on.
                return;
            }
            if !is_at_rest && screen.is_stale() {
                pace.passed(now);
                return;
            }
        }
        // Whoever has just come does not have the others get more than their share.
        let only_new = pace.due(now, Demand::Behind).is_some_and(|at| at > now);
        picture.update(screen.known_lines());
        if has_caught_up {
            pace.made(now)
        } else {
            pace.passed(now)
        }
        server.show(picture.edition(), |seen| picture.frame_since(seen).filter(|_| seen == 0 || !only_new));
    }
}
