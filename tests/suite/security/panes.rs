//! Names of panes and directories, on their way to tmux and GNU screen.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::support::stand_in::sandbox;
use crate::support::verb::cckw;
use crate::support::{DEADLINE, Sandbox, Tmux, wait_until, wait_until_some};

/// What a shell, tmux's formats and its list of commands would each take for an order.
const NAME: &str =
    "$(touch owned1)`touch owned2`'; touch owned3; '#(touch owned4)#{l:x}\" \\; run-shell \"touch owned5";

fn owned(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("lists").flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.len() == 6 && name.starts_with("owned") {
            found.push(path.display().to_string());
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(owned(&path));
        }
    }
    found
}

#[test]
fn the_name_of_a_pane_is_no_command() {
    let mut sandbox = sandbox();
    Tmux::prepare(&mut sandbox);
    let directory = sandbox.path("work").join(NAME);
    fs::create_dir(&directory).expect("a directory");
    let claude = sandbox.path("claude-stand-in");
    let words = [
        "/bin/sh",
        "-c",
        "cd \"$1\" && exec \"$0\" -n \"$2\"",
        claude.to_str().expect("a path"),
        directory.to_str().expect("a path"),
        NAME,
    ];
    let tmux = Tmux::start(&sandbox, 160, 30, &words);
    tmux.wait_for("main", "the prompt", |screen| {
        screen.contains("\n❯") && screen.contains("? for shortcuts")
    });
    // tmux itself carries out a format in a new name, but not one that two signs stand before.
    let name = NAME.replace('#', "##");
    tmux.run(&["rename-window", "-t", "main", &name]);
    tmux.run(&["rename-session", "-t", "main", &name]);
    let pid = wait_until_some("a state file", DEADLINE, || {
        let mut files = fs::read_dir(sandbox.path("home/.claude/sessions")).ok()?.flatten();
        files.find_map(|file| file.path().file_stem()?.to_str()?.parse::<i64>().ok())
    });
    let found: Value = wait_until_some("an idle session", DEADLINE, || {
        let said = cckw(&sandbox, &["detect", "--json"]).output().expect("runs");
        serde_json::from_slice(&said.stdout).ok().filter(|found: &Value| found["status"] == "idle")
    });
    assert_eq!(found["pid"], pid);
    assert!(found["pane"].as_str().is_some_and(|pane| pane.contains("#(touch owned4)")), "{found}");
    assert!(cckw(&sandbox, &["detect"]).output().expect("runs").status.success());
    is_reconnected(&sandbox, pid);
    assert_eq!(owned(sandbox.root()), Vec::<String>::new());
}

/// The window may still be drawing its first prompt.
#[track_caller]
fn is_reconnected(sandbox: &Sandbox, pid: i64) {
    wait_until("a link that is back", DEADLINE, || {
        let said =
            cckw(sandbox, &["reconnect", "--apply", "--pid", &pid.to_string()]).output().expect("runs");
        let words = String::from_utf8(said.stdout).expect("UTF-8");
        assert!(!words.replace('\n', "").contains(char::is_control), "{words}");
        words.contains(&format!("reconnected pid={pid}"))
    });
}

/// As much of that as fits into a name that screen takes.
const SHORT: &str = "$(touch owned1)`touch owned2`'; touch owned3; '";

#[test]
fn the_name_of_a_screen_is_no_command() {
    let mut sandbox = sandbox();
    let folder = sandbox.path("tmp/screens");
    fs::create_dir(&folder).expect("a directory");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("made private");
    sandbox.set("SCREENDIR", &folder);
    fs::write(sandbox.path("home/.screenrc"), "deflogin off\nstartup_message off\n")
        .expect("a configuration");
    let directory = sandbox.path("work").join(NAME);
    fs::create_dir(&directory).expect("a directory");
    let mut command = sandbox.command("screen");
    command.args(["-U", "-dmS", SHORT, "--"]).arg(sandbox.path("claude-stand-in")).current_dir(&directory);
    assert!(command.status().expect("install screen").success());
    let found: Value = wait_until_some("an idle session", DEADLINE, || {
        let said = cckw(&sandbox, &["detect", "--json"]).output().expect("runs");
        serde_json::from_slice(&said.stdout).ok().filter(|found: &Value| found["status"] == "idle")
    });
    assert!(found["pane"].as_str().is_some_and(|pane| pane.contains("$(touch owned1)")), "{found}");
    is_reconnected(&sandbox, found["pid"].as_i64().expect("a pid"));
    assert_eq!(owned(sandbox.root()), Vec::<String>::new());
}
