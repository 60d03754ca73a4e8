//! Something else in the place of a file of cckw's.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::session;
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Terminal, wait_until};

fn pipe(path: &Path) {
    mkfifo(path, Mode::S_IRWXU).expect("a pipe");
}

fn endless(path: &Path) {
    symlink("/dev/zero", path).expect("a link");
}

fn elsewhere(path: &Path) {
    symlink(path.with_file_name("victim"), path).expect("a link");
}

fn directory(path: &Path) {
    fs::create_dir(path).expect("a directory");
}

fn socket(path: &Path) {
    drop(std::os::unix::net::UnixListener::bind(path).expect("a socket"));
}

type Put = fn(&Path);

/// Whatever takes the place of the log or the mark of a revival: the session goes on, detaches, is attached,
/// and is stopped; nothing is written to what a link leads to.
#[test]
fn nothing_in_the_place_of_a_file_stops_a_session() {
    let puts: [Put; 5] = [pipe, endless, elsewhere, directory, socket];
    for (nth, put) in puts.into_iter().enumerate() {
        let (sandbox, mut terminal, record) = session("echo");
        let victim = record.path.with_file_name("victim");
        fs::write(&victim, "untouched").expect("writes");
        for name in ["events.jsonl", "revived"] {
            let path = record.path.with_file_name(name);
            let _ = fs::remove_file(&path);
            put(&path);
        }
        // Something that is logged and recorded.
        well_said(&sandbox, &["detach"]);
        assert_eq!(terminal.wait_for_exit().code(), Some(0), "{nth}");
        let log = record.path.with_file_name("events.jsonl");
        wait_until("a log that goes on", DEADLINE, || {
            fs::symlink_metadata(&log).is_ok_and(|found| found.is_file())
                && fs::read_to_string(&log).is_ok_and(|log| log.contains("detached"))
        });
        let mut attached = Terminal::spawn(cckw(&sandbox, &["attach"]));
        attached.wait_for_text("READY");
        attached.type_text("still here");
        attached.wait_for_text("still here");
        assert!(well_said(&sandbox, &["logs"]).contains("attached"), "{nth}");
        assert_eq!(fs::read_to_string(&victim).expect("reads"), "untouched");
        well_said(&sandbox, &["stop"]);
        attached.finish();
        sandbox.wait_for_silence();
    }
}
