//! Long command lines, umasks, and signals that whoever started this has set aside.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::process::Command;

use nix::sys::signal::{SigHandler, Signal, signal};
use nix::sys::stat::{Mode, umask};

use super::scene::{Scene, USUAL, files, goes_well};
use crate::support::stand_in::{at_prompt, sandbox};
use crate::support::{Sandbox, Terminal, before_exec, cckw_program, process};

/// Nearly as long as Linux lets one argument or variable be.
const LONG: usize = 120_000;

#[test]
fn a_megabyte_of_arguments_arrives() {
    let sandbox = sandbox();
    let mut command = sandbox.cckw_claude();
    let long = "a".repeat(LONG);
    command.args((0..8).flat_map(|_| ["--add-dir", long.as_str()]));
    let mut scene = Scene::new(&sandbox, &command);
    at_prompt(&mut scene.terminal);
    let record = sandbox.wait_for_record("a claude", |record| record.pid("claude_pid").is_some());
    let words = process::arguments(record.pid("child_pid").expect("a child"));
    assert_eq!(words[3..], ["--add-dir", &long].repeat(8));
    scene.converses();
    scene.ends(&USUAL).well();
}

#[test]
fn a_megabyte_of_environment_is_no_obstacle() {
    let mut sandbox = sandbox();
    for nth in 0..8 {
        sandbox.set(format!("LONG_{nth}"), "e".repeat(LONG));
    }
    for nth in 0..2000 {
        sandbox.set(format!("MANY_{nth}"), "value");
    }
    goes_well(&sandbox, |_| {});
}

/// `cckw` with this verb and a command line that is so long, where the system takes 256 KiB of them.
fn long(sandbox: &Sandbox, verb: &str, length: usize) -> Command {
    let mut command = sandbox.command("/bin/sh");
    // A quarter of the stack may be arguments and environment.
    let script = r#"ulimit -s 1024; exec "$0" "$@""#;
    command.arg("-c").arg(script).arg(cckw_program()).arg(verb);
    for before in [0, LONG, 2 * LONG] {
        command.args(["--add-dir", &"a".repeat(length.saturating_sub(before).min(LONG))]);
    }
    command
}

/// Its host and claude get some words more than cckw itself. Where these no longer fit, claude runs without a
/// session, and nothing is left of one.
#[test]
fn with_a_command_line_just_short_enough_for_cckw_claude_runs() {
    let sandbox = sandbox();
    // A verb as long as `claude` that does nothing. The shell says 126 where the system does not take it. In a
    // debug build the little stack that is left may not be enough for the command line's parser, which
    // `cckw claude` does not use.
    let fits = |length: usize| {
        let output = long(&sandbox, "clod-e", length).output().expect("runs");
        output.status.code() != Some(126)
    };
    let (mut most, mut too_many) = (LONG, 3 * LONG);
    assert!(fits(most) && !fits(too_many));
    while too_many - most > 1 {
        let middle = usize::midpoint(most, too_many);
        *if fits(middle) { &mut most } else { &mut too_many } = middle;
    }
    let mut without_session = 0;
    for less in (0..=400).step_by(40) {
        let mut scene = Scene::new(&sandbox, &long(&sandbox, "claude", most - less));
        if scene.terminal.try_wait_for(|screen| screen.cursor_row().starts_with('❯')) {
            scene.converses();
            let ended = scene.ends(&USUAL);
            if ended.said.is_empty() {
                ended.well();
                break;
            }
            ended.without_session(&["Argument list too long"]);
            assert!(sandbox.sockets().is_empty() && sandbox.records().is_empty());
            without_session += 1;
            continue;
        }
        // The session's claude gets an argument more than its host.
        let ended = scene.ends(&USUAL);
        assert!(
            ended.said.starts_with("cckw: ") && ended.said.contains("Argument list too long"),
            "{ended:?}"
        );
        assert_eq!(ended.said.lines().count(), 1, "{ended:?}");
        assert!(matches!(ended.status, 1 | 126), "{ended:?}");
        assert!(sandbox.sockets().is_empty() && sandbox.records().is_empty());
        without_session += 1;
    }
    assert!((1..10).contains(&without_session), "{without_session}");
}

fn mode(sandbox: &Sandbox, path: &std::path::Path) -> u32 {
    fs::symlink_metadata(sandbox.path(path)).expect("a file").permissions().mode() & 0o777
}

#[test]
fn with_any_umask_its_files_are_the_user_s_alone() {
    for mask in [0o000, 0o777, 0o277, 0o022] {
        let mut sandbox = sandbox();
        // Where claude writes is there already: it does not mend its own permissions.
        sandbox.set("CLAUDE_CONFIG_DIR", sandbox.path("home/.claude"));
        for folder in ["home/.claude/sessions", "home/.claude/projects"] {
            fs::create_dir_all(sandbox.path(folder)).expect("a folder");
        }
        let prepare = move |command: &mut Command| {
            before_exec(command, move || {
                umask(Mode::from_bits_truncate(mask));
                Ok(())
            });
        };
        let mut command = sandbox.cckw_claude();
        prepare(&mut command);
        let mut terminal = Terminal::builder().fork(command);
        at_prompt(&mut terminal);
        let record = sandbox.wait_for_record("a child", |record| record.pid("child_pid").is_some());
        let of_claude = format!("/proc/{}/status", record.pid("child_pid").expect("a child"));
        let of_claude = fs::read_to_string(of_claude).expect("a process");
        assert!(of_claude.contains(&format!("Umask:\t{mask:04o}\n")), "{of_claude}");
        // Files that are being written have another name, and not for long.
        let is_whole = |path: &std::path::Path| path.extension().is_none_or(|kind| kind != "new");
        let ours = |path: &std::path::PathBuf| path.starts_with("state/cckw") && is_whole(path);
        let mut kinds = 0;
        for path in files(&sandbox).into_iter().filter(ours) {
            let kind = fs::symlink_metadata(sandbox.path(&path)).expect("a file").file_type();
            let expected = if kind.is_dir() { 0o700 } else { 0o600 };
            assert_eq!(mode(&sandbox, &path), expected, "{mask:03o} {}", path.display());
            kinds |= if kind.is_dir() { 1 } else { 2 };
            kinds |= if kind.is_socket() { 4 } else { 0 };
        }
        assert_eq!(kinds, 7);
        terminal.hang_up();
    }
}

fn set_aside(which: &[Signal]) -> io::Result<()> {
    for number in which {
        // SAFETY: ignoring a signal runs no code.
        unsafe { signal(*number, SigHandler::SigIgn) }?;
    }
    Ok(())
}

#[test]
fn with_signals_ignored_it_runs_and_its_end_is_seen() {
    use Signal::{
        SIGALRM, SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU,
        SIGWINCH,
    };
    const ALL: [Signal; 12] = [
        SIGALRM, SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU,
        SIGWINCH,
    ];
    for which in [&[SIGCHLD][..], &[SIGHUP], &[SIGPIPE, SIGINT], &ALL] {
        let sandbox = sandbox();
        let ignored = which.to_vec();
        goes_well(&sandbox, |shell| before_exec(shell, move || set_aside(&ignored)));
    }
}

/// By `nohup` a terminal is no longer one of cckw's: claude runs as without cckw.
#[test]
fn by_nohup_it_runs_straight() {
    let sandbox = sandbox();
    let mut command = sandbox.command("nohup");
    command.arg(cckw_program()).args(["claude", "-p", "words"]);
    let scene = Scene::new(&sandbox, &command);
    let ended = scene.ends(&["work/nohup.out", "home/.claude"]);
    assert_eq!(ended.status, 0, "{ended:?}");
    let said = fs::read_to_string(sandbox.path("work/nohup.out")).expect("what nohup keeps");
    assert!(said.contains("You said: words"), "{said}");
}
