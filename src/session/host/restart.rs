//! After a crash: when claude comes back, with which conversation, and what the user sees of it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::json;

use super::child::Phase;
use super::{Host, PATIENCE_WITH_TERMINAL};
use crate::claude::args::{Resume, relaunch};
use crate::claude::exits::{self, End};
use crate::claude::transcript::{self, Found};
use crate::control::FromHost;
use crate::platform::tty;
use crate::session::pty::Pty;
use crate::session::record::{Exit, State};
use crate::session::watch::{StateWatch, Wake};

impl Host {
    /// Claude has ended, and all that it wrote is where it belongs. Its exit, if the session ends with it.
    pub(super) fn after(&mut self, exit: Exit) -> Option<Exit> {
        if self.quit {
            return Some(exit);
        }
        let Some(delay) = self.decide(exit) else { return Some(exit) };
        let until = Instant::now() + delay;
        self.events.write("restarting", json!({ "exit": exit, "delay_ms": delay.as_millis() as u64 }));
        self.record.state = State::Restarting;
        self.record.status = None;
        self.record.exit = Some(exit);
        self.record.claude_pid = None;
        self.record.child_pid = None;
        self.save();
        if self.lent {
            // The shell has the terminal; the line would stand in the middle of its own.
        } else {
            let undo = self.output.modes.undo();
            self.output.write(undo.as_bytes());
            let line = format!(
                "\r\n[cckw: claude {}; it comes back in {}. Enter: now, ctrl-c: quit]\r\n",
                ended(exit),
                seconds(delay)
            );
            self.output.say(&line);
        }
        if let Some(client) = &mut self.client {
            client.send(&FromHost::Waiting);
        }
        self.phase = Phase::Waiting { exit, until };
        None
    }

    /// How long to wait before claude comes back; nothing where the session ends.
    fn decide(&mut self, exit: Exit) -> Option<Duration> {
        match exits::end(exit, self.came_up) {
            End::Crash => Some(Duration::from_secs(1)),
            End::Clean | End::OwnError => None,
        }
    }

    /// The user does not want to wait.
    pub(super) fn restart_now(&mut self) {
        if let Phase::Waiting { exit, .. } = self.phase {
            self.phase = Phase::Waiting { exit, until: Instant::now() };
        }
    }

    /// Claude is not to come back.
    pub(super) fn quit(&mut self) {
        self.quit = true;
        if let Phase::Waiting { exit, .. } = self.phase {
            self.phase = Phase::Flushing { exit };
        }
    }

    /// Starts claude again, on a PTY of its own: what is left of the last one cannot write into its screen, and nothing
    /// that was typed at the last one reaches it.
    pub(super) fn relaunch(&mut self) {
        let Phase::Waiting { exit, .. } = self.phase else { return };
        if let Err(reason) = self.try_relaunch() {
            self.events.write("relaunch-failed", json!({ "reason": reason }));
            self.output.say(&format!("[cckw: claude cannot be started again: {reason}]\r\n"));
            self.output.flush(Instant::now() + PATIENCE_WITH_TERMINAL);
            self.gave_up = true;
            self.quit = true;
            self.phase = Phase::Flushing { exit };
        }
    }

    fn try_relaunch(&mut self) -> Result<(), String> {
        let said = |what: &'static str| move |error: std::io::Error| format!("{what}: {error}");
        let id = self.record.conversation.clone().filter(|id| transcript::is_id(id));
        let cwd = self
            .cwd
            .clone()
            .or_else(|| Some(PathBuf::from(std::ffi::OsString::from(self.record.cwd.clone()))));
        let found = id.as_deref().map(|id| {
            transcript::directory()
                .map_or(Found::Nothing, |projects| transcript::find(&projects, id, cwd.as_deref()))
        });
        let how = match (&id, found) {
            (Some(id), Some(Found::Conversation(_))) => Resume::Conversation(id),
            (Some(id), _) => Resume::Fresh(id),
            (None, _) => Resume::AsChosen,
        };
        let args = relaunch(&self.launcher.args, how);
        // Without one there is nothing to leave; then taking the next one shows what is wrong.
        let _ = tty::leave_controlling();
        let pty = Pty::open(self.launcher.size, &self.attributes).map_err(said("no PTY can be opened"))?;
        let for_client = pty.master.try_clone().map_err(said("no descriptor is left"))?;
        let wake = Wake::new().map_err(said("no descriptor is left"))?;
        let cwd = cwd.filter(|cwd| cwd.is_dir());
        let launched = self.launcher.spawn(pty, &args, &self.record.session, cwd.as_deref());
        let (master, child) = launched.map_err(said("it cannot be executed"))?;
        self.events.write("relaunched", json!({ "child": child.pid().as_raw(), "how": format!("{how:?}") }));
        self.watch = StateWatch::new(child.pid(), wake);
        self.record.child_pid = Some(child.pid().as_raw());
        self.record.restarts += 1;
        self.record.exit = None;
        self.record.state = State::Starting;
        self.child = child;
        self.output.take_master(master);
        self.output.muted = self.lent;
        self.phase = Phase::Running;
        self.save();
        if let Some(client) = &mut self.client {
            client.send_with(&FromHost::Started, vec![for_client]);
        }
        Ok(())
    }
}

fn ended(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exited with status {code}"),
        Exit::Signal(number) => match nix::sys::signal::Signal::try_from(number) {
            Ok(signal) => format!("was killed by {signal}"),
            Err(_) => format!("was killed by signal {number}"),
        },
    }
}

fn seconds(delay: Duration) -> String {
    format!("{:.1} s", delay.as_secs_f64())
}
