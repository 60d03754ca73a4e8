//! A window of a real terminal emulator, on a display of its own, for the window manager to close.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::super::plan::Plan;
use crate::support::{DEADLINE, Sandbox, wait_until};

/// The emulators, and what each wants before the program that is to run in it.
const EMULATORS: [(&str, &[&str]); 7] = [
    ("xterm", &["-e"]),
    ("urxvt", &["-e"]),
    ("stterm", &["-e"]),
    ("lxterminal", &["--no-remote", "-e"]),
    ("alacritty", &["-e"]),
    ("konsole", &["--nofork", "-e"]),
    ("kitty", &["-o", "confirm_os_window_close=0"]),
];

/// What else is needed.
const OTHERS: [&str; 4] = ["Xvfb", "openbox", "wmctrl", "xdotool"];

/// How long an emulator may take to go before its question, if it has one, is answered.
const QUESTION_AFTER: Duration = Duration::from_secs(1);

/// Starts this in a shell that is asked for nothing else: as a job in the foreground, as if it was typed.
const BASHRC: &str = "PROMPT_COMMAND='PROMPT_COMMAND=; WHAT'\n";

/// A window, and the display that it is on.
pub struct Window {
    name: &'static str,
    direct: bool,
    server: Child,
    manager: Child,
    emulator: Child,
    display: String,
}

impl Window {
    /// Opens a window of one emulator and runs a command in it: directly, or in an interactive bash.
    ///
    /// # Errors
    /// What is not installed.
    pub fn open(sandbox: &Sandbox, plan: &Plan, command: &str) -> Result<Self, String> {
        let (name, before) = EMULATORS[plan.choose(20, EMULATORS.len() as u64) as usize];
        for program in OTHERS.into_iter().chain([name]) {
            let is_there = |folder: &str| Path::new(folder).join(program).exists();
            if !["/usr/local/bin", "/usr/bin", "/bin"].into_iter().any(is_there) {
                return Err(format!("{program} is not installed"));
            }
        }
        // st gives its programs the home of the user database, which is not this session's.
        let home = format!("#!/bin/sh\nexport HOME={}\n", sandbox.path("home").display());
        let direct = plan.choose(21, 2) == 0;
        let script = if direct {
            format!("{home}exec {command}\n")
        } else {
            let rc = sandbox.path("tmp/bashrc");
            fs::write(&rc, BASHRC.replace("WHAT", &command.replace('\'', "\""))).expect("a start-up file");
            format!("{home}exec bash --rcfile {} -i\n", rc.display())
        };
        let script = sandbox.script("in-the-window", &script);
        let (server, display) = serve(sandbox);
        let start = |program: &str, arguments: &[&str]| {
            let mut command = sandbox.command(program);
            command.args(arguments).env("DISPLAY", &display);
            // Software alone draws here, and there is no desktop to talk to.
            command.env("LIBGL_ALWAYS_SOFTWARE", "1").env("QT_QPA_PLATFORM", "xcb");
            command.env("DBUS_SESSION_BUS_ADDRESS", "disabled:").env("NO_AT_BRIDGE", "1");
            let said = fs::File::options().create(true).append(true).open(sandbox.path("tmp/window.log"));
            let mut command = quiet(command);
            command.stderr(said.expect("a log"));
            command.spawn().unwrap_or_else(|error| panic!("{program}: {error}"))
        };
        // It says itself when it has started. Its name on the display is there earlier, and a window that was
        // opened then was never shown in 4 of 80 starts; in 0 of 80 so.
        let started = sandbox.path("tmp/openbox-has-started");
        let mut manager = start("openbox", &["--startup", &format!("touch {}", started.display())]);
        wait_until("the window manager", DEADLINE, || {
            let ended = manager.try_wait().expect("openbox");
            assert!(ended.is_none(), "openbox has ended ({ended:?}): {}", Self::said(sandbox));
            started.exists()
        });
        let script = script.to_str().expect("text");
        let emulator = start(name, &[before, &[script]].concat());
        let mut window = Self { name, direct, server, manager, emulator, display };
        wait_until(&format!("a window of {name}"), DEADLINE, || {
            let ended = window.emulator.try_wait().expect("the emulator");
            assert!(
                ended.is_none(),
                "{name} has ended ({ended:?}) without a window: {}",
                Self::said(sandbox)
            );
            !window.ids(sandbox).is_empty()
        });
        Ok(window)
    }

    /// Which it is, and what it and the window manager have complained of.
    pub fn report(&self, sandbox: &Sandbox) -> String {
        let inside = if self.direct { "cckw directly" } else { "bash" };
        format!("{}, {inside}: {}", self.name, Self::said(sandbox))
    }

    fn said(sandbox: &Sandbox) -> String {
        fs::read_to_string(sandbox.path("tmp/window.log")).unwrap_or_default()
    }

    /// What the window manager knows of.
    fn ids(&self, sandbox: &Sandbox) -> Vec<String> {
        let listed = sandbox.command("wmctrl").arg("-l").env("DISPLAY", &self.display).output();
        let text = String::from_utf8_lossy(&listed.expect("wmctrl").stdout).into_owned();
        text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
    }

    /// Closes it as the X button does, and waits until the emulator has ended.
    pub fn close(&mut self, sandbox: &Sandbox) {
        let run = |program: &str, arguments: &[&str]| {
            let mut command = sandbox.command(program);
            command.args(arguments).env("DISPLAY", &self.display);
            quiet(command).status().unwrap_or_else(|error| panic!("{program}: {error}"));
        };
        for id in self.ids(sandbox) {
            run("wmctrl", &["-i", "-c", &id]);
        }
        let end = Instant::now() + DEADLINE;
        let mut question = Instant::now() + QUESTION_AFTER;
        while self.emulator.try_wait().expect("the emulator").is_none() {
            assert!(Instant::now() < end, "{} does not close", self.name);
            if Instant::now() >= question {
                run("xdotool", &["key", if self.name == "konsole" { "alt+w" } else { "Return" }]);
                question += QUESTION_AFTER;
            }
            thread::park_timeout(Duration::from_millis(10));
        }
        self.end();
    }

    fn end(&mut self) {
        for child in [&mut self.emulator, &mut self.manager, &mut self.server] {
            // One that has ended is no matter.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        self.end();
    }
}

fn quiet(mut command: Command) -> Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// An X server without a screen, and the display that it has chosen.
fn serve(sandbox: &Sandbox) -> (Child, String) {
    let mut command = sandbox.command("Xvfb");
    command.args(["-displayfd", "1", "-screen", "0", "1000x800x24", "-nolisten", "tcp", "-noreset"]);
    let mut command = quiet(command);
    let mut server = command.stdout(Stdio::piped()).spawn().expect("Xvfb");
    let mut line = String::new();
    let output = server.stdout.take().expect("a pipe");
    BufReader::new(output).read_line(&mut line).expect("the number of the display");
    assert!(!line.trim().is_empty(), "Xvfb has no display");
    (server, format!(":{}", line.trim()))
}
