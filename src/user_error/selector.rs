//! No session, or several, are meant by what was typed.

use std::fmt::Display;

use super::UserError;
use crate::escape::escape;
use crate::near_side;

/// None runs.
pub fn none_running() -> UserError {
    no_session_is_running().advice(begin())
}

/// Several that run are meant.
pub fn several_running(names: &[String]) -> UserError {
    UserError::new("several sessions are running").advice(one_of(names))
}

/// There is none, running or ended.
pub fn none() -> UserError {
    UserError::new("there is no session").advice(begin())
}

/// None is called so, running or ended.
pub fn unknown(word: &str) -> UserError {
    UserError::new(format!("no session is called {}", escape(&near_side::on(word)))).advice(see_all())
}

/// The same, where a machine is called so.
pub fn is_a_machine(name: &str) -> UserError {
    UserError::new(format!("no session is called {name}"))
        .why("it is a machine")
        .advice(format!("name a session of it: {name}:SESSION; they are listed by: cckw list --on {name}"))
}

/// Several are meant, running or ended.
pub fn several(names: &[String]) -> UserError {
    UserError::new("several sessions are meant").advice(one_of(names))
}

/// The session that is meant does not run, and can be brought back. `called` is what was typed, `word` what
/// to type, `damage` what is wrong with its record.
pub fn has_ended(called: Option<&str>, word: &str, damage: Option<&str>) -> UserError {
    let damage = damage.map_or_else(String::new, |damage| format!(" (its record cannot be read: {damage})"));
    not_running(called)
        .advice(format!("to bring {word} back{damage}: cckw start {word}; then: cckw attach {word}"))
}

/// The same, where its client waits in a shell for `fg`.
pub fn waits_for_fg(called: Option<&str>, word: &str) -> UserError {
    not_running(called).advice(format!(
        "to bring {word} back: fg in its terminal, or: cckw start {word}; then: cckw attach {word}"
    ))
}

/// The same, where its directory is gone; `advice` says so.
pub fn directory_gone(called: Option<&str>, advice: &str) -> UserError {
    not_running(called).advice(advice)
}

/// None is to be brought back.
pub fn nothing_to_bring_back() -> UserError {
    UserError::new("there is no session to bring back").advice(see_all())
}

/// The question which one is meant has failed.
pub fn cannot_ask(error: impl Display) -> UserError {
    UserError::new("it cannot be asked which session is meant").why(error)
}

fn not_running(called: Option<&str>) -> UserError {
    called.map_or_else(no_session_is_running, not_called)
}

fn no_session_is_running() -> UserError {
    UserError::new("no session is running")
}

fn not_called(word: &str) -> UserError {
    UserError::new(format!("no running session is called {}", escape(&near_side::on(word))))
}

fn begin() -> String {
    format!("start one with `{}`", near_side::begin())
}

fn see_all() -> String {
    format!("see `{} --all`", near_side::list())
}

fn one_of(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| escape(name).to_string()).collect();
    format!("name one of them: {}", names.join(", "))
}
