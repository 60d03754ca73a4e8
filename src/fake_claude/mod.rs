//! The stand-in for Claude Code that `cckw demo` and the tests run.
//!
//! A small TUI with the habits of Claude Code that cckw depends on, and faults to order. It needs no account
//! and no network: it answers every prompt with an echo. `tests/fake-claude/README.md` is its manual.

pub mod app;
pub mod bridge;
pub mod commands;
pub mod draw;
pub mod editor;
pub mod faults;
mod input;
pub mod job;
pub mod keys;
mod launcher;
pub mod options;
pub mod paint;
pub mod run;
mod server;
pub mod state_file;
pub mod terminal;
pub mod transcript;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use app::App;
use bridge::{FakeBridge, Manners};
use options::{Conversation, Options, UsageRefusal};
use transcript::Store;

/// The file name under which the program is the stand-in.
pub const PROGRAM_NAME: &str = crate::claude::executable::STAND_IN;

/// The version of Claude Code whose habits these are.
pub const CLAUDE_VERSION: &str = "2.1.329";

/// The version that it says where it draws a prompt like none that is known.
const UNKNOWN_VERSION: &str = "9.9.9";

/// Runs the stand-in with the given arguments (without `argv[0]`) and returns the status to exit with.
pub fn main(args: Vec<OsString>) -> ExitCode {
    if faults::switch("LAUNCHER") {
        return launcher::run(args);
    }
    let words: Vec<String> = args.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    if let Some(code) = job::run(&words, &config_directory()) {
        return code;
    }
    match start(args) {
        Ok(code) => ExitCode::from(code),
        Err(UsageRefusal(line)) => {
            eprintln!("{line}");
            ExitCode::FAILURE
        }
    }
}

fn start(args: Vec<OsString>) -> Result<u8, UsageRefusal> {
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error: std::io::Error| UsageRefusal(format!("{PROGRAM_NAME}: {what}: {error}"))
    };
    let words: Vec<String> = args.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    if server::is_asked(&words) {
        let cwd = std::env::current_dir().map_err(failed("no working directory"))?;
        return server::run(&words, &config_directory(), &cwd);
    }
    let options = Options::parse(args)?;
    let version = if faults::switch("UNKNOWN") { UNKNOWN_VERSION } else { own_version() };
    if options.version {
        println!("{version} (Claude Code stand-in)");
        return Ok(0);
    }
    if options.help {
        println!(
            "Usage: {PROGRAM_NAME} [options] [prompt]\n\nBehaves like Claude Code {CLAUDE_VERSION}, without an account or a network.\n\
             Options: --session-id, -r/--resume, -c/--continue, --fork-session, -n/--name, --model,\n\
             \x20        --permission-mode, --add-dir, -w/--worktree, -p/--print, -v/--version, -h/--help\n\n{}",
            faults::USAGE
        );
        return Ok(0);
    }
    let cwd = std::env::current_dir().map_err(failed("no working directory"))?;
    let config = config_directory();
    let store = Store::new(config.clone(), cwd.clone());
    let conversation = options.conversation(&store)?;
    if options.print || !on_a_terminal() {
        return print_reply(&options, &store, &conversation);
    }
    std::thread::sleep(faults::milliseconds("STARTUP_DELAY").unwrap_or_default());
    let fault = run::start_fault();
    if faults::switch("CRASH_EARLY")
        && let Some(fault) = &fault
    {
        run::end_by(fault);
    }
    let store = if inherited_marker() { store.off() } else { store };
    let app = session(&options, store, &conversation, &config);
    let state = state_file::FakeStateFile::new(&config, &cwd, version);
    run::interactive(app, state, fault).map_err(failed("the terminal is gone"))
}

/// A program that is named by a version, as claude's own installer names it, is of that version.
fn own_version() -> &'static str {
    let program = std::env::current_exe().unwrap_or_default();
    let name = program.file_name().and_then(std::ffi::OsStr::to_str).unwrap_or_default();
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        name.to_owned().leak()
    } else {
        CLAUDE_VERSION
    }
}

fn session(options: &Options, store: Store, conversation: &Conversation, config: &std::path::Path) -> App {
    let manners = Manners {
        subscribed: faults::variable("SUBSCRIPTION").as_deref() != Some("none"),
        delay: faults::milliseconds("BRIDGE_DELAY").unwrap_or(Duration::from_millis(300)),
        failures: faults::variable("BRIDGE_FAILS").and_then(|n| n.parse().ok()).unwrap_or(0),
        off_after: faults::milliseconds("BRIDGE_OFF_AFTER").unwrap_or_default(),
    };
    let now = Instant::now();
    let pace = faults::milliseconds("PACE").unwrap_or(Duration::from_millis(15));
    let (Conversation::New(id)
    | Conversation::Resume(id)
    | Conversation::Fork(id, _)
    | Conversation::Choose(id)) = conversation;
    let mut app = App::new(store.clone(), id, FakeBridge::new(manners), pace);
    app.name.clone_from(&options.name);
    app.fullscreen = faults::switch("FULLSCREEN");
    app.unknown_look = faults::switch("UNKNOWN");
    if faults::switch("VIM") {
        app.editor.toggle_vim();
    }
    match conversation {
        Conversation::Fork(id, from) => {
            // A copy that fails leaves the conversation empty, which the screen then shows.
            let _ = store.open(id).copy_from(&store.open(from));
            app.open(id);
        }
        Conversation::Resume(_) => {
            if let Some(prompt) = app.interrupted_prompt().filter(|_| resumes_turn()) {
                // The text of the other variable is sent only where the turn had come further than this.
                app.begin_turn(&prompt, now);
            }
            if let Some(bridge) = app.transcript().last_bridge()
                && !state_file::bridge_in_use(config, &bridge)
            {
                app.bridge.restore(bridge, now);
            }
        }
        Conversation::Choose(_) => app.choose_conversation(),
        Conversation::New(_) => {}
    }
    app.begin_with_name(options.name.as_deref());
    if faults::switch("UNTRUSTED") {
        app.view = app::FakeView::Trust;
    }
    if let Some(prompt) = &options.prompt {
        app.history.push(prompt.clone());
        app.begin_turn(prompt, now);
    }
    app
}

/// `-p`, and any run without a terminal: the reply on stdout.
fn print_reply(options: &Options, store: &Store, conversation: &Conversation) -> Result<u8, UsageRefusal> {
    let prompt = match &options.prompt {
        Some(prompt) => prompt.clone(),
        None => std::io::read_to_string(std::io::stdin()).unwrap_or_default().trim().to_owned(),
    };
    if prompt.is_empty() {
        return Err(UsageRefusal(
            "Error: Input must be provided either through stdin or as a prompt argument when using --print"
                .into(),
        ));
    }
    let (Conversation::New(id)
    | Conversation::Resume(id)
    | Conversation::Fork(id, _)
    | Conversation::Choose(id)) = conversation;
    let reply = format!("You said: {prompt}");
    store.open(id).turn(&prompt, &reply).map_err(|error| {
        UsageRefusal(format!("{PROGRAM_NAME}: the conversation could not be saved: {error}"))
    })?;
    println!("{reply}");
    Ok(0)
}

/// Whether it goes on with a turn that was broken off.
fn resumes_turn() -> bool {
    std::env::var_os(crate::claude::resumed_turn::SWITCH).is_some_and(|value| value == "1")
}

/// Whether it takes itself for a part of another claude, as Claude Code 2.1.332 does with this variable:
/// "Transcript saving is off", and no state file.
fn inherited_marker() -> bool {
    std::env::var_os("CLAUDE_CODE_CHILD_SESSION").is_some_and(|value| !value.is_empty())
}

fn config_directory() -> PathBuf {
    match std::env::var_os("CLAUDE_CONFIG_DIR").filter(|dir| !dir.is_empty()) {
        Some(directory) => directory.into(),
        None => home().join(".claude"),
    }
}

/// `$HOME`, also a relative one; where it is not set or empty, what the user database says.
fn home() -> PathBuf {
    let set = std::env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    let user = || Some(nix::unistd::User::from_uid(nix::unistd::geteuid()).ok()??.dir);
    set.or_else(user).unwrap_or_default()
}

fn on_a_terminal() -> bool {
    use std::io::IsTerminal as _;
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}
