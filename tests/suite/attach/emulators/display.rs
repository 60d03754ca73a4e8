//! A display that nobody sees, with a window manager that has X buttons.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

use crate::support::{DEADLINE, Sandbox, wait_until};

/// An X server and a window manager; they end with this.
pub struct Display {
    name: String,
    sandbox: Sandbox,
    server: Child,
    manager: Option<Child>,
}

impl Display {
    /// Starts both, on a display number that is free.
    pub fn start() -> Self {
        for program in ["Xvfb", "openbox", "wmctrl", "xdotool"] {
            need(program);
        }
        let sandbox = Sandbox::new();
        let mut command = sandbox.command("Xvfb");
        command.args([
            "-displayfd",
            "1",
            "-screen",
            "0",
            "1000x800x24",
            "-nolisten",
            "tcp",
            "+extension",
            "GLX",
            // Without it the server starts again when its last client leaves, which `wmctrl` may be, and
            // closes the connection that openbox has just made. That failed 15 of 180 starts; 0 of 180 with
            // it.
            "-noreset",
        ]);
        let mut server =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("Xvfb");
        // It says the number when it is ready, and ends without a word when it cannot be.
        let mut number = String::new();
        let said = server.stdout.take().expect("a pipe");
        BufReader::new(said).read_line(&mut number).expect("the number of a display");
        let number = number.trim();
        assert!(!number.is_empty(), "Xvfb did not start: {:?}", server.wait());
        let mut display = Self { name: format!(":{number}"), sandbox, server, manager: None };
        // It says itself when it has started. Its name on the display is there earlier, and a window that was
        // opened then was never shown in 4 of 80 starts; in 0 of 80 so.
        let started = display.sandbox.path("tmp/openbox-has-started");
        let mut manager = display.command("openbox");
        manager.arg("--startup").arg(format!("touch {}", started.display()));
        display.manager = Some(manager.spawn().expect("openbox"));
        wait_until("the window manager", DEADLINE, || {
            let ended = display.manager.as_mut().and_then(|manager| manager.try_wait().expect("openbox"));
            assert!(ended.is_none(), "openbox has ended: {ended:?}");
            started.exists()
        });
        display
    }

    /// What `DISPLAY` is to be.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn command(&self, program: &str) -> Command {
        let mut command = self.sandbox.command(program);
        command.env("DISPLAY", &self.name);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn run(&self, program: &str, words: &[&str]) -> Output {
        self.command(program).args(words).stdout(Stdio::piped()).output().expect("runs")
    }

    /// The ids of the windows there are.
    pub fn windows(&self) -> Vec<String> {
        let listed = self.run("wmctrl", &["-l"]).stdout;
        let listed = String::from_utf8_lossy(&listed);
        listed.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
    }

    /// Presses the X button of a window.
    pub fn close(&self, window: &str) {
        self.run("wmctrl", &["-i", "-c", window]);
    }

    /// Presses a key in the window that has the focus.
    pub fn press(&self, key: &str) {
        self.run("xdotool", &["key", key]);
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        for child in self.manager.iter_mut().chain([&mut self.server]) {
            // The sandbox waits for what is left.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A test that cannot run fails; `.ci/run` knows which package a program is in.
pub fn need(program: &str) {
    let found =
        std::env::split_paths("/usr/local/bin:/usr/bin:/bin").any(|folder| folder.join(program).exists());
    assert!(found, "{program} is missing: `.ci/run` has a table of what the tests need, and installs it");
}
