//! A host that does not answer (it is stopped, here) locks no terminal and holds up no verb, and what was
//! asked of it in vain is not done later.

use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::pty::keep_private;
use crate::support::stand_in::{self, at_prompt, submit};
use crate::support::system::QUEUE_IS_FULL;
use crate::support::{
    DEADLINE, Key, Modes, Record, Sandbox, Terminal, cckw_program, has_faults, pid, process, verb, wait_until,
};

/// What may pass until somebody gives up a host that is stopped: four seconds, and the load of the machine. It
/// was for ever.
const BOUND: Duration = Duration::from_secs(40);

/// A session in a shell, and the terminal as the shell had it.
struct Scene {
    sandbox: Sandbox,
    terminal: Terminal,
    before: (Modes, nix::sys::termios::Termios),
    record: Record,
}

impl Scene {
    fn new() -> Self {
        let sandbox = stand_in::sandbox();
        let mut terminal = Terminal::shell("bash", &sandbox);
        let before = terminal.manners();
        terminal.run(&format!("{} claude -n work", cckw_program()));
        at_prompt(&mut terminal);
        let record = sandbox.wait_for_record("an idle claude", |record| record.text("status") == "idle");
        // Claude still draws a little when it says that it is idle. A host that is stopped between reading that and writing
        // it writes it when it goes on.
        terminal.wait_for_rest(Duration::from_millis(700), |screen| screen.text());
        Self { sandbox, terminal, before, record }
    }

    fn host(&self) -> i32 {
        pid(&self.record, "host_pid")
    }

    fn stop_host(&self) {
        process::signal(self.host(), Signal::SIGSTOP);
        wait_until("a stopped host", DEADLINE, || process::is_stopped(self.host()));
    }

    fn continue_host(&self) {
        process::signal(self.host(), Signal::SIGCONT);
    }

    /// The shell has its terminal back, as it was, and shows this.
    fn is_back_at_the_shell(&mut self, text: &str) {
        self.terminal.wait_for_prompt();
        self.terminal.wait_for_manners(&self.before);
        let shown = self.terminal.screen().text().replace('\n', "");
        assert!(shown.contains(text), "{}", self.terminal.report());
    }

    fn status(&mut self) -> String {
        self.terminal.run("s=$?; clear; echo status=$s.");
        let screen = self.terminal.wait_for("a status", |screen| screen.rows[0].starts_with("status="));
        self.terminal.wait_for_prompt();
        screen.rows[0].trim_end().trim_start_matches("status=").trim_end_matches('.').to_owned()
    }

    /// The host goes on: the session is the same, without a terminal, and nothing comes to the terminal that
    /// it had.
    fn goes_on_detached(&mut self) {
        let written = self.terminal.output_length();
        self.continue_host();
        let record = self.sandbox.wait_for_record("no client", |record| record.json["client_pid"].is_null());
        wait_until("claude's answer on the screen", DEADLINE, || {
            verb::well_said(&self.sandbox, &["screen", "work"]).contains("You said: unseen words")
        });
        assert_eq!(pid(&record, "child_pid"), pid(&self.record, "child_pid"));
        assert!(process::runs(pid(&record, "child_pid")));
        assert_eq!(self.terminal.output_length(), written, "{}", self.terminal.report());
        verb::well_said(&self.sandbox, &["stop", "work"]);
    }

    /// Words that claude gets and answers while the host writes nothing. What is typed is with claude when this
    /// returns, so a signal to the client comes behind it.
    fn say_unseen_words(&mut self) {
        self.terminal.type_text("unseen words");
        self.terminal.press(Key::Enter);
        let conversation = self.record.text("conversation");
        wait_until("the answer on disk", DEADLINE, || {
            let projects = std::fs::read_dir(self.sandbox.path("home/.claude/projects"));
            let mut files = projects.into_iter().flatten().flatten();
            files.any(|project| {
                std::fs::read_to_string(project.path().join(format!("{conversation}.jsonl")))
                    .is_ok_and(|text| text.contains("You said: unseen words"))
            })
        });
    }
}

#[test]
fn the_detach_key_pressed_once_or_twice_gives_the_terminal_back() {
    for presses in [1, 2] {
        let mut scene = Scene::new();
        scene.stop_host();
        scene.say_unseen_words();
        let begun = Instant::now();
        for _ in 0..presses {
            scene.terminal.press(Key::Ctrl('\\'));
        }
        scene.is_back_at_the_shell(&format!("kill -CONT {}", scene.host()));
        assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
        assert_eq!(scene.status(), "0");
        scene.goes_on_detached();
    }
}

/// Claude draws what it gets, and nobody takes that: soon it reads nothing any more. What is typed then
/// stands behind the paste.
#[test]
fn behind_a_paste_of_any_size_the_detach_key_ctrl_z_and_a_signal_give_the_terminal_back() {
    const KIB: usize = 1024;
    for (size, way) in
        [(300 * KIB, "once"), (300 * KIB, "twice"), (8 * KIB * KIB, "twice"), (2 * KIB * KIB, "ctrl-z")]
    {
        let mut scene = Scene::new();
        scene.stop_host();
        // Not in the brackets of a paste: each read is drawn.
        scene.terminal.type_bytes("paste ".repeat(size / 6).as_bytes());
        let begun = Instant::now();
        match way {
            "once" => scene.terminal.press(Key::Ctrl('\\')),
            "twice" => {
                scene.terminal.press(Key::Ctrl('\\'));
                scene.terminal.press(Key::Ctrl('\\'));
            }
            _ => scene.terminal.press(Key::Ctrl('z')),
        }
        scene.is_back_at_the_shell(&format!("kill -CONT {}", scene.host()));
        assert!(begun.elapsed() < BOUND, "{size} {way}: {:?}", begun.elapsed());
        if way == "ctrl-z" {
            process::signal(pid(&scene.record, "client_pid"), Signal::SIGTERM);
            scene.terminal.run("clear; fg");
            scene.is_back_at_the_shell("");
        } else {
            let shown = scene.terminal.screen().text().replace('\n', "");
            assert!(shown.contains("claude has not read the last"), "{}", scene.terminal.report());
            assert_eq!(scene.status(), "0");
        }
        scene.continue_host();
        verb::well_said(&scene.sandbox, &["stop", "work"]);
    }
}

#[test]
fn a_signal_gives_the_terminal_back_and_is_not_passed_on_later() {
    for (signal, status) in
        [(Signal::SIGTERM, "143"), (Signal::SIGINT, "130"), (Signal::SIGQUIT, "131"), (Signal::SIGHUP, "129")]
    {
        let mut scene = Scene::new();
        scene.stop_host();
        scene.say_unseen_words();
        let begun = Instant::now();
        process::signal(pid(&scene.record, "client_pid"), signal);
        scene.is_back_at_the_shell("kill -CONT");
        assert!(begun.elapsed() < BOUND, "{signal}: {:?}", begun.elapsed());
        assert_eq!(scene.status(), status, "{signal}");
        scene.goes_on_detached();
    }
}

#[test]
fn ctrl_z_gives_the_shell_its_terminal_and_fg_the_session() {
    for host_first in [true, false] {
        let mut scene = Scene::new();
        scene.stop_host();
        let begun = Instant::now();
        scene.terminal.press(Key::Ctrl('z'));
        scene.is_back_at_the_shell("suspended without an answer");
        assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
        if host_first {
            scene.continue_host();
            scene.sandbox.wait_for_record("a suspension", |record| record.text("state") == "suspended");
            scene.terminal.run("clear; fg");
        } else {
            let client = pid(&scene.record, "client_pid");
            scene.terminal.run("clear; fg");
            wait_until("a client that goes on", DEADLINE, || !process::is_stopped(client));
            scene.continue_host();
        }
        at_prompt(&mut scene.terminal);
        submit(&mut scene.terminal, "words behind fg");
        scene.terminal.wait_for_text("You said: words behind fg");
        at_prompt(&mut scene.terminal);
        submit(&mut scene.terminal, "/exit");
        scene.is_back_at_the_shell("Resume this session");
        let host = scene.host();
        wait_until("the end of the host", DEADLINE, || !process::runs(host));
    }
}

/// A terminal without a shell in it, as of `xterm -e`: it was said to be suspended, and stayed raw.
#[test]
fn ctrl_z_without_a_shell_says_what_helps_and_suspends_nothing() {
    for host_goes_on in [false, true] {
        let sandbox = stand_in::sandbox();
        let mut terminal = stand_in::start(&sandbox, &["-n", "work"]);
        let record = sandbox.wait_for_record("an idle claude", |record| record.text("status") == "idle");
        let host = pid(&record, "host_pid");
        process::signal(host, Signal::SIGSTOP);
        wait_until("a stopped host", DEADLINE, || process::is_stopped(host));
        terminal.press(Key::Ctrl('z'));
        terminal.wait_for("what helps", |screen| {
            let text = screen.text().replace('\n', "");
            text.contains("not suspended")
                && text.contains("kill -CONT")
                && text.contains("gives this terminal back")
        });
        if host_goes_on {
            process::signal(host, Signal::SIGCONT);
            at_prompt(&mut terminal);
            stand_in::say(&mut terminal, "words behind it");
            stand_in::exit(terminal);
        } else {
            terminal.press(Key::Ctrl('\\'));
            assert_eq!(terminal.wait_for_exit().code(), Some(0), "{}", terminal.report());
            assert!(terminal.attributes().local_flags.contains(nix::sys::termios::LocalFlags::ICANON));
            process::signal(host, Signal::SIGCONT);
            verb::well_said(&sandbox, &["stop", "work"]);
        }
        sandbox.wait_for_silence();
    }
}

#[test]
fn attach_gives_up_and_takes_nothing_later() {
    let mut scene = Scene::new();
    scene.terminal.press(Key::Ctrl('\\'));
    scene.terminal.wait_for_prompt();
    scene.sandbox.wait_for_record("no client", |record| record.json["client_pid"].is_null());
    scene.stop_host();
    let begun = Instant::now();
    scene.terminal.run(&format!("clear; {} attach work", cckw_program()));
    scene.is_back_at_the_shell(&format!("kill -CONT {}", scene.host()));
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    assert_eq!(scene.status(), "1");
    let written = scene.terminal.output_length();
    scene.continue_host();
    assert!(verb::well_said(&scene.sandbox, &["screen", "work"]).contains('❯'));
    assert!(scene.sandbox.records()[0].json["client_pid"].is_null());
    assert_eq!(scene.terminal.output_length(), written, "{}", scene.terminal.report());
}

/// What a verb says within the bound, on both streams.
fn said(sandbox: &Sandbox, words: &[&str]) -> String {
    let begun = Instant::now();
    let output = verb::cckw(sandbox, words).output().expect("runs");
    assert!(begun.elapsed() < BOUND, "{words:?}: {:?}", begun.elapsed());
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

fn detached() -> (Sandbox, Record) {
    let sandbox = stand_in::sandbox();
    let mut terminal = stand_in::start(&sandbox, &["-n", "work"]);
    sandbox.wait_for_record("an idle claude", |record| record.text("status") == "idle");
    terminal.press(Key::Ctrl('\\'));
    assert_eq!(terminal.wait_for_exit().code(), Some(0), "{}", terminal.report());
    let record = sandbox.wait_for_record("no client", |record| record.json["client_pid"].is_null());
    (sandbox, record)
}

#[test]
fn every_verb_ends_in_time_and_none_is_carried_out_later() {
    let (sandbox, record) = detached();
    let host = pid(&record, "host_pid");
    let claude = pid(&record, "claude_pid").to_string();
    process::signal(host, Signal::SIGSTOP);
    wait_until("a stopped host", DEADLINE, || process::is_stopped(host));
    // Several at once, for each of them waits as long as the others.
    let verbs: [&[&[&str]]; 4] = [
        &[&["list"], &["list", "--json"], &["screen", "work"], &["detach", "work"]],
        &[
            &["restart", "work"],
            &["restart", "--now", "work"],
            &["restart", "--all"],
            &["restart", "--cancel", "work"],
        ],
        &[
            &["stop", "work"],
            &["logs", "work"],
            &["start", "work"],
            &["rm", "work"],
            &["doctor"],
            &["detect"],
        ],
        &[&["reconnect", "--pid", &claude, "--apply"], &["reconnect", "--cycle", "work", "--apply"]],
    ];
    std::thread::scope(|threads| {
        for verbs in &verbs {
            threads.spawn(|| {
                for words in *verbs {
                    let said = said(&sandbox, words);
                    assert!(said.contains(&format!("kill -CONT {host}")), "{words:?}: {said}");
                }
            });
        }
    });
    process::signal(host, Signal::SIGCONT);
    // Whoever asks now stands behind all that was asked before.
    assert!(verb::well_said(&sandbox, &["screen", "work"]).contains('❯'));
    let now = &sandbox.records()[0];
    assert_eq!((pid(now, "child_pid"), now.text("state")), (pid(&record, "child_pid"), "running"));
    assert_eq!((&now.json["restart_pending"], &now.json["restarts"]), (&false.into(), &0.into()));
    verb::well_said(&sandbox, &["stop", "work"]);
    sandbox.wait_for_silence();
}

/// A host that stands still, as in a loop or on a disk that hangs, though its process is not stopped.
struct Standstill(std::path::PathBuf);

impl Standstill {
    /// To be called before the host is started; it goes on until `begin`.
    fn prepare(sandbox: &mut Sandbox) -> Self {
        let fifo = sandbox.path("gate");
        sandbox.set("CCKW_FAULT_GATE", format!("turn={}", fifo.display()));
        Self(fifo)
    }

    /// From now on the host stands still as soon as it has something to do.
    fn begin(&self) {
        nix::unistd::mkfifo(&self.0, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    }

    /// A host that stands still goes on.
    fn end(&self) {
        // What opens the gate to write waits for who reads it.
        let writer = std::fs::OpenOptions::new().write(true).open(&self.0).expect("a FIFO");
        std::fs::remove_file(&self.0).expect("removes it");
        drop(writer);
    }
}

/// `list` showed it as well as all others.
#[test]
fn a_host_that_stands_still_without_being_stopped_is_said_to_be_hung() {
    if !has_faults() {
        return;
    }
    let mut sandbox = stand_in::sandbox();
    let _healthy = stand_in::start(&sandbox, &["-n", "healthy"]);
    sandbox.wait_for_record("an idle claude", |record| record.text("status") == "idle");
    let standstill = Standstill::prepare(&mut sandbox);
    let mut terminal = stand_in::start(&sandbox, &["-n", "work"]);
    at_prompt(&mut terminal);
    terminal.press(Key::Ctrl('\\'));
    assert_eq!(terminal.wait_for_exit().code(), Some(0), "{}", terminal.report());
    // What the host does not know by then it cannot write down.
    let is_idle = |record: &Record| record.text("name") == "work" && record.text("status") == "idle";
    let find = || sandbox.records().into_iter().find(is_idle);
    let host = pid(&crate::support::wait_until_some("an idle claude", DEADLINE, find), "host_pid");
    assert!(!said(&sandbox, &["list"]).contains("hung"));
    standstill.begin();
    for words in [
        &["list"][..],
        &["list", "--json"],
        &["logs", "work"],
        &["start", "work"],
        &["rm", "work"],
        &["doctor"],
        &["detect"],
    ] {
        let said = said(&sandbox, words);
        assert!(said.contains(&format!("(process {host}) does not answer")), "{words:?}: {said}");
        assert!(said.contains(&format!("kill -KILL {host}")), "{words:?}: {said}");
    }
    let list = said(&sandbox, &["list"]);
    let state = |name: &str| list.lines().find(|line| line.starts_with(name)).expect(name).to_owned();
    assert!(state("work").contains(" hung "), "{list}");
    assert!(state("healthy").contains(" idle "), "{list}");
    standstill.end();
    let list = said(&sandbox, &["list"]);
    assert!(!list.contains("hung") && !list.contains("does not answer"), "{list}");
    // The advice works.
    standstill.begin();
    assert!(said(&sandbox, &["list"]).contains("hung"));
    std::fs::remove_file(&standstill.0).expect("removes it");
    process::signal(host, Signal::SIGKILL);
    wait_until("the end of the host", DEADLINE, || !process::runs(host));
    assert!(said(&sandbox, &["list"]).contains("work"));
    wait_until("another host", DEADLINE, || {
        let record = wait_for_named(&sandbox, "work");
        record.pid("host_pid") != Some(host) && record.text("status") == "idle"
    });
    for name in ["work", "healthy"] {
        verb::well_said(&sandbox, &["stop", name]);
    }
    sandbox.wait_for_silence();
}

fn wait_for_named(sandbox: &Sandbox, name: &str) -> Record {
    crate::support::wait_until_some("a record", DEADLINE, || {
        sandbox.records().into_iter().find(|record| record.text("name") == name)
    })
}

#[test]
fn a_host_whose_queue_is_full_holds_up_no_verb() {
    let (sandbox, record) = detached();
    let host = pid(&record, "host_pid");
    process::signal(host, Signal::SIGSTOP);
    wait_until("a stopped host", DEADLINE, || process::is_stopped(host));
    // As many as fit; connect(2) would wait for room for one more.
    let socket = nix::sys::socket::UnixAddr::new(record.text("socket")).expect("a short path");
    let mut queued = Vec::new();
    loop {
        use nix::sys::socket::{AddressFamily, SockFlag, SockType, connect, socket as make};
        use std::os::fd::AsRawFd;
        let one = make(AddressFamily::Unix, SockType::Stream, SockFlag::empty(), None).expect("a socket");
        keep_private(&one);
        let one = UnixStream::from(one);
        one.set_nonblocking(true).expect("a socket that does not block");
        match connect(one.as_raw_fd(), &socket) {
            Ok(()) => queued.push(one),
            Err(QUEUE_IS_FULL) => break,
            Err(error) => panic!("{error}"),
        }
        assert!(queued.len() < 10_000);
    }
    for words in [&["screen", "work"][..], &["stop", "work"], &["logs", "work"], &["list"]] {
        let said = said(&sandbox, words);
        assert!(said.contains(&format!("kill -CONT {host}")), "{words:?}: {said}");
    }
    drop(queued);
    process::signal(host, Signal::SIGCONT);
    wait_until("an answer", DEADLINE, || {
        verb::cckw(&sandbox, &["screen", "work"]).output().is_ok_and(|output| output.status.success())
    });
    verb::well_said(&sandbox, &["stop", "work"]);
    sandbox.wait_for_silence();
}

#[test]
fn a_host_that_hangs_at_the_start_is_given_up_and_starts_nothing_later() {
    if !has_faults() {
        return;
    }
    let mut sandbox = stand_in::sandbox();
    let fifo = sandbox.path("gate");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    sandbox.set("CCKW_FAULT_GATE", format!("start={}", fifo.display()));
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    let client = terminal.pid();
    let host =
        crate::support::wait_until_some("a host", DEADLINE, || process::children(client).first().copied());
    // What opens the gate to write waits for who reads it: the host is there.
    let writer = std::fs::OpenOptions::new().write(true).open(&fifo).expect("a FIFO");
    let begun = Instant::now();
    process::signal(client, Signal::SIGTERM);
    assert_eq!(terminal.wait_for_exit().code(), Some(143), "{}", terminal.report());
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    assert!(terminal.attributes().local_flags.contains(nix::sys::termios::LocalFlags::ICANON));
    drop(writer);
    wait_until("the end of the host", DEADLINE, || !process::runs(host));
    sandbox.wait_for_silence();
    assert!(sandbox.records().is_empty(), "{:?}", sandbox.records());
}

/// Nobody else could give the terminal back: dash does not, and there is no session yet.
#[test]
fn the_host_of_a_client_that_is_killed_at_the_start_gives_the_terminal_back() {
    if !has_faults() {
        return;
    }
    let mut sandbox = stand_in::sandbox();
    let cckw = std::path::Path::new(cckw_program()).parent().expect("a directory");
    sandbox.set("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", cckw.display()));
    let fifo = sandbox.path("gate");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    sandbox.set("CCKW_FAULT_GATE", format!("start={}", fifo.display()));
    let mut shell = Terminal::shell("dash", &sandbox);
    let manners = shell.manners();
    shell.run("cckw claude");
    let pid = shell.pid();
    let client =
        crate::support::wait_until_some("a client", DEADLINE, || process::children(pid).first().copied());
    let writer = std::fs::OpenOptions::new().write(true).open(&fifo).expect("a FIFO");
    process::signal(client, Signal::SIGKILL);
    wait_until("the end of the client", DEADLINE, || !process::runs(client));
    drop(writer);
    shell.wait_for_manners(&manners);
    wait_until("the end of the host", DEADLINE, || sandbox.processes() == [pid]);
    assert!(sandbox.records().is_empty(), "{:?}", sandbox.records());
}
