//! The command line: which verb was asked for, and one file for each.

mod adopt;
mod advice;
mod answer;
mod attach;
mod colours;
mod columns;
mod complete;
mod continue_turn;
mod cycle;
mod definition;
mod demo;
mod detect;
mod doctor;
mod elsewhere;
mod far;
mod far_attach;
mod host_ends;
mod hosts;
mod last_turn;
mod list;
mod live_screen;
mod logs;
mod machine;
mod machine_copy;
mod man;
#[cfg(test)]
mod messages;
mod new;
mod older_host;
mod on;
mod output;
mod picker;
mod reconnect;
mod removed_program;
mod rename;
mod restart;
mod revive;
mod rm;
mod screen;
mod self_check;
mod send;
mod service;
mod session_watch;
mod shell;
mod shim;
mod start;
mod status;
mod stop;
mod table;
mod target;
mod to_args;
mod top;
mod topic;
mod transcript;
mod update;
mod wait;
mod waiter;
mod watch;
mod wrap;

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};

use super::{client, fake_claude, host};
use crate::claude::executable;
use crate::claude::shim as claude_shim;
use crate::escape::escape;
use crate::os::{own_program, signals};
use crate::update::{auto, candidate};

use definition::{Cli, Verb, When};

/// The definition of the command line, from which help, completions and manual pages are made.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the command line of this process and returns the status to exit with.
///
/// Some of it never reaches the parser, because the words belong to someone else: all after `cckw claude` is
/// claude's (its `--help` too), and so is all of it where cckw was started under the name `claude`.
pub fn main() -> ExitCode {
    let mut args = env::args_os();
    let started_as = args.next().unwrap_or_default();
    let mut args: Vec<OsString> = args.collect();
    own_program::note_call(&started_as, claude_shim::CCKW);
    match Path::new(&started_as).file_name().and_then(OsStr::to_str) {
        Some(executable::STAND_IN) => return fake_claude::main(args),
        Some(claude_shim::NAME) => return client::run::main(args),
        _ => {}
    }
    match args.first().and_then(|first| first.to_str()) {
        Some("claude") => return client::run::main(args.split_off(1)),
        // The fleet view starts it so that ctrl-z cannot stop it too early.
        Some("attach") => signals::let_keys_stop(),
        // Not for users: the client starts its host with it.
        Some("host") => return host::main(args.split_off(1)),
        // Neither: the host runs the user's command for alerts with it.
        Some("alert") => return host::alerts::runner::main(&args[1..]),
        // Neither: the service brings a session back with it.
        Some("revive") => return revive::for_service(&args[1..]),
        // Neither: the shells' function `claude-plain`.
        Some("plain") => return client::run::plain(&args[1..]),
        // Nor this: the completions of the shells ask with it.
        Some("complete") => {
            return complete::main(args.get(1).and_then(|verb| verb.to_str()).unwrap_or_default());
        }
        // Nor this: the cckw of another machine runs it through ssh.
        Some("far") => return far::main(&args[1..]),
        // Nor this: the service runs it once a day, if that is configured.
        Some(auto::VERB) => return update::by_itself(),
        // Nor this: another cckw runs it before this one takes its place.
        Some(candidate::SELF_CHECK) => return self_check::main(&args[1..]),
        Some("help") => {
            if let Some(status) = help(&args[1..]) {
                return status;
            }
            args.remove(0);
        }
        Some(verb) if args.get(1).is_some_and(|word| word == "help") && has_verbs(verb) => {
            args.remove(1);
            if let Some(status) = help(&args) {
                return status;
            }
        }
        _ => {}
    }
    parse_and_run(args)
}

/// Runs what a command line says, which begins with the verb.
fn parse_and_run(args: Vec<OsString>) -> ExitCode {
    let verb = args.first().cloned();
    let typed = args.clone();
    match Cli::try_parse_from(std::iter::once("cckw".into()).chain(args)) {
        Ok(cli) => run(cli),
        Err(mut error) => {
            forget_tip(&mut error);
            if verb.as_ref().is_some_and(|verb| verb == "new") {
                name_place_of_claude_s(&mut error);
            }
            name_verbs(&mut error, verb.as_deref());
            // Help and version come as errors too, with status 0. Who does not read them does not miss them.
            if error.use_stderr()
                && typed.iter().any(|arg| escape(&arg).to_string().as_bytes() != arg.as_encoded_bytes())
            {
                let _ = io::stderr().write_all(escaped(&error).as_bytes());
            } else {
                let _ = error.print();
            }
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
        }
    }
}

/// `cckw help`, `cckw help VERB`, and of a verb that has some of its own `cckw help VERB VERB`. Of `cckw claude`
/// there is no other help, because its `--help` is claude's. Nothing where there is no such verb.
fn help(args: &[OsString]) -> Option<ExitCode> {
    let mut command = Cli::command();
    if args.is_empty() {
        return Some(output::finish(command.print_help()));
    }
    command.build();
    let mut found = &mut command;
    for verb in args.iter().take(if has_verbs(args[0].to_str()?) { 2 } else { 1 }) {
        found = found.find_subcommand_mut(verb)?;
    }
    Some(output::finish(found.print_long_help()))
}

/// Whether a verb has verbs of its own.
fn has_verbs(verb: &str) -> bool {
    Cli::command().find_subcommand(verb).is_some_and(clap::Command::has_subcommands)
}

/// Says which verbs a verb has, where another one was typed.
fn name_verbs(error: &mut clap::Error, verb: Option<&OsStr>) {
    if error.kind() != ErrorKind::InvalidSubcommand || error.get(ContextKind::SuggestedSubcommand).is_some() {
        return;
    }
    let command = Cli::command();
    let Some(verb) = verb.and_then(|verb| command.find_subcommand(verb)) else { return };
    let names: Vec<_> =
        verb.get_subcommands().filter(|verb| !verb.is_hide_set()).map(|verb| verb.get_name()).collect();
    let tip = format!("there are: {}", names.join(", "));
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
}

/// Removes the tip to put `--` before what looks like an option.
fn forget_tip(error: &mut clap::Error) {
    let Some(ContextValue::StyledStrs(tips)) = error.remove(ContextKind::Suggested) else { return };
    let others: Vec<_> =
        tips.into_iter().filter(|tip| !tip.to_string().contains("as a value, use")).collect();
    if !others.is_empty() {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(others));
    }
}

/// Says where claude's own arguments stand behind `cckw new`, unless it was one that makes no session.
fn name_place_of_claude_s(error: &mut clap::Error) {
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidArg) else { return };
    if error.kind() != ErrorKind::UnknownArgument
        || error.get(ContextKind::SuggestedArg).is_some()
        || !typed.starts_with('-')
    {
        return;
    }
    let tip = if matches!(typed.as_str(), "-p" | "--print") {
        "the first prompt is given with --prompt TEXT".to_owned()
    } else {
        format!("if {typed} is claude's, put it behind the name and --: cckw new NAME -- {typed}")
    };
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
}

/// What is said of a command line that is not understood, without colours. It names the words that were
/// typed, and a terminal obeys nothing in them.
fn escaped(error: &clap::Error) -> String {
    error.to_string().lines().map(|line| format!("{}\n", escape(line))).collect()
}

fn run(cli: Cli) -> ExitCode {
    if let Some(verb) = &cli.verb {
        if let Some(status) = elsewhere::main(verb) {
            return status;
        }
        revive::before(verb);
    }
    match cli.verb {
        None if top::has_terminal() => top::main(),
        None => output::finish(Cli::command().print_help()),
        Some(Verb::Top) => top::main(),
        // `main` took it; the parser knows it for the help only.
        Some(Verb::Claude { args }) => client::run::main(args),
        Some(Verb::List { place, all, json, columns, .. }) if place.is_elsewhere() => {
            on::list::main(&place, all, json, &columns)
        }
        Some(Verb::List { all, watch: true, json: true, .. }) => list::watch_json::main(all),
        Some(Verb::List { all, watch: true, columns, .. }) => watch::main(all, &columns),
        Some(Verb::List { all, json, columns, .. }) => list::main(all, json, &columns),
        Some(Verb::Attach { session, watch }) => attach::attach(session.as_deref(), watch),
        Some(Verb::Detach { session }) => attach::detach(session.as_deref()),
        Some(Verb::New { name, directory, attach, prompt, json, timeout, args }) => {
            new::main(&new::NewArgs {
                name: &name,
                directory: directory.as_deref(),
                prompt: prompt.as_deref(),
                attach,
                json,
                timeout,
                args: &args,
            })
        }
        Some(Verb::Start { session, all, env }) => start::main(session.as_deref(), all, env.into()),
        Some(Verb::Continue { session }) => continue_turn::main(session.as_deref()),
        Some(Verb::Restart { sessions, hosts: true, force, .. }) => hosts::main(&sessions, force),
        Some(Verb::Restart { sessions, all, now, cancel, .. }) => {
            let wish = match (now, cancel) {
                (_, true) => restart::RestartWish::Cancel,
                (true, _) => restart::RestartWish::Now,
                _ => restart::RestartWish::WhenIdle,
            };
            restart::main(&sessions, all, wish)
        }
        Some(Verb::Adopt { claude, fork, now, json, timeout, .. }) => {
            adopt::main(&adopt::AdoptArgs { word: &claude, fork, now, json, timeout })
        }
        Some(Verb::Wait { sessions, wanted, any, timeout }) => {
            wait::main(&wait::WaitArgs { sessions: &sessions, wanted: wanted.into(), any, timeout })
        }
        Some(Verb::Rename { session, name }) => rename::main(&session, &name),
        Some(Verb::Stop { sessions, all }) => stop::main(&sessions, all),
        Some(Verb::Logs { session, follow, json }) => logs::main(session.as_deref(), follow, json),
        Some(Verb::Transcript { session, last, tail, follow, json }) => {
            transcript::main(&transcript::TranscriptArgs {
                session: session.as_deref(),
                last,
                tail,
                follow,
                json,
            })
        }
        Some(Verb::Screen { session, color, follow: false, .. }) => screen::main(session.as_deref(), color),
        Some(Verb::Screen { session, color, json, .. }) => screen::follow(session.as_deref(), color, json),
        Some(Verb::Send { session, text, wait, when, timeout }) => send::main(&send::SendArgs {
            session: &session,
            text: &text,
            wait,
            now: when == When::Now,
            timeout,
        }),
        Some(Verb::Rm { sessions, .. }) => rm::main(&sessions),
        Some(verb @ Verb::Detect { .. }) => detect(&verb),
        Some(Verb::Reconnect { cycle: Some(session), apply, .. }) => cycle::main(&session, apply),
        Some(Verb::Reconnect { sessions, from, apply, quiet, pid, cycle: None }) => {
            reconnect::main(&reconnect::ReconnectArgs {
                directory: from.sessions_dir.as_deref(),
                statuses: from.statuses.as_deref().unwrap_or_default(),
                apply,
                quiet,
                pids: &pid,
                sessions: &sessions,
            })
        }
        Some(Verb::Demo { script, by_hand }) => demo::main(script, by_hand),
        Some(Verb::Update { check, rollback, json }) => {
            update::main(update::UpdateArgs { check, rollback, json })
        }
        Some(Verb::Service { action }) => service::main(&action),
        Some(Verb::Machine { action }) => machine::main(&action),
        Some(Verb::Doctor { place }) if place.is_elsewhere() => on::doctor::main(&place),
        Some(Verb::Doctor { .. }) => doctor::main(),
        Some(Verb::ShellInit { shim: Some(directory), remove: true, .. }) => shim::remove(&directory),
        Some(Verb::ShellInit { shim: Some(directory), .. }) => shim::install(&directory),
        Some(Verb::ShellInit { shell: Some(shell), .. }) => output::print(&shell::init(shell)),
        // The parser wants one of the two.
        Some(Verb::ShellInit { .. }) => ExitCode::from(2),
        Some(Verb::Completions { shell }) => output::print(&shell::completions(shell)),
        Some(Verb::Man { verb, out }) => man::main(verb.as_deref(), out.as_deref()),
    }
}

fn detect(verb: &Verb) -> ExitCode {
    let Verb::Detect { from, include_dead, json, state, reconnectable, place } = verb else {
        return ExitCode::from(2);
    };
    let args = detect::DetectArgs {
        directory: from.sessions_dir.as_deref(),
        statuses: from.statuses.as_deref().unwrap_or_default(),
        dead: *include_dead,
        json: *json,
        state: state.as_deref(),
        reconnectable: *reconnectable,
    };
    if place.is_elsewhere() { on::detect::main(place, verb, &args) } else { detect::main(&args) }
}

/// The session that this process was started in.
fn inside() -> Option<String> {
    env::var("CCKW_SESSION").ok()
}
