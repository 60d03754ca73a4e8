//! A host that is killed between any two steps of its life: the conversation is brought back, by the client
//! or by the next command, or the advice that is printed works; and the terminal is left usable. The points
//! are those of `src/fault.rs`.

use std::path::PathBuf;

use cckw::fault::POINTS;
use nix::sys::signal::Signal;
use nix::sys::termios::LocalFlags;

use crate::support::stand_in::{self, at_prompt, submit};
use crate::support::{
    DEADLINE, Key, Record, Sandbox, Terminal, cckw_program, has_faults, process, verb, wait_until,
    wait_until_some,
};

/// The points that a start comes to, with a terminal and by `cckw start`.
const START: [&str; 10] = [
    "start-received",
    "start-locked",
    "start-recorded",
    "start-bound",
    "start-spawned",
    "start-told",
    "run-saved",
    "record-written",
    "record-renamed",
    "state-file-followed",
];
/// Those of them at which claude was not started yet: it is started again with its prompt.
const WITH_PROMPT: [&str; 6] =
    ["start-received", "start-locked", "start-recorded", "start-bound", "record-written", "record-renamed"];
const CRASH: [&str; 7] = [
    "claude-ended",
    "waiting-saved",
    "waiting-asked",
    "relaunch-begun",
    "relaunch-spawned",
    "relaunch-saved",
    "relaunch-told",
];
/// See `tests/suite/handover/refused.rs`.
const HAND_OVER: [&str; 1] = ["taken-over"];
const ATTACH: [&str; 3] = ["attach-taken", "attach-told", "attach-saved"];
const DETACH: [&str; 3] = ["detach-begun", "detach-undone", "detach-saved"];
/// Where it has only heard that it is to stop, and where it has begun.
const STOP: [&str; 2] = ["stop-asked", "stop-signalled"];
const END: [&str; 3] = ["end-recorded", "end-unbound", "end-told"];

struct Scene {
    sandbox: Sandbox,
    point: &'static str,
    /// Made by the host that dies at the point.
    died: PathBuf,
}

impl Scene {
    /// A sandbox in which a host dies at this point, once it is armed.
    fn new(point: &'static str) -> Self {
        let mut sandbox = stand_in::sandbox();
        sandbox.configure("[restart]\ninitial_delay = \"20ms\"\nmax_delay = \"50ms\"\n");
        let died = sandbox.path("died");
        sandbox.set("CCKW_FAULT", point);
        sandbox.set("CCKW_FAULT_ONCE", &died);
        Self { sandbox, point, died }
    }

    /// As if a host had died there before: so the session begins as any other.
    fn disarm(&self) {
        std::fs::write(&self.died, "").expect("a file");
    }

    fn arm(&self) {
        std::fs::remove_file(&self.died).expect("a file");
    }

    /// The host that has come to the point.
    fn dead(&self) -> Option<i32> {
        std::fs::read_to_string(&self.died).ok()?.parse().ok()
    }

    fn has_died(&self) -> bool {
        self.dead().is_some_and(|pid| !process::runs(pid))
    }

    fn wait_for_death(&self) {
        wait_until(&format!("a host that dies at {}", self.point), DEADLINE, || self.has_died());
    }

    /// A session with something said in it.
    fn session(&self) -> (Terminal, Record) {
        self.disarm();
        let mut terminal = stand_in::start(&self.sandbox, &["-n", "work"]);
        submit(&mut terminal, "first words");
        terminal.wait_for_text("You said: first words");
        let record = self.sandbox.wait_for_record("a transcript", said);
        (terminal, record)
    }

    /// Runs in a terminal of its own.
    fn run(&self, words: &[&str]) -> Terminal {
        Terminal::spawn(verb::cckw(&self.sandbox, words))
    }

    /// Whether the terminal shows the conversation, or its client has ended and left it as it was; then
    /// another one gets it back.
    fn conversation_is_back(&self, mut terminal: Terminal, words: &str) {
        let point = self.point;
        let mut ended = false;
        wait_until(&format!("{point}: the conversation or an end"), DEADLINE, || {
            ended = terminal.exits_within(std::time::Duration::from_millis(20));
            ended || is_at_prompt(&terminal) && terminal.screen().text().contains(words) && self.is_idle()
        });
        if ended {
            self.is_usable(&mut terminal);
            terminal = self.taken_by_the_next_command();
        }
        submit(&mut terminal, "words of later");
        terminal.wait_for_text("You said: words of later");
        terminal.wait_for_text(words);
        at_prompt(&mut terminal);
        submit(&mut terminal, "/exit");
        assert_eq!(terminal.finish().code(), Some(0), "{point}\n{}", terminal.report());
        assert_eq!(terminal.modes().left_on(), Vec::<String>::new(), "{point}");
        self.sandbox.wait_for_silence();
    }

    fn is_idle(&self) -> bool {
        let dead = self.dead();
        let host_lives = |record: &Record| {
            record.pid("host_pid").is_some_and(|pid| process::runs(pid) && Some(pid) != dead)
        };
        self.sandbox.records().iter().any(|record| record.text("status") == "idle" && host_lives(record))
    }

    fn is_usable(&self, terminal: &mut Terminal) {
        let left = terminal.modes().left_on();
        assert_eq!(left, Vec::<String>::new(), "{}\n{}", self.point, terminal.report());
        let flags = terminal.attributes().local_flags;
        assert!(flags.contains(LocalFlags::ICANON | LocalFlags::ECHO), "{}: raw", self.point);
    }

    /// A command that only looks brings the session back, and `cckw attach` takes it.
    fn taken_by_the_next_command(&self) -> Terminal {
        wait_until(&format!("{}: a session that is back", self.point), DEADLINE, || {
            let listed = verb::cckw(&self.sandbox, &["list"]).output().expect("runs");
            assert!(listed.status.success(), "{listed:?}");
            self.is_idle()
        });
        let mut terminal = self.run(&["attach", "work"]);
        at_prompt(&mut terminal);
        terminal
    }
}

fn said(record: &Record) -> bool {
    record.text("status") == "idle" && record.json["with_transcript"][0].is_string()
}

fn is_at_prompt(terminal: &Terminal) -> bool {
    terminal.screen().cursor_row().starts_with('❯')
}

#[test]
fn every_point_belongs_to_a_scene() {
    let mut all: Vec<&str> = [&START[..], &CRASH, &HAND_OVER, &ATTACH, &DETACH, &STOP, &END].concat();
    let mut points = POINTS.to_vec();
    all.sort_unstable();
    points.sort_unstable();
    assert_eq!(all, points);
}

#[test]
fn at_a_start() {
    if !has_faults() {
        return;
    }
    for point in START {
        let scene = Scene::new(point);
        let mut terminal = scene.run(&["claude", "-n", "work", "first words"]);
        scene.wait_for_death();
        if WITH_PROMPT.contains(&point) {
            terminal.wait_for_text("You said: first words");
        }
        if point == "start-spawned" {
            // Claude has had it or not: it is answered, or stands in the conversation that is brought back.
            terminal.wait_for_text("first words");
        }
        wait_until(&format!("{point}: an idle claude"), DEADLINE, || {
            is_at_prompt(&terminal) && scene.is_idle()
        });
        submit(&mut terminal, "second words");
        terminal.wait_for_text("You said: second words");
        scene.conversation_is_back(terminal, "second words");
    }
}

#[test]
fn at_a_start_again_and_again() {
    if !has_faults() {
        return;
    }
    for point in START {
        let mut scene = Scene::new(point);
        scene.sandbox.unset("CCKW_FAULT_ONCE");
        let mut terminal = scene.run(&["claude", "-n", "work"]);
        let status = terminal.finish().code();
        assert!(matches!(status, Some(1 | 70)), "{point}: {status:?}\n{}", terminal.report());
        scene.is_usable(&mut terminal);
        let text = terminal.screen().text().replace('\n', "");
        let has_record = !scene.sandbox.records().is_empty();
        assert!(!text.contains("claude was not started") || !has_record, "{point}: {text}");
        scene.sandbox.unset("CCKW_FAULT");
        // Whatever it says, a start works.
        let mut terminal = scene.run(&["claude", "-n", "again"]);
        at_prompt(&mut terminal);
        submit(&mut terminal, "/exit");
        assert_eq!(terminal.finish().code(), Some(0), "{point}");
    }
}

#[test]
fn at_a_start_without_a_terminal() {
    if !has_faults() {
        return;
    }
    for point in START {
        let scene = Scene::new(point);
        let (mut terminal, record) = scene.session();
        terminal.press(Key::Ctrl('\\'));
        terminal.finish();
        process::signal(record.pid("host_pid").expect("a host"), Signal::SIGKILL);
        wait_until("a free lock", DEADLINE, || scene.sandbox.locks_are_free());
        scene.arm();
        // It fails or it has begun, but it ends.
        let _ = verb::cckw(&scene.sandbox, &["start", "work"]).output().expect("runs");
        scene.wait_for_death();
        wait_until("a free lock", DEADLINE, || scene.sandbox.locks_are_free());
        // The next command brings it back; a revival that did not last is not repeated by itself, and the
        // hint says what to do.
        wait_until(&format!("{point}: a session that is back"), DEADLINE, || {
            let listed = verb::well_said(&scene.sandbox, &["list"]);
            if listed.contains("cckw start work") {
                let _ = verb::cckw(&scene.sandbox, &["start", "work"]).output().expect("runs");
            }
            scene.is_idle()
        });
        scene.conversation_is_back(scene.taken_by_the_next_command(), "first words");
    }
}

fn crash(scene: &Scene, record: &Record) {
    scene.arm();
    process::signal(record.pid("claude_pid").expect("claude"), Signal::SIGKILL);
    scene.wait_for_death();
}

#[test]
fn after_a_crash() {
    if !has_faults() {
        return;
    }
    for point in CRASH {
        let scene = Scene::new(point);
        let (terminal, record) = scene.session();
        crash(&scene, &record);
        scene.conversation_is_back(terminal, "first words");
    }
}

#[test]
fn after_a_crash_without_a_terminal() {
    if !has_faults() {
        return;
    }
    for point in CRASH {
        let scene = Scene::new(point);
        let (mut terminal, record) = scene.session();
        terminal.press(Key::Ctrl('\\'));
        terminal.finish();
        scene.sandbox.wait_for_record("no client", |record| record.json["client_pid"].is_null());
        crash(&scene, &record);
        wait_until("a free lock", DEADLINE, || scene.sandbox.locks_are_free());
        scene.conversation_is_back(scene.taken_by_the_next_command(), "first words");
    }
}

#[test]
fn at_an_attach() {
    if !has_faults() {
        return;
    }
    for point in ATTACH {
        let scene = Scene::new(point);
        let (mut terminal, _) = scene.session();
        terminal.press(Key::Ctrl('\\'));
        terminal.finish();
        scene.sandbox.wait_for_record("no client", |record| record.json["client_pid"].is_null());
        scene.arm();
        let terminal = scene.run(&["attach", "work"]);
        scene.wait_for_death();
        scene.conversation_is_back(terminal, "first words");
    }
}

#[test]
fn at_a_detach() {
    if !has_faults() {
        return;
    }
    for point in DETACH {
        let scene = Scene::new(point);
        let (mut terminal, _) = scene.session();
        scene.arm();
        terminal.press(Key::Ctrl('\\'));
        scene.wait_for_death();
        scene.conversation_is_back(terminal, "first words");
    }
}

/// Where a host dies that ends its session because the user wants that.
fn points_of_a_stop() -> Vec<&'static str> {
    [&STOP[1..], &["claude-ended"]].concat()
}

/// The same where it ends because of `cckw stop`, which then succeeds: the session has ended.
fn points_of_the_verb() -> Vec<&'static str> {
    [&STOP[..1], &points_of_a_stop()].concat()
}

/// The user has ended the session, so nothing brings it back by itself. `cckw start` does, when it is asked
/// for.
fn stays_ended(scene: &Scene) {
    scene.sandbox.wait_for_silence();
    for words in [&["list"][..], &["logs", "work"], &["start", "--all"], &["list", "--all"]] {
        let said = verb::well_said(&scene.sandbox, words);
        assert!(words != ["list"] || said.contains("no session"), "{}: {said}", scene.point);
        assert!(words != ["list", "--all"] || said.contains(" stopped "), "{}: {said}", scene.point);
        assert_eq!(scene.sandbox.processes(), Vec::<i32>::new(), "{}: {words:?}", scene.point);
    }
    verb::well_said(&scene.sandbox, &["start", "work"]);
    scene.conversation_is_back(scene.taken_by_the_next_command(), "first words");
}

#[test]
fn at_a_stop() {
    if !has_faults() {
        return;
    }
    for point in points_of_the_verb() {
        let scene = Scene::new(point);
        let (mut terminal, _) = scene.session();
        scene.arm();
        let stop = verb::cckw(&scene.sandbox, &["stop", "work"]).output().expect("runs");
        assert!(stop.status.success(), "{point}: {stop:?}");
        scene.wait_for_death();
        assert_eq!(terminal.finish().code(), Some(129), "{point}\n{}", terminal.report());
        scene.is_usable(&mut terminal);
        stays_ended(&scene);
    }
}

#[test]
fn at_a_stop_without_a_terminal() {
    if !has_faults() {
        return;
    }
    for point in points_of_the_verb() {
        let scene = Scene::new(point);
        let (mut terminal, _) = scene.session();
        terminal.press(Key::Ctrl('\\'));
        terminal.finish();
        scene.sandbox.wait_for_record("no client", |record| record.json["client_pid"].is_null());
        scene.arm();
        let stop = verb::cckw(&scene.sandbox, &["stop", "work"]).output().expect("runs");
        assert!(stop.status.success(), "{point}: {stop:?}");
        scene.wait_for_death();
        stays_ended(&scene);
    }
}

#[test]
fn at_the_end_that_follows_a_closed_terminal() {
    if !has_faults() {
        return;
    }
    for point in points_of_a_stop() {
        let scene = Scene::new(point);
        scene.sandbox.configure("on_hangup = \"exit\"\n");
        let (mut terminal, _) = scene.session();
        scene.arm();
        terminal.hang_up();
        scene.wait_for_death();
        stays_ended(&scene);
    }
}

#[test]
fn at_the_end_of_a_session_that_nobody_wants() {
    if !has_faults() {
        return;
    }
    for point in points_of_a_stop() {
        let scene = Scene::new(point);
        scene.sandbox.configure("linger = \"100ms\"\n");
        let (mut terminal, _) = scene.session();
        scene.arm();
        terminal.press(Key::Ctrl('\\'));
        terminal.finish();
        scene.wait_for_death();
        scene.sandbox.configure("linger = \"1h\"\n");
        stays_ended(&scene);
    }
}

#[test]
fn at_the_end() {
    if !has_faults() {
        return;
    }
    for point in END {
        let scene = Scene::new(point);
        let (mut terminal, record) = scene.session();
        scene.arm();
        submit(&mut terminal, "/exit");
        scene.wait_for_death();
        assert_eq!(terminal.finish().code(), Some(0), "{point}\n{}", terminal.report());
        scene.is_usable(&mut terminal);
        scene.sandbox.wait_for_silence();
        assert_eq!(scene.sandbox.records()[0].text("state"), "stopped", "{point}");
        let listed = verb::well_said(&scene.sandbox, &["list"]);
        assert!(listed.contains("no session"), "{point}: {listed}");
        let mut terminal = scene.run(&["claude", "--resume", record.text("conversation")]);
        at_prompt(&mut terminal);
        terminal.wait_for_text("You said: first words");
        submit(&mut terminal, "/exit");
        assert_eq!(terminal.finish().code(), Some(0), "{point}");
    }
}

/// Between a host that was killed and the next one nobody but the client has the terminal, and dash leaves it
/// as it is.
#[test]
fn a_client_that_is_killed_before_the_next_host_is_there_leaves_a_usable_terminal() {
    let mut sandbox = stand_in::sandbox();
    sandbox.configure("stall_after = \"300ms\"\n");
    let cckw = std::path::Path::new(cckw_program()).parent().expect("a directory");
    sandbox.set("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", cckw.display()));
    let mut shell = Terminal::shell("dash", &sandbox);
    let manners = shell.manners();
    shell.run("cckw claude");
    at_prompt(&mut shell);
    let known = |record: &Record| record.pid("client_pid").is_some() && record.pid("host_pid").is_some();
    let record = sandbox.wait_for_record("a session", known);
    let pid = |key| record.pid(key).expect("a process");
    let (client, host) = (pid("client_pid"), pid("host_pid"));
    // A terminal that takes nothing holds the client up before it starts another host: it has something to
    // say first.
    submit(&mut shell, "/fault flood 200000");
    shell.stop_reading();
    let log = record.path.with_file_name("events.jsonl");
    let is_full = || std::fs::read_to_string(&log).is_ok_and(|log| log.contains("terminal-passed-over"));
    wait_until("a terminal that is full", DEADLINE, is_full);
    process::signal(host, Signal::SIGKILL);
    wait_until("the end of the host", DEADLINE, || !process::runs(host));
    wait_until("a guard", DEADLINE, || process::children(client).iter().any(|child| *child != host));
    process::signal(client, Signal::SIGKILL);
    // At once: should another host be there, it does not wait for long until the terminal takes something.
    shell.read_on();
    wait_until("the end of the client", DEADLINE, || !process::runs(client));
    shell.wait_for_manners(&manners);
    // The shell's prompt may stand anywhere: it was written while the terminal was raw, and full.
    shell.type_text("\rexit\r");
    shell.finish();
    // Where the client has come to start another host, that goes on with the session.
    wait_until("the end of the session", DEADLINE, || {
        let _ = verb::cckw(&sandbox, &["stop"]).output();
        sandbox.processes().is_empty()
    });
}

/// A session in dash, which leaves a terminal as a killed program had it: the client and its host.
fn begin_in_dash(sandbox: &mut Sandbox) -> (Terminal, i32, i32) {
    let cckw = std::path::Path::new(cckw_program()).parent().expect("a directory");
    sandbox.set("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", cckw.display()));
    let mut shell = Terminal::shell("dash", sandbox);
    shell.run("cckw claude");
    at_prompt(&mut shell);
    let known = |record: &Record| record.pid("client_pid").is_some() && record.pid("host_pid").is_some();
    let record = sandbox.wait_for_record("a session", known);
    // Behind these the client has been told of all modes that claude has switched on.
    for typed in ["x", "xy"] {
        shell.type_text(&typed[typed.len() - 1..]);
        shell.wait_for_text(&format!("❯\u{a0}{typed}"));
    }
    let pid = |key| record.pid(key).expect("a process");
    (shell, pid("client_pid"), pid("host_pid"))
}

/// The process that stands by in case both are killed.
fn guard(client: i32, host: i32) -> i32 {
    let others = || process::children(client).into_iter().find(|child| *child != host);
    wait_until_some("a guard", DEADLINE, others)
}

/// The client had no time to hear of its host's end, so nobody undid the modes, and dash went on in raw mode.
#[test]
fn a_client_that_is_killed_in_the_same_moment_as_its_host_leaves_a_usable_terminal() {
    let mut sandbox = stand_in::sandbox();
    let (modes, attributes) = Terminal::shell("dash", &sandbox).manners();
    let (mut shell, client, host) = begin_in_dash(&mut sandbox);
    process::signal(host, Signal::SIGKILL);
    process::signal(client, Signal::SIGKILL);
    shell.wait_for_manners(&(modes, attributes));
    // The prompt may have been written before the attributes were back.
    shell.type_text("\rexit\r");
    shell.finish();
    // Where the client was fast enough to start another host, that goes on with the session.
    wait_until("the end of the session", DEADLINE, || {
        let _ = verb::cckw(&sandbox, &["stop"]).output();
        sandbox.processes().is_empty()
    });
}

/// Undone twice, a keyboard's flags would be taken from the shell, too.
#[test]
fn while_the_host_lives_nobody_else_gives_the_terminal_of_a_killed_client_back() {
    let mut sandbox = stand_in::sandbox();
    let manners = Terminal::shell("dash", &sandbox).manners();
    let (mut shell, client, host) = begin_in_dash(&mut sandbox);
    let guard = guard(client, host);
    let before = shell.output().len();
    process::signal(client, Signal::SIGKILL);
    wait_until("the end of the guard", DEADLINE, || !process::runs(guard));
    shell.wait_for_manners(&manners);
    assert!(process::runs(host));
    shell.type_text("\rexit\r");
    shell.finish();
    let written = String::from_utf8_lossy(&shell.output()[before..]).into_owned();
    assert_eq!(written.matches("\x1b[<1u").count(), 1, "{written:?}");
    verb::cckw(&sandbox, &["stop"]).output().expect("cckw");
    sandbox.wait_for_silence();
}

/// The host had passed over a terminal that took nothing, and so it wrote nothing to it any more. The modes
/// that were on there stayed.
#[test]
fn a_client_that_is_killed_while_its_terminal_takes_nothing_leaves_a_usable_terminal() {
    let mut sandbox = stand_in::sandbox();
    sandbox.configure("stall_after = \"300ms\"\n");
    let manners = Terminal::shell("dash", &sandbox).manners();
    let (mut shell, client, host) = begin_in_dash(&mut sandbox);
    let record = sandbox.wait_for_record("a session", |_| true);
    shell.type_text("\x7f\x7f");
    submit(&mut shell, "/fault flood 200000");
    shell.stop_reading();
    let log = record.path.with_file_name("events.jsonl");
    let is_full = || std::fs::read_to_string(&log).is_ok_and(|log| log.contains("terminal-passed-over"));
    wait_until("a terminal that is full", DEADLINE, is_full);
    process::signal(client, Signal::SIGKILL);
    shell.read_on();
    wait_until("the end of the client", DEADLINE, || !process::runs(client));
    shell.wait_for_manners(&manners);
    assert!(process::runs(host));
    shell.type_text("\rexit\r");
    shell.finish();
    verb::cckw(&sandbox, &["stop"]).output().expect("cckw");
    sandbox.wait_for_silence();
}

/// Such a host would give it back when it goes on, much later, in the middle of what runs there by then.
#[test]
fn a_client_that_is_killed_while_its_host_is_stopped_leaves_a_usable_terminal() {
    let mut sandbox = stand_in::sandbox();
    let manners = Terminal::shell("dash", &sandbox).manners();
    let (mut shell, client, host) = begin_in_dash(&mut sandbox);
    let guard = guard(client, host);
    process::signal(host, Signal::SIGSTOP);
    wait_until("a stopped host", DEADLINE, || process::is_stopped(host));
    process::signal(client, Signal::SIGKILL);
    wait_until("the end of the guard", DEADLINE, || !process::runs(guard));
    shell.wait_for_manners(&manners);
    shell.type_text("\recho 'it 'works\r");
    shell.wait_for_text("it works");
    shell.wait_for_prompt();
    let written = shell.output_length();
    process::signal(host, Signal::SIGCONT);
    sandbox.wait_for_record("no client", |record| record.json["client_pid"].is_null());
    verb::well_said(&sandbox, &["stop"]);
    wait_until("the end of the host", DEADLINE, || !process::runs(host));
    assert_eq!(shell.output_length(), written, "{}", shell.report());
    shell.type_text("exit\r");
    shell.finish();
}

#[test]
fn the_guard_of_a_terminal_ends_with_the_client() {
    let mut sandbox = stand_in::sandbox();
    let (mut shell, client, host) = begin_in_dash(&mut sandbox);
    let guard = guard(client, host);
    shell.press(Key::Ctrl('\\'));
    shell.wait_for_text("[cckw: detached");
    wait_until("the end of the client", DEADLINE, || !process::runs(client));
    // The client has waited for it.
    assert!(!process::runs(guard));
    assert!(process::runs(host));
    shell.type_text("exit\r");
    shell.finish();
    verb::cckw(&sandbox, &["stop"]).output().expect("cckw");
    sandbox.wait_for_silence();
}
