//! The end of a session: what is written down, and who is told claude's exit status.

use std::fs;
use std::time::{Duration, Instant};

use crate::fault;
use crate::host::claude::lifecycle::Lifecycle;
use crate::host::claude::supervisor::FinishReason;
use crate::host::control_server::ControlServer;
use crate::host::persist::JOURNAL_FINISH_TIMEOUT;
use crate::host::{Host, TERMINAL_WRITE_TIMEOUT};
use crate::os::exit::Exit;
use crate::protocol::FromHost;
use crate::registry;
use crate::registry::event_log;

/// How long the records of sessions that ended long ago may take to go. Nobody waits for that.
const FORGET_TIMEOUT: Duration = Duration::from_secs(2);

/// The most of claude's last words that is kept, in lines, and in characters of each.
const MAX_LAST_WORDS: usize = 12;
const MAX_LAST_WORD_CHARS: usize = 300;

impl Host {
    /// Ends the session with this exit of claude's, which the client hears last.
    pub(crate) fn finish(mut self, exit: Exit, mut server: ControlServer) {
        self.leave_background_job();
        self.say_that_it_was_told_to_end();
        if !self.attachment.is_backgrounded() {
            let undo = self.undo();
            self.output.write(undo.as_bytes());
            if !self.claude.gave_up() {
                self.repeat_notices();
            }
        }
        self.output.flush(Instant::now() + TERMINAL_WRITE_TIMEOUT);
        // The client does that, too. At a shutdown both may be killed before it has come to it.
        self.leave_raw_mode();
        self.record.state = self.last_state(exit);
        self.note_last_turn(self.record.state);
        self.record.status = None;
        self.turn_is_left();
        self.start_is_over();
        self.record.restart_pending = false;
        self.record.exit = Some(exit);
        self.record.ended_at = Some(event_log::now());
        let has_failed_to_start = self.has_failed_to_start();
        let nobody_has_heard = self.attachment.client().is_none();
        if has_failed_to_start && nobody_has_heard {
            self.record.last_words = self.last_words();
        }
        self.record.set_client(None);
        self.save();
        self.finish_journal();
        fault::point("end-recorded");
        self.output.flush(Instant::now() + TERMINAL_WRITE_TIMEOUT);
        // Nothing more will be written, so nobody waits for it any longer.
        server.keep_promises(|_| true);
        self.show_last_screen(&mut server);
        // The disk may hang; the sockets are closed here.
        self.journal.run(server.close());
        // Without a client it stays until whoever has started it has read what claude said.
        if has_failed_to_start && !nobody_has_heard {
            let directory = self.directory.clone();
            self.journal.run(move || drop(fs::remove_dir_all(directory)));
        }
        // Whoever hears of the end finds no socket any more.
        let _ = self.journal.finish(JOURNAL_FINISH_TIMEOUT);
        fault::point("end-unbound");
        self.attachment.departures.tell_all();
        if let Some(client) = self.attachment.client_mut() {
            client.send(&FromHost::Ended { status: exit.status() });
            // A job whose process was killed ends, also while it is stopped.
            client.go_on_if_stopped();
            // What is in the socket's buffer survives this process.
            client.channel.flush(TERMINAL_WRITE_TIMEOUT);
        }
        fault::point("end-told");
        self.finish_alerts();
        self.forget_others();
    }

    /// Whether claude has ended with an error of its own before there was anything of a session: a flag that
    /// it does not know, no login. It has said why, and nothing is left to go on with.
    fn has_failed_to_start(&mut self) -> bool {
        let is_own_error =
            matches!(self.claude.lifecycle(), Lifecycle::Ended { why: FinishReason::OwnError, .. });
        is_own_error
            && !self.files.displaced
            && self.record.restarts == 0
            && self.record.with_transcript.is_empty()
            && !self.note_transcript()
    }

    /// The last lines that claude has written, without empty ones.
    fn last_words(&mut self) -> Vec<String> {
        let lines = self.said_since_launch();
        let mut last: Vec<String> = lines
            .iter()
            .map(|line| line.trim_end())
            .filter(|line| !line.is_empty())
            .rev()
            .take(MAX_LAST_WORDS)
            .map(|line| line.chars().take(MAX_LAST_WORD_CHARS).collect())
            .collect();
        last.reverse();
        last
    }

    /// Removes the records of sessions that have ended long ago. This one is over and everybody knows it, so
    /// that holds up nobody. Not where the system ends everything: it kills what takes its time.
    fn forget_others(mut self) {
        let Some(keep) = self.files.keep.filter(|_| !self.system_stop.is_under_way()) else { return };
        // Whoever brings this session back, or removes it, finds it free.
        self.journal.lock_is_old();
        drop(self.files);
        self.journal.run(move || registry::forget_ended(keep));
        let _ = self.journal.finish(FORGET_TIMEOUT);
    }
}
