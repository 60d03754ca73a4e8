//! The host sends a session's screen to those who watch it, when it has changed and only then.

use std::collections::BTreeSet;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use cckw::protocol::{Channel, Request, Response, ScreenFrame};

use crate::support::stand_in::{self, exit, idle, say, start};
use crate::support::verb::well_said;
use crate::support::{DEADLINE, Sandbox, Size, Terminal, pid, process, wait_until};

/// Somebody who watches the one session.
struct Watcher {
    channel: Channel,
    rows: Vec<String>,
    last: ScreenFrame,
    frames: Vec<Instant>,
}

impl Watcher {
    /// One that has said so, and has read nothing.
    fn new(sandbox: &Sandbox) -> Self {
        let socket = sandbox.sockets().into_iter().next().expect("a socket");
        let mut channel = Channel::new(UnixStream::connect(socket).expect("connects")).expect("a channel");
        assert!(channel.send(&Request::Watch, vec![]));
        Self { channel, rows: Vec::new(), last: ScreenFrame::default(), frames: Vec::new() }
    }

    /// One that has seen the whole screen.
    fn begun(sandbox: &Sandbox) -> Self {
        let mut watcher = Self::new(sandbox);
        assert!(watcher.take(DEADLINE) && watcher.last.is_whole, "{:?}", watcher.last);
        watcher
    }

    /// Takes a frame, if one comes in this time.
    fn take(&mut self, time: Duration) -> bool {
        let frame = match self.channel.wait_for::<Response>(Some(time)).expect("a connection") {
            None => return false,
            Some((Response::Frame(frame), _)) => frame,
            Some((other, _)) => panic!("{other:?}"),
        };
        if frame.is_whole {
            self.rows = vec![String::new(); frame.rows.into()];
        }
        for (row, line) in &frame.changed {
            self.rows[usize::from(*row)].clone_from(line);
        }
        self.frames.push(Instant::now());
        self.last = frame;
        true
    }

    #[track_caller]
    fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let end = Instant::now() + DEADLINE;
        while !is_so(self) {
            let left = end.saturating_duration_since(Instant::now());
            assert!(self.take(left), "{what}: {:#?}", self.rows);
        }
    }

    fn shows(&self, text: &str) -> bool {
        self.rows.iter().any(|row| row.contains(text))
    }

    /// Whether the host has closed the connection.
    fn is_over(&mut self) -> bool {
        while self.channel.wait_for::<Response>(Some(Duration::from_millis(1))).expect("reads").is_some() {}
        self.channel.is_abandoned()
    }
}

/// A session whose claude is this script of a shell.
fn scripted(text: &str) -> (Sandbox, Terminal) {
    let mut sandbox = Sandbox::new();
    let script = sandbox.script("scripted-claude", text);
    sandbox.set("CCKW_CLAUDE", script);
    let terminal = Terminal::spawn(sandbox.cckw_claude());
    sandbox.wait_for_record("a child", |record| record.pid("child_pid").is_some());
    (sandbox, terminal)
}

#[test]
fn the_screen_comes_whole_and_then_its_changes() {
    let sandbox = stand_in::sandbox();
    let mut terminal = start(&sandbox, &["-n", "work"]);
    idle(&sandbox, 0);
    let (mut first, mut second) = (Watcher::begun(&sandbox), Watcher::begun(&sandbox));
    assert!(first.shows("Claude Code stand-in"), "{:#?}", first.rows);
    assert_eq!((first.last.rows, first.last.columns), (40, 120));
    say(&mut terminal, "hello there");
    for watcher in [&mut first, &mut second] {
        watcher.until("the answer", |watcher| watcher.shows("You said: hello there"));
        assert!(!watcher.last.is_whole && watcher.last.changed.len() < 40);
    }
    // The rows are those of the terminal, with colours besides.
    first.until("the screen as it is", |watcher| {
        let plain: Vec<String> = watcher.rows.iter().map(|row| without_colours(row)).collect();
        terminal.screen().rows.iter().zip(&plain).all(|(shown, row)| shown.trim_end() == row.trim_end())
    });
    assert!(first.rows.iter().any(|row| row.contains("\x1b[2m")), "{:#?}", first.rows);
    terminal.resize(Size::cells(30, 100));
    first.until("the new size", |watcher| (watcher.last.rows, watcher.last.columns) == (30, 100));
    exit(terminal);
    wait_until("the end of the connections", DEADLINE, || first.is_over() && second.is_over());
    sandbox.wait_for_silence();
}

/// A row without what sets colours.
fn without_colours(row: &str) -> String {
    let mut pieces = row.split('\x1b');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| text + piece.split_once('m').map_or(piece, |(_, rest)| rest))
}

#[test]
fn there_are_no_more_than_twenty_frames_a_second() {
    let (sandbox, mut terminal) = scripted(
        "#!/bin/bash\nfor ((i = 0; i < 400; i++)); do printf '\\rcount %d' $i; sleep 0.01; done; read end\n",
    );
    let mut watcher = Watcher::begun(&sandbox);
    let begun = Instant::now();
    watcher.until("the last number", |watcher| watcher.shows("count 399"));
    let seconds = begun.elapsed().as_secs_f64();
    let frames = watcher.frames.len();
    // They are made that far apart, and come when they come.
    assert!(frames as f64 <= seconds * 20.0 + 3.0, "{frames} in {seconds} s");
    assert!(frames > 10, "{frames} in {seconds} s");
    terminal.type_text("\r");
    terminal.finish();
}

/// Output that never rests is shown once in a while all the same, and goes on as fast as without a watcher.
#[test]
fn a_flood_is_seen_while_it_lasts() {
    let (sandbox, mut terminal) = scripted("#!/bin/bash\nyes 'a line of a flood'\n");
    let mut watcher = Watcher::begun(&sandbox);
    watcher.until("a part of it", |watcher| watcher.shows("a line of a flood"));
    assert!(!watcher.is_over());
    well_said(&sandbox, &["stop"]);
    terminal.finish();
}

/// Nothing waits for one who does not read, neither claude nor the others, and what they read later is not old.
#[test]
fn who_does_not_read_gets_the_newest_later() {
    let text = "#!/bin/bash
line=$(printf 'x%.0s' {1..100})
for ((i = 0; i < 300; i++)); do
  for ((row = 1; row <= 38; row++)); do printf '\\e[%d;1H%d %s' $row $((i * row)) \"$line\"; done
  printf '\\e[40;1Hround %d' $i
  sleep 0.02
done
printf '\\e[40;1Hthat was all'
read end\n";
    let (sandbox, mut terminal) = scripted(text);
    let (mut idle, mut busy) = (Watcher::new(&sandbox), Watcher::begun(&sandbox));
    busy.until("the last words", |watcher| watcher.shows("that was all"));
    let of_busy = busy.frames.len();
    idle.until("the last words", |watcher| watcher.shows("that was all"));
    assert!(idle.frames.len() * 3 < of_busy, "{} and {of_busy}", idle.frames.len());
    assert_eq!(idle.rows, busy.rows);
    terminal.type_text("\r");
    terminal.finish();
}

#[test]
fn a_watcher_outlives_a_hand_over() {
    let sandbox = stand_in::sandbox();
    let mut terminal = start(&sandbox, &["-n", "work"]);
    idle(&sandbox, 0);
    let mut watcher = Watcher::begun(&sandbox);
    for words in ["first words", "second words"] {
        watcher.last.is_whole = false;
        well_said(&sandbox, &["restart", "--hosts", "work"]);
        watcher.until("a whole frame of the new program", |watcher| watcher.last.is_whole);
        say(&mut terminal, words);
        watcher.until("the answer", |watcher| watcher.shows(&format!("You said: {words}")));
    }
    exit(terminal);
    sandbox.wait_for_silence();
}

/// There is room for others beside those who watch.
#[test]
fn only_so_many_watch() {
    let sandbox = stand_in::sandbox();
    let terminal = start(&sandbox, &["-n", "work"]);
    idle(&sandbox, 0);
    let watchers: Vec<Watcher> = (0..12).map(|_| Watcher::begun(&sandbox)).collect();
    let mut more = Watcher::new(&sandbox);
    match more.channel.wait_for::<Response>(Some(DEADLINE)).expect("an answer") {
        Some((Response::Refused { reason }, _)) => assert!(reason.contains("12 others watch"), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert!(well_said(&sandbox, &["list"]).contains("work"));
    drop(watchers);
    wait_until("room", DEADLINE, || {
        let mut next = Watcher::new(&sandbox);
        matches!(next.channel.wait_for::<Response>(Some(DEADLINE)), Ok(Some((Response::Frame(_), _))))
    });
    exit(terminal);
}

#[test]
fn nobody_wakes_up_while_nothing_changes() {
    let sandbox = stand_in::sandbox();
    let mut terminal = start(&sandbox, &["-n", "work"]);
    let record = idle(&sandbox, 0);
    terminal.wait_for_rest(Duration::from_secs(2), |screen| screen.text());
    let host = pid(&record, "host_pid");
    let mut watcher = Watcher::begun(&sandbox);
    while watcher.take(Duration::from_millis(500)) {}
    let seen: BTreeSet<u64> = (0..4)
        .map(|_| {
            assert!(!watcher.take(Duration::from_millis(500)));
            process::sleeps(host)
        })
        .collect();
    assert!(seen.len() <= 2, "the host wakes up at rest: {seen:?}");
    assert!(process::runs(host));
    exit(terminal);
}
