//! What sessions are called: which name is free, and which name a session is shown with.
//!
//! A name belongs to one living session at a time, from its start to its end. Ended sessions give way: of
//! those with one name the newest is shown with it while no living session has it; each other one is shown
//! with the beginning of its id behind the name, `work.5f0c1d1e`. That part never changes, and such a word
//! means its session whatever the others do.

use std::collections::{BTreeMap, HashSet};

use uuid::Uuid;

use crate::near_side::MARK;

/// What stands between a name and the beginning of an id. No shell takes a word apart there.
const SEPARATOR: char = '.';

/// So much of an id stands behind a name, in characters. Where two sessions have this in common, more does.
pub const SHORT_ID_CHARS: usize = 8;

/// The longest name that is taken over, in characters.
const MAX_NAME_CHARS: usize = 100;

/// A session with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The name that the session was given, which others may have had.
    pub name: String,
    pub session: Uuid,
    /// Whether it has not ended.
    pub lives: bool,
    /// Since when it has the name, or when it ended, if that is later. Milliseconds since 1970.
    pub since: u64,
}

/// A name as a user gives it, in the form in which a session has it: without blanks around it, and not
/// without bounds. Nothing where nothing is left.
pub fn tidy(name: &str) -> Option<String> {
    let name: String = name.trim().chars().take(MAX_NAME_CHARS).collect();
    let name = name.trim_end();
    (!name.is_empty()).then(|| name.to_owned())
}

/// The name that a session gets where a title, a directory or an earlier version says this: the same without
/// [`MARK`].
pub fn typable(name: &str) -> String {
    name.replace(MARK, "-")
}

/// What keeps a name from being given to a session by a command, in words. It has to mean that session at a
/// shell: it is no flag, no id and no pid, and is shown as it is.
pub fn unfit(name: &str) -> Option<&'static str> {
    match name {
        _ if tidy(name).as_deref() != Some(name) => {
            Some("it is empty, too long, or begins or ends with a blank")
        }
        _ if name.chars().any(char::is_control) => Some("it has a control character in it"),
        _ if name.starts_with('-') => Some("it begins like an option"),
        _ if name.contains(MARK) => Some("it has a `:` in it"),
        _ if goes_before_names(name) => Some("it looks like an id or a pid"),
        _ => None,
    }
}

/// Whether a word could be an id or a pid, which go before names.
pub fn goes_before_names(word: &str) -> bool {
    let is_digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let is_like_id = word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    is_digits || is_like_id && word.len() >= SHORT_ID_CHARS
}

/// The first of `base`, `base-2`, `base-3`… that is not taken.
pub fn free(base: &str, is_taken: impl Fn(&str) -> bool) -> String {
    if !is_taken(base) {
        return base.to_owned();
    }
    let mut number = 2_usize;
    loop {
        let name = format!("{base}-{number}");
        if !is_taken(&name) {
            return name;
        }
        number += 1;
    }
}

/// The name with the beginning of the id behind it. It means this session for as long as there is a trace of
/// it.
pub fn with_id(name: &str, session: &Uuid) -> String {
    format!("{name}{SEPARATOR}{}", &session.to_string()[..SHORT_ID_CHARS])
}

/// Whether a word is this name with a beginning of the id behind it, of `least` characters or more.
pub fn is_with_id(word: &str, name: &str, session: &Uuid, least: usize) -> bool {
    let behind = word.strip_prefix(name).and_then(|rest| rest.strip_prefix(SEPARATOR));
    behind.is_some_and(|id| id.len() >= least && session.to_string().starts_with(id))
}

/// What each of these sessions is shown with, in their order. No two are shown with the same.
pub fn shown(sessions: &[Named]) -> Vec<String> {
    let mut taken: HashSet<String> = sessions.iter().map(|session| session.name.clone()).collect();
    let owners = owners(sessions);
    let mut shown = Vec::with_capacity(sessions.len());
    for (at, session) in sessions.iter().enumerate() {
        if owners.get(session.name.as_str()) == Some(&Some(at)) {
            shown.push(session.name.clone());
            continue;
        }
        let id = session.session.to_string();
        let behind = |length: usize| format!("{}{SEPARATOR}{}", session.name, &id[..length]);
        // Somebody may have called a session exactly so.
        let mut candidates = [SHORT_ID_CHARS, 13, 18, 23, id.len()].map(behind).into_iter();
        let name = candidates.find(|name| !taken.contains(name));
        let name = name.unwrap_or_else(|| free(&id, |name| taken.contains(name)));
        taken.insert(name.clone());
        shown.push(name);
    }
    shown
}

/// The session that each name alone means: the living one, else the newest. None where several live under one
/// name, which hosts of earlier versions allow.
pub fn owners(sessions: &[Named]) -> BTreeMap<&str, Option<usize>> {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, session) in sessions.iter().enumerate() {
        groups.entry(&session.name).or_default().push(at);
    }
    let owner = |group: &Vec<usize>| {
        let mut living = group.iter().filter(|at| sessions[**at].lives);
        match (living.next(), living.next()) {
            (Some(one), None) => Some(*one),
            (Some(_), Some(_)) => None,
            (None, _) => group.iter().copied().max_by_key(|at| (sessions[*at].since, sessions[*at].session)),
        }
    };
    groups.iter().map(|(name, group)| (*name, owner(group))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn named(name: &str, number: u32, lives: bool, since: u64) -> Named {
        Named { name: name.into(), session: id(number), lives, since }
    }

    fn id(number: u32) -> Uuid {
        format!("{number:08x}-0000-4000-8000-000000000000").parse().expect("an id")
    }

    #[test]
    fn a_living_session_has_the_name_and_ended_ones_give_way() {
        let old = named("work", 1, false, 10);
        let newer = named("work", 2, false, 20);
        assert_eq!(shown(&[old.clone(), newer.clone()]), ["work.00000001", "work"]);
        let living = named("work", 3, true, 5);
        assert_eq!(shown(&[old, newer, living]), ["work.00000001", "work.00000002", "work"]);
    }

    #[test]
    fn of_several_living_ones_none_is_called_so() {
        let two = [named("work", 1, true, 1), named("work", 2, true, 2), named("work", 3, false, 3)];
        assert_eq!(shown(&two), ["work.00000001", "work.00000002", "work.00000003"]);
    }

    #[test]
    fn what_is_shown_is_unique_whatever_sessions_are_called() {
        let odd = [
            named("work", 1, true, 1),
            named("work", 2, false, 1),
            named("work.00000002", 3, true, 1),
            named("work.00000002-0000", 4, false, 1),
        ];
        let shown = shown(&odd);
        assert_eq!(shown[1], "work.00000002-0000-4000");
        assert_eq!(shown.iter().collect::<HashSet<_>>().len(), shown.len());
    }

    #[test]
    fn the_next_free_name_has_the_smallest_number() {
        let taken = ["work", "work-2", "work-4"];
        assert_eq!(free("work", |name| taken.contains(&name)), "work-3");
        assert_eq!(free("play", |name| taken.contains(&name)), "play");
    }

    #[test]
    fn the_beginning_of_the_id_counts_behind_the_name_only() {
        let session = id(0xabcd_ef01);
        assert_eq!(with_id("a.b", &session), "a.b.abcdef01");
        for (word, means) in [
            ("a.b.abcd", true),
            ("a.b.abcdef01-0000", true),
            ("a.b.abc", false),
            ("a.babcd", false),
            ("a.b.", false),
        ] {
            assert_eq!(is_with_id(word, "a.b", &session, 4), means, "{word}");
        }
    }

    #[test]
    fn a_name_is_taken_over_without_what_nobody_types() {
        assert_eq!(tidy(" two words \n").as_deref(), Some("two words"));
        assert_eq!(tidy(" \t"), None);
        assert_eq!(tidy(&"x".repeat(1000)).map(|name| name.len()), Some(MAX_NAME_CHARS));
    }

    /// What happens to sessions in the model below.
    #[derive(Debug, Clone)]
    enum Event {
        /// One starts, and wants this name.
        Start(usize),
        /// The n-th one ends.
        End(usize),
        /// The n-th one is brought back.
        Return(usize),
        /// The n-th one is to have this name.
        Rename(usize, usize),
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            3 => (0..3_usize).prop_map(Event::Start),
            3 => (0..20_usize).prop_map(Event::End),
            2 => (0..20_usize).prop_map(Event::Return),
            1 => (0..20_usize, 0..3_usize).prop_map(|(at, name)| Event::Rename(at, name)),
        ]
    }

    /// The second one looks as if it had got a number.
    const WANTED: [&str; 3] = ["work", "work-2", "play"];

    fn taken(sessions: &[Named], own: Option<usize>) -> HashSet<String> {
        let others = sessions.iter().enumerate().filter(|(at, other)| other.lives && Some(*at) != own);
        others.map(|(_, other)| other.name.clone()).collect()
    }

    proptest! {
        #[test]
        fn names_are_unique_and_stay_with_the_living(events in prop::collection::vec(event(), 0..60)) {
            let mut sessions: Vec<Named> = Vec::new();
            for (now, event) in (1..).zip(events) {
                let before = sessions.clone();
                let shown_before = shown(&before);
                let mut touched = None;
                match event {
                    Event::Start(wanted) => {
                        let taken = taken(&sessions, None);
                        let name = free(WANTED[wanted], |name| taken.contains(name));
                        sessions.push(named(&name, now, true, now.into()));
                    }
                    Event::End(at) => {
                        if let Some(session) = sessions.get_mut(at) {
                            (session.lives, session.since) = (false, now.into());
                            touched = Some(at);
                        }
                    }
                    Event::Return(at) if at < sessions.len() && !sessions[at].lives => {
                        let taken = taken(&sessions, Some(at));
                        let old = sessions[at].name.clone();
                        let name = if taken.contains(&old) { free(&old, |name| taken.contains(name)) } else { old };
                        sessions[at] = Named { name, lives: true, since: now.into(), ..sessions[at].clone() };
                        touched = Some(at);
                    }
                    Event::Return(_) => {}
                    Event::Rename(at, wanted) => {
                        if at < sessions.len() && sessions[at].lives {
                            let taken = taken(&sessions, Some(at));
                            sessions[at].name = free(WANTED[wanted], |name| taken.contains(name));
                            touched = Some(at);
                        }
                    }
                }
                let all = shown(&sessions);
                prop_assert_eq!(all.iter().collect::<HashSet<_>>().len(), sessions.len());
                for (at, session) in sessions.iter().enumerate() {
                    if session.lives {
                        prop_assert_eq!(&all[at], &session.name, "a living one is shown with its name");
                    }
                    // What happens to another one changes nothing for a living one.
                    if Some(at) != touched && before.get(at).is_some_and(|before| before.lives) {
                        prop_assert_eq!(&all[at], &shown_before[at]);
                    }
                    prop_assert!(is_with_id(&with_id(&session.name, &session.session), &session.name, &session.session, 4));
                }
            }
        }

        #[test]
        fn whatever_there_is_is_shown_uniquely(
            sessions in prop::collection::vec(("[a.]{1,3}|a\\.0000000[0-3]", 0..4_u32, any::<bool>(), 0..3_u64), 0..12)
        ) {
            let sessions: Vec<Named> =
                sessions.iter().map(|(name, number, lives, since)| named(name, *number, *lives, *since)).collect();
            let all = shown(&sessions);
            prop_assert_eq!(all.iter().collect::<HashSet<_>>().len(), sessions.len(), "{:?}", all);
        }
    }

    #[test]
    fn a_name_means_its_session_at_a_shell() {
        for name in ["api", "api-2", "my session", "日本", "a.b_c@d"] {
            assert_eq!(unfit(name), None, "{name}");
        }
        for name in ["", " ", " api", "-x", "4711", "0f0e0d0c", "a:b", "a\nb", "\u{1b}[2J", &"x".repeat(101)]
        {
            assert!(unfit(name).is_some(), "{name}");
        }
    }
}
