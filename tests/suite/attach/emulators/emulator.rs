//! How each terminal emulator is started, and how its window is closed.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::display::{Display, need};
use crate::support::{DEADLINE, Sandbox, cckw_program, process, wait_until};

/// Those that the suite knows.
pub const EMULATORS: [&str; 7] = ["xterm", "urxvt", "stterm", "lxterminal", "alacritty", "konsole", "kitty"];

/// How often a question such as "close anyway?" is answered.
const ANSWER_INTERVAL: Duration = Duration::from_millis(700);

/// What runs in the window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Inside {
    /// bash, and `cckw claude` as its job.
    Bash,
    /// `cckw claude`.
    Cckw,
}

/// A terminal emulator that runs.
pub struct Emulator {
    name: String,
    child: Child,
    errors: PathBuf,
}

impl Emulator {
    /// Opens a window with a session in it.
    pub fn start(name: &str, inside: Inside, sandbox: &Sandbox, display: &Display) -> Self {
        need(name);
        let cckw = cckw_program();
        let words: &[&str] = match inside {
            Inside::Bash => &["/bin/bash", "--norc", "-i"],
            Inside::Cckw => &[cckw, "claude"],
        };
        let line = words.join(" ");
        let mut command = sandbox.command(name);
        match name {
            "lxterminal" => command.args(["--no-remote", "-e", &line]),
            "konsole" => command.args(["--nofork", "-e"]).args(words),
            "kitty" => command.args(["-o", "confirm_os_window_close=0"]).args(words),
            _ => command.arg("-e").args(words),
        };
        let errors = sandbox.path("emulator-errors");
        let variables = [
            ("DISPLAY", display.name()),
            // bash runs it before its first prompt, as a job like any other.
            ("PROMPT_COMMAND", &format!("unset PROMPT_COMMAND; {cckw} claude")),
            ("LIBGL_ALWAYS_SOFTWARE", "1"),
            ("QT_QPA_PLATFORM", "xcb"),
            ("DBUS_SESSION_BUS_ADDRESS", "disabled:"),
            ("NO_AT_BRIDGE", "1"),
        ];
        command.envs(variables).stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(fs::File::create(&errors).expect("a file"));
        let child = command.spawn().expect("an emulator");
        Self { name: name.to_owned(), child, errors }
    }

    /// Fails where it has ended before its time.
    pub fn check(&mut self) {
        let ended = self.child.try_wait().expect("waits");
        let said = || fs::read_to_string(&self.errors).unwrap_or_default();
        assert!(ended.is_none(), "{} has ended: {ended:?}\n{}", self.name, said());
    }

    /// Presses the X button of every window, answers what it asks, and waits for its end.
    pub fn close_window(&mut self, display: &Display) {
        let mut windows = vec![];
        wait_until(&format!("a window of {}", self.name), DEADLINE, || {
            windows = display.windows();
            !windows.is_empty()
        });
        for window in windows {
            display.close(&window);
        }
        let mut answer_at = Instant::now() + ANSWER_INTERVAL;
        wait_until(&format!("the end of {}", self.name), DEADLINE, || {
            if Instant::now() >= answer_at {
                // konsole asks whether to close the window although something runs in it.
                display.press(if self.name == "konsole" { "alt+w" } else { "Return" });
                answer_at = Instant::now() + ANSWER_INTERVAL;
            }
            self.child.try_wait().expect("waits").is_some()
        });
    }

    /// Sends it a signal, and waits for its end.
    pub fn signal(&mut self, signal: Signal) {
        process::signal(i32::try_from(self.child.id()).expect("a pid"), signal);
        wait_until(&format!("the end of {}", self.name), DEADLINE, || {
            self.child.try_wait().expect("waits").is_some()
        });
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
