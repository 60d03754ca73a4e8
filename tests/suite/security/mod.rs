//! What claude inherits is what it would inherit without cckw, and what others can reach of a session is
//! nothing.

mod doors;
mod files;
mod freeze;
mod hostile;
mod others;
mod panes;
mod printed;
mod replies;
mod secrets;
mod signals;

use std::fs::{self, File};
use std::io;
use std::os::fd::RawFd;
use std::process::Command;

use nix::sys::resource::Resource;
use serde_json::{Value, json};

use crate::support::{Sandbox, Terminal, before_exec, limit, pty_child, system};

fn child(mode: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.use_child(mode);
    sandbox
}

/// What the raw child reports when it is started by itself, and when it is started by cckw, in terminals that
/// are alike.
///
/// `prepare` is done to the command each time.
fn both(args: &[&str], prepare: impl Fn(&mut Command)) -> (Value, Value) {
    let look = |direct: bool| {
        let sandbox = child("inherit");
        let mut command = if direct { sandbox.command(pty_child()) } else { sandbox.cckw_claude() };
        command.args(args);
        prepare(&mut command);
        let mut terminal = Terminal::builder().fork(command);
        assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
        let mut report = sandbox.report();
        // The sandboxes have different names, and nothing else of their own.
        let text = report.to_string().replace(sandbox.root().to_str().expect("UTF-8"), "SANDBOX");
        report = serde_json::from_str(&text).expect("still JSON");
        if !direct {
            let record = sandbox.wait_for_record("an end", |record| record.text("state") == "stopped");
            let inside = report["env"].as_object_mut().expect("an environment").remove("CCKW_SESSION");
            assert_eq!(inside, Some(json!(record.text("session"))));
        }
        sandbox.wait_for_silence();
        report
    };
    (look(true), look(false))
}

fn set_disposition(signal: i32, to: libc::sighandler_t) {
    // SAFETY: only SIG_IGN and SIG_DFL are set, which run no code.
    unsafe { libc::signal(signal, to) };
}

fn block(signals: &[i32]) -> io::Result<()> {
    let mut set = std::mem::MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: the call fills the set.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    for signal in signals {
        // SAFETY: the set was made above.
        unsafe { libc::sigaddset(set.as_mut_ptr(), *signal) };
    }
    // SAFETY: the set was made above, and the old one is not asked for.
    match unsafe { libc::sigprocmask(libc::SIG_SETMASK, set.as_ptr(), std::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn duplicate(from: RawFd, to: RawFd) -> io::Result<()> {
    // SAFETY: touches no memory, and nothing of this process's own has these numbers.
    if unsafe { libc::dup2(from, to) } == to { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The numbers of the descriptors that a report lists.
fn numbers(report: &Value) -> Vec<&str> {
    report["fds"].as_object().expect("descriptors").keys().map(String::as_str).collect()
}

const SAME: [&str; 8] = ["status", "env", "cwd", "umask", "rlimits", "termios", "size", "nice"];

#[test]
fn everything_that_claude_inherits_is_the_user_s() {
    let (direct, through) = both(&["--model", "a b", "*", "\u{1b}"], |_| {});
    for key in SAME {
        assert_eq!(through[key], direct[key], "{key}");
    }
    let words = |report: &Value| report["argv"].as_array().expect("arguments").clone();
    let (direct_words, words) = (words(&direct), words(&through));
    // Claude is started by the name of its file, with the pinned conversation first.
    assert_eq!(words[0], "pty-child");
    assert_eq!(words[1], "--session-id");
    assert_eq!(words[3..], direct_words[1..]);
    assert_eq!(numbers(&through), ["0", "1", "2"]);
    let tty = &through["fds"]["0"];
    assert!(tty.as_str().is_some_and(|path| path.starts_with("/dev/pts/")), "{tty}");
    assert_eq!((&through["fds"]["1"], &through["fds"]["2"]), (tty, tty));
    // A job of its own in the foreground of a terminal whose session it does not lead.
    assert_eq!(through["pgrp"], through["pid"]);
    assert_eq!(through["tpgid"], through["pid"]);
    assert_ne!(through["sid"], through["pid"]);
    assert_eq!(through["sid"], through["ppid"]);
}

#[test]
fn what_the_user_has_changed_is_inherited_as_it_is() {
    let (direct, through) = both(&[], |command| {
        command.env("EMPTY", "").env("ODD", "a=b\n\u{1b}[31m").current_dir("/");
        before_exec(command, || {
            nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o137));
            limit(Resource::RLIMIT_CORE, 4096, 8192)?;
            limit(Resource::RLIMIT_NOFILE, 200, 300)?;
            // SAFETY: touches no memory.
            unsafe { libc::nice(3) };
            let mut attributes = nix::sys::termios::tcgetattr(io::stdin())?;
            attributes.input_flags.remove(nix::sys::termios::InputFlags::IXON);
            attributes.control_chars[nix::sys::termios::SpecialCharacterIndices::VINTR as usize] = 7;
            nix::sys::termios::tcsetattr(io::stdin(), nix::sys::termios::SetArg::TCSANOW, &attributes)?;
            Ok(())
        });
    });
    assert_eq!(direct["umask"], "0137");
    assert_eq!(direct["rlimits"]["NOFILE"], json!([200, 300]));
    assert_eq!(direct["termios"]["cc"][0], 7);
    for key in SAME {
        assert_eq!(through[key], direct[key], "{key}");
    }
}

#[test]
fn signals_are_blocked_and_ignored_as_they_were() {
    let [rare, another] = system::rare_signals();
    let ignored =
        [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGPIPE, libc::SIGUSR1, libc::SIGCHLD, rare];
    let (direct, through) = both(&[], move |command| {
        before_exec(command, move || {
            for signal in ignored {
                set_disposition(signal, libc::SIG_IGN);
            }
            block(&[libc::SIGUSR2, libc::SIGTERM, libc::SIGALRM, another])
        });
    });
    let mask = |signals: &[i32]| signals.iter().fold(0_u64, |mask, signal| mask | 1 << (signal - 1));
    let said = |report: &Value, key: &str| {
        u64::from_str_radix(report["status"][key].as_str().expect("a mask"), 16).expect("hexadecimal")
    };
    // Whoever runs the tests may ignore others besides.
    assert_eq!(said(&direct, "SigIgn") & mask(&ignored), mask(&ignored));
    assert_ne!(said(&direct, "SigBlk") & mask(&[another]), 0);
    for key in ["SigBlk", "SigIgn", "SigCgt"] {
        let (through, direct) = (said(&through, key), said(&direct, key));
        assert_eq!(through, direct, "{key}: {through:016x} and not {direct:016x}");
    }
    assert_eq!(said(&through, "SigCgt"), 0);
}

#[test]
fn a_signal_that_rust_ignores_is_not_ignored_in_claude() {
    let (direct, through) = both(&[], |command| {
        before_exec(command, || {
            set_disposition(libc::SIGPIPE, libc::SIG_DFL);
            Ok(())
        });
    });
    let ignored = u64::from_str_radix(direct["status"]["SigIgn"].as_str().expect("a mask"), 16);
    assert_eq!(ignored.expect("hexadecimal") & 1 << (libc::SIGPIPE - 1), 0);
    assert_eq!(through["status"], direct["status"]);
}

/// Starts cckw with `/dev/null` open as 5, 9 and 63 besides its terminal.
fn with_extra_descriptors(args: &[&str]) -> Value {
    let sandbox = child("inherit");
    let mut command = sandbox.cckw_claude();
    command.args(args);
    let null = File::open("/dev/null").expect("/dev/null");
    // Out of the way: a duplicate onto itself would stay close-on-exec.
    let null = nix::fcntl::fcntl(&null, nix::fcntl::FcntlArg::F_DUPFD_CLOEXEC(100)).expect("a high number");
    before_exec(&mut command, move || [5, 9, 63].into_iter().try_for_each(|to| duplicate(null, to)));
    let mut terminal = Terminal::builder().fork(command);
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    sandbox.report()
}

#[test]
fn descriptors_of_the_user_s_shell_stay_out() {
    let report = with_extra_descriptors(&[]);
    assert_eq!(numbers(&report), ["0", "1", "2"]);
}

#[test]
fn a_descriptor_that_the_arguments_name_is_kept() {
    let report = with_extra_descriptors(&["--mcp-config=/dev/fd/9", "--settings", "/proc/self/fd/63"]);
    assert_eq!(numbers(&report), ["0", "1", "2", "63", "9"]);
    assert_eq!(report["fds"]["9"], "/dev/null");
    assert_eq!(report["fds"]["63"], "/dev/null");
}

#[test]
fn stderr_goes_where_the_user_has_sent_it() {
    let sandbox = child("inherit");
    let mut terminal = Terminal::shell("dash", &sandbox);
    terminal.run("cckw claude 2>errors; echo status=$?");
    terminal.wait_for_text("status=0");
    let report = sandbox.report();
    assert_eq!(report["fds"]["2"], json!(sandbox.path("work/errors")));
    assert_eq!(fs::read(sandbox.path("work/errors")).expect("the file"), b"");
}
