//! A verb as a command line again, for the cckw that runs it on another machine.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;

use super::definition::{From, On, Verb};
use crate::machines::wire::Ask;
use crate::os::text::LosslessText;

/// The command line that this verb is parsed from, beginning with the verb. Nothing where a verb is never run on
/// another machine.
pub fn to_args(verb: &Verb) -> Option<Vec<OsString>> {
    let line = match verb {
        Verb::New { .. }
        | Verb::Attach { .. }
        | Verb::Detach { .. }
        | Verb::Start { .. }
        | Verb::Restart { .. }
        | Verb::Adopt { .. }
        | Verb::Rename { .. }
        | Verb::Stop { .. }
        | Verb::Rm { .. } => of_steering(verb),
        Verb::Wait { .. }
        | Verb::Send { .. }
        | Verb::Continue { .. }
        | Verb::Transcript { .. }
        | Verb::Logs { .. }
        | Verb::Screen { .. } => of_talking(verb),
        Verb::List { .. } | Verb::Detect { .. } | Verb::Reconnect { .. } | Verb::Doctor { .. } => {
            of_looking(verb)
        }
        Verb::Claude { .. }
        | Verb::Top
        | Verb::Demo { .. }
        | Verb::Update { .. }
        | Verb::Service { .. }
        | Verb::Machine { .. }
        | Verb::ShellInit { .. }
        | Verb::Completions { .. }
        | Verb::Man { .. } => None,
    };
    Some(line?.args)
}

/// What another machine is asked for, so that it runs this verb, with this text on its stdin.
pub fn request(verb: &Verb, stdin: Option<LosslessText>) -> Ask {
    let args = to_args(verb).unwrap_or_default();
    Ask::Verb { args: args.iter().map(|arg| LosslessText::from(arg.as_os_str())).collect(), stdin }
}

/// The verbs that begin, lead and end sessions.
fn of_steering(verb: &Verb) -> Option<Line> {
    Some(match verb {
        Verb::New { name, directory, attach, prompt, json, timeout, args } => Line::of("new")
            .flag("--attach", *attach)
            .value("--prompt", prompt.as_deref())
            .flag("--json", *json)
            .duration("--timeout", Some(*timeout))
            // What follows `--` is claude's.
            .plain_word(name)
            .path(directory.as_deref())
            .behind(args),
        Verb::Attach { session, watch } => Line::of("attach").flag("--watch", *watch).words(session),
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
        Verb::Adopt { claude, fork, takeover, now, json, timeout } => Line::of("adopt")
            .flag("--fork", *fork)
            .flag("--takeover", *takeover)
            .flag("--now", *now)
            .flag("--json", *json)
            .duration("--timeout", Some(*timeout))
            .words([claude]),
        Verb::Rename { session, name } => Line::of("rename").words([session, name]),
        Verb::Stop { sessions, all } => Line::of("stop").flag("--all", *all).words(sessions),
        Verb::Rm { sessions, ended } => Line::of("rm").flag("--ended", *ended).words(sessions),
        _ => return None,
    })
}

/// The verbs that talk to a session, and show what it says.
fn of_talking(verb: &Verb) -> Option<Line> {
    Some(match verb {
        Verb::Wait { sessions, wanted, any, timeout } => Line::of("wait")
            .choices("--for", &[*wanted])
            .flag("--any", *any)
            .duration("--timeout", Some(*timeout))
            .words(sessions),
        Verb::Send { session, text, when, wait, timeout } => Line::of("send")
            .choices("--when", &[*when])
            .flag("--wait", *wait)
            .duration("--timeout", *timeout)
            .words([session, text]),
        Verb::Continue { session } => Line::of("continue").words(session),
        Verb::Transcript { session, last, tail, follow, json } => Line::of("transcript")
            .flag("--last", *last)
            .value("--tail", tail.map(|count| count.to_string()).as_deref())
            .flag("--follow", *follow)
            .flag("--json", *json)
            .words(session),
        Verb::Logs { session, follow, json } => {
            Line::of("logs").flag("--follow", *follow).flag("--json", *json).words(session)
        }
        Verb::Screen { session, color, follow, json } => Line::of("screen")
            .flag("--color", *color)
            .flag("--follow", *follow)
            .flag("--json", *json)
            .words(session),
        _ => return None,
    })
}

/// The verbs about all sessions of a machine.
fn of_looking(verb: &Verb) -> Option<Line> {
    Some(match verb {
        Verb::List { all, json, watch, columns, place } => Line::of("list")
            .on(place)
            .flag("--all", *all)
            .flag("--json", *json)
            .flag("--watch", *watch)
            .choices("--columns", columns),
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
        Verb::Doctor { place } => Line::of("doctor").on(place),
        _ => return None,
    })
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
mod tests;
