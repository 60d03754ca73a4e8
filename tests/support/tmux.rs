//! A tmux server of a test's own, on a socket in its sandbox, without the user's configuration.

use std::process::{Command, Output};

use super::{DEADLINE, Sandbox, process, wait_until};

/// The server; it ends with this.
pub struct Tmux<'a> {
    sandbox: &'a Sandbox,
    options: Vec<String>,
    /// The server's process.
    pid: i32,
}

impl<'a> Tmux<'a> {
    /// Where a sandbox has its servers; to be called before one is started.
    pub fn prepare(sandbox: &mut Sandbox) {
        sandbox.set("TMUX_TMPDIR", sandbox.path("tmp"));
        sandbox.set("SHELL", "/bin/sh");
    }

    /// Starts the server that `tmux` without options means, with a session `main` whose pane runs these
    /// words.
    pub fn start(sandbox: &'a Sandbox, columns: u16, rows: u16, words: &[&str]) -> Self {
        Self::start_with(sandbox, &[], columns, rows, words)
    }

    /// The same with options before the command, such as `-L name`.
    pub fn start_with(
        sandbox: &'a Sandbox,
        options: &[&str],
        columns: u16,
        rows: u16,
        words: &[&str],
    ) -> Self {
        let options = options.iter().map(ToString::to_string).collect();
        let mut tmux = Self { sandbox, options, pid: 0 };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let new = ["-f", "/dev/null", "new-session", "-d", "-s", "main", "-x", &columns, "-y", &rows, "--"];
        tmux.run(&[&new[..], words].concat());
        tmux.pid = tmux.run(&["display-message", "-p", "#{pid}"]).trim().parse().expect("a process");
        tmux
    }

    /// A command for the server.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = self.sandbox.command("tmux");
        command.arg("-u").args(&self.options).args(words);
        command
    }

    /// Runs a command, and returns what it says.
    #[track_caller]
    pub fn run(&self, words: &[&str]) -> String {
        let output = self.output(words);
        assert!(output.status.success(), "tmux {words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn output(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap_or_else(|error| panic!("tmux: {error}; install tmux"))
    }

    /// What a pane shows, with plain blanks in the place of no-break ones.
    pub fn screen(&self, pane: &str) -> String {
        self.run(&["capture-pane", "-p", "-t", pane]).replace('\u{a0}', " ")
    }

    /// Waits until a pane shows something.
    #[track_caller]
    pub fn wait_for(&self, pane: &str, what: &str, condition: impl Fn(&str) -> bool) {
        let mut last = String::new();
        let end = std::time::Instant::now() + DEADLINE;
        wait_until(what, DEADLINE * 2, || {
            last = self.screen(pane);
            let shown = condition(&last);
            assert!(shown || std::time::Instant::now() < end, "no {what} in {pane}:\n{last}");
            shown
        });
    }
}

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        // The sandbox ends what is left if this fails.
        let _ = self.command(&["kill-server"]).output();
        // `kill-server` does not wait for the end of the server. Until then the next command on this socket
        // may reach the server that ends.
        if self.pid > 1 && !std::thread::panicking() {
            wait_until("the end of tmux", DEADLINE, || !process::runs(self.pid));
        }
    }
}
