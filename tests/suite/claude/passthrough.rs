//! What needs no session is claude itself: the same process, with everything as it was.

use std::fs;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Stdio};

use nix::sys::resource::Resource;
use serde_json::{Value, json};

use crate::support::system::rare_signals;
use crate::support::{Sandbox, Terminal, before_exec, cckw_program, limit, pty_child};

/// A claude that says who it is and what it was given, in a file, and ends with 7.
const CLAUDE: &str = r#"#!/bin/sh
{ echo $$; for word; do printf '%s\n' "$word"; done; } > "$HOME/seen"
echo out; echo err >&2
exit 7
"#;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.script("claude", CLAUDE);
    sandbox
}

/// The pid of the last claude, and its arguments.
fn seen(sandbox: &Sandbox) -> (i32, Vec<String>) {
    let text = fs::read_to_string(sandbox.path("home/seen")).expect("what claude has seen");
    let mut lines = text.lines().map(str::to_owned);
    (lines.next().and_then(|pid| pid.parse().ok()).expect("a pid"), lines.collect())
}

/// Nothing of a session was made.
#[track_caller]
fn no_session(sandbox: &Sandbox) {
    for path in ["state/cckw", "run/cckw"] {
        assert!(!sandbox.path(path).exists(), "{path}");
    }
    assert_eq!(sandbox.processes(), Vec::<i32>::new());
}

#[test]
fn what_is_no_session_is_claude_in_the_same_process() {
    for words in [
        &["-p", "hello there"][..],
        &["--print", "a", "--output-format", "json"],
        &["--version"],
        &["-v"],
        &["--help"],
        &["-h"],
        &["mcp", "list"],
        &["--bg", "do it"],
        &["doctor"],
        &["rc", "--help"],
        &["update"],
        &["-p", "", "\u{1b}[31m", "*", "a\tb"],
    ] {
        let sandbox = sandbox();
        let mut command = sandbox.cckw_claude();
        command.args(words);
        let mut terminal = Terminal::spawn(command);
        assert_eq!(terminal.finish().code(), Some(7), "{words:?} {}", terminal.report());
        let (pid, arguments) = seen(&sandbox);
        assert_eq!(pid, terminal.pid(), "{words:?}");
        assert_eq!(arguments, words);
        assert_eq!(terminal.output(), b"out\r\nerr\r\n", "{words:?}");
        no_session(&sandbox);
    }
}

/// Starts cckw in a terminal with one of its ends redirected by a shell that becomes it.
fn redirected(redirection: &str) {
    let sandbox = sandbox();
    fs::write(sandbox.work().join("input"), "").expect("a file");
    let mut command = sandbox.command("/bin/sh");
    command.arg("-c").arg(format!("exec \"$0\" claude hello {redirection}")).arg(cckw_program());
    let mut terminal = Terminal::spawn(command);
    assert_eq!(terminal.finish().code(), Some(7), "{redirection}: {}", terminal.report());
    assert_eq!(seen(&sandbox), (terminal.pid(), vec!["hello".to_owned()]), "{redirection}");
    no_session(&sandbox);
}

#[test]
fn without_a_terminal_at_one_end_it_is_claude_itself() {
    for redirection in ["<input", "</dev/null", ">output", "<input >output 2>&1", ">/dev/full"] {
        redirected(redirection);
    }
}

#[test]
fn with_two_different_terminals_it_is_claude_itself() {
    let sandbox = sandbox();
    // Another terminal, which something holds open.
    let other = Terminal::spawn({
        let mut command = sandbox.command("/bin/cat");
        command.env_remove("CCKW_TEST_SANDBOX");
        command
    });
    let mut command = sandbox.command("/bin/sh");
    command.arg("-c").arg("exec \"$0\" claude hello >\"$1\"").arg(cckw_program()).arg(other.path());
    let mut terminal = Terminal::spawn(command);
    assert_eq!(terminal.finish().code(), Some(7), "{}", terminal.report());
    assert_eq!(seen(&sandbox), (terminal.pid(), vec!["hello".to_owned()]));
    no_session(&sandbox);
}

/// The report of the raw child without a terminal, directly and through cckw.
fn both(prepare: impl Fn(&mut Command)) -> (Value, Value) {
    let look = |direct: bool| {
        let mut sandbox = Sandbox::new();
        sandbox.use_child("inherit");
        let mut command = if direct { sandbox.command(pty_child()) } else { sandbox.cckw_claude() };
        command.arg0("pty-child").args(["-p", "x"]).stdin(Stdio::null()).stdout(Stdio::null());
        if !direct {
            // The name by which claude is known has no place in cckw's own.
            command.arg0("cckw");
        }
        prepare(&mut command);
        let mut child = command.spawn().expect("starts");
        assert!(child.wait().expect("ends").success());
        no_session(&sandbox);
        let text = sandbox.report().to_string().replace(sandbox.root().to_str().expect("UTF-8"), "SANDBOX");
        let report: Value = serde_json::from_str(&text).expect("still JSON");
        assert_eq!(report["pid"], json!(child.id()));
        report
    };
    (look(true), look(false))
}

const SAME: [&str; 13] = [
    "argv", "env", "cwd", "umask", "fds", "status", "rlimits", "termios", "nice", "ppid", "pgrp", "sid",
    "tpgid",
];

#[test]
fn everything_is_inherited_as_it_was() {
    let (direct, through) = both(|command| {
        before_exec(command, || {
            nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o031));
            // SAFETY: touches no memory.
            unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
            Ok(())
        });
    });
    for key in SAME {
        if key != "pgrp" {
            assert_eq!(through[key], direct[key], "{key}");
        }
    }
    assert_eq!(direct["umask"], "0031");
    let ignored =
        through["status"]["SigIgn"].as_str().map(|mask| u64::from_str_radix(mask, 16).expect("a mask"));
    assert_eq!(ignored.expect("a mask") & 1 << (libc::SIGPIPE - 1), 0);
}

#[test]
fn descriptors_and_signals_of_the_shell_s_are_left_alone() {
    let (direct, through) = both(|command| {
        before_exec(command, || {
            for fd in [7, 42] {
                // SAFETY: touches no memory; nothing of this process's own has these numbers by now.
                if unsafe { libc::dup2(0, fd) } < 0 {
                    return Err(io::Error::last_os_error());
                }
            }
            for signal in [libc::SIGPIPE, libc::SIGHUP, rare_signals()[0]] {
                // SAFETY: SIG_IGN runs no code.
                unsafe { libc::signal(signal, libc::SIG_IGN) };
            }
            let mut blocked = nix::sys::signal::SigSet::empty();
            blocked.add(nix::sys::signal::Signal::SIGUSR1);
            blocked.thread_set_mask()?;
            limit(Resource::RLIMIT_NOFILE, 64, 64)
        });
    });
    for key in ["fds", "status", "rlimits"] {
        assert_eq!(through[key], direct[key], "{key}");
    }
    assert_eq!(through["fds"]["42"], "/dev/null");
    assert_eq!(through["rlimits"]["NOFILE"], json!([64, 64]));
}

/// The environment byte for byte, which a report in JSON does not show.
#[test]
fn the_environment_is_not_even_put_in_order() {
    let mut sandbox = Sandbox::new();
    let claude = sandbox.link("claude", "/usr/bin/env");
    sandbox.set("CCKW_CLAUDE", claude);
    let mut command = sandbox.command("/usr/bin/env");
    // The command before it writes the variables in an order of its own.
    command.args(["-u", "LANG", "ZZ=1", "AA=2", "MM=a\nb", cckw_program(), "claude", "--version"]);
    let version = command.output().expect("runs");
    assert!(String::from_utf8_lossy(&version.stdout).contains("env"), "{version:?}");
    let shown = |program: &[&str]| {
        let mut command = sandbox.command("/bin/sh");
        command.arg("-c").arg("exec env -u LANG ZZ=1 AA=2 MM=x \"$@\" | cat").arg("sh").args(program);
        command.output().expect("runs").stdout
    };
    // As claude, env is given no argument here, and so prints what it has; the pipe makes the run straight.
    let through = shown(&[cckw_program(), "claude"]);
    assert!(through.ends_with(b"MM=x\n"), "{}", through.escape_ascii());
    assert_eq!(through, shown(&["env"]), "{}", through.escape_ascii());
}

#[test]
fn a_script_sees_one_variable_more_and_a_program_never_does() {
    let sandbox = Sandbox::new();
    sandbox.script("claude", "#!/bin/sh\nexec env\n");
    let output = sandbox.cckw_claude().arg("-p").output().expect("runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.lines().any(|line| line == "CCKW_EXEC=1"), "{text}");
    fs::remove_file(sandbox.path("bin/claude")).expect("removed");
    sandbox.link("claude", "/usr/bin/env");
    let output = sandbox.cckw_claude().env("CCKW_EXEC", "3").output().expect("runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.contains("HOME=") && !text.contains("CCKW_EXEC"), "{text}");
}

#[test]
fn the_end_is_claude_s_own() {
    for code in [0, 1, 126, 127, 255] {
        let mut sandbox = Sandbox::new();
        sandbox.use_child(&format!("exit:{code}"));
        let status = sandbox.cckw_claude().arg("-p").stdin(Stdio::null()).status().expect("runs");
        assert_eq!(status.code(), Some(code));
    }
    for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGPIPE, libc::SIGKILL, libc::SIGTERM] {
        let mut sandbox = Sandbox::new();
        sandbox.use_child(&format!("kill:{signal}"));
        let status = sandbox.cckw_claude().arg("-p").stdin(Stdio::null()).status().expect("runs");
        // A real death, not a status that stands for one.
        assert_eq!(status.signal(), Some(signal));
    }
}

#[test]
fn few_descriptors_are_enough() {
    let sandbox = Sandbox::new();
    sandbox.link("claude", "/bin/echo");
    let mut command = sandbox.command("/bin/sh");
    command.arg("-c").arg("ulimit -n 5 && exec \"$0\" claude -p hello").arg(cckw_program());
    let output = command.stdin(Stdio::null()).output().expect("runs");
    assert_eq!(output.stdout, b"-p hello\n", "{output:?}");
}

#[test]
fn a_reader_that_goes_away_ends_claude_by_the_usual_signal() {
    let sandbox = Sandbox::new();
    sandbox.link("claude", "/usr/bin/yes");
    let mut command = sandbox.command("/bin/bash");
    command.arg("-c").arg("\"$0\" claude | head -n 1 >/dev/null; echo ${PIPESTATUS[0]}").arg(cckw_program());
    let output = command.output().expect("runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), (128 + libc::SIGPIPE).to_string());
    assert_eq!(output.stderr, b"");
    no_session(&sandbox);
}
