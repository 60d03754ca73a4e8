//! Every verb comes back from its command line.

use clap::{Parser, ValueEnum};
use proptest::prelude::*;

use super::super::columns::Column;
use super::super::definition::{Awaited, Cli, Env, When};
use super::*;

/// Words of all kinds: what a shell would take apart, what looks like an option, what is none.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("api".to_owned()),
        Just("--help".to_owned()),
        Just("-".to_owned()),
        Just("--".to_owned()),
        Just("$(touch x)".to_owned()),
        Just("a'b\"c\\d\n`e` ;&|<>!*".to_owned()),
        Just("=,".to_owned()),
        "\\PC{1,12}",
    ]
}

fn duration() -> impl Strategy<Value = Duration> {
    (0..1_000_000_u64).prop_map(Duration::from_millis)
}

fn choice<T: ValueEnum + std::fmt::Debug + 'static>() -> impl Strategy<Value = T> {
    prop::sample::select(T::value_variants().to_vec())
}

fn from() -> impl Strategy<Value = From> {
    (prop::option::of(word()), prop::option::of(word()))
        .prop_map(|(directory, statuses)| From { sessions_dir: directory.map(Into::into), statuses })
}

fn on() -> impl Strategy<Value = On> {
    let some = (prop::collection::vec("[a-z]{1,5}", 1..3), duration());
    prop_oneof![Just(On::default()), some.prop_map(|(on, timeout)| On { on, timeout })]
}

fn words() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(word(), 1..4)
}

/// What is talked to.
fn talk() -> impl Strategy<Value = Verb> {
    let some = prop::option::of(word());
    prop_oneof![
        (
            "[a-z]{1,8}",
            prop::option::of("[a-z/]{1,8}"),
            some,
            any::<bool>(),
            duration(),
            prop::collection::vec(word(), 0..3)
        )
            .prop_map(|(name, directory, prompt, json, timeout, args)| Verb::New {
                name,
                directory: directory.map(Into::into),
                attach: false,
                prompt,
                json,
                timeout,
                args: args.into_iter().map(OsString::from).collect(),
            }),
        (words(), choice::<Awaited>(), any::<bool>(), duration())
            .prop_map(|(sessions, wanted, any, timeout)| Verb::Wait { sessions, wanted, any, timeout }),
        (word(), word(), choice::<When>(), any::<bool>(), prop::option::of(duration())).prop_map(
            |(session, text, when, wait, timeout)| Verb::Send { session, text, when, wait, timeout }
        ),
        (word(), any::<bool>(), any::<bool>(), duration()).prop_map(|(claude, json, fork, timeout)| {
            Verb::Adopt { claude, fork, takeover: !fork, now: !fork && json, json, timeout }
        }),
        (word(), word()).prop_map(|(session, name)| Verb::Rename { session, name }),
    ]
}

/// What is looked at, and what is done to sessions.
fn other() -> impl Strategy<Value = Verb> {
    let some = || prop::option::of(word());
    prop_oneof![
        (any::<bool>(), any::<bool>(), prop::collection::vec(choice::<Column>(), 0..3), on()).prop_map(
            |(all, watch, columns, place)| Verb::List {
                all,
                json: false,
                watch: watch && place == On::default(),
                columns,
                place
            }
        ),
        (some(), any::<bool>()).prop_map(|(session, watch)| Verb::Attach { session, watch }),
        some().prop_map(|session| Verb::Detach { session }),
        some().prop_map(|session| Verb::Continue { session }),
        (some(), choice::<Env>()).prop_map(|(session, env)| Verb::Start { session, all: false, env }),
        (words(), any::<bool>()).prop_map(|(sessions, now)| Verb::Restart {
            sessions,
            all: false,
            now,
            cancel: !now,
            hosts: false,
            force: false,
        }),
        (words(), any::<bool>()).prop_map(|(sessions, force)| Verb::Restart {
            sessions,
            all: false,
            now: false,
            cancel: false,
            hosts: true,
            force,
        }),
        words().prop_map(|sessions| Verb::Stop { sessions, all: false }),
        (some(), any::<bool>(), any::<bool>()).prop_map(|(session, follow, json)| Verb::Logs {
            session,
            follow,
            json
        }),
        (some(), prop::option::of(any::<usize>()), any::<bool>()).prop_map(|(session, tail, json)| {
            Verb::Transcript { session, last: false, tail, follow: json, json }
        }),
        (some(), any::<bool>(), any::<bool>()).prop_map(|(session, follow, json)| Verb::Screen {
            session,
            color: !json,
            follow: follow || json,
            json,
        }),
        (from(), any::<bool>(), prop::option::of(Just("unknown".to_owned())), on()).prop_map(
            |(from, json, state, place)| {
                Verb::Detect { from, include_dead: json, json, state, reconnectable: !json, place }
            }
        ),
        (words(), any::<bool>(), prop::collection::vec(any::<i64>(), 0..3)).prop_map(
            |(sessions, apply, pid)| {
                let from = From { sessions_dir: None, statuses: None };
                Verb::Reconnect { sessions, from, apply, pid, quiet: apply, cycle: None }
            }
        ),
        word().prop_map(|cycle| {
            let from = From { sessions_dir: None, statuses: None };
            Verb::Reconnect {
                sessions: vec![],
                from,
                apply: true,
                pid: vec![],
                quiet: false,
                cycle: Some(cycle),
            }
        }),
        words().prop_map(|sessions| Verb::Rm { sessions, ended: false }),
        on().prop_map(|place| Verb::Doctor { place }),
    ]
}

proptest! {
    #[test]
    fn a_verb_comes_back_from_its_command_line(verb in prop_oneof![talk(), other()]) {
        let args = to_args(&verb).expect("it can be run elsewhere");
        let line = std::iter::once(OsString::from("cckw")).chain(args);
        let parsed = Cli::try_parse_from(line).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(parsed.verb, Some(verb));
    }
}

#[test]
fn a_directory_that_looks_like_an_option_stays_the_same() {
    let verb =
        Cli::try_parse_from(["cckw", "new", "a", "--", "-x"]).expect("is parsed").verb.expect("a verb");
    let Verb::New { name, args, .. } = verb else { panic!("new") };
    assert_eq!((name.as_str(), args), ("a", vec![OsString::from("-x")]));
    assert_eq!(Line::of("new").path(Some(Path::new("-x"))).args, ["new", "./-x"]);
}
