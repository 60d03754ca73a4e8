use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use proptest::prelude::*;

use super::*;

pub(super) fn args(line: &[&str]) -> Vec<OsString> {
    line.iter().map(OsString::from).collect()
}

fn read(line: &[&str]) -> Parsed {
    parse(&args(line))
}

fn run(line: &[&str]) -> Run {
    read(line).run
}

#[test]
fn a_session_is_the_default() {
    let parsed = read(&[]);
    assert_eq!(parsed, Parsed { run: Run::Interactive, chosen: false, name: None, prompt: None });
    assert_eq!(read(&["hello"]).prompt, Some("hello".into()));
    assert_eq!(run(&["-"]), Run::Interactive);
    assert_eq!(run(&["help"]), Run::Interactive, "claude takes `help` for a prompt");
}

#[test]
fn straight_flags_are_seen_wherever_claude_sees_them() {
    for line in [
        &["-p"][..],
        &["hello", "--print"],
        &["--help"],
        &["-cv"],
        &["-cp", "hi"],
        &["--add-dir", "a", "b", "-p"],
        &["--resume", "-p"],
        &["--not-known-yet", "-p"],
        &["--not-known-yet=x", "-v"],
        &["-V"],
        &["--model=x", "--bg"],
        &["--tmux=classic", "-w"],
        &["cc://somewhere"],
    ] {
        assert_eq!(run(line), Run::Straight, "{line:?}");
    }
}

#[test]
fn values_and_prompts_are_not_flags() {
    for line in [
        &["--model", "-p"][..],
        &["-n", "-v"],
        &["-dv"],
        &["--", "-v"],
        &["--append-system-prompt", "--help"],
        &["--allowedTools", "-p"],
        &["-rp"],
    ] {
        assert_eq!(run(line), Run::Interactive, "{line:?}");
    }
}

#[test]
fn a_subcommand_is_the_first_word_that_is_no_value() {
    for line in [
        &["mcp", "list"][..],
        &["--model", "x", "mcp", "list"],
        &["--add-dir=a", "mcp"],
        &["--", "mcp", "list"],
        &["--resume", "abc", "mcp"],
        &["--not-known-yet", "mcp", "list"],
        &["plugins"],
        &["stop", "the server"],
        &["--model", "x", "attach", "deadbeef"],
        &["daemon", "status"],
    ] {
        assert_eq!(run(line), Run::Straight, "{line:?}");
    }
    for line in [
        &["--add-dir", "a", "mcp", "list"][..],
        &["--resume", "mcp"],
        &["hello", "mcp"],
        &["--model", "x", "stop", "the server"],
        &["--model", "x", "daemon", "status"],
        &["--remote-control", "mcp"],
    ] {
        assert_eq!(run(line), Run::Interactive, "{line:?}");
    }
}

#[test]
fn the_remote_control_server_is_a_run_of_its_own() {
    assert_eq!(run(&["remote-control"]), Run::Server);
    assert_eq!(run(&["rc", "--spawn", "worktree"]), Run::Server);
    assert_eq!(run(&["--debug-file", "f", "rc"]), Run::Server);
    assert_eq!(run(&["rc", "--help"]), Run::Straight);
    assert_eq!(run(&["-p", "rc"]), Run::Straight);
    assert_eq!(run(&["--remote-control"]), Run::Interactive);
    assert_eq!(run(&["bridge"]), Run::Server);
    assert_eq!(run(&["--verbose", "bridge"]), Run::Interactive);
}

#[test]
fn a_chosen_conversation_is_noticed() {
    for line in [
        &["-c"][..],
        &["-vc"],
        &["--resume"],
        &["--resume=abc"],
        &["-rabc"],
        &["--session-id", "x"],
        &["--from-pr", "7"],
        &["--teleport"],
        &["--cloud", "build it"],
        &["hello", "--continue"],
    ] {
        assert!(read(line).chosen, "{line:?}");
    }
    for line in [&["--", "-c"][..], &["--model", "-c"], &["mcp", "-c"], &["--name", "--resume"]] {
        assert!(!read(line).chosen, "{line:?}");
    }
}

#[test]
fn names_and_prompts_are_found() {
    let parsed = read(&["-n", "one", "--name=two", "--add-dir=a", "the prompt", "excess"]);
    assert_eq!((parsed.name.as_deref(), parsed.prompt), (Some("two"), Some("the prompt".into())));
    assert_eq!(read(&["-cnthree"]).name.as_deref(), Some("three"));
    assert_eq!(read(&["-cn", "four"]).name.as_deref(), Some("four"));
    assert_eq!(read(&["--add-dir", "a", "b"]).prompt, None);
    assert_eq!(read(&["--add-dir", "a", "--", "b"]).prompt, Some("b".into()));
    assert_eq!(read(&["--not-known-yet", "two words"]).prompt, Some("two words".into()));
    assert_eq!(read(&["--not-known-yet", "value", "prompt"]).prompt, Some("prompt".into()));
    assert_eq!(read(&["--debug", "hooks", "prompt"]).prompt, Some("prompt".into()));
}

#[test]
fn combined_flags_are_taken_apart() {
    let words: Vec<_> = items(&args(&["-cdn", "x"])).into_iter().map(|item| item.words).collect();
    assert_eq!(words, [args(&["-c"]), args(&["-dn"]), args(&["x"])]);
    let words: Vec<_> = items(&args(&["-cn", "x", "y"])).into_iter().map(|item| item.words).collect();
    assert_eq!(words, [args(&["-c"]), args(&["-n", "x"]), args(&["y"])]);
    let [item] = &items(&args(&["-d2e"]))[..] else { panic!("one flag") };
    assert!(matches!(item.what, What::Flag(flag) if flag.names.contains(&"--debug-to-stderr")));
}

#[test]
fn no_name_is_in_the_table_twice() {
    let mut names: Vec<_> = FLAGS.iter().flat_map(|flag| flag.names).collect();
    names.sort();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
    assert!(names.iter().all(|name| name.starts_with('-')));
}

/// Words as people and programs write them, and some that nobody does.
pub(super) fn a_word() -> impl Strategy<Value = OsString> {
    let flags: Vec<&str> = FLAGS.iter().flat_map(|flag| flag.names.iter().copied()).collect();
    let verbs: Vec<&str> = SUBCOMMANDS.iter().flat_map(|verb| verb.names.iter().copied()).collect();
    prop_oneof![
        4 => proptest::sample::select(flags.clone()).prop_map(OsString::from),
        2 => (proptest::sample::select(flags), "[ -~]{0,5}").prop_map(|(flag, value)| format!("{flag}={value}").into()),
        1 => proptest::sample::select(verbs).prop_map(OsString::from),
        2 => "-{0,2}[a-zA-Z0-9]{0,4}".prop_map(OsString::from),
        1 => Just(OsString::from("--")),
        2 => proptest::collection::vec(1u8.., 0..6).prop_map(OsString::from_vec),
    ]
}

proptest! {
    #[test]
    fn no_word_is_lost(line in proptest::collection::vec(a_word(), 0..8)) {
        let words: Vec<_> = items(&line).into_iter().flat_map(|item| item.words).collect();
        // Taken apart once, there is nothing left to take apart, and it says the same.
        prop_assert_eq!(parse(&words), parse(&line));
        let again: Vec<_> = items(&words).into_iter().flat_map(|item| item.words).collect();
        prop_assert_eq!(&again, &words);
        if items(&line).iter().all(|item| item.words.iter().all(|word| line.contains(word))) {
            prop_assert_eq!(words, line);
        }
    }

    #[test]
    fn pinning_keeps_the_rest_and_is_understood(line in proptest::collection::vec(a_word(), 0..8), id in any::<u128>()) {
        let id = Uuid::from_u128(id);
        let pinned = pin(&line, &id);
        prop_assert_eq!(&pinned[2..], &line[..]);
        let before = parse(&line);
        if before.run == Run::Interactive {
            let after = parse(&pinned);
            prop_assert!(after.chosen);
            prop_assert_eq!(after.run, Run::Interactive);
            prop_assert_eq!(after.prompt, before.prompt);
            prop_assert_eq!(after.name, before.name);
        }
    }

    #[test]
    fn a_lone_straight_flag_is_never_missed(
        unknown in "--[a-z]{1,3}-{1,2}[a-z]{0,9}",
        straight in proptest::sample::select(vec!["-p", "--print", "--help", "-v", "--bg", "--background"]),
        behind in proptest::collection::vec(a_word(), 0..4),
    ) {
        prop_assume!(flag_named(unknown.as_bytes()).is_none());
        let mut line = vec![unknown.into(), straight.into()];
        line.extend(behind);
        prop_assert_eq!(parse(&line).run, Run::Straight);
    }
}
