//! The journal against a directory that works, fails, and comes back.

use std::fs;

use serde_json::{Value, json};

use super::*;
use crate::os::poll::{Interest, Poll};
use crate::registry::record::tests::example;

const DEADLINE: Duration = Duration::from_secs(20);

fn wait_for_news(journal: &mut Journal) -> News {
    let mut poll = Poll::default();
    let until = Instant::now() + DEADLINE;
    loop {
        if let Some(news) = journal.news() {
            return news;
        }
        let left = until.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "no news");
        poll.clear();
        poll.add(&*journal, Interest::Reading);
        poll.wait(Some(left)).expect("waits");
    }
}

fn log(directory: &Path) -> Vec<Value> {
    let text = fs::read_to_string(directory.join("events.jsonl")).expect("a log");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn the_newest_record_and_every_line_in_order_are_written() {
    let scratch = tempfile::tempdir().expect("a directory");
    let (mut journal, events) = Journal::new(scratch.path(), None).expect("a journal");
    let mut record = example();
    for number in 0..500 {
        events.write(LogEvent::Started { child: number });
        record.restarts = number as u32;
        journal.save(&record);
    }
    journal.finish(DEADLINE).expect("written");
    assert_eq!(Record::read(scratch.path()).expect("a record"), record);
    let numbers: Vec<u64> =
        log(scratch.path()).iter().map(|line| line["child"].as_u64().expect("a number")).collect();
    assert_eq!(numbers, (0..500).collect::<Vec<u64>>());
}

#[test]
fn a_promise_is_kept_when_its_record_is_on_disk() {
    let scratch = tempfile::tempdir().expect("a directory");
    let (mut journal, _events) = Journal::new(scratch.path(), None).expect("a journal");
    assert!(journal.promise().is_none());
    journal.save(&example());
    // Where the thread was faster there is nothing to wait for.
    if let Some(promise) = journal.promise() {
        let mut poll = Poll::default();
        while !journal.is_kept(&promise) {
            poll.clear();
            poll.add(&journal, Interest::Reading);
            poll.wait(Some(DEADLINE)).expect("waits");
            let _ = journal.news();
        }
    }
    assert!(journal.promise().is_none());
    Record::read(scratch.path()).expect("a record");
}

#[test]
fn a_record_that_cannot_be_written_is_told_once_and_tried_again() {
    let scratch = tempfile::tempdir().expect("a directory");
    let directory = scratch.path().join("gone");
    let (mut journal, events) = Journal::new(&directory, None).expect("a journal");
    journal.save(&example());
    assert!(matches!(wait_for_news(&mut journal), News::Failed(_)));
    assert!(journal.promise().is_none());
    events.write(LogEvent::Detached);
    journal.save(&example());
    assert!(journal.finish(DEADLINE).is_err());
    assert_eq!(journal.news(), None);
    fs::create_dir(&directory).expect("a directory");
    assert_eq!(wait_for_news(&mut journal), News::Written);
    events.write(LogEvent::Resumed);
    journal.finish(DEADLINE).expect("written");
    let lines = log(&directory);
    assert_eq!((&lines[0]["event"], &lines[0]["count"]), (&json!("events-missed"), &json!(1)));
    assert_eq!(lines[1]["event"], "resumed");
}

#[test]
fn without_a_thread_it_writes_in_line() {
    let scratch = tempfile::tempdir().expect("a directory");
    let directory = scratch.path().join("gone");
    let (mut journal, _) = Journal::new(&directory, None).expect("a journal");
    journal.inline = Some(Writer::new(&directory));
    // No thread: the one that there is has nothing that is its own.
    let shared = Shared {
        queue: Mutex::default(),
        work: Condvar::new(),
        done: Condvar::new(),
        wake: journal.shared.wake.try_clone().expect("a descriptor"),
    };
    journal.shared = Arc::new(shared);
    journal.save(&example());
    assert!(journal.retry_at().is_some());
    assert!(matches!(journal.news(), Some(News::Failed(_))));
    fs::create_dir(&directory).expect("a directory");
    journal.save(&example());
    assert_eq!((journal.retry_at(), journal.news()), (None, Some(News::Written)));
    Record::read(&directory).expect("a record");
    journal.finish(Duration::ZERO).expect("written");
}

#[test]
fn what_waits_for_a_disk_that_hangs_is_bounded() {
    let scratch = tempfile::tempdir().expect("a directory");
    let (journal, events) = Journal::new(scratch.path(), None).expect("a journal");
    let filler = "x".repeat(1000);
    // Held, the queue cannot be taken by the thread, as if that were waiting for the disk.
    let mut queue = journal.shared.lock();
    queue.bytes = MAX_QUEUED_BYTES;
    drop(queue);
    for _ in 0..10 {
        events.write(LogEvent::NotTakenUp { reason: filler.clone() });
    }
    let mut queue = journal.shared.lock();
    assert_eq!((queue.dropped, queue.lines.len()), (10, 0));
    queue.bytes = 0;
    drop(queue);
    events.write(LogEvent::Resumed);
    let mut journal = journal;
    journal.finish(DEADLINE).expect("written");
    let lines = log(scratch.path());
    assert_eq!((&lines[0]["event"], &lines[0]["count"]), (&json!("events-missed"), &json!(10)));
    assert_eq!(lines[1]["event"], "resumed");
}
