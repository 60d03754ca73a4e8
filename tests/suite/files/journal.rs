//! A state directory whose disk hangs holds up neither bytes nor keys nor the ways out; and when it works
//! again everything is written.

use std::fs::{self, OpenOptions};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;

use crate::support::stand_in::{self, at_prompt, submit};
use crate::support::{
    DEADLINE, Key, Record, Sandbox, Terminal, has_faults, process, verb, wait_until, wait_until_some,
};

/// What a way out may take while the disk hangs: the second that a message waits for its record, and a loaded
/// machine.
const BOUND: Duration = Duration::from_secs(40);

/// A disk that hangs: where its FIFO is, the host's writer waits for it before each record.
struct Disk {
    fifo: PathBuf,
}

impl Disk {
    fn new(sandbox: &mut Sandbox) -> Self {
        let fifo = sandbox.path("gate");
        sandbox.set("CCKW_FAULT_GATE", format!("record-write={}", fifo.display()));
        Self { fifo }
    }

    fn hang(&self) {
        nix::unistd::mkfifo(&self.fifo, Mode::S_IRWXU).expect("a FIFO");
    }

    fn work_again(&self) {
        // Whoever waits for a writer has one, and with its end the end of the file.
        let writer = OpenOptions::new().read(true).write(true).open(&self.fifo).expect("the FIFO");
        fs::remove_file(&self.fifo).expect("removed");
        drop(writer);
    }
}

fn session() -> (Sandbox, Terminal, Record, Disk) {
    let mut sandbox = stand_in::sandbox();
    let disk = Disk::new(&mut sandbox);
    let mut terminal = stand_in::start(&sandbox, &["-n", "work"]);
    stand_in::say(&mut terminal, "first words");
    let said =
        |record: &Record| record.text("status") == "idle" && record.json["with_transcript"][0].is_string();
    let record = sandbox.wait_for_record("a transcript", said);
    (sandbox, terminal, record, disk)
}

#[test]
fn keys_output_and_verbs_go_on_and_the_record_is_written_later() {
    if !has_faults() {
        return;
    }
    let (sandbox, mut terminal, before, disk) = session();
    disk.hang();
    for words in ["second words", "third words"] {
        submit(&mut terminal, words);
        terminal.wait_for_text(&format!("You said: {words}"));
        at_prompt(&mut terminal);
    }
    assert!(verb::well_said(&sandbox, &["screen", "work"]).contains("You said: third words"));
    let begun = Instant::now();
    terminal.press(Key::Ctrl('\\'));
    assert_eq!(terminal.wait_for_exit().code(), Some(0), "{}", terminal.report());
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    // On disk it is still the one of before.
    let stale = &sandbox.records()[0];
    assert_eq!((stale.pid("client_pid"), stale.text("status")), (before.pid("client_pid"), "idle"));
    disk.work_again();
    let record = sandbox.wait_for_record("no client", |record| record.json["client_pid"].is_null());
    assert_eq!(record.text("conversation"), before.text("conversation"));
    verb::well_said(&sandbox, &["stop", "work"]);
    sandbox.wait_for_silence();
}

#[test]
fn the_end_of_claude_is_told_though_it_cannot_be_written_down() {
    if !has_faults() {
        return;
    }
    let (sandbox, mut terminal, record, disk) = session();
    disk.hang();
    submit(&mut terminal, "/exit");
    let begun = Instant::now();
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    terminal.wait_for_text("could not be written down");
    let host = record.pid("host_pid").expect("a host");
    wait_until("the end of the host", DEADLINE, || !process::runs(host));
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    // The record on disk says that it runs. No command takes it for a session that has lost its host, and
    // brings it back.
    let list = verb::well_said(&sandbox, &["list"]);
    assert!(list.contains("terminated"), "{list}");
    disk.work_again();
    sandbox.wait_for_silence();
}

#[test]
fn stop_and_a_crash_do_not_wait_for_it() {
    if !has_faults() {
        return;
    }
    let (sandbox, mut terminal, record, disk) = session();
    disk.hang();
    process::signal(record.pid("claude_pid").expect("claude"), nix::sys::signal::Signal::SIGKILL);
    terminal.wait_for_text("back in");
    terminal.press(Key::Enter);
    at_prompt(&mut terminal);
    terminal.wait_for_text("You said: first words");
    let begun = Instant::now();
    verb::well_said(&sandbox, &["stop", "work"]);
    terminal.finish();
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    let host = record.pid("host_pid").expect("a host");
    wait_until("the end of the host", DEADLINE, || !process::runs(host));
    // The record on disk says that it runs. The marker says that the user has ended it.
    assert!(verb::well_said(&sandbox, &["list"]).contains("no session"));
    disk.work_again();
    sandbox.wait_for_silence();
}

#[test]
fn without_a_thread_the_session_is_the_same() {
    if !has_faults() {
        return;
    }
    let mut sandbox = stand_in::sandbox();
    sandbox.set("CCKW_FAULT", "no-journal-thread");
    let mut terminal = stand_in::start(&sandbox, &["-n", "work"]);
    submit(&mut terminal, "first words");
    terminal.wait_for_text("You said: first words");
    let record =
        sandbox.wait_for_record("a transcript", |record| record.json["with_transcript"][0].is_string());
    assert!(verb::well_said(&sandbox, &["logs", "work"]).contains("no-journal-thread"));
    terminal.press(Key::Ctrl('\\'));
    assert_eq!(terminal.wait_for_exit().code(), Some(0), "{}", terminal.report());
    // Written in line, it was written before the client was let go.
    assert!(sandbox.records()[0].json["client_pid"].is_null());
    verb::well_said(&sandbox, &["stop", "work"]);
    sandbox.wait_for_silence();
    assert_eq!(sandbox.records()[0].text("session"), record.text("session"));
    assert_eq!(sandbox.records()[0].text("state"), "stopped");
}

#[test]
fn what_was_cleared_right_before_the_host_was_killed_stays_cleared() {
    if !has_faults() {
        return;
    }
    let (sandbox, mut terminal, before, disk) = session();
    disk.hang();
    submit(&mut terminal, "/clear");
    let claude = before.pid("claude_pid").expect("a claude");
    let state_file = sandbox.path(format!("home/.claude/sessions/{claude}.json"));
    let open = || -> Option<String> {
        let state: serde_json::Value = serde_json::from_slice(&fs::read(&state_file).ok()?).ok()?;
        state["sessionId"].as_str().map(str::to_owned)
    };
    let cleared = wait_until_some("a new conversation", DEADLINE, || {
        open().filter(|id| id != before.text("conversation"))
    });
    for pid in [claude, before.pid("host_pid").expect("a host")] {
        process::signal(pid, Signal::SIGKILL);
    }
    assert_eq!(sandbox.records()[0].text("conversation"), before.text("conversation"));
    disk.work_again();
    let again = sandbox
        .wait_for_record("another claude", |now| now.json["restarts"] == 1 && now.text("status") == "idle");
    assert_eq!(again.text("conversation"), cleared);
    at_prompt(&mut terminal);
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
}

/// A thread that does not end when its process is killed, as one does not that waits for a disk. A debugger
/// can have that.
#[cfg(target_os = "linux")]
struct Undying(i32);

#[cfg(target_os = "linux")]
impl Undying {
    const NOTHING: *mut nix::libc::c_void = std::ptr::null_mut();

    /// The thread of this name.
    fn seize(process: i32, name: &str) -> Self {
        let tasks = fs::read_dir(format!("/proc/{process}/task")).expect("threads");
        let tasks = tasks.flatten().filter_map(|task| {
            let comm = fs::read_to_string(task.path().join("comm")).ok()?;
            (comm.trim_end() == name).then(|| task.file_name().to_str()?.parse().ok())?
        });
        let thread: i32 = tasks.last().expect("the thread");
        // SAFETY: the number of a thread, and a flag in the place of the last pointer.
        let done = unsafe {
            nix::libc::ptrace(
                nix::libc::PTRACE_SEIZE,
                thread,
                Self::NOTHING,
                nix::libc::PTRACE_O_TRACEEXIT as usize as *mut nix::libc::c_void,
            )
        };
        assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
        Self(thread)
    }

    /// The process was killed, and the thread is about to end.
    fn wait_for_its_end(&self) {
        let mut status = 0;
        // SAFETY: fills the number that it is given.
        let found = unsafe { nix::libc::waitpid(self.0, &raw mut status, nix::libc::__WALL) };
        assert_eq!(found, self.0, "{}", std::io::Error::last_os_error());
        assert_eq!(status >> 16, nix::libc::PTRACE_EVENT_EXIT, "{status:#x}");
    }

    fn let_go(self) {
        // SAFETY: the number of a thread that this one traces.
        unsafe { nix::libc::ptrace(nix::libc::PTRACE_DETACH, self.0, Self::NOTHING, Self::NOTHING) };
    }
}

/// The client hears of it at once, and has the terminal as it was should it be killed a moment later. The new
/// host waits for the last write of the old one.
#[cfg(target_os = "linux")]
#[test]
fn a_host_that_is_killed_while_it_waits_for_the_disk_is_gone_at_once_for_its_client() {
    let sandbox = stand_in::sandbox();
    let mut terminal = stand_in::start(&sandbox, &["-n", "work"]);
    submit(&mut terminal, "first words");
    terminal.wait_for_text("You said: first words");
    let record =
        sandbox.wait_for_record("a transcript", |record| record.json["with_transcript"][0].is_string());
    let host = record.pid("host_pid").expect("a host");
    let thread = Undying::seize(host, "journal");
    let begun = Instant::now();
    process::signal(host, nix::sys::signal::Signal::SIGKILL);
    thread.wait_for_its_end();
    terminal.wait_for_modes("a terminal as it was", |modes| modes.left_on().is_empty());
    println!("the client has heard of it after {:?}", begun.elapsed());
    // Its lock is held until then, so nobody else writes there.
    assert!(!sandbox.locks_are_free());
    thread.let_go();
    terminal.wait_for_text("the process that held this session was killed");
    at_prompt(&mut terminal);
    terminal.wait_for_text("You said: first words");
    let again = sandbox.wait_for_record("another host", |record| record.pid("host_pid") != Some(host));
    assert_eq!(again.text("session"), record.text("session"));
    verb::well_said(&sandbox, &["stop", "work"]);
    terminal.finish();
    sandbox.wait_for_silence();
}
