//! Which session a word means.

use super::{Session, names};
use crate::near_side;
use crate::user_error::{UserError, selector};

/// The shortest part of an id that is taken for one, in characters.
const MIN_ID_CHARS: usize = 4;

/// Why no session was picked.
#[derive(Debug, PartialEq, Eq)]
pub enum NotPicked {
    None,
    /// None is meant by this word.
    Unknown(String),
    /// Several are meant, or nothing was said and there are several: these, by name.
    Several(Vec<String>),
}

impl NotPicked {
    /// The same, where ended sessions were to pick from too.
    pub fn among_all(&self) -> UserError {
        match self {
            Self::None => selector::none(),
            Self::Unknown(word) => selector::unknown(word),
            Self::Several(names) => selector::several(names),
        }
    }
}

impl From<&NotPicked> for UserError {
    /// Those that run were to pick from.
    fn from(error: &NotPicked) -> Self {
        match error {
            NotPicked::None => selector::none_running(),
            NotPicked::Unknown(word) => selector::unknown(word),
            NotPicked::Several(names) => selector::several_running(names),
        }
    }
}

/// The session that is meant. Without a word the only one.
///
/// A word is, in this order:
///
/// 1. an id, its own or its conversation's, or the beginning of one with eight characters or more; or a pid of
///    a session that has not ended;
/// 2. a name: that of the living session, else that of the newest which was called so; or a name with the
///    beginning of the id behind it;
/// 3. a shorter beginning of an id, four characters at least; or a pid that an ended session had.
///
/// So an id and a pid mean their session also where another one is called so. A living session goes before
/// ended ones.
///
/// # Errors
/// When that is none, or several.
pub fn pick<'a>(sessions: &'a [Session], word: Option<&str>) -> Result<&'a Session, NotPicked> {
    match word {
        Some(word) => meant(sessions, word, OfOneName::Newest),
        None => only(sessions.iter().collect(), None),
    }
}

/// The same for what cannot be taken back. A name that several ended sessions have means none of them: typed
/// twice, it would remove two.
///
/// # Errors
/// As [`pick`].
pub fn pick_to_remove<'a>(sessions: &'a [Session], word: &str) -> Result<&'a Session, NotPicked> {
    meant(sessions, word, OfOneName::All)
}

/// Which ended sessions a name means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OfOneName {
    Newest,
    All,
}

fn meant<'a>(sessions: &'a [Session], word: &str, of_one_name: OfOneName) -> Result<&'a Session, NotPicked> {
    let tiers: [&dyn Fn(&Session) -> bool; 3] = [
        &|session| has_id(session, word, names::SHORT_ID_CHARS) || session.lives && has_pid(session, word),
        &|session| {
            session.own_name == word
                || names::is_with_id(word, &session.own_name, &session.record.session, MIN_ID_CHARS)
        },
        &|session| has_id(session, word, MIN_ID_CHARS) || has_pid(session, word),
    ];
    let found = tiers.iter().map(|tier| sessions.iter().filter(|session| tier(session)).collect());
    let mut found: Vec<&Session> =
        found.into_iter().find(|found: &Vec<&Session>| !found.is_empty()).unwrap_or_default();
    if found.iter().any(|session| session.lives) {
        found.retain(|session| session.lives);
    } else if of_one_name == OfOneName::Newest && found.iter().all(|session| session.own_name == word) {
        // Of those with one name that is the one which is shown with it.
        found.sort_by_key(|session| near_side::off(&session.name) != word);
        found.truncate(1);
    }
    only(found, Some(word))
}

fn only<'a>(found: Vec<&'a Session>, word: Option<&str>) -> Result<&'a Session, NotPicked> {
    match (&found[..], word) {
        ([one], _) => Ok(one),
        ([], None) => Err(NotPicked::None),
        ([], Some(word)) => Err(NotPicked::Unknown(word.to_owned())),
        // What was typed would not tell them apart.
        (several, Some(word)) if several.iter().any(|session| near_side::off(&session.name) == word) => {
            Err(NotPicked::Several(several.iter().map(|session| session.lasting_word()).collect()))
        }
        (several, _) => Err(NotPicked::Several(several.iter().map(|session| session.name.clone()).collect())),
    }
}

/// Whether a word is the id of a session or of its conversation, or begins one with `least` characters.
fn has_id(session: &Session, word: &str, least: usize) -> bool {
    let record = &session.record;
    let ids = std::iter::once(record.session.to_string()).chain(record.conversation.clone());
    word.len() >= least && ids.into_iter().any(|id| id.starts_with(word))
}

fn has_pid(session: &Session, word: &str) -> bool {
    let record = &session.record;
    let pids = [Some(record.host_pid), record.client_pid, record.child_pid, record.claude_pid];
    word.parse().is_ok_and(|pid: i32| pid > 0 && pids.contains(&Some(pid)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::record::Record;

    /// Shown with what is first, called what comes next, then id and pid.
    fn session(shown: &str, own: &str, id: &str, pid: i32, lives: bool) -> Session {
        let session = format!("{id}-0000-4000-8000-000000000000").parse().expect("an id");
        Session {
            record: Record { host_pid: pid, ..Record::of(session) },
            directory: session.to_string().into(),
            name: shown.into(),
            own_name: own.into(),
            lives,
            is_running: lives,
            is_coming: false,
            is_unreachable: false,
            silent: None,
            damage: None,
        }
    }

    fn sessions() -> Vec<Session> {
        vec![
            session("work", "work", "11111111", 4711, true),
            session("work.22222222", "work", "22222222", 4712, false),
            session("play.33333333", "play", "33333333", 4713, false),
            session("play", "play", "44444444", 4714, false),
            session("4711", "4711", "55555555", 4715, true),
            session("2222", "2222", "66666666", 4716, true),
            session("33333333", "33333333", "77777777", 4711, false),
        ]
    }

    #[track_caller]
    fn id(word: &str) -> String {
        let sessions = sessions();
        let found = pick(&sessions, Some(word)).unwrap_or_else(|why| panic!("{word}: {why:?}"));
        found.record.session.to_string()[..8].to_owned()
    }

    #[test]
    fn ids_and_living_pids_go_before_names_and_names_before_the_rest() {
        for (word, means) in [
            ("work", "11111111"),
            ("play", "44444444"),
            ("22222222", "22222222"),
            ("33333333-0000", "33333333"),
            ("33333333", "33333333"),
            // A pid of one that lives, though another one is called so.
            ("4711", "11111111"),
            ("4715", "55555555"),
            // A short beginning of an id comes behind a name.
            ("2222", "66666666"),
            ("3333", "33333333"),
            // That of one that has ended.
            ("4713", "33333333"),
            ("work.2222", "22222222"),
            ("work.11111111", "11111111"),
            ("play.3333", "33333333"),
        ] {
            assert_eq!(id(word), means, "{word}");
        }
    }

    #[test]
    fn what_means_nothing_or_several_is_not_guessed() {
        let sessions = sessions();
        for word in ["wor", "work.222", "work.3333", "111", "0", "-1", ""] {
            assert!(matches!(pick(&sessions, Some(word)), Err(NotPicked::Unknown(_))), "{word}");
        }
        let words = NotPicked::Several(vec!["play.33333333".into(), "play.44444444".into()]);
        assert_eq!(pick_to_remove(&sessions, "play").err(), Some(words));
        assert_eq!(pick_to_remove(&sessions, "work").map(|found| found.lives), Ok(true));
        let mut same = sessions.clone();
        same[5].own_name = "work".into();
        assert!(matches!(pick(&same, Some("work")), Err(NotPicked::Several(_))), "two live under one name");
    }

    #[test]
    fn what_could_be_an_id_or_a_pid_is_not_what_to_type() {
        for (word, goes_before) in [
            ("4711", true),
            ("1", true),
            ("deadbeef", true),
            ("dead-beef", true),
            ("beef", false),
            ("work", false),
        ] {
            assert_eq!(names::goes_before_names(word), goes_before, "{word}");
        }
        assert_eq!(sessions()[4].word(), "55555555");
        assert_eq!(sessions()[0].lasting_word(), "work.11111111");
    }
}
