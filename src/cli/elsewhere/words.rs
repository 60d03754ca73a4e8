//! The words of a verb that mean sessions.

use super::super::definition::Verb;
use crate::machines::name::split;
use crate::registry::names;
use crate::user_error::{UserError, machine, session};

/// Where the words stand that mean sessions.
enum Words<'a> {
    /// One, or none.
    Optional(&'a mut Option<String>),
    One(&'a mut String),
    Several(&'a mut Vec<String>),
    /// Several, or none.
    AnyNumber(&'a mut Vec<String>),
    /// It is about no session.
    None,
}

fn words_of(verb: &mut Verb) -> Words<'_> {
    match verb {
        Verb::Attach { session, .. }
        | Verb::Detach { session }
        | Verb::Start { session, .. }
        | Verb::Continue { session }
        | Verb::Logs { session, .. }
        | Verb::Transcript { session, .. }
        | Verb::Screen { session, .. } => Words::Optional(session),
        Verb::New { name: word, .. }
        | Verb::Adopt { claude: word, .. }
        | Verb::Rename { session: word, .. }
        | Verb::Send { session: word, .. }
        | Verb::Reconnect { cycle: Some(word), .. } => Words::One(word),
        Verb::Wait { sessions, .. } | Verb::Rm { sessions, .. } | Verb::Reconnect { sessions, .. } => {
            Words::Several(sessions)
        }
        Verb::Restart { sessions, .. } | Verb::Stop { sessions, .. } => Words::AnyNumber(sessions),
        Verb::Claude { .. }
        | Verb::Top
        | Verb::List { .. }
        | Verb::Detect { .. }
        | Verb::Demo { .. }
        | Verb::Update { .. }
        | Verb::Service { .. }
        | Verb::Machine { .. }
        | Verb::Doctor { .. }
        | Verb::ShellInit { .. }
        | Verb::Completions { .. }
        | Verb::Man { .. } => Words::None,
    }
}

/// The words that mean sessions, in the order in which they were typed.
pub fn words(verb: &Verb) -> Vec<String> {
    match words_of(&mut verb.clone()) {
        Words::Optional(word) => word.take().into_iter().collect(),
        Words::One(word) => vec![std::mem::take(word)],
        Words::Several(words) | Words::AnyNumber(words) => std::mem::take(words),
        Words::None => Vec::new(),
    }
}

/// The same verb with these words in their place. An empty word means what the verb means without a word.
///
/// # Errors
/// When a word is empty and the verb needs one, a session is to be renamed so that it would be elsewhere, or a new
/// one is called like an option.
pub fn with_words(verb: &Verb, given: &[String]) -> Result<Verb, UserError> {
    let mut changed = verb.clone();
    let first = given.first().cloned().unwrap_or_default();
    match &mut changed {
        Verb::Rename { session, name } => {
            if let Some((other, rest)) = split(name) {
                if split(session).is_none_or(|(machine, _)| machine != other) {
                    return Err(machine::cannot_move());
                }
                *name = rest.to_owned();
            }
        }
        // Words behind `--` are claude's, so there it would be read as an option.
        Verb::New { .. } if first.starts_with('-') => {
            return Err(session::unfit_name(&first, names::unfit(&first).unwrap_or_default()));
        }
        _ => {}
    }
    let no_session = || machine::no_session_named(words(verb).first().map_or("", String::as_str));
    match words_of(&mut changed) {
        Words::Optional(word) => *word = Some(first).filter(|word| !word.is_empty()),
        Words::One(word) => *word = Some(first).filter(|word| !word.is_empty()).ok_or_else(no_session)?,
        Words::AnyNumber(words) if given == [""] => words.clear(),
        Words::Several(words) | Words::AnyNumber(words) => {
            if given.iter().any(String::is_empty) {
                return Err(no_session());
            }
            *words = given.to_vec();
        }
        Words::None => {}
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
