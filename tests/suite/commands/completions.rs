//! The completions in the real bash, zsh and fish: a Tab on a terminal, with sessions to be named. A shell
//! that is not installed is a failure, not a reason to pass.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::support::stand_in::{at_prompt, sandbox};
use crate::support::verb::{cckw, well_said};
use crate::support::{Sandbox, Terminal, cckw_program};

const PROMPT: &str = "ready>";

/// What gets the names of sessions that run.
const RUNNING: [&str; 8] =
    ["attach", "detach", "restart", "stop", "logs", "screen", "send", "reconnect --apply --cycle"];

/// Starts a session in a directory of this name, and waits for claude's prompt.
fn start_in(sandbox: &Sandbox, name: &str) -> Terminal {
    let directory = sandbox.work().join(name);
    fs::create_dir_all(&directory).expect("a directory");
    let mut command = sandbox.cckw_claude();
    command.current_dir(&directory);
    let mut terminal = Terminal::spawn(command);
    at_prompt(&mut terminal);
    terminal
}

/// A sandbox with cckw on its `PATH`, a session `parser` that runs, and one `lexer` that has ended.
fn with_sessions() -> (Sandbox, Terminal) {
    let sandbox = sandbox();
    sandbox.link("cckw", cckw_program());
    let mut ended = start_in(&sandbox, "lexer");
    well_said(&sandbox, &["stop", "lexer"]);
    ended.finish();
    let terminal = start_in(&sandbox, "parser");
    (sandbox, terminal)
}

/// An interactive shell that has found the completions where a package puts them.
fn shell(name: &str, sandbox: &Sandbox) -> Terminal {
    let script = well_said(sandbox, &["completions", name]);
    let write = |path: &str| {
        let path = sandbox.path(path);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(&path, &script).expect("written");
        path.display().to_string()
    };
    let mut command: Command = sandbox.command(name);
    let load = match name {
        "bash" => {
            command.args(["--noprofile", "--norc", "-i"]);
            format!("source {}", write("home/cckw.bash"))
        }
        "zsh" => {
            command.args(["-f", "-i", "-o", "no_prompt_sp"]);
            let site =
                Path::new(&write("home/site/_cckw")).parent().expect("a directory").display().to_string();
            format!("fpath=({site} $fpath); autoload -Uz compinit && compinit -u -d $HOME/.zcompdump")
        }
        _ => {
            write("config/fish/completions/cckw.fish");
            let plain = "set -g fish_greeting; set -g fish_autosuggestion_enabled 0; \
                         function fish_prompt; echo -n 'ready> '; end";
            command.args(["-i", "-C", plain]);
            "set -g loaded".to_owned()
        }
    };
    command.env("PS1", format!("{PROMPT} ")).env("INPUTRC", "/dev/null").env_remove("ENV");
    let mut terminal = Terminal::builder().size(60, 200).spawn(command);
    wait_for_line(&mut terminal, "");
    terminal.type_text(
        &format!("{load}; echo loaded=$?\r").replace("$?", if name == "fish" { "$status" } else { "$?" }),
    );
    terminal.wait_for("completions that are loaded", |screen| {
        screen.text().lines().any(|line| line.trim() == "loaded=0")
    });
    wait_for_line(&mut terminal, "");
    terminal
}

/// Waits until the line with the cursor is the prompt with this text behind it.
#[track_caller]
fn wait_for_line(terminal: &mut Terminal, text: &str) {
    let line = format!("{PROMPT} {text}");
    terminal.wait_for(&format!("the line `{line}`"), |screen| screen.cursor_row() == line.trim_end());
}

/// Types `start` and Tab, and waits until the line is `whole`; then takes it back.
#[track_caller]
fn completes(terminal: &mut Terminal, start: &str, whole: &str) {
    terminal.type_text(start);
    wait_for_line(terminal, start);
    terminal.type_text("\t");
    wait_for_line(terminal, whole);
    terminal.type_text("\x15");
    wait_for_line(terminal, "");
}

/// Two machines, and what was last seen of one of them. Nobody answers at their addresses.
fn with_machines(sandbox: &Sandbox) {
    let session = |name: &str| json!({ "name": name, "session": "5f0c1d1e-aaaa-4bbb-8ccc-123456789abc", "state": "idle" });
    let machine = |name: &str| json!({ "name": name, "destination": format!("{name}.invalid") });
    let machines = json!({ "version": 1, "machines": [machine("box"), machine("lab")] });
    let seen = json!({
        "at_ms": 1,
        "hello": { "protocol": { "major": 1, "minor": 1 }, "version": "0.1.0" },
        "sessions": [session("api"), session("web.2"), session("$(touch x)")],
    });
    for (path, value) in [("config/cckw/machines.json", machines), ("state/cckw/machines/box.json", seen)] {
        let path = sandbox.path(path);
        let directory = path.parent().expect("a directory");
        fs::create_dir_all(directory).expect("a directory");
        fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).expect("a mode");
        fs::write(&path, value.to_string()).expect("written");
    }
}

fn completes_in(name: &str) {
    let (sandbox, mut session) = with_sessions();
    with_machines(&sandbox);
    let mut terminal = shell(name, &sandbox);
    completes(&mut terminal, "cckw att", "cckw attach");
    completes(&mut terminal, "cckw list --wa", "cckw list --watch");
    for verb in RUNNING {
        completes(&mut terminal, &format!("cckw {verb} pa"), &format!("cckw {verb} parser"));
    }
    completes(&mut terminal, "cckw rm le", "cckw rm lexer");
    completes(&mut terminal, "cckw logs le", "cckw logs lexer");
    // Sessions of machines, which are not asked.
    completes(&mut terminal, "cckw screen box:w", "cckw screen box:web.2");
    completes(&mut terminal, "cckw send box:5f", "cckw send box:5f0c1d1e");
    completes(&mut terminal, "cckw stop parser box:a", "cckw stop parser box:api");
    completes(&mut terminal, "cckw attach la", "cckw attach lab:");
    completes(&mut terminal, "cckw machine check la", "cckw machine check lab");
    completes(&mut terminal, "cckw doctor --on bo", "cckw doctor --on box");
    completes(&mut terminal, "cckw list --on box,la", "cckw list --on box,lab");
    completes(&mut terminal, "cckw list --on=la", "cckw list --on=lab");
    // What an option takes is no session.
    completes(&mut terminal, "cckw wait --for tu", "cckw wait --for turn");
    // What is offered can be taken: the line is run as the shell left it.
    terminal.type_text("cckw stop p\t");
    wait_for_line(&mut terminal, "cckw stop parser");
    terminal.type_text("\r");
    session.finish();
    wait_for_line(&mut terminal, "");
    completes(&mut terminal, "cckw rm --ended", "cckw rm --ended");
    // All verbs, where nothing of one was typed.
    terminal.type_text("cckw \t\t");
    terminal.wait_for("a list of all verbs", |screen| {
        let text = screen.text();
        let behind = text.rsplit("cckw stop parser").next().unwrap_or_default().to_owned();
        cckw::cli::command()
            .get_subcommands()
            .all(|verb| behind.split_whitespace().any(|word| word == verb.get_name()))
    });
    terminal.type_text("\x03");
    wait_for_line(&mut terminal, "");
    terminal.type_text("exit\r");
    terminal.finish();
    sandbox.wait_for_silence();
}

#[test]
fn bash_completes() {
    completes_in("bash");
}

#[test]
fn zsh_completes() {
    completes_in("zsh");
}

#[test]
fn fish_completes() {
    completes_in("fish");
}

/// What shells are told of the sessions that a verb could be about.
fn offered(sandbox: &Sandbox, verb: &str) -> Vec<String> {
    let lines = well_said(sandbox, &["complete", verb]);
    lines.lines().map(|line| line.split_once('\t').expect("a description").0.to_owned()).collect()
}

#[test]
fn each_verb_gets_the_sessions_that_it_takes() {
    let sandbox = sandbox();
    assert_eq!(well_said(&sandbox, &["complete", "attach"]), "");
    assert!(!sandbox.path("state/cckw").exists(), "to look leaves nothing");
    let mut ended = start_in(&sandbox, "lexer");
    well_said(&sandbox, &["stop"]);
    ended.finish();
    // No shell may take what is offered apart: these two are called by their ids.
    let mut terminals: Vec<Terminal> =
        ["parser", "two words", "a@b"].iter().map(|name| start_in(&sandbox, name)).collect();
    let running = offered(&sandbox, "stop");
    assert!(running.len() == 3 && running.iter().any(|word| word == "parser"), "{running:?}");
    for word in &running {
        assert!(word.chars().all(|c| c.is_ascii_alphanumeric()), "{word}");
        assert!(cckw(&sandbox, &["screen", word]).output().expect("runs").status.success(), "{word}");
    }
    assert_eq!(offered(&sandbox, "rm"), ["lexer"]);
    assert_eq!(offered(&sandbox, "logs").len(), 4);
    assert_eq!(offered(&sandbox, "start"), Vec::<String>::new());
    for word in &running {
        well_said(&sandbox, &["stop", word]);
    }
    for terminal in &mut terminals {
        terminal.finish();
    }
    assert_eq!(offered(&sandbox, "rm").len(), 4);
    sandbox.wait_for_silence();
}

#[test]
fn every_argument_that_is_a_session_is_completed() {
    let sandbox = Sandbox::new();
    let fish = well_said(&sandbox, &["completions", "fish"]);
    let named = fish.lines().find_map(|line| line.strip_prefix("for verb in ")).expect("a list of verbs");
    let definition = cckw::cli::command();
    let takes_one = definition.get_subcommands().filter(|verb| {
        verb.get_positionals().any(|arg| ["session", "sessions"].contains(&arg.get_id().as_str()))
    });
    let verbs: Vec<&str> = takes_one.map(clap::Command::get_name).collect();
    for verb in &verbs {
        assert!(named.split(' ').any(|name| name == *verb), "fish: {verb} is not in {named}");
    }
    let bash = well_said(&sandbox, &["completions", "bash"]);
    let list = bash.lines().find(|line| line.contains("attach | detach")).expect("a list of verbs");
    for verb in &verbs {
        assert!(list.split([' ', ')']).any(|name| name == *verb), "bash: {verb} is not in {list}");
    }
    let options = bash.lines().find(|line| line.contains("--when | --timeout")).expect("a list of options");
    for verb in definition.get_subcommands().filter(|verb| verbs.contains(&verb.get_name())) {
        let takes = verb
            .get_opts()
            .filter(|option| option.get_action().takes_values())
            .filter_map(|option| Some(format!("--{}", option.get_long()?)));
        // `--cycle` takes a session.
        for option in takes.filter(|option| option != "--cycle") {
            assert!(
                options.split([' ', ')']).any(|known| known == option),
                "bash: {option} is not in {options}"
            );
        }
    }
    let zsh = well_said(&sandbox, &["completions", "zsh"]);
    for verb in verbs {
        assert!(zsh.contains(&format!(":_cckw_sessions {verb}'")), "zsh: {verb}");
    }
}
