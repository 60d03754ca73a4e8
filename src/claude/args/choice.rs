//! Which conversation the user's arguments choose, where that can be known before claude is started.

use std::ffi::OsString;

use super::{What, items};
use crate::claude::transcript::is_id;

/// A conversation that a command line chooses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// The one with this id.
    Id(String),
    /// The newest one of the directory.
    Newest,
}

/// The conversation that claude would write into, given these arguments.
///
/// Nothing where it is a new one (no flag, or `--fork-session`: only the id that the copy is to have is taken then),
/// and where only claude can tell: `--resume` without an id shows a list, with a text it searches, `--from-pr` and `--teleport`
/// ask elsewhere, and `--worktree` looks in another directory. As in claude, the last of several values counts.
pub fn choice(args: &[OsString]) -> Option<Choice> {
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
        value.and_then(|value| value.into_string().ok()).filter(|value| is_id(value)).map(Choice::Id)
    };
    match resume {
        _ if fork => id(session_id),
        Some(value) => id(value),
        None if newest => (!elsewhere).then_some(Choice::Newest),
        None => id(session_id),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::args;
    use super::*;

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
            assert_eq!(choice(&args(line)), Some(Choice::Id(ID.into())), "{line:?}");
        }
    }

    #[test]
    fn the_newest_is_meant_by_continue_alone() {
        for line in [&["-c"][..], &["--continue", "hello"], &["-cn", "Name"]] {
            assert_eq!(choice(&args(line)), Some(Choice::Newest), "{line:?}");
        }
    }

    #[test]
    fn what_only_claude_can_tell_and_what_is_new_is_nothing() {
        for line in [
            &[][..],
            &["hello"],
            &["-r"],
            &["--resume", "words of a title"],
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
