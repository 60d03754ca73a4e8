//! A verb as a command line again, for the cckw that runs it on another machine.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;

use super::definition::{From, On, Verb};

/// The command line that this verb is parsed from, beginning with the verb. Nothing where a verb is never run on
/// another machine.
pub fn to_args(verb: &Verb) -> Option<Vec<OsString>> {
    let line = match verb {
        Verb::New { name, directory, attach, prompt, json, timeout, args } => Line::of("new")
            .flag("--attach", *attach)
            .value("--prompt", prompt.as_deref())
            .flag("--json", *json)
            .duration("--timeout", Some(*timeout))
            // What follows `--` is claude's.
            .plain_word(name)
            .path(directory.as_deref())
            .behind(args),
        Verb::List { all, json, watch, columns, place } => Line::of("list")
            .on(place)
            .flag("--all", *all)
            .flag("--json", *json)
            .flag("--watch", *watch)
            .choices("--columns", columns),
        Verb::Attach { session } => Line::of("attach").words(session),
        Verb::Detach { session } => Line::of("detach").words(session),
        Verb::Start { session, all, env } => {
            Line::of("start").flag("--all", *all).choices("--env", &[*env]).words(session)
        }
        Verb::Restart { sessions, all, now, cancel, hosts, force } => Line::of("restart")
            .flag("--all", *all)
            .flag("--now", *now)
            .flag("--cancel", *cancel)
            .flag("--hosts", *hosts)
            .flag("--force", *force)
            .words(sessions),
        Verb::Wait { sessions, wanted, any, timeout } => Line::of("wait")
            .choices("--for", &[*wanted])
            .flag("--any", *any)
            .duration("--timeout", Some(*timeout))
            .words(sessions),
        Verb::Adopt { claude, fork, takeover, now, json, timeout } => Line::of("adopt")
            .flag("--fork", *fork)
            .flag("--takeover", *takeover)
            .flag("--now", *now)
            .flag("--json", *json)
            .duration("--timeout", Some(*timeout))
            .words([claude]),
        Verb::Rename { session, name } => Line::of("rename").words([session, name]),
        Verb::Continue { session } => Line::of("continue").words(session),
        Verb::Stop { sessions, all } => Line::of("stop").flag("--all", *all).words(sessions),
        Verb::Logs { session, follow, json } => {
            Line::of("logs").flag("--follow", *follow).flag("--json", *json).words(session)
        }
        Verb::Transcript { session, last, tail, follow, json } => Line::of("transcript")
            .flag("--last", *last)
            .value("--tail", tail.map(|count| count.to_string()).as_deref())
            .flag("--follow", *follow)
            .flag("--json", *json)
            .words(session),
        Verb::Screen { session, color } => Line::of("screen").flag("--color", *color).words(session),
        Verb::Send { session, text, when, wait, timeout } => Line::of("send")
            .choices("--when", &[*when])
            .flag("--wait", *wait)
            .duration("--timeout", *timeout)
            .words([session, text]),
        Verb::Detect { from, include_dead, json, state, reconnectable, place } => Line::of("detect")
            .on(place)
            .from(from)
            .flag("--include-dead", *include_dead)
            .flag("--json", *json)
            .value("--state", state.as_deref())
            .flag("--reconnectable", *reconnectable),
        Verb::Reconnect { sessions, from, apply, pid, quiet, cycle } => Line::of("reconnect")
            .from(from)
            .flag("--apply", *apply)
            .flag("--quiet", *quiet)
            .values("--pid", pid)
            .value("--cycle", cycle.as_deref())
            .words(sessions),
        Verb::Rm { sessions, ended } => Line::of("rm").flag("--ended", *ended).words(sessions),
        Verb::Doctor { place } => Line::of("doctor").on(place),
        Verb::Claude { .. }
        | Verb::Demo { .. }
        | Verb::Update { .. }
        | Verb::Service { .. }
        | Verb::Machine { .. }
        | Verb::ShellInit { .. }
        | Verb::Completions { .. }
        | Verb::Man { .. } => return None,
    };
    Some(line.args)
}

/// A command line that grows.
struct Line {
    args: Vec<OsString>,
}

impl Line {
    fn of(verb: &str) -> Self {
        Self { args: vec![verb.into()] }
    }

    fn flag(mut self, name: &str, is_set: bool) -> Self {
        if is_set {
            self.args.push(name.into());
        }
        self
    }

    /// An option with its value in one argument, so that the value may look like anything.
    fn option(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        let mut arg = OsString::from(name);
        arg.push("=");
        arg.push(value);
        self.args.push(arg);
        self
    }

    fn value(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.option(name, value),
            None => self,
        }
    }

    fn values(self, name: &str, values: &[impl ToString]) -> Self {
        values.iter().fold(self, |line, value| line.option(name, value.to_string()))
    }

    fn choices(self, name: &str, chosen: &[impl ValueEnum]) -> Self {
        let names = chosen.iter().filter_map(ValueEnum::to_possible_value);
        let names: Vec<String> = names.map(|value| value.get_name().to_owned()).collect();
        self.values(name, &names)
    }

    fn duration(self, name: &str, duration: Option<Duration>) -> Self {
        match duration {
            Some(duration) => self.option(name, format!("{}ms", duration.as_millis())),
            None => self,
        }
    }

    fn on(self, place: &On) -> Self {
        if !place.is_elsewhere() {
            return self;
        }
        self.values("--on", &place.on).duration("--timeout", Some(place.timeout))
    }

    fn from(self, from: &From) -> Self {
        let line = match &from.sessions_dir {
            Some(directory) => self.option("--sessions-dir", directory),
            None => self,
        };
        line.value("--statuses", from.statuses.as_deref())
    }

    /// A word that looks like no option.
    fn plain_word(mut self, word: &str) -> Self {
        self.args.push(word.into());
        self
    }

    /// A path, which may look like an option.
    fn path(mut self, path: Option<&Path>) -> Self {
        let looks_like_option = |path: &Path| path.as_os_str().as_encoded_bytes().starts_with(b"-");
        self.args.extend(path.map(|path| match looks_like_option(path) {
            true => Path::new(".").join(path).into_os_string(),
            false => path.as_os_str().to_owned(),
        }));
        self
    }

    /// What comes last, whatever it looks like.
    fn words<'a>(mut self, words: impl IntoIterator<Item = &'a String>) -> Self {
        let mut words = words.into_iter().peekable();
        if words.peek().is_some() {
            self.args.push("--".into());
        }
        self.args.extend(words.map(OsString::from));
        self
    }

    /// What belongs to claude.
    fn behind(mut self, args: &[OsString]) -> Self {
        if !args.is_empty() {
            self.args.push("--".into());
        }
        self.args.extend_from_slice(args);
        self
    }
}

#[cfg(test)]
mod tests {
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
            some().prop_map(|session| Verb::Attach { session }),
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
            (some(), any::<bool>()).prop_map(|(session, color)| Verb::Screen { session, color }),
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
}
