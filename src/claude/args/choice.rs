//! Which conversation the user's arguments choose, where that can be known before claude is started.

use std::ffi::OsString;

use super::{Item, What, items};
use crate::claude::transcript::is_id;

/// A conversation that a command line chooses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConversationChoice {
    /// The one with this id.
    Id(String),
    /// The newest one of the directory.
    Newest,
    /// The one with this title, if there is exactly one; else claude shows a list.
    Title(String),
}

/// The conversation that claude would write into, given these arguments.
///
/// Nothing where it is a new one (no flag, or `--fork-session`: only the id that the copy is to have is taken
/// then), and where only claude can tell: `--resume` without a value shows a list, `--from-pr` and
/// `--teleport` ask elsewhere, and `--worktree` looks in another directory. As in claude, the last of several
/// values counts.
pub fn choice(args: &[OsString]) -> Option<ConversationChoice> {
    let (mut resume, mut session_id, mut newest, mut fork, mut elsewhere) = (None, None, false, false, false);
    for item in items(args) {
        let What::Flag(flag) = item.what else { continue };
        match flag.names.last() {
            Some(&"--resume") => resume = Some(item.value),
            Some(&"--session-id") => session_id = item.value,
            Some(&"--continue") => newest = true,
            Some(&"--fork-session") => fork = true,
            Some(&("--worktree" | "--from-pr" | "--teleport" | "--cloud" | "--remote")) => elsewhere = true,
            _ => {}
        }
    }
    let id = |value: Option<OsString>| {
        value
            .and_then(|value| value.into_string().ok())
            .filter(|value| is_id(value))
            .map(ConversationChoice::Id)
    };
    match resume {
        _ if fork => id(session_id),
        Some(Some(value)) => match id(Some(value.clone())) {
            Some(choice) => Some(choice),
            None => value
                .into_string()
                .ok()
                .filter(|title| !title.trim().is_empty())
                .map(ConversationChoice::Title),
        },
        Some(None) => None,
        None if newest => (!elsewhere).then_some(ConversationChoice::Newest),
        None => id(session_id),
    }
}

/// Whether the conversation that is resumed is copied (`--fork-session`).
pub fn forks(args: &[OsString]) -> bool {
    let is_fork =
        |item: &Item| matches!(item.what, What::Flag(flag) if flag.names.contains(&"--fork-session"));
    items(args).iter().any(is_fork)
}

/// The same arguments with the conversation `id` in place of "the newest one", so that claude opens that one
/// although another one was written meanwhile. Nothing where they do not choose the newest one, or hold a
/// flag that the table does not know: what belongs to that cannot be told.
///
/// The place stays: behind a flag of many values, what ends its values must not be missing.
pub fn name_newest(args: &[OsString], id: &str) -> Option<Vec<OsString>> {
    let items = items(args);
    if choice(args) != Some(ConversationChoice::Newest) || items.iter().any(|item| item.what == What::Unknown)
    {
        return None;
    }
    let is_newest = |item: &Item| matches!(item.what, What::Flag(flag) if flag.names.contains(&"--continue"));
    let named = [OsString::from("--resume"), id.into()];
    Some(
        items
            .into_iter()
            .flat_map(|item| if is_newest(&item) { named.to_vec() } else { item.words })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claude::args::tests::args;

    const ID: &str = "0f0e0d0c-1111-4111-8111-0123456789ab";
    const OTHER: &str = "0f0e0d0c-1111-4111-8111-0123456789cd";

    #[test]
    fn an_id_is_found_in_every_spelling() {
        let resume = format!("--resume={ID}");
        for line in [
            &["--resume", ID][..],
            &["-r", ID, "hello"],
            &[&format!("-r{ID}")],
            &["--model", "opus", &resume],
            &["-cr", ID],
            &["--session-id", ID],
            &["--resume", OTHER, "--resume", ID],
            &["--resume", OTHER, "--fork-session", "--session-id", ID],
            &["-r", ID, "-w"],
        ] {
            assert_eq!(choice(&args(line)), Some(ConversationChoice::Id(ID.into())), "{line:?}");
        }
    }

    #[test]
    fn the_newest_is_meant_by_continue_alone() {
        for line in [&["-c"][..], &["--continue", "hello"], &["-cn", "Name"]] {
            assert_eq!(choice(&args(line)), Some(ConversationChoice::Newest), "{line:?}");
        }
    }

    #[test]
    fn the_newest_one_can_be_named_in_its_place() {
        for (line, named) in [
            (&["-c"][..], &["--resume", ID][..]),
            (&["--continue", "hello"], &["--resume", ID, "hello"]),
            (&["--add-dir", "a", "-c", "hello"], &["--add-dir", "a", "--resume", ID, "hello"]),
            (&["-cn", "Name", "--", "-c"], &["--resume", ID, "-n", "Name", "--", "-c"]),
            (&["-c", "--model", "opus", "-c"], &["--resume", ID, "--model", "opus", "--resume", ID]),
        ] {
            let found = name_newest(&args(line), ID);
            assert_eq!(found, Some(args(named)), "{line:?}");
            assert_eq!(choice(&args(named)), Some(ConversationChoice::Id(ID.into())), "{line:?}");
        }
        for line in [&["-r", OTHER][..], &[], &["hello"], &["-c", "-w"], &["--not-known-yet", "-c"]] {
            assert_eq!(name_newest(&args(line), ID), None, "{line:?}");
        }
    }

    #[test]
    fn what_is_no_id_is_a_title() {
        let title = Some(ConversationChoice::Title("words of a title".into()));
        assert_eq!(choice(&args(&["--resume", "words of a title"])), title);
        assert_eq!(choice(&args(&["--resume", "words of a title", "--fork-session"])), None);
        assert_eq!(choice(&args(&["--resume", " "])), None);
    }

    #[test]
    fn what_only_claude_can_tell_and_what_is_new_is_nothing() {
        for line in [
            &[][..],
            &["hello"],
            &["-r"],
            &["--resume", ID, "--fork-session"],
            &["-c", "--fork-session"],
            &["-c", "-w"],
            &["--continue", "--worktree", "tree"],
            &["--from-pr", "7"],
            &["--session-id", "no-id"],
            // Words of the prompt are no flags.
            &["--", "--resume", ID],
            &["--append-system-prompt", "--continue"],
        ] {
            assert_eq!(choice(&args(line)), None, "{line:?}");
        }
    }
}
