//! The command line as a user meets it: help, refusals, doctor, the pages.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::{Sandbox, Terminal, cckw_program};

const VERBS: [&str; 28] = [
    "claude",
    "list",
    "attach",
    "detach",
    "start",
    "restart",
    "stop",
    "logs",
    "transcript",
    "screen",
    "send",
    "detect",
    "reconnect",
    "rm",
    "demo",
    "doctor",
    "shell-init",
    "completions",
    "man",
    "new",
    "wait",
    "rename",
    "continue",
    "adopt",
    "service",
    "update",
    "machine",
    "top",
];

/// What a command said, and its status.
struct Said {
    out: String,
    err: String,
    status: Option<i32>,
}

fn said(mut command: Command) -> Said {
    let Output { status, stdout, stderr } = command.output().expect("cckw runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Said { out: text(stdout), err: text(stderr), status: status.code() }
}

fn cckw(sandbox: &Sandbox, args: &[&str]) -> Said {
    let mut command = sandbox.command(cckw_program());
    command.args(args);
    said(command)
}

fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(name)
}

/// A sandbox whose claude is the stand-in.
fn with_stand_in() -> Sandbox {
    let mut sandbox = Sandbox::new();
    let stand_in = sandbox.link("claude-stand-in", cckw_program());
    sandbox.set("CCKW_CLAUDE", stand_in);
    sandbox
}

fn has_controls(text: &str) -> bool {
    text.chars().any(|c| c.is_control() && c != '\n')
}

#[test]
fn help_is_for_newcomers() {
    let sandbox = Sandbox::new();
    let Said { out: help, err, status } = cckw(&sandbox, &[]);
    assert_eq!((err.as_str(), status), ("", Some(0)));
    let first = help.lines().next().expect("a line");
    assert!(first.starts_with("Keeps Claude Code running"), "{help}");
    for needed in ["cckw demo ", "cckw claude ", "cckw shell-init bash", "cckw man", "docs/", "Usage: cckw"] {
        assert!(help.contains(needed), "{needed}: {help}");
    }
    for verb in VERBS {
        assert!(help.lines().any(|line| line.starts_with(&format!("  {verb} "))), "{verb}: {help}");
    }
    let inner = help.lines().find(|line| line.starts_with("  host "));
    assert_eq!(inner, None, "an inner verb is shown");
    assert!(!has_controls(&help));
    let long = help.lines().find(|line| line.chars().count() > 100);
    assert_eq!(long, None);
    for flag in ["--help", "-h"] {
        assert_eq!(cckw(&sandbox, &[flag]).out, help, "{flag}");
    }
}

#[test]
fn every_verb_but_claude_explains_itself() {
    let sandbox = Sandbox::new();
    for verb in &VERBS[1..] {
        let Said { out, status, .. } = cckw(&sandbox, &[verb, "--help"]);
        assert!(status == Some(0) && out.contains(&format!("Usage: cckw {verb}")), "{out}");
    }
}

#[test]
fn the_version_is_told() {
    let said = cckw(&Sandbox::new(), &["--version"]);
    assert_eq!(
        (said.out.as_str(), said.status),
        (concat!("cckw ", env!("CARGO_PKG_VERSION"), "\n"), Some(0))
    );
}

#[test]
fn nonsense_is_refused_with_2() {
    let sandbox = Sandbox::new();
    for args in [
        &["frob"][..],
        &["--frob"],
        &["doctor", "x"],
        &["shell-init"],
        &["shell-init", "csh"],
        &["completions", "csh"],
        &["man", "frob"],
        &["man", "\x1b[31m"],
        &["demo", "--frob"],
        &["fr\u{9b}31mob"],
        &["list", "--\u{202e}frob\x07"],
    ] {
        let said = cckw(&sandbox, args);
        assert_eq!((said.status, said.out.as_str()), (Some(2), ""), "{args:?}");
        assert!(!said.err.is_empty() && !has_controls(&said.err), "{args:?}: {:?}", said.err);
    }
}

#[test]
fn all_behind_claude_is_claude_s() {
    let sandbox = Sandbox::new();
    sandbox.link("claude", program("say.sh"));
    for (args, heard) in [
        (&["claude", "--help"][..], "claude [--help]\n"),
        (&["claude", "--version"], "claude [--version]\n"),
        (&["claude", "mcp", "list", "--", ""], "claude [mcp] [list] [--] []\n"),
        (&["claude", "-p", "claude"], "claude [-p] [claude]\n"),
    ] {
        let said = cckw(&sandbox, args);
        assert_eq!((said.out.as_str(), said.err.as_str(), said.status), (heard, "", Some(0)));
    }
}

#[test]
fn under_the_name_claude_it_is_cckw_claude() {
    let sandbox = Sandbox::new();
    sandbox.link("claude", program("say.sh"));
    let link = sandbox.work().join("claude");
    symlink(cckw_program(), &link).expect("a link");
    let mut command = sandbox.command(link);
    command.arg("--help");
    assert_eq!(said(command).out, "claude [--help]\n");
}

#[test]
fn without_a_claude_it_says_how_to_get_one() {
    let sandbox = Sandbox::new();
    let said = cckw(&sandbox, &["claude", "-p", "x"]);
    assert_eq!((said.status, said.out.as_str()), (Some(127), ""));
    assert_eq!(said.err.lines().count(), 1, "{}", said.err);
    assert!(said.err.contains("npm install -g @anthropic-ai/claude-code"), "{}", said.err);
}

#[test]
fn a_named_claude_that_is_not_there_is_named() {
    let mut sandbox = Sandbox::new();
    sandbox.link("claude", program("say.sh"));
    sandbox.set("CCKW_CLAUDE", "/nowhere/claude");
    let said = cckw(&sandbox, &["claude", "-p", "x"]);
    assert_eq!(said.status, Some(127));
    assert!(said.err.contains("CCKW_CLAUDE names /nowhere/claude, which does not exist"), "{}", said.err);
}

#[test]
fn a_link_that_leads_back_is_skipped() {
    let sandbox = Sandbox::new();
    sandbox.link("claude", cckw_program());
    let said = cckw(&sandbox, &["claude", "-p", "x"]);
    assert_eq!(said.status, Some(127));
    assert!(said.err.contains("is cckw itself"), "{}", said.err);
}

#[test]
fn the_configuration_names_the_program_and_errors_have_a_place() {
    let sandbox = Sandbox::new();
    let dir = sandbox.path("config/cckw");
    fs::create_dir(&dir).expect("a directory");
    let configure = |text: &str| fs::write(dir.join("config.toml"), text).expect("written");
    configure(&format!("claude = {:?}\n", program("say.sh")));
    assert_eq!(cckw(&sandbox, &["claude", "-p"]).out, "say.sh [-p]\n");
    configure("# mine\nclaud = \"x\"\n");
    let said = cckw(&sandbox, &["claude", "-p"]);
    assert_eq!((said.status, said.out.as_str()), (Some(1), ""));
    assert!(
        said.err.contains("config.toml:2:1: unknown field `claud`, expected one of `claude`"),
        "{}",
        said.err
    );
}

#[test]
fn a_reader_who_leaves_is_no_failure() {
    let sandbox = Sandbox::new();
    for args in [
        &["man"][..],
        &["shell-init", "zsh"],
        &["completions", "bash"],
        &["doctor"],
        &[],
        &["--help"],
        &["-V"],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = sandbox.command(cckw_program());
        command.args(args).stdout(writer);
        let said = said(command);
        // Without a claude doctor fails whoever reads it.
        let status = if args == ["doctor"] { 1 } else { 0 };
        assert_eq!((said.err.as_str(), said.status), ("", Some(status)), "{args:?}");
    }
}

#[test]
fn a_full_disk_is_a_failure() {
    let sandbox = Sandbox::new();
    let full = || fs::File::options().write(true).open("/dev/full").expect("/dev/full");
    for args in [&["man"][..], &["shell-init", "bash"]] {
        let mut command = sandbox.command(cckw_program());
        command.args(args).stdout(full());
        let said = said(command);
        assert_eq!(said.status, Some(1), "{args:?}");
        assert!(said.err.contains("cannot write to stdout"), "{}", said.err);
    }
}

#[test]
fn every_verb_has_a_page() {
    let sandbox = Sandbox::new();
    let out = sandbox.path("work/pages");
    let written = cckw(&sandbox, &["man", "--out", out.to_str().expect("text")]);
    assert_eq!((written.out.as_str(), written.err.as_str(), written.status), ("", "", Some(0)));
    assert_eq!(fs::read_dir(&out).expect("a directory").count(), VERBS.len() + 1);
    let page = |name: &str| fs::read_to_string(out.join(name)).expect("a page");
    assert_eq!(page("cckw.1"), cckw(&sandbox, &["man"]).out);
    for section in ["EXIT STATUS", "ENVIRONMENT", "FILES", "CCKW_CLAUDE"] {
        assert!(page("cckw.1").contains(section), "{section}");
    }
    for verb in VERBS {
        let text = page(&format!("cckw-{verb}.1"));
        assert!(text.contains(&format!(".TH CCKW-{} 1", verb.to_uppercase())), "{text}");
        assert_eq!(text, cckw(&sandbox, &["man", verb]).out);
    }
    assert_eq!(cckw(&sandbox, &["man", "--out", "/dev/null/x"]).status, Some(1));
}

#[test]
fn doctor_finds_all_well() {
    let sandbox = with_stand_in();
    let said = cckw(&sandbox, &["doctor"]);
    assert_eq!((said.status, said.err.as_str()), (Some(0), ""), "{}", said.out);
    assert!(said.out.contains("2.1.329 (Claude Code stand-in)"), "{}", said.out);
    // What a logout does is the machine's own business.
    let about_logout = |line: &&str| line.contains("  logout  ");
    assert_eq!(said.out.lines().filter(about_logout).count(), 1, "{}", said.out);
    let warned = said.out.lines().filter(|line| line.starts_with("warn")).find(|line| !about_logout(line));
    assert_eq!(warned, None, "{}", said.out);
    assert!(said.out.ends_with("All is well.\n") || said.out.contains("\nwarn"), "{}", said.out);
    assert!(!has_controls(&said.out));
    // It looks and touches nothing.
    assert!(!sandbox.path("state/cckw").exists());
}

#[test]
fn doctor_finds_what_is_wrong() {
    let mut sandbox = Sandbox::new();
    let bad = sandbox.path("bad\x1b[31m");
    fs::create_dir(&bad).expect("a directory");
    fs::write(bad.join("claude"), "").expect("written");
    sandbox.set("PATH", format!("{}:/usr/bin:/bin", bad.display()));
    fs::create_dir(sandbox.path("state/cckw")).expect("a directory");
    fs::set_permissions(sandbox.path("state/cckw"), fs::Permissions::from_mode(0o755)).expect("opened");
    fs::create_dir(sandbox.path("config/cckw")).expect("a directory");
    fs::write(sandbox.path("config/cckw/config.toml"), "claude = 7").expect("written");
    let said = cckw(&sandbox, &["doctor"]);
    assert_eq!(said.status, Some(1));
    let line = |about: &str| {
        let found = said.out.lines().find(|line| line.starts_with("FAIL") && line.contains(about));
        found.unwrap_or_else(|| panic!("{about} is no failure:\n{}", said.out))
    };
    assert!(line("configuration").contains("config.toml:1:10: invalid type"), "{}", said.out);
    assert!(line("sessions").contains("0755"), "{}", said.out);
    assert!(line("  claude ").contains("bad\\u{1b}[31m/claude is not executable"), "{}", said.out);
    assert!(said.out.ends_with("3 things to fix.\n"), "{}", said.out);
    assert!(!has_controls(&said.out));
}

#[test]
fn doctor_names_what_rules_remote_control_out() {
    let mut sandbox = with_stand_in();
    sandbox.set("DO_NOT_TRACK", "1");
    fs::create_dir(sandbox.path("home/.claude")).expect("a directory");
    let settings = r#"{"env":{"ANTHROPIC_BASE_URL":"http://127.0.0.1:1"}}"#;
    fs::write(sandbox.path("home/.claude/settings.json"), settings).expect("written");
    let said = cckw(&sandbox, &["doctor"]);
    assert_eq!(said.status, Some(0), "{}", said.out);
    for (name, place) in
        [("DO_NOT_TRACK", "the environment"), ("ANTHROPIC_BASE_URL", "home/.claude/settings.json")]
    {
        let found = said.out.lines().find(|line| line.contains("remote control") && line.contains(name));
        let line = found.unwrap_or_else(|| panic!("{name} is not named:\n{}", said.out));
        assert!(line.starts_with('-') && line.contains(place), "{line}");
    }
}

#[test]
fn doctor_is_coloured_on_a_terminal_alone() {
    let mut sandbox = with_stand_in();
    let doctor = |sandbox: &Sandbox| {
        let mut command = sandbox.command(cckw_program());
        command.arg("doctor");
        let mut terminal = Terminal::builder().size(30, 200).spawn(command);
        assert!(terminal.finish().success());
        assert!(terminal.screen().contains("30 rows, 200 columns"), "{}", terminal.report());
        terminal.output()
    };
    assert!(doctor(&sandbox).contains(&0x1b));
    sandbox.set("NO_COLOR", "1");
    assert!(!doctor(&sandbox).contains(&0x1b));
}

#[test]
fn doctor_wraps_its_words_and_says_what_is_unavailable() {
    let mut sandbox = with_stand_in();
    sandbox.set("DO_NOT_TRACK", "1");
    let mut command = sandbox.command(cckw_program());
    command.arg("doctor");
    let mut terminal = Terminal::builder().size(60, 70).spawn(command);
    assert!(terminal.finish().success());
    let text = terminal.screen().text();
    assert!(text.contains("What is marked as unavailable does not work here."), "{text}");
    assert!(!text.contains("All is well"), "{text}");
    // A line that goes on begins below the words before it.
    let shell = text.lines().position(|line| line.contains("`type claude` says whether")).expect("a line");
    let next = text.lines().nth(shell + 1).expect("another line");
    assert!(next.starts_with(&" ".repeat(23)) && next.contains("shell-init"), "{text}");
    // A file gets each in one line.
    let said = cckw(&sandbox, &["doctor"]);
    assert!(said.out.lines().any(|line| line.contains("`type claude`") && line.contains("shell-init")));
}

#[test]
fn doctor_says_that_a_claude_is_newer_than_what_was_tried() {
    let mut sandbox = Sandbox::new();
    let claude = sandbox.script("newer", "#!/bin/sh\necho '999.0.0 (Claude Code)'\n");
    sandbox.set("CCKW_CLAUDE", claude);
    let said = cckw(&sandbox, &["doctor"]);
    let line = said.out.lines().find(|line| line.contains("999.0.0")).expect("its version");
    assert!(line.contains("cckw was tried with versions up to 2."), "{line}");
}

#[test]
fn help_can_be_asked_for_with_a_word() {
    let sandbox = Sandbox::new();
    assert_eq!(cckw(&sandbox, &["help"]).out, cckw(&sandbox, &["--help"]).out);
    for verb in VERBS {
        let help = cckw(&sandbox, &["help", verb]);
        assert_eq!(help.status, Some(0), "{verb}: {}", help.err);
        assert!(
            help.out.contains(&format!("Usage: cckw {verb}"))
                || verb == "new"
                || verb == "rm"
                || verb == "adopt",
            "{verb}: {}",
            help.out
        );
    }
    let unknown = cckw(&sandbox, &["help", "lst"]);
    assert_eq!(unknown.status, Some(2));
    assert!(unknown.err.contains("unrecognized subcommand 'lst'"), "{}", unknown.err);
}

#[test]
fn a_verb_that_has_verbs_of_its_own_says_which() {
    let sandbox = Sandbox::new();
    assert_eq!(cckw(&sandbox, &["service", "help"]).out, cckw(&sandbox, &["help", "service"]).out);
    for args in [["service", "help", "status"], ["help", "service", "status"]] {
        let help = cckw(&sandbox, &args);
        assert!(help.out.contains("Usage: cckw service status"), "{args:?}: {}", help.out);
    }
    let unknown = cckw(&sandbox, &["service", "foo"]);
    assert_eq!(unknown.status, Some(2));
    assert!(unknown.err.contains("there are: install, uninstall, status, run"), "{}", unknown.err);
}

#[test]
fn what_is_not_understood_brings_no_tip_that_does_not_work() {
    let sandbox = Sandbox::new();
    for args in [&["attach", "--foo", "x"][..], &["transcript", "x", "--tail", "-1"], &["list", "-x"]] {
        let refused = cckw(&sandbox, args);
        assert_eq!(refused.status, Some(2), "{args:?}");
        assert!(
            refused.err.contains("unexpected argument") && !refused.err.contains("as a value"),
            "{}",
            refused.err
        );
    }
    // Here it works: these are claude's. Without the name before it, it would not.
    for args in [&["new", "api", "--model", "opus"][..], &["new", "--model", "opus"]] {
        let refused = cckw(&sandbox, args);
        assert!(refused.err.contains("cckw new NAME -- --model"), "{}", refused.err);
        assert!(!refused.err.contains("as a value"), "{}", refused.err);
    }
    // With these claude makes no session.
    let refused = cckw(&sandbox, &["new", "api", "-p", "hi"]);
    assert!(refused.err.contains("--prompt TEXT") && !refused.err.contains("-- -p"), "{}", refused.err);
    // A slip of the fingers is none of claude's.
    let refused = cckw(&sandbox, &["new", "api", "--promt", "hi"]);
    assert!(refused.err.contains("'--prompt'") && !refused.err.contains("claude's"), "{}", refused.err);
}
