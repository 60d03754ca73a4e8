//! `cckw send` with the real claude: each text arrives whole and once, and the status tells the truth.

use std::io::Write;
use std::process::{Output, Stdio};
use std::thread;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::driver::{How, Place, prompt_holds, wait_for_prompt};
use super::mock::{HELD, HOLD, REPLY, USE_TOOL};
use super::slow::Pace;
use super::support::{DEADLINE, Key, Terminal, process, wait_until};

fn default_screen() -> Value {
    json!({ "tui": "default" })
}

fn place(settings: &Value) -> (Place, Terminal) {
    let place = Place::new();
    place.settings(settings);
    let mut terminal = place.start(How::Through, &[]);
    wait_for_prompt(&mut terminal);
    place.wait_for_host();
    (place, terminal)
}

/// Sends a text, with these options before it; through stdin where it is to come from there.
fn send(place: &Place, options: &[&str], text: &str) -> Output {
    let mut command = place.sandbox.command(place.sandbox.path("bin/cckw"));
    let is_long = text.len() > 100_000 || options.contains(&"-");
    command.args(["send", "work"]).args(options);
    if !options.iter().any(|option| option.starts_with("--timeout")) {
        command.arg("--timeout=60s");
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if !is_long {
        command.args(["--", text]);
    }
    let mut child = command.spawn().expect("runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    if is_long {
        stdin.write_all(text.as_bytes()).expect("is read");
    }
    drop(stdin);
    child.wait_with_output().expect("ends")
}

#[track_caller]
fn is_sent(place: &Place, options: &[&str], text: &str) {
    let output = send(place, options, text);
    assert_eq!(output.status.code(), Some(0), "{text:.60}: {output:?}\n{:#?}", place.log());
}

/// Why nothing was sent.
#[track_caller]
fn refused(place: &Place, options: &[&str], text: &str) -> String {
    let output = send(place, options, text);
    assert_eq!(output.status.code(), Some(1), "{text:.60}: {output:?}\n{:#?}", place.log());
    String::from_utf8(output.stderr).expect("text")
}

/// What the user said, as the transcript has it: tags of long pastes and blanks around it aside.
fn said(place: &Place) -> Vec<String> {
    let lines: Vec<Value> = place
        .transcripts()
        .iter()
        .flat_map(|id| place.transcript(id).lines().map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|line| serde_json::from_str(&line).ok())
        .collect();
    let is_said = |line: &&Value| line["type"] == "user" && line["origin"]["kind"] == "human";
    let text = |line: &Value| {
        let text = line["message"]["content"].as_str().unwrap_or_default().trim().to_owned();
        match text.strip_prefix("<pasted_content").and_then(|rest| rest.split_once(">\n")) {
            Some((_, rest)) => {
                rest.rsplit_once("\n</pasted_content").map_or(rest, |(text, _)| text).to_owned()
            }
            None => text,
        }
    };
    lines.iter().filter(is_said).map(text).collect()
}

#[track_caller]
fn has_said(place: &Place, expected: &[&str]) {
    wait_until("all that was sent", DEADLINE, || said(place).len() >= expected.len());
    let said = said(place);
    let shown: Vec<String> = said.iter().map(|text| text.chars().take(80).collect()).collect();
    assert!(said == expected, "{shown:#?}");
}

#[test]
fn texts_of_every_kind_arrive_whole_and_once() {
    let lines: String = (0..200).map(|line| format!("line {line} of it\n")).collect();
    let long = "word ".repeat(13_200);
    let tall = "long words here ".repeat(48);
    let texts = [
        "a prompt",
        "two\nlines",
        lines.trim_end(),
        long.trim_end(),
        tall.trim_end(),
        "日本語 😀 wide 👩‍👩‍👧 👍🏽 é",
        "עברית שלום abc",
        "/home/me/file is broken",
        "# no heading",
        "@ and @work",
        "see @wor",
        "-v is no option",
        "ends with a \\",
        "?",
    ];
    for tui in ["default", "fullscreen"] {
        let (place, mut terminal) = place(&json!({ "tui": tui }));
        for text in texts {
            is_sent(&place, &[], text);
        }
        has_said(&place, &texts);
        terminal.wait_for("an empty prompt", |screen| prompt_holds(screen, ""));
    }
}

#[test]
fn what_could_act_as_a_key_arrives_as_a_picture_of_it() {
    let (place, _terminal) = place(&default_screen());
    let output = send(&place, &["-"], "a\u{1b}[201~\r\n/exit\u{1c}\u{7}\u{9b}b");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("4 control characters"), "{stderr}");
    has_said(&place, &["a␛[201~\n/exit␜␇␦b"]);
}

#[test]
fn what_is_no_text_is_refused() {
    let (place, _terminal) = place(&default_screen());
    for (text, why) in [(" \n", "blank"), ("!rm -r x", "in the shell"), ("/hel", "/help selected")] {
        let said = refused(&place, &[], text);
        assert!(said.contains(why), "{said}");
    }
    let said = refused(&place, &[], "/no-such-command now");
    assert!(said.contains("Unknown command: /no-such-command"), "{said}");
    let said = refused(&place, &["-"], &"x".repeat(500_001));
    assert!(said.contains("too long"), "{said}");
    assert!(!place.mock.asked());
}

#[test]
fn a_draft_is_put_aside_and_brought_back() {
    for settings in
        [default_screen(), json!({"tui": "fullscreen"}), json!({"tui": "default", "editorMode": "vim"})]
    {
        let (place, mut terminal) = place(&settings);
        terminal.type_text("my draft");
        terminal.wait_for("the draft", |screen| prompt_holds(screen, "my draft"));
        if settings["editorMode"] == "vim" {
            terminal.press(Key::Esc);
            terminal.wait_for("normal mode", |screen| !screen.contains("-- INSERT --"));
        }
        is_sent(&place, &[], "from a script");
        has_said(&place, &["from a script"]);
        terminal.wait_for("the draft again", |screen| screen.contains("❯\u{a0}my draft"));
        is_sent(&place, &[], "/context");
        terminal.wait_for("the draft once more", |screen| screen.contains("❯\u{a0}my draft"));
    }
}

#[test]
fn a_turn_that_runs_takes_a_text_into_its_queue_or_is_waited_for() {
    let (place, mut terminal) = place(&default_screen());
    is_sent(&place, &[], HOLD);
    terminal.wait_for("a turn", |screen| screen.contains("esc to interrupt"));
    let said = refused(&place, &["--timeout=1s"], "too early");
    assert!(said.contains("a turn runs"), "{said}");
    let output = send(&place, &["--when", "now"], "one more thing");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("when the turn that runs has ended"),
        "{output:?}"
    );
    terminal.wait_for("the queue", |screen| screen.contains("one more thing"));
    thread::scope(|scope| {
        let waits = scope.spawn(|| send(&place, &[], "afterwards"));
        place.mock.release();
        let output = waits.join().expect("no panic");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    });
    has_said(&place, &[HOLD, "one more thing", "afterwards"]);
    terminal.wait_for_text(HELD);
}

#[test]
fn where_claude_is_elsewhere_nothing_is_sent_and_the_place_is_named() {
    let (place, mut terminal) = place(&default_screen());
    is_sent(&place, &[], "a first prompt");
    terminal.wait_for_text(REPLY);
    let nothing_is_sent = |why: &str| {
        let before = place.mock.arrived().len();
        let said = refused(&place, &["--when=now"], "not for here");
        assert!(said.contains(why), "{why}: {said}");
        let said = refused(&place, &["--timeout=1s"], "not for here");
        assert!(said.contains(why), "{why}: {said}");
        assert_eq!(place.mock.arrived().len(), before);
    };
    terminal.press(Key::Ctrl('o'));
    terminal.wait_for_text("Showing detailed transcript");
    nothing_is_sent("the transcript view is open");
    terminal.press(Key::Esc);
    wait_for_prompt(&mut terminal);
    terminal.press(Key::Ctrl('r'));
    terminal.wait_for_text("search prompts:");
    nothing_is_sent("the history search is open");
    terminal.press(Key::Esc);
    wait_for_prompt(&mut terminal);
    is_sent(&place, &[], "/help");
    terminal.wait_for_text("Esc to close");
    nothing_is_sent("dialog open");
    terminal.press(Key::Esc);
    wait_for_prompt(&mut terminal);
    assert!(!terminal.screen().contains("not for here"), "{}", terminal.report());
}

#[test]
fn a_permission_prompt_is_never_answered() {
    let place = Place::new();
    place.settings(&default_screen());
    let mut terminal = place.start(How::Through, &["--permission-mode", "manual"]);
    wait_for_prompt(&mut terminal);
    place.wait_for_host();
    is_sent(&place, &[], USE_TOOL);
    terminal.wait_for_text("Do you want to proceed?");
    wait_until("the status", DEADLINE, || place.state().is_some_and(|state| state["status"] == "waiting"));
    let said = refused(&place, &["--when=now"], "1");
    assert!(said.contains("permission prompt"), "{said}");
    let said = refused(&place, &["--timeout=1s"], "y");
    assert!(said.contains("permission prompt"), "{said}");
    assert!(terminal.screen().contains("Do you want to proceed?"), "{}", terminal.report());
}

#[test]
fn eight_that_send_at_once_are_all_heard() {
    let (place, _terminal) = place(&default_screen());
    place.verb(&["detach", "work"]);
    thread::scope(|scope| {
        for number in 0..8 {
            let place = &place;
            scope.spawn(move || is_sent(place, &[], &format!("message {number} of eight\nin two lines")));
        }
    });
    wait_until("all eight", DEADLINE, || said(&place).len() >= 8);
    let mut said = said(&place);
    said.sort();
    let expected: Vec<String> =
        (0..8).map(|number| format!("message {number} of eight\nin two lines")).collect();
    assert_eq!(said, expected);
    place.verb(&["stop", "work"]);
}

#[test]
fn the_answer_is_waited_for_and_printed() {
    let (place, _terminal) = place(&default_screen());
    let output = send(&place, &["--wait"], "a question");
    assert_eq!((output.status.code(), output.stdout), (Some(0), format!("{REPLY}\n").into_bytes()));
    let output = send(&place, &["--wait"], "another one\nin two lines");
    assert_eq!((output.status.code(), output.stdout), (Some(0), format!("{REPLY}\n").into_bytes()));
    let output = send(&place, &["--wait", "--timeout=3s"], HOLD);
    assert_eq!((output.status.code(), output.stdout), (Some(5), vec![]));
    place.mock.release();
    let output = send(&place, &["--wait"], "and one more");
    assert_eq!((output.status.code(), output.stdout), (Some(0), format!("{REPLY}\n").into_bytes()));
}

#[test]
fn a_question_of_claude_s_ends_the_wait_for_the_answer() {
    let place = Place::new();
    place.settings(&default_screen());
    let mut terminal = place.start(How::Through, &["--permission-mode", "manual"]);
    wait_for_prompt(&mut terminal);
    place.wait_for_host();
    let output = send(&place, &["--wait"], USE_TOOL);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("permission prompt"), "{output:?}");
    terminal.wait_for_text("Do you want to proceed?");
}

/// Whoever is killed: the text is there once at most, and the status is true.
#[test]
fn whatever_is_killed_in_the_middle_nothing_is_sent_twice_and_the_status_is_true() {
    for killed in ["claude_pid", "host_pid", "sender"] {
        let (place, _terminal) = place(&default_screen());
        is_sent(&place, &[], "a first prompt");
        let record = place.wait_for_host();
        let text = "the text in question ".repeat(30);
        let text = text.trim_end();
        let output = thread::scope(|scope| {
            let mut command = place.sandbox.command(place.sandbox.path("bin/cckw"));
            command.args(["send", "work", "--timeout=60s", text]);
            let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
            let sender = child.id();
            let waits = scope.spawn(move || child.wait_with_output().expect("ends"));
            wait_until("the first key", DEADLINE, || place.count("message-typing") == 2);
            let pid = record.pid(killed).unwrap_or(i32::try_from(sender).expect("a pid"));
            process::signal(pid, Signal::SIGKILL);
            waits.join().expect("no panic")
        });
        wait_until("claude at its prompt again", DEADLINE, || {
            place.verb(&["list"]);
            place.state().is_some_and(|state| state["status"] == "idle")
        });
        if killed == "sender" {
            wait_until("the text", DEADLINE, || said(&place).len() == 2);
        }
        let count = said(&place).iter().filter(|said| *said == text).count();
        match output.status.code() {
            Some(0) => assert_eq!(count, 1, "{killed}: {output:?}"),
            Some(1) => assert_eq!(count, 0, "{killed}: {output:?}"),
            status => assert!(count <= 1 && matches!(status, Some(2) | None), "{killed}: {output:?}"),
        }
    }
}

/// Keys that the user types meanwhile come behind the text, in order, and are no part of it.
#[test]
fn what_the_user_types_meanwhile_is_kept_apart() {
    let (place, mut terminal) = place(&default_screen());
    for round in 0..5 {
        let text = format!("from a script, number {round}");
        let output = thread::scope(|scope| {
            let waits = scope.spawn(|| send(&place, &[], &text));
            wait_until("the first key", DEADLINE, || place.count("message-typing") > round);
            terminal.type_text("typed by hand");
            waits.join().expect("no panic")
        });
        terminal.wait_for("what was typed", |screen| prompt_holds(screen, "typed by hand"));
        let count = said(&place).iter().filter(|said| **said == text).count();
        match output.status.code() {
            Some(0) => assert_eq!(count, 1, "{output:?}"),
            _ => assert_eq!(count, 0, "{output:?}"),
        }
        assert!(said(&place).iter().all(|said| !said.contains("typed by hand")), "{:?}", said(&place));
        for _ in 0.."typed by hand".len() {
            terminal.press(Key::Backspace);
        }
        terminal.wait_for("an empty prompt", |screen| prompt_holds(screen, ""));
    }
}

/// A claude that gets 3 % of a core draws seconds late. The status is true all the same.
#[test]
fn with_a_claude_that_is_very_slow_the_status_is_true() {
    let (place, mut terminal) = place(&default_screen());
    is_sent(&place, &[], "a first prompt");
    terminal.wait_for_text(REPLY);
    let limit = Pace::Slow.slow_down(&place);
    let output = send(&place, &[], "to a slow claude");
    drop(limit);
    wait_until("a claude at rest", DEADLINE, || place.state().is_some_and(|state| state["status"] == "idle"));
    match output.status.code() {
        Some(0) => has_said(&place, &["a first prompt", "to a slow claude"]),
        Some(1) => {
            terminal.wait_for("an empty prompt", |screen| prompt_holds(screen, ""));
            has_said(&place, &["a first prompt"]);
        }
        status => assert_eq!(status, Some(2), "{output:?}"),
    }
}
