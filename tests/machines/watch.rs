//! A look at a session of another machine: `cckw attach --watch`, and `cckw screen --follow`.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::bed::Bed;
use crate::scene::attached;
use crate::support::stand_in::say;
use crate::support::{DEADLINE, Key, Terminal, wait_until};

fn watch(bed: &Bed) -> Terminal {
    let mut watcher = Terminal::builder().size(45, 130).spawn(bed.cckw(&["attach", "--watch", "box:api"]));
    watcher.wait_for_text(" q leaves | watching box:api (120x40)");
    watcher
}

/// The far side of a look ends with it.
fn is_left(bed: &Bed) {
    wait_until("the end of the far side", DEADLINE, || !bed.far("box").processes().contains("far attach"));
    wait_until("the end of ssh", DEADLINE, || {
        let follows =
            |pid: &i32| crate::support::process::arguments(*pid).iter().any(|word| word.contains("--watch"));
        !bed.near_processes().iter().any(follows)
    });
}

#[test]
fn it_is_seen_live_and_left() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let (mut terminal, _) = attached(&bed);
    let mut watcher = watch(&bed);
    say(&mut terminal, "seen from afar");
    watcher.wait_for_text("You said: seen from afar");
    watcher.type_text("never");
    watcher.press(Key::Char('q'));
    assert_eq!(watcher.finish().code(), Some(0), "{}", watcher.report());
    assert_eq!(watcher.modes().left_on(), Vec::<String>::new());
    is_left(&bed);
    assert!(!terminal.screen().contains("never"), "{}", terminal.report());
    // The end of the session is said as it is here.
    let mut watcher = watch(&bed);
    assert!(bed.well_said(&["stop", "box:api"]).contains("box:api"));
    assert_eq!(watcher.finish().code(), Some(0), "{}", watcher.report());
    assert!(watcher.screen().contains("cckw: box:api: stopped"), "{}", watcher.report());
    terminal.finish();
    // One that is not there is an error, and the terminal is not touched.
    let mut watcher = Terminal::spawn(bed.cckw(&["attach", "--watch", "box:nothing"]));
    assert_eq!(watcher.finish().code(), Some(1), "{}", watcher.report());
    assert!(watcher.screen().contains("nothing"), "{}", watcher.report());
}

#[test]
fn a_link_that_is_lost_ends_it() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let (mut terminal, _) = attached(&bed);
    terminal.press(Key::Ctrl('\\'));
    terminal.finish();
    let mut watcher = watch(&bed);
    bed.far("box").kill_sshd();
    assert_eq!(watcher.finish().code(), Some(255), "{}", watcher.report());
    assert_eq!(watcher.modes().left_on(), Vec::<String>::new());
    assert!(watcher.screen().contains("box: "), "{}", watcher.report());
}

#[test]
fn for_programs_it_is_the_same_as_here() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let (mut terminal, _) = attached(&bed);
    let mut command = bed.cckw(&["screen", "--follow", "--json", "box:api"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("runs");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let mut next = || -> Value {
        let line = lines.next().expect("a line").expect("is read");
        serde_json::from_str(&line).expect("JSON")
    };
    let first = next();
    assert_eq!((first["name"].as_str(), first["machine"].as_str()), (Some("api"), Some("box")));
    assert_eq!(first["is_whole"], true);
    say(&mut terminal, "for a program");
    while !next().to_string().contains("You said: for a program") {}
    assert!(bed.well_said(&["stop", "box:api"]).contains("box:api"));
    let last = loop {
        let line = next();
        if !line["ended"].is_null() {
            break line;
        }
    };
    assert!(last["ended"].as_str().expect("a text").starts_with("stopped"), "{last}");
    assert!(child.wait_with_output().expect("ends").status.success());
    terminal.finish();
}
