//! All that a user is told when something cannot be done, one after another, with the status:
//! `tests/messages/messages.snap`.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};

use super::definition::Cli;
use crate::claude::executable::{NotFound, Source, Unfit};
use crate::config;
use crate::os::threads;
use crate::paths;
use crate::user_error::{
    UserError, adopt, claude, client, copy, files, host, machine, new, remote, selector, send, service,
    session, shim, shortage, terminal, transcript, turn, update, verb, wait,
};

/// The errors that are written down here, each under the name of what makes it.
macro_rules! errors {
    ($($subject:ident: $($name:ident($($argument:expr),*)),+;)+) => {
        vec![$($((concat!(stringify!($subject), "::", stringify!($name)), $subject::$name($($argument),*))),+),+]
    };
}

const WORK: &str = "work";
const ADVICE: &str = "bring the conversation back with: claude --continue";

fn directory() -> &'static Path {
    Path::new("/home/you/.local/state/cckw/5f0c")
}

fn full() -> io::Error {
    io::Error::from_raw_os_error(libc::ENOSPC)
}

fn refused() -> io::Error {
    io::Error::from_raw_os_error(libc::EACCES)
}

fn names() -> Vec<String> {
    vec!["work".into(), "play\u{1b}[2J".into()]
}

fn errors() -> Vec<(&'static str, UserError)> {
    let unmade = format!("cannot be made: {}", full());
    let room = paths::advice_for(&full());
    errors! {
        selector:
            none_running(), several_running(&names()),
            none(), unknown("wrok\u{1b}[2J"), is_a_machine("box"), several(&names()),
            has_ended(None, WORK, None), has_ended(Some(WORK), WORK, Some("it is empty")),
            waits_for_fg(Some(WORK), WORK),
            directory_gone(None, "its directory /src is gone: make it again, then: cckw start work"),
            nothing_to_bring_back(), cannot_ask(refused());
        host:
            silent(), hangs(4711), stopped(4711), waits_for_disk(4711), lacks_descriptors(4711),
            runs_and_is_silent(WORK, host::stopped(4711)),
            gone(), wrong_answer(), refused("no restart is waiting"), failed("no terminal is left", 1),
            cannot_hand_over(WORK), cannot_be_watched(WORK), is_lost(WORK), closes_connections(), own_program_is_unknown(&full()),
            own_program_is_gone(Path::new("/usr/bin/cckw"), &io::Error::from_raw_os_error(libc::ENOENT)),
            not_handed_over(Path::new("/usr/bin/cckw"), "when it was tried, it was ended by signal 11"),
            elsewhere(WORK), unknown_process(WORK, &directory().join("host.lock")), lost_socket(WORK, 4711),
            could_not_revive(WORK), does_not_come_up(WORK), cannot_catch_signals(full()), not_by_hand();
        session:
            unfit_name("4711", "it looks like an id or a pid"), name_is_taken(WORK), cannot_be_renamed(full()), is_running(WORK), nothing_was_removed(session::is_running(WORK)),
            not_a_directory_of_one(directory()), cannot_be_removed(directory(), refused()),
            does_not_end(WORK), damaged_and_runs("it is empty", WORK), damaged_and_ended("it is cut at byte 70", WORK),
            directory_gone(Path::new("/src"), Some("5f0c")), directory_gone(Path::new("/src"), None),
            directory_cannot_be_entered(Path::new("/src"), refused()), environment_unusable("5f0c", refused()),
            is_open_elsewhere("session work (process 4711 in /src, detached)", "to take it: cckw attach work"),
            is_ending(), has_a_host();
        new:
            no_directory(Path::new("/src"), refused()),
            no_session(), other_name(), two_prompts(), server_with_prompt(), prompt_is_a_value(),
            empty_prompt(), prompt_is_no_text("it has a NUL in it"), prompt_is_too_long(200_000, 131_071),
            ended_at_once("exit status 1", "error: unknown option '--frob'"), ended_at_once("exit status 0", ""),
            not_up_yet(WORK, 30.0), asks_first(WORK, "Is this a project that you trust?"), interrupted(WORK, 130);
        service:
            runs_already(Some(4711)), runs_already(None), no_program(refused()), no_home(),
            unfit(Path::new("/a\nb/cckw")), foreign(Path::new("/home/you/.config/systemd/user/cckw.service")),
            nobody_starts_it("systemd user manager", "Failed to connect to bus: No medium found"),
            cannot_write(directory(), full()), not_begun("systemd user manager", "Access denied"),
            does_not_come_up(), not_ended("systemd user manager", "Access denied");
        adopt:
            unknown("4711"), several("0f0e", &[4711, 4712]), is_session(WORK),
            not_adoptable(4711, "it is not a session in a terminal"), runs_in_it(), asks(4711, "permission prompt"),
            never_rests(4711, 600.0), interrupted(130), has_ended("0f0e0d0c-1111-4111-8111-0123456789ab"),
            does_not_end(4711), ended_without_session(full(), "0f0e0d0c-1111-4111-8111-0123456789ab");
        transcript:
            unknown("wrok"), several_conversations(&["0f0e0d0c-1111", "0f0e0d0c-2222"]), nothing_said(WORK),
            not_on_disk("0f0e0d0c-1111"), cannot_be_read(Path::new("/src/x.jsonl"), refused()),
            no_answer(None), no_answer(Some("API Error: 529 Overloaded."));
        wait:
            server_has_no_turns(WORK), timed_out(0.5), interrupted(130);
        files:
            unusable(directory(), &unmade, room),
            configuration(Path::new("/c.toml"), Some((3, 1)), "unknown field `frob`", "see the page"),
            cannot_write_stdout(full()), cannot_write_pages(Path::new("/usr/man"), refused()),
            cannot_be_watched(full()), nothing_can_be_waited_for(full()), cannot_wait(full()),
            cannot_handle_signals(full()), cannot_be_locked(directory(), full(), room),
            has_no_locks(directory(), io::Error::from_raw_os_error(libc::ENOLCK));
        claude:
            named_one_is_unfit("CCKW_CLAUDE", Path::new("/opt/claude"), "does not exist", true),
            named_one_is_unfit("the configuration", Path::new("/opt/claude"), "is not executable", false),
            not_on_path("claude", &[], "CCKW_CLAUDE"), leads_back(Path::new("/bin/claude"), "CCKW_CLAUDE"),
            cannot_be_executed(Path::new("/bin/claude"), refused(), false),
            cannot_be_executed(Path::new("/bin/claude"), io::Error::from_raw_os_error(libc::ENOENT), true),
            no_process(shortage::no_memory(io::Error::from_raw_os_error(libc::ENOMEM)));
        shortage:
            no_process_left(io::Error::from_raw_os_error(libc::EAGAIN)),
            no_memory(io::Error::from_raw_os_error(libc::ENOMEM)),
            no_descriptor_left(io::Error::from_raw_os_error(libc::EMFILE)),
            system(io::Error::from_raw_os_error(libc::EMFILE));
        terminal:
            none_to_attach(), two(), two_to_attach(), inside_itself(), cannot_be_opened(refused()), none_to_draw_on(),
            two_for_the_view(), none_for_the_view(), prints_lines(WORK),
            none_was_sent(), nothing_was_sent(), is_blocking(refused());
        client:
            without_session(files::unusable(directory(), &unmade, room)), terminal_cannot_be_opened(refused()),
            not_started(refused()), session_goes_on(refused()), not_revived("no terminal is left", 1, ADVICE),
            host_killed(ADVICE), host_killed_at_the_start(), host_killed_before_the_start(),
            start_given_up(host::stopped(4711), ADVICE), attach_given_up(host::hangs(4711));
        remote:
            no_home(), unreadable(Path::new("/home/you/.claude/sessions"), refused()),
            configuration(files::configuration(Path::new("/c.toml"), None, "not valid UTF-8", "save it as UTF-8")),
            no_lock(full()), nothing_known(), left_alone("claude asks something"), failed("it took too long");
        turn:
            none_broke_off(WORK, true), none_broke_off(WORK, false), nothing_to_go_on_with(WORK), ended_meanwhile(WORK),
            went_unseen(WORK, 60);
        verb:
            no_page("frob\u{1b}"), demo_cannot_be_set_up(full()), demo_cannot_be_removed(refused()),
            demo_cannot_run_shell(refused()), demo_failed("scene 3 (crash) failed: nothing came"),
            demo_needs_a_terminal();
        send:
            unreadable(refused()), not_utf8(17), blank(), too_long(600_000, 500_000), older_host(WORK),
            not_sent("claude is waiting (permission prompt)", WORK), unknown("the session's host has gone in the middle of it", WORK),
            host_gone(WORK), interrupted(), for_shell(), asks("permission prompt", WORK),
            turn_failed("overloaded", "API Error: 529 Overloaded"), ended_before_answer("stopped (exit status 0)", WORK),
            no_answer_yet(WORK), answer_interrupted(WORK, 2);
        machine:
            unknown("bxo"), unfit_name("a b", "it begins with `-` or `.`"), unfit("its destination is empty"),
            name_is_taken("box", "me@box"), none(), store_unreadable(Path::new("/home/you/.config/cckw/machines.json"), "it has version 2, and this cckw knows 1"),
            store_unwritable(Path::new("/home/you/.config/cckw/machines.json"), full()), no_configuration_directory(),
            not_reached("box", "it refuses the login", "log in once by hand: ssh me@box"), send_unknown("box:work"),
            no_session_named("box:"), send_interrupted("box:work"), senseless_request("there is none"),
            cannot_run(full()), cannot_move();
        copy:
            no_source("linux on aarch64", false), unfit_binary(Path::new("/home/you/cckw"), "it is no program for Linux"),
            unwanted("box", ("~/.local/bin/cckw is a link there, to /opt/cckw".into(), "update that program there")),
            named_program("box", "/opt/bin/cckw"), not_copied("box", "it does not run there: Permission denied");
        update:
            not_configured("url", Some(Path::new("/home/you/.config/cckw/config.toml"))),
            managed(Path::new("/usr/bin/cckw"), "dpkg-query", "sudo apt install --only-upgrade cckw"), no_program(refused()),
            busy(), unreadable("https://example.org/m.json", "the server answers 404 Not Found"),
            bad_signature("https://example.org/m.json", "it was made with another key than `public_key`"),
            bad_manifest("https://example.org/m.json", "its format has version 2, and this cckw knows 1"),
            older("https://example.org/m.json", "0.1.0", "0.2.0"),
            cut_off("https://example.org/cckw", 4096, 8192, "it ends too early"), other_size("https://example.org/cckw", 8192),
            other_hash("https://example.org/cckw"), unfit("0.2.0", "it does not run: it was ended by signal 6"),
            old_unfit(Path::new("/usr/local/bin/cckw.old"), "it is no program for this machine"),
            nothing_to_roll_back(Path::new("/usr/local/bin/cckw.old")), not_writable(Path::new("/usr/local/bin/cckw"), refused()),
            in_the_way(Path::new("/usr/local/bin/cckw.old")),
            not_written(Path::new("/usr/local/bin"), full(), "make room there, and try again"),
            emulator_broken();
        shim:
            name_is_taken(Path::new("/usr/local/bin/claude"), "a link to ../lib/node_modules/x/cli.js"),
            installers_directory(Path::new("/home/you/.local/bin")), directory_is_open(Path::new("/tmp/bin")),
            no_directory(Path::new("/etc/passwd"), refused()), program_is_renamed(Path::new("/usr/bin/keeper")),
            cannot_be_made(Path::new("/usr/bin/claude"), refused()), none_there(Path::new("/usr/bin/claude")),
            not_removed(Path::new("/usr/bin/claude"), "a program of its own"),
            cannot_be_removed(Path::new("/usr/bin/claude"), refused());
    }
}

/// What makes an error of its own kind before it is one for the user.
fn made_elsewhere() -> Vec<(&'static str, UserError)> {
    let on_path = |path_is_set, skipped| NotFound::OnPath { name: "claude".into(), path_is_set, skipped };
    let skipped: Vec<(PathBuf, Unfit)> = [
        Unfit::Missing,
        Unfit::NotAFile,
        Unfit::NotExecutable,
        Unfit::IsCckw,
        Unfit::Shim,
        Unfit::Unreadable("no\u{9b}".into()),
    ]
    .into_iter()
    .map(|unfit| ("/bin/claude".into(), unfit))
    .collect();
    let named =
        NotFound::Named { source: Source::Environment, path: "/opt/\u{1b}[2J".into(), unfit: Unfit::Missing };
    let mistake = |text: &str| config::parse(Path::new("/c.toml"), text.as_bytes()).expect_err(text);
    let shortage = |number| threads::no_process(&io::Error::from_raw_os_error(number)).expect("a shortage");
    vec![
        ("claude, named in the environment", (&named).into()),
        ("claude, not on PATH", (&on_path(true, Vec::new())).into()),
        ("claude, not on PATH, with what was skipped", (&on_path(true, skipped)).into()),
        ("claude, without PATH", (&on_path(false, Vec::new())).into()),
        ("processes, all used up", shortage(libc::EAGAIN)),
        ("configuration, no TOML", mistake("claude = ")),
        ("configuration, unknown key", mistake("frob = 1\n")),
        ("configuration, relative path", mistake("\nclaude = \"bin/claude\"")),
        ("configuration, wrong value", mistake("[restart]\nmax = \"\u{1b}[2J\"")),
        ("configuration, no UTF-8", {
            config::parse(Path::new("/c.toml"), b"claude = \"\xff\"").expect_err("no text")
        }),
        ("state directory, unreadable", paths::unreadable(directory(), &refused())),
        ("state directory, not private", paths::check_private(Path::new("/dev/null")).expect_err("a device")),
    ]
}

/// Command lines that are not understood.
const MISTYPED: [&[&str]; 12] = [
    &["frob"],
    &["lst"],
    &["--frob"],
    &["list", "--jsn"],
    &["list", "--json", "--columns", "name"],
    &["attach", "one", "two"],
    &["start", "work", "--all"],
    &["start", "--env", "none"],
    &["reconnect", "--pid", "x"],
    &["completions"],
    &["completions", "csh"],
    &["man", "\u{9b}31m", "fr\u{202e}ob"],
];

fn messages() -> String {
    let mut text = String::new();
    for (name, error) in errors().into_iter().chain(made_elsewhere()) {
        let _ = writeln!(text, "{name}, status {}\n    cckw: {error}\n", error.exit_status());
    }
    for words in MISTYPED {
        let error = Cli::try_parse_from([&["cckw"], words].concat()).expect_err("a mistake");
        let _ = writeln!(text, "cckw {}, status {}", words.join(" ").escape_debug(), error.exit_code());
        for line in super::escaped(&error).lines() {
            let _ = writeln!(text, "{}", format!("    {line}").trim_end());
        }
        text.push('\n');
    }
    text
}

#[test]
fn every_message_is_as_it_was() {
    let messages = messages();
    let controls: Vec<char> = messages.chars().filter(|c| c.is_control() && *c != '\n').collect();
    assert_eq!(controls, [], "a terminal would obey these");
    insta::with_settings!({
        snapshot_path => "../../tests/messages",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!("messages", messages);
    });
}

#[test]
fn no_message_is_left_out() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/user_error");
    let mut made = BTreeSet::new();
    for entry in fs::read_dir(source).expect("a folder").flatten() {
        let name = entry.file_name().into_string().expect("a name");
        let subject = name.strip_suffix(".rs").expect("a source");
        let text = fs::read_to_string(entry.path()).expect("a source");
        let constructors = text.split("\npub fn ").skip(1).filter_map(|rest| rest.split('(').next());
        made.extend(constructors.map(|constructor| format!("{subject}::{constructor}")));
    }
    let shown: BTreeSet<String> = errors().into_iter().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(shown, made);
    assert!(made.len() > 80, "{}", made.len());
}

/// What a text tells its reader to type: commands of cckw in backquotes, behind a colon, or in brackets.
fn advised(text: &str) -> Vec<&str> {
    let begins = ["`cckw ", ": cckw ", "; cckw ", "(cckw "].iter();
    let mut found = Vec::new();
    for begin in begins {
        for (at, _) in text.match_indices(begin) {
            let command = &text[at + begin.len() - "cckw ".len()..];
            let end = command.find(['`', ';', ',', ')']).unwrap_or(command.len());
            found.push(command[..end].split(" (").next().unwrap_or_default());
        }
    }
    found
}

#[test]
fn every_command_that_is_advised_is_understood() {
    // Behind a semicolon a sentence about cckw may stand as well.
    let is_verb = |word: &str| Cli::command().get_subcommands().any(|verb| verb.get_name() == word);
    let mut checked = 0;
    for (name, error) in errors().into_iter().chain(made_elsewhere()) {
        let text = error.to_string();
        for command in advised(&text) {
            let words: Vec<&str> = command.split_whitespace().collect();
            if words.get(1).is_some_and(|word| is_verb(word) || word.starts_with('-')) {
                let parsed = Cli::try_parse_from(&words);
                let is_help = parsed.as_ref().is_err_and(|error| !error.use_stderr());
                assert!(parsed.is_ok() || is_help, "{name}: {command}");
                checked += 1;
            } else {
                assert!(text.contains(&format!("; {command}")), "{name} advises an unknown verb: {command}");
            }
        }
    }
    assert!(checked > 30, "{checked}");
}
