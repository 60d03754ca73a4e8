//! `cckw reconnect`: sessions in panes of tmux and in windows of screen, and wrapped ones.

mod screen;
mod wrapped;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::{
    DEADLINE, Sandbox, Terminal, Tmux, cck, cckw_program, process, wait_until, wait_until_some,
};

/// What came out, what was complained of, and the status.
#[derive(Debug)]
struct Said {
    out: String,
    err: String,
    status: Option<i32>,
}

fn sandbox() -> Sandbox {
    let mut sandbox = crate::support::stand_in::sandbox();
    Tmux::prepare(&mut sandbox);
    sandbox
}

fn run(sandbox: &Sandbox, program: &std::path::Path, words: &[&str]) -> Said {
    let output = sandbox.command(program).args(words).output().expect("runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Said { out: text(output.stdout), err: text(output.stderr), status: output.status.code() }
}

fn reconnect(sandbox: &Sandbox, words: &[&str]) -> Said {
    run(sandbox, cckw_program().as_ref(), &[&["reconnect"][..], words].concat())
}

/// Has a link brought back. On a busy machine the stand-in may draw too late, and what was typed is taken
/// back.
#[track_caller]
fn brought_back(sandbox: &Sandbox, words: &[&str]) -> Said {
    wait_until_some("a link that is back", DEADLINE, || {
        let said = reconnect(sandbox, words);
        let is_back = said.out.contains(" reconnected=1 ");
        let was_late = said.err.contains("in time");
        assert!(is_back || was_late || said.err.contains("left alone"), "{said:?}");
        is_back.then_some(said)
    })
}

/// The stand-in in the pane of a server.
struct Pane<'a> {
    sandbox: &'a Sandbox,
    tmux: Tmux<'a>,
    pid: i32,
}

impl<'a> Pane<'a> {
    fn start(sandbox: &'a Sandbox) -> Self {
        Self::start_in(sandbox, &[])
    }

    fn start_in(sandbox: &'a Sandbox, options: &[&str]) -> Self {
        let claude = sandbox.path("claude-stand-in");
        let tmux =
            Tmux::start_with(sandbox, options, 100, 30, &[claude.to_str().expect("a path"), "-n", "x"]);
        Self::at_prompt(sandbox, tmux)
    }

    fn at_prompt(sandbox: &'a Sandbox, tmux: Tmux<'a>) -> Self {
        tmux.wait_for("main", "the prompt", |screen| {
            screen.contains("\n❯") && screen.contains("? for shortcuts")
        });
        let pid = wait_until_some("a state file", DEADLINE, || {
            let mut files = fs::read_dir(sandbox.path("home/.claude/sessions")).ok()?.flatten();
            files.find_map(|file| file.path().file_stem()?.to_str()?.parse().ok())
        });
        Self { sandbox, tmux, pid }
    }

    fn path(&self) -> PathBuf {
        self.sandbox.path(format!("home/.claude/sessions/{}.json", self.pid))
    }

    fn state(&self) -> Value {
        wait_until_some("a whole state file", DEADLINE, || {
            serde_json::from_slice(&fs::read(self.path()).ok()?).ok()
        })
    }

    fn is_connected(&self) -> bool {
        self.state()["bridgeSessionId"].is_string()
    }

    fn screen(&self) -> String {
        self.tmux.screen("main")
    }

    #[track_caller]
    fn wait_for(&self, what: &str) {
        self.tmux.wait_for("main", what, |screen| screen.contains(what));
    }

    fn press(&self, keys: &[&str]) {
        self.tmux.run(&[&["send-keys", "-t", "main"][..], keys].concat());
    }

    /// Types a line, and presses Enter when it is there.
    fn submit(&self, line: &str) {
        self.press(&["-l", line]);
        self.wait_for(&format!("❯ {line}"));
        self.press(&["Enter"]);
    }

    #[track_caller]
    fn left_alone(&self, words: &[&str], why: &str) {
        let before = self.screen();
        let said = reconnect(self.sandbox, words);
        assert_eq!(said.status, Some(0), "{said:?}");
        assert!(said.err.contains(&format!("left alone pid={}", self.pid)), "{said:?}\n{before}");
        assert!(said.err.contains(why), "{why}: {said:?}");
        assert!(said.out.contains(" reconnected=0 failed=0 left=1"), "{said:?}");
        assert_eq!(self.screen(), before, "{said:?}");
        assert!(!self.is_connected());
    }
}

#[test]
fn a_dry_run_types_nothing_and_a_real_one_reconnects_with_the_draft_kept() {
    let sandbox = sandbox();
    let pane = Pane::start(&sandbox);
    pane.press(&["-l", "half a thought"]);
    pane.wait_for("❯ half a thought");
    let before = pane.screen();
    let said = reconnect(&sandbox, &[]);
    let line = format!("[dry-run] would reconnect pid={} pane=main:0.0 status=idle\n", pane.pid);
    assert!(said.out.contains(&line) && said.out.trim_end().ends_with(" dry-run"), "{said:?}");
    assert_eq!((said.err.as_str(), said.status), ("", Some(0)));
    assert_eq!(pane.screen(), before);

    let said = reconnect(&sandbox, &["--apply"]);
    assert_eq!((said.err.as_str(), said.status), ("", Some(0)), "{}", pane.screen());
    let mut lines = said.out.lines();
    let line = format!(" reconnected pid={} pane=main:0.0 status=idle", pane.pid);
    assert!(lines.next().is_some_and(|first| first.ends_with(&line)), "{said:?}");
    let cycle =
        " cycle checked=1 connected=0 disconnected=1 unknown=0 eligible=1 reconnected=1 failed=0 left=0";
    assert!(lines.next().is_some_and(|last| last.ends_with(cycle)), "{said:?}");
    assert!(pane.is_connected());
    pane.wait_for("❯ half a thought");
    pane.wait_for("/rc active");

    // Now there is nothing to do, and a session that was named gets an answer nevertheless.
    let said = reconnect(&sandbox, &["--apply", "--quiet"]);
    assert_eq!((said.out.as_str(), said.err.as_str(), said.status), ("", "", Some(0)));
    let said = reconnect(&sandbox, &["--apply", "--quiet", "--pid", &pane.pid.to_string(), "--pid", "7"]);
    assert!(
        said.err
            .contains(&format!(" skipped pid={}: remote control is connected, not disconnected\n", pane.pid)),
        "{said:?}"
    );
    assert!(said.err.contains(" skipped pid=7: no live session file: there is no state file"), "{said:?}");
    // The one that runs has its link. The other one was asked for, and nothing was done.
    assert_eq!((said.out.as_str(), said.status), ("", Some(1)));
    let said = reconnect(&sandbox, &["--apply", "--quiet", "--pid", &pane.pid.to_string()]);
    assert_eq!((said.out.as_str(), said.status), ("", Some(0)));
    assert_eq!(reconnect(&sandbox, &["--quiet", "--pid", "7"]).status, Some(0));
}

#[test]
fn the_lines_are_those_of_claude_connection_keeper() {
    let sandbox = sandbox();
    let pane = Pane::start(&sandbox);
    let pid = pane.pid.to_string();
    for words in [&[][..], &["--pid", &pid], &["--pid", "7"], &["--statuses", "busy"], &["--quiet"]] {
        let theirs = run(&sandbox, cck::program(), &[&["reconnect"][..], words].concat());
        let ours = reconnect(&sandbox, words);
        assert_eq!(ours.status, theirs.status, "{words:?}");
        // Without the times; they differ by one field of the last line.
        let lines = |text: &str| -> Vec<String> {
            let line = |line: &str| line.split_once(' ').expect("a time").1.replace(" left=0", "");
            text.lines().map(line).collect()
        };
        assert_eq!(lines(&ours.out), lines(&theirs.out), "{words:?}");
        // A time of the same form: with its digits it differs.
        let form = |text: &str| -> String {
            text.chars().take_while(|c| *c != ' ').filter(|c| !c.is_ascii_digit()).collect()
        };
        assert_eq!(form(&ours.out), form(&theirs.out), "{words:?}");
        let before_reason = |text: &str| -> Vec<String> {
            lines(text).iter().map(|line| line.split(':').next().expect("a line").to_owned()).collect()
        };
        assert_eq!(before_reason(&ours.err), before_reason(&theirs.err), "{words:?}");
    }
}

#[test]
fn where_it_is_not_the_main_prompt_nothing_is_typed() {
    let sandbox = sandbox();
    let pane = Pane::start(&sandbox);
    for (keys, shown, back) in [
        (&["C-o"][..], "Showing detailed transcript", "C-o"),
        (&["C-r"], "search prompts:", "Escape"),
        (&["!"], "! for shell mode", "Escape"),
        (&["?"], "ctrl+o to see full transcript", "Escape"),
    ] {
        pane.press(keys);
        pane.wait_for(shown);
        pane.left_alone(&[], "");
        pane.left_alone(&["--apply"], "");
        pane.press(&[back]);
        pane.wait_for("? for shortcuts");
    }
    // What the state file tells of is not eligible at all; and where its status is allowed, the screen says
    // no.
    pane.submit("/config");
    pane.wait_for("Auto-compact");
    let pid = pane.pid.to_string();
    let said = reconnect(&sandbox, &["--apply", "--pid", &pid]);
    assert!(said.err.contains(&format!(" skipped pid={pid}: its status is waiting")), "{said:?}");
    assert_eq!(said.status, Some(1), "{said:?}");
    pane.left_alone(&["--apply", "--statuses", "idle,waiting"], "not at the main prompt");
    pane.press(&["Escape"]);
    pane.wait_for("? for shortcuts");
    pane.press(&["Left"]);
    pane.wait_for("describe a task for a new session");
    wait_until("the job in the state file", DEADLINE, || pane.state()["parkedJobId"].is_string());
    let said = reconnect(&sandbox, &["--apply", "--pid", &pid]);
    assert!(said.err.contains("parkedJobId"), "{said:?}");
    // A state file that is late: the screen still knows.
    let mut late = pane.state();
    late.as_object_mut().expect("an object").remove("parkedJobId");
    fs::write(pane.path(), late.to_string()).expect("writes");
    pane.left_alone(&["--apply"], "not at the main prompt");
    assert!(!sandbox.path("home/.claude/jobs").exists());
}

#[test]
fn keys_that_would_go_elsewhere_are_not_typed() {
    let sandbox = sandbox();
    let claude = sandbox.path("claude-stand-in");
    let tmux = Tmux::start(&sandbox, 100, 30, &["/bin/bash", "--norc", "--noprofile", "-i"]);
    tmux.run(&["send-keys", "-t", "main", "-l", claude.to_str().expect("a path")]);
    tmux.run(&["send-keys", "-t", "main", "Enter"]);
    let pane = Pane::at_prompt(&sandbox, tmux);
    let tmux = |words: &[&str]| pane.tmux.run(words);

    tmux(&["copy-mode", "-t", "main"]);
    pane.left_alone(&["--apply"], "copy mode");
    tmux(&["send-keys", "-t", "main", "-X", "cancel"]);
    tmux(&["set-option", "-w", "-t", "main", "synchronize-panes", "on"]);
    pane.left_alone(&["--apply"], "synchronized");
    tmux(&["set-option", "-w", "-t", "main", "synchronize-panes", "off"]);
    tmux(&["select-pane", "-d", "-t", "main"]);
    pane.left_alone(&["--apply"], "takes no input");
    tmux(&["select-pane", "-e", "-t", "main"]);

    pane.press(&["C-z"]);
    wait_until("a stop", DEADLINE, || process::is_stopped(pane.pid));
    pane.wait_for("Stopped");
    // The shell draws something that looks like a prompt of claude.
    let rule = "─".repeat(90);
    tmux(&[
        "send-keys",
        "-t",
        "main",
        "-l",
        &format!("PS1='❯ '; clear; printf '{rule}\\n❯ \\n{rule}\\n\\033[2;3H'"),
    ]);
    pane.press(&["Enter"]);
    pane.wait_for("❯ ❯");
    pane.left_alone(&["--apply"], "not in the foreground");
    pane.press(&["C-u"]);
    tmux(&["send-keys", "-t", "main", "-l", "clear; fg"]);
    pane.press(&["Enter"]);
    pane.wait_for("? for shortcuts");
    brought_back(&sandbox, &["--apply"]);
}

#[test]
fn a_refusal_is_told_and_not_asked_for_again() {
    let mut sandbox = sandbox();
    sandbox.set("CCKW_STANDIN_SUBSCRIPTION", "none");
    let pane = Pane::start(&sandbox);
    let said = reconnect(&sandbox, &["--apply", "--quiet"]);
    assert_eq!((said.out.as_str(), said.status), ("", Some(2)));
    let failed =
        format!(" FAILED pid={} pane=main:0.0: /remote-control needs a Claude subscription", pane.pid);
    assert!(said.err.contains(&failed), "{said:?}");
    pane.left_alone(&["--apply"], "needs a Claude subscription");
}

#[test]
fn what_is_not_seen_in_time_is_taken_back() {
    let sandbox = sandbox();
    let pane = Pane::start(&sandbox);
    pane.submit("/fault slow-echo 2600");
    pane.tmux.wait_for("main", "an empty prompt", |screen| !screen.contains("❯ /fault"));
    let said = reconnect(&sandbox, &["--apply"]);
    assert_eq!(said.status, Some(2), "{said:?}");
    assert!(said.err.contains("did not appear alone at the prompt in time"), "{said:?}");
    pane.tmux.wait_for("main", "an empty prompt", |screen| !screen.contains("❯ /"));
    assert!(!pane.is_connected() && !pane.screen().contains("Remote Control"), "{}", pane.screen());
}

#[test]
fn witnesses_that_disagree_are_believed_neither_way() {
    let sandbox = sandbox();
    let pane = Pane::start(&sandbox);
    pane.submit("/remote-control");
    pane.wait_for("/rc active");
    pane.submit("/fault lag");
    wait_until("a file that denies it", DEADLINE, || !pane.is_connected());
    pane.wait_for("❯ \n");
    pane.left_alone(&["--apply"], "the state file says that there is no link, the screen that there is");
}

#[test]
fn taken_over_elsewhere_is_for_the_user_to_decide() {
    let sandbox = sandbox();
    let pane = Pane::start(&sandbox);
    pane.submit("/remote-control");
    pane.wait_for("/rc active");
    pane.submit("/fault drop another connection took over this session");
    pane.wait_for("/rc failed");
    wait_until("a file that says so", DEADLINE, || !pane.is_connected());
    let left = reconnect(&sandbox, &["--apply"]);
    if left.err.contains("left alone") {
        assert!(left.err.contains("only the user can know"), "{left:?}");
        brought_back(&sandbox, &["--apply", "--pid", &pane.pid.to_string()]);
    } else {
        panic!("{left:?}\n{}", pane.screen());
    }
}

#[test]
fn nobody_types_while_somebody_else_does() {
    let sandbox = sandbox();
    let configure = |rest: &str| sandbox.configure(&format!("[remote_control]\nrest = \"{rest}\"\n"));
    let pane = Pane::start(&sandbox);
    let mut terminal = Terminal::spawn(pane.tmux.command(&["attach-session", "-t", "main"]));
    terminal.wait_for("the pane", |screen| screen.contains("? for shortcuts"));
    terminal.type_text("x");
    pane.wait_for("❯ x");
    configure("1h");
    pane.left_alone(&["--apply"], "the user is typing");
    configure("1s");
    wait_until("a keyboard at rest", DEADLINE, || {
        let said = reconnect(&sandbox, &["--apply"]);
        assert!(said.status == Some(0), "{said:?}");
        said.out.contains(" reconnected=1 ")
    });
    pane.wait_for("❯ x");
    pane.tmux.run(&["detach-client", "-s", "main"]);
    terminal.finish();
}

#[test]
fn only_one_at_a_time_types() {
    let sandbox = sandbox();
    let pane = Pane::start(&sandbox);
    // Makes the directory.
    reconnect(&sandbox, &["--apply", "--pid", "7"]);
    let lock = File::create(sandbox.path("state/cckw/reconnect.lock")).expect("the lock file");
    lock.lock().expect("the lock");
    let before = pane.screen();
    let pid = pane.pid.to_string();
    let said = reconnect(&sandbox, &["--apply", "--pid", &pid]);
    assert!(said.out.trim_end().ends_with(" reconnected=0 failed=0 left=0 skipped=lock"), "{said:?}");
    assert!(said.err.contains(&format!(" skipped pid={pid}: another cckw reconnect is at work")), "{said:?}");
    assert_eq!((said.status, pane.screen()), (Some(1), before));
    assert_eq!(reconnect(&sandbox, &["--apply"]).status, Some(0));
    assert!(reconnect(&sandbox, &[]).out.contains("would reconnect"));
    drop(lock);
    brought_back(&sandbox, &["--apply"]);
}

#[test]
fn every_server_of_the_user_is_found() {
    let sandbox = sandbox();
    let pane = Pane::start_in(&sandbox, &["-L", "another"]);
    let said = reconnect(&sandbox, &["--apply"]);
    assert!(said.out.contains(&format!(" reconnected pid={} pane=main:0.0 ", pane.pid)), "{said:?}");
}

#[test]
fn a_prompt_beside_a_background_command_counts_as_idle() {
    let sandbox = sandbox();
    let pane = Pane::start(&sandbox);
    let mut state = pane.state();
    state["status"] = "shell".into();
    fs::write(pane.path(), state.to_string()).expect("writes");
    let pid = pane.pid.to_string();
    let said = reconnect(&sandbox, &["--apply", "--statuses", "idle", "--pid", &pid]);
    assert!(said.err.contains("its status is shell; allowed: idle"), "{said:?}");
    let said = brought_back(&sandbox, &["--apply"]);
    let line = format!(" reconnected pid={pid} pane=main:0.0 status=shell\n");
    assert!(said.out.contains(&line), "{said:?}\n{}", pane.screen());
}

#[test]
fn a_draft_taller_than_the_pane_is_told_as_that() {
    let sandbox = sandbox();
    let pane = Pane::start(&sandbox);
    let lines: Vec<String> = (0..40).map(|line| format!("line {line}")).collect();
    pane.tmux.run(&["set-buffer", &lines.join("\n")]);
    pane.tmux.run(&["paste-buffer", "-p", "-t", "main"]);
    pane.wait_for("line 39");
    pane.left_alone(&["--apply"], "taller than the window");
    pane.left_alone(&[], "taller than the window");
}

#[test]
fn what_the_transcript_says_counts_in_a_pane_though_it_has_left_the_screen() {
    let sandbox = sandbox();
    let pane = Pane::start(&sandbox);
    pane.submit("some words");
    pane.wait_for("● ");
    let (conversation, cwd) = (pane.state()["sessionId"].clone(), pane.state()["cwd"].clone());
    let folder = cwd.as_str().expect("a path").replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let name = format!("home/.claude/projects/{folder}/{}.jsonl", conversation.as_str().expect("an id"));
    let said = "Remote Control disconnected — another connection took over this session";
    let line = serde_json::json!({
        "type": "system",
        "subtype": "informational",
        "content": said,
        "timestamp": "2199-01-01T00:00:00.000Z",
    });
    let transcript = File::options().append(true).open(sandbox.path(&name)).expect("the transcript");
    writeln!(&transcript, "{line}").expect("writes");
    wait_until("an idle claude", DEADLINE, || pane.state()["status"] == "idle");
    pane.left_alone(&["--apply"], "only the user can know");
    brought_back(&sandbox, &["--apply", "--pid", &pane.pid.to_string()]);
}
