//! Sessions in a window of GNU screen.

use std::fs;
use std::path::PathBuf;

use nix::sys::signal::Signal;

use super::{reconnect, sandbox};
use crate::support::{DEADLINE, Sandbox, Terminal, process, wait_until, wait_until_some};

/// A screen with the stand-in in its second window, for the first one shows that windows are told apart.
struct Window<'a> {
    sandbox: &'a Sandbox,
    pid: i32,
}

impl<'a> Window<'a> {
    fn start(sandbox: &'a mut Sandbox, configuration: &str) -> Self {
        let folder = sandbox.path("tmp/screens");
        fs::create_dir(&folder).expect("a directory");
        fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .expect("made private");
        sandbox.set("SCREENDIR", folder);
        // Without `deflogin off` it says that it cannot write utmp, over what a window shows.
        let configuration = format!("deflogin off\nstartup_message off\n{configuration}\n");
        fs::write(sandbox.path("home/.screenrc"), configuration).expect("a configuration");
        let mut window = Self { sandbox, pid: 0 };
        window.run(&["-U", "-dmS", "my work", "--", "cat"]);
        let claude = window.sandbox.path("claude-stand-in");
        let first = ["-S", "my work", "-p", "0", "-Q", "info"];
        wait_until("the first window", DEADLINE, || window.run(&first).starts_with('('));
        window.run(&["-S", "my work", "-X", "screen", claude.to_str().expect("a path"), "-n", "x"]);
        window.pid = wait_until_some("a state file", DEADLINE, || {
            let mut files = fs::read_dir(window.sandbox.path("home/.claude/sessions")).ok()?.flatten();
            files.find_map(|file| file.path().file_stem()?.to_str()?.parse().ok())
        });
        window
    }

    fn run(&self, words: &[&str]) -> String {
        let output = self.sandbox.command("screen").args(words).output();
        let output = output.unwrap_or_else(|error| panic!("screen: {error}; install screen"));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn screen(&self, words: &[&str]) -> String {
        self.run(&[&["-S", "my work", "-p", "1"][..], words].concat())
    }

    /// Rows and columns of the window. screen itself would say it on every display, over what that shows.
    fn size(&self) -> String {
        let terminal = &process::descriptors(self.pid)[&0];
        let output = self.sandbox.command("stty").arg("-F").arg(terminal).arg("size").output().expect("runs");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn path(&self) -> PathBuf {
        self.sandbox.path(format!("home/.claude/sessions/{}.json", self.pid))
    }

    fn is_connected(&self) -> bool {
        fs::read_to_string(self.path()).is_ok_and(|text| text.contains("bridgeSessionId"))
    }

    fn type_text(&self, text: &str) {
        self.screen(&["-X", "stuff", text]);
    }

    #[track_caller]
    fn reconnected(&self) {
        // The window may still be drawing its first prompt.
        wait_until("a link that is back", DEADLINE, || {
            let said = reconnect(self.sandbox, &["--apply"]);
            assert_eq!(said.status, Some(0), "{said:?}");
            let done = format!(" reconnected pid={} pane=", self.pid);
            assert!(said.out.contains(&done) || said.err.contains("left alone"), "{said:?}");
            said.out.contains(&done) && said.out.contains(".my work:1 status=idle")
        });
        assert!(self.is_connected());
    }
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        self.screen(&["-X", "quit"]);
    }
}

#[test]
fn a_window_that_nobody_has_before_them_is_served_and_keeps_its_size() {
    let mut sandbox = sandbox();
    let window = Window::start(&mut sandbox, "");
    let size = window.size();
    window.reconnected();
    assert_eq!(window.size(), size);
    // The display that looked is gone.
    wait_until("a session without displays", DEADLINE, || window.run(&["-ls"]).contains("(Detached)"));
}

#[test]
fn a_window_in_a_terminal_with_a_status_line_keeps_its_size_and_its_draft() {
    let mut sandbox = sandbox();
    let window = Window::start(&mut sandbox, "hardstatus alwayslastline \"status\"");
    let mut command = window.sandbox.command("screen");
    command.args(["-x", "my work", "-p", "1"]);
    let mut terminal = Terminal::builder().size(30, 90).spawn(command);
    terminal.wait_for("the prompt", |screen| screen.contains("? for shortcuts") && screen.contains("status"));
    window.type_text("half a thought");
    terminal.wait_for_text("half a thought");
    let size = window.size();
    window.reconnected();
    assert_eq!(window.size(), size);
    terminal.wait_for("the link, and the draft", |screen| {
        screen.contains("/rc active") && screen.contains("half a thought")
    });
    process::signal(terminal.pid(), Signal::SIGHUP);
    terminal.finish();
}

#[test]
fn nothing_is_typed_into_another_view() {
    let mut sandbox = sandbox();
    let window = Window::start(&mut sandbox, "");
    let mut command = window.sandbox.command("screen");
    command.args(["-x", "my work", "-p", "1"]);
    let mut terminal = Terminal::builder().size(24, 80).spawn(command);
    terminal.wait_for_text("? for shortcuts");
    window.type_text("\x0f");
    terminal.wait_for_text("Showing detailed transcript");
    let said = reconnect(window.sandbox, &["--apply"]);
    assert!(said.err.contains("not at the main prompt"), "{said:?}");
    assert!(said.out.contains(" reconnected=0 failed=0 left=1"), "{said:?}");
    assert!(!window.is_connected());
    process::signal(terminal.pid(), Signal::SIGHUP);
    terminal.finish();
}
