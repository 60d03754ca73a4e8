//! File systems that cannot be written, in a mount namespace of their own (`unshare`, which must be allowed:
//! root may, and so may others where user namespaces are).

use std::fs;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;
use nix::unistd::{User, geteuid};

use super::scene::{Scene, USUAL};
use crate::support::stand_in::{at_prompt, sandbox, submit};
use crate::support::verb::cckw;
use crate::support::{DEADLINE, Sandbox, Terminal, cckw_program, process, wait_until, wait_until_some};

/// `cckw` with these words, after a script of the shell has mounted something.
fn mounted(sandbox: &Sandbox, script: &str, words: &[&str]) -> Command {
    mounted_for(sandbox, &format!("{script}\nexec \"$0\" \"$@\""), words)
}

/// A script of the shell that may mount something. Its `"$0" "$@"` is `cckw` with these words.
fn mounted_for(sandbox: &Sandbox, script: &str, words: &[&str]) -> Command {
    let mut command = sandbox.command("unshare");
    if !geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command.args(["--mount", "/bin/sh", "-ec"]).arg(script);
    command.arg(cckw_program()).args(words);
    command
}

/// A line of that script: this folder cannot be written any more.
fn read_only(path: &Path) -> String {
    let path = path.display();
    format!("mount --bind '{path}' '{path}'; mount -o remount,bind,ro '{path}'")
}

fn text(path: &Path) -> String {
    path.to_str().expect("UTF-8").into()
}

#[test]
fn what_these_tests_need_is_allowed() {
    let sandbox = sandbox();
    let output = mounted(&sandbox, &read_only(&sandbox.work()), &["--version"]).output();
    let output = output.expect("unshare, of util-linux");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "run these tests as root, or allow user namespaces: {said}");
}

#[test]
fn in_a_home_that_cannot_be_written_claude_runs_without_a_session() {
    let mut sandbox = sandbox();
    sandbox.unset("XDG_STATE_HOME");
    sandbox.set("CLAUDE_CONFIG_DIR", sandbox.path("tmp/claude"));
    let home = sandbox.path("home");
    let mut scene = Scene::new(&sandbox, &mounted(&sandbox, &read_only(&home), &["claude"]));
    scene.converses();
    let state = text(&home.join(".local/state/cckw"));
    let ended = scene.ends(&["tmp/claude"]);
    ended.without_session(&[&state, "Read-only file system", "set XDG_STATE_HOME"]);
    assert!(sandbox.sockets().is_empty());
}

/// A state directory on a small file system: one that is full, and one that has room for so many files and
/// directories only. At whichever file it ends, claude runs, and what cckw has begun is gone.
#[test]
fn on_a_full_state_directory_claude_runs_without_a_session() {
    let limits = ["size=64k", "nr_inodes=1", "nr_inodes=2", "nr_inodes=3", "nr_inodes=4", "nr_inodes=5"];
    for limit in limits {
        let sandbox = sandbox();
        let state = text(&sandbox.path("state"));
        let script = format!(
            "mount -t tmpfs -o mode=0700,{limit} full '{state}'; head -c 1000000 /dev/zero > '{state}/filler' 2>&- || :"
        );
        // What is left on it is seen in its mount namespace only.
        let script = format!(
            "{script}\n\"$0\" \"$@\"; status=$?\nls '{state}/cckw' >'{state}-left' 2>&- || :\nexit $status"
        );
        let command = mounted_for(&sandbox, &script, &["claude"]);
        let mut scene = Scene::new(&sandbox, &command);
        scene.converses();
        let ended = scene.ends(&["home/.claude", "state-left"]);
        ended.without_session(&[&state, "No space left", "make room there, or set XDG_STATE_HOME"]);
        let left = fs::read_to_string(sandbox.path("state-left")).expect("a list");
        assert_eq!(left, "", "{limit}: a session was left");
    }
}

/// What `cckw` says with these words, on stdout and stderr, in the mount namespace of a process.
fn beside(sandbox: &Sandbox, pid: i32, words: &[&str]) -> String {
    let mut command = sandbox.command("nsenter");
    command.args(["--target", &pid.to_string(), "--mount"]);
    if !geteuid().is_root() {
        command.args(["--user", "--preserve-credentials"]);
    }
    let output = command.arg(cckw_program()).args(words).output().expect("nsenter, of util-linux");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// The host cannot write down what it knows, and is asked.
#[test]
fn on_a_state_directory_that_is_full_by_now_a_turn_that_is_not_saved_is_listed() {
    let sandbox = sandbox();
    let state = text(&sandbox.path("state"));
    let script = format!("mount -t tmpfs -o mode=0700,size=256k small '{state}'\nexec \"$0\" \"$@\"");
    // Nothing can be written below `projects`, whoever tries.
    fs::create_dir_all(sandbox.path("home/.claude")).expect("a folder");
    fs::write(sandbox.path("home/.claude/projects"), "").expect("a file in its place");
    let mut terminal = Terminal::spawn(mounted_for(&sandbox, &script, &["claude"]));
    at_prompt(&mut terminal);
    let pid = terminal.pid();
    // As much as fits.
    let filler = fs::write(format!("/proc/{pid}/root{state}/filler"), vec![0; 1 << 20]);
    assert!(filler.is_err(), "the file system is not full");
    submit(&mut terminal, "words");
    terminal.wait_for_text("You said: words");
    let list = || beside(&sandbox, pid, &["list"]);
    wait_until("a word in the list", DEADLINE, || list().contains("what is said there is not saved"));
    let doctor = beside(&sandbox, pid, &["doctor"]);
    assert!(doctor.contains("its disk is full; make room there"), "{doctor}");
    let stop = beside(&sandbox, pid, &["stop"]);
    assert!(
        stop.contains("is stopped; what was said there last was not saved: there is no transcript"),
        "{stop}"
    );
    assert_eq!(terminal.finish().code(), Some(129), "{}", terminal.report());
}

/// A claude that is brought back has no state file there. It runs all the same, and it is said why no more is
/// known of it.
#[test]
fn on_a_disk_that_is_full_by_now_a_claude_that_is_brought_back_is_said_to_run() {
    for full in [&["home/.claude"][..], &["home/.claude", "state"]] {
        let sandbox = sandbox();
        sandbox.configure("[restart]\ninitial_delay = \"10ms\"\nmax_delay = \"10ms\"\n");
        fs::create_dir_all(sandbox.path("home/.claude")).expect("a folder");
        let mount =
            |at: &&str| format!("mount -t tmpfs -o mode=0700,size=256k small '{}'", text(&sandbox.path(at)));
        let script: Vec<String> = full.iter().map(mount).collect();
        let script = format!("{}\nexec \"$0\" \"$@\"", script.join("\n"));
        let mut terminal = Terminal::spawn(mounted_for(&sandbox, &script, &["claude"]));
        at_prompt(&mut terminal);
        let pid = terminal.pid();
        let list = |words: &[&str]| beside(&sandbox, pid, words);
        let claude = || {
            let listed: serde_json::Value = serde_json::from_str(&list(&["list", "--json"])).ok()?;
            listed["claude_pid"].as_i64().filter(|_| listed["state"] == "idle")
        };
        let claude = wait_until_some("an idle claude", DEADLINE, claude);
        for at in full {
            let filler = format!("/proc/{pid}/root{}/filler", text(&sandbox.path(at)));
            assert!(fs::write(filler, vec![0; 1 << 20]).is_err(), "the file system is not full");
        }
        process::signal(i32::try_from(claude).expect("a pid"), Signal::SIGKILL);
        terminal.wait_for_text("The state file could not be written");
        let listed = list(&["list"]);
        let sessions = text(&sandbox.path("home/.claude/sessions"));
        let why = format!(
            "claude runs, but it cannot write its state file and transcript, so what it does is not known, and what is \
             said there may not be saved: the disk with {sessions} is full"
        );
        assert!(listed.contains("work  running  ") && listed.contains(&why), "{full:?} {listed}");
        let doctor = list(&["doctor"]);
        assert!(doctor.contains(&format!("work: {why}")), "{full:?} {doctor}");
        assert!(doctor.contains("claude cannot write its state files or its transcripts"), "{doctor}");
        let restart = list(&["restart"]);
        assert!(restart.contains("claude cannot write its state file"), "{restart}");
        // Once there is room, what it does is known again.
        for at in full {
            let filler = format!("/proc/{pid}/root{}/filler", text(&sandbox.path(at)));
            fs::remove_file(filler).expect("removes");
        }
        submit(&mut terminal, "words");
        terminal.wait_for_text("You said: words");
        wait_until("an idle claude", DEADLINE, || list(&["list"]).contains("work  idle  "));
        assert!(!list(&["list"]).contains("cannot write"));
        at_prompt(&mut terminal);
        submit(&mut terminal, "/exit");
        assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    }
}

#[test]
fn what_was_advised_for_it_works() {
    let mut sandbox = sandbox();
    sandbox.unset("XDG_CONFIG_HOME");
    let script = read_only(&sandbox.path("home"));
    // The stand-in has to write somewhere.
    sandbox.set("CLAUDE_CONFIG_DIR", sandbox.path("tmp/claude"));
    let mut scene = Scene::new(&sandbox, &mounted(&sandbox, &script, &["claude"]));
    scene.converses();
    scene.ends(&[USUAL[0], "tmp/claude"]).well();
}

#[test]
fn straight_through_nothing_of_cckw_is_written() {
    let mut sandbox = sandbox();
    for name in ["XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"] {
        sandbox.unset(name);
    }
    let script = [read_only(&sandbox.path("home")), read_only(&sandbox.path("tmp"))].join("\n");
    sandbox.set("CLAUDE_CONFIG_DIR", sandbox.path("state/claude"));
    for words in [&["claude", "--version"][..], &["claude", "-p", "words"]] {
        let scene = Scene::new(&sandbox, &mounted(&sandbox, &script, words));
        scene.ends(&["state/claude"]).well();
    }
}

#[test]
fn the_verbs_that_only_look_work_on_it() {
    let mut sandbox = sandbox();
    sandbox.unset("XDG_STATE_HOME");
    let script = read_only(&sandbox.path("home"));
    for words in [&["list"][..], &["list", "--all", "--json"]] {
        let output = mounted(&sandbox, &script, words).output().expect("runs");
        assert!(output.status.success(), "{words:?}: {output:?}");
    }
    let doctor = mounted(&sandbox, &script, &["doctor"]).output().expect("runs");
    let said = String::from_utf8_lossy(&doctor.stdout);
    assert!(said.contains(&text(&sandbox.path("home/.local/state"))), "{said}");
}

#[test]
fn a_runtime_directory_and_a_temp_directory_that_cannot_be_written_are_not_needed() {
    let sandbox = sandbox();
    let script = [read_only(&sandbox.path("run")), read_only(&sandbox.path("tmp"))].join("\n");
    let mut scene = Scene::new(&sandbox, &mounted(&sandbox, &script, &["claude"]));
    scene.converses();
    scene.ends(&USUAL).well();
}

/// The home that the user database names, which a bind mount changes for one process and its children.
#[test]
fn without_home_the_user_s_own_is_used() {
    let mut sandbox = sandbox();
    for name in ["HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"] {
        sandbox.unset(name);
    }
    let user = User::from_uid(geteuid()).expect("a look").expect("a user");
    // In a user namespace this process is root.
    let users = format!("{}:x:0:0::{}:/bin/sh\n", user.name, sandbox.path("home").display());
    fs::write(sandbox.path("passwd"), users).expect("a file");
    let script = format!("mount --bind '{}' /etc/passwd", sandbox.path("passwd").display());
    fs::create_dir_all(sandbox.path("home/.config/cckw")).expect("a folder");
    fs::write(sandbox.path("home/.config/cckw/config.toml"), "detach_key = \"none\"\n").expect("a file");
    let mut scene = Scene::new(&sandbox, &mounted(&sandbox, &script, &["claude"]));
    scene.converses();
    scene.ends(&["home/.local/state/cckw", "home/.claude"]).well();
    // Its configuration counts too.
    fs::write(sandbox.path("home/.config/cckw/config.toml"), "nonsense = 1\n").expect("a file");
    let scene = Scene::new(&sandbox, &mounted(&sandbox, &script, &["claude"]));
    scene.ends(&["home/.local"]).refused(&["home/.config/cckw/config.toml:1:1", "nonsense"]);
    assert!(cckw(&sandbox, &["--version"]).status().expect("runs").success());
}
