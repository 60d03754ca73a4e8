//! The words of a verb that mean sessions.

use super::super::definition::Verb;
use crate::machines::name::split;
use crate::registry::names;
use crate::user_error::{UserError, machine, session};

/// The words that mean sessions, in the order in which they were typed.
pub fn words(verb: &Verb) -> Vec<&str> {
    match verb {
        Verb::Attach { session }
        | Verb::Detach { session }
        | Verb::Start { session, .. }
        | Verb::Continue { session }
        | Verb::Logs { session, .. }
        | Verb::Transcript { session, .. }
        | Verb::Screen { session, .. } => session.as_deref().into_iter().collect(),
        Verb::New { name: word, .. }
        | Verb::Adopt { claude: word, .. }
        | Verb::Rename { session: word, .. }
        | Verb::Send { session: word, .. }
        | Verb::Reconnect { cycle: Some(word), .. } => vec![word],
        Verb::Restart { sessions, .. }
        | Verb::Wait { sessions, .. }
        | Verb::Stop { sessions, .. }
        | Verb::Rm { sessions, .. }
        | Verb::Reconnect { sessions, .. } => sessions.iter().map(String::as_str).collect(),
        Verb::Claude { .. }
        | Verb::List { .. }
        | Verb::Detect { .. }
        | Verb::Demo { .. }
        | Verb::Update { .. }
        | Verb::Service { .. }
        | Verb::Machine { .. }
        | Verb::Doctor { .. }
        | Verb::ShellInit { .. }
        | Verb::Completions { .. }
        | Verb::Man { .. } => vec![],
    }
}

/// The same verb with these words in their place. An empty word means what the verb means without a word.
///
/// # Errors
/// When a word is empty and the verb needs one, or a session is to be renamed so that it would be elsewhere.
pub fn with_words(verb: &Verb, given: &[String]) -> Result<Verb, UserError> {
    let mut changed = verb.clone();
    let first = given.first().cloned().unwrap_or_default();
    let no_session = || machine::no_session_named(words(verb).first().copied().unwrap_or_default());
    match &mut changed {
        Verb::Attach { session }
        | Verb::Detach { session }
        | Verb::Start { session, .. }
        | Verb::Continue { session }
        | Verb::Logs { session, .. }
        | Verb::Transcript { session, .. }
        | Verb::Screen { session, .. } => *session = Some(first).filter(|word| !word.is_empty()),
        Verb::Rename { session, name } => {
            if let Some((other, rest)) = split(name) {
                if split(session).is_none_or(|(machine, _)| machine != other) {
                    return Err(machine::cannot_move());
                }
                *name = rest.to_owned();
            }
            *session = Some(first).filter(|word| !word.is_empty()).ok_or_else(no_session)?;
        }
        // Words behind `--` are claude's, so there it would be read as an option.
        Verb::New { .. } if first.starts_with('-') => {
            return Err(session::unfit_name(&first, names::unfit(&first).unwrap_or_default()));
        }
        Verb::New { name: word, .. }
        | Verb::Adopt { claude: word, .. }
        | Verb::Send { session: word, .. }
        | Verb::Reconnect { cycle: Some(word), .. } => {
            *word = Some(first).filter(|word| !word.is_empty()).ok_or_else(no_session)?;
        }
        Verb::Restart { sessions, .. } | Verb::Stop { sessions, .. } if given == [""] => sessions.clear(),
        Verb::Restart { sessions, .. }
        | Verb::Wait { sessions, .. }
        | Verb::Stop { sessions, .. }
        | Verb::Rm { sessions, .. }
        | Verb::Reconnect { sessions, .. } => {
            if given.iter().any(String::is_empty) {
                return Err(no_session());
            }
            *sessions = given.to_vec();
        }
        _ => {}
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::super::definition::Cli;
    use super::*;

    fn verb(line: &[&str]) -> Verb {
        Cli::try_parse_from(std::iter::once(&"cckw").chain(line)).expect("is parsed").verb.expect("a verb")
    }

    fn changed(line: &[&str], given: &[&str]) -> Result<Verb, String> {
        let given: Vec<String> = given.iter().map(|word| (*word).to_owned()).collect();
        with_words(&verb(line), &given).map_err(|error| error.to_string())
    }

    #[test]
    fn the_machine_is_gone_from_the_words() {
        assert_eq!(words(&verb(&["send", "box:api", "a:b"])), ["box:api"]);
        assert_eq!(changed(&["send", "box:api", "a:b"], &["api"]), Ok(verb(&["send", "api", "a:b"])));
        assert_eq!(changed(&["stop", "box:a", "box:b"], &["a", "b"]), Ok(verb(&["stop", "a", "b"])));
        assert_eq!(changed(&["screen", "box:"], &[""]), Ok(verb(&["screen"])));
        assert_eq!(changed(&["stop", "box:"], &[""]), Ok(verb(&["stop"])));
        for line in
            [&["send", "box:", "x"][..], &["wait", "box:"], &["new", "box:"], &["rename", "box:", "x"]]
        {
            assert!(changed(line, &[""]).is_err_and(|error| error.contains("names no session")), "{line:?}");
        }
    }

    #[test]
    fn no_name_is_read_as_an_option_there() {
        for name in ["--help", "-n", "--"] {
            let word = format!("box:{name}");
            let refused = changed(&["new", &word], &[name]);
            assert!(refused.is_err_and(|error| error.contains("begins like an option")), "{name}");
        }
    }

    #[test]
    fn a_session_stays_on_its_machine() {
        let renamed = verb(&["rename", "api", "web"]);
        assert_eq!(changed(&["rename", "box:api", "web"], &["api"]), Ok(renamed.clone()));
        assert_eq!(changed(&["rename", "box:api", "box:web"], &["api"]), Ok(renamed));
        assert!(changed(&["rename", "box:api", "pi:web"], &["api"]).is_err());
    }
}
