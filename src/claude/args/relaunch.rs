//! The arguments of the second and every later launch of a session.
//!
//! They are for the directory of the first launch, also where `-w` made claude move into a worktree: relative
//! paths in them (`--settings ./x.json`) count from where claude is started, and `--resume` goes into the
//! conversation's worktree by itself (seen with Claude Code 2.1.329).

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::{Flag, Role, What, items};

/// Which conversation a relaunch opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume<'a> {
    /// The one with this id, of which there is a transcript.
    Conversation(&'a str),
    /// A new one: nothing was said in it yet.
    Fresh {
        /// Its id.
        id: &'a str,
        /// The worktree that claude has made for a `-w` without a name, as [`worktree`] says.
        worktree: Option<&'a OsStr>,
    },
    /// The one that the user's own flags choose: claude ended before it said which that is.
    AsChosen,
}

/// The name of the worktree that claude works in, if it is one of those that it makes.
pub fn worktree(cwd: &Path) -> Option<&OsStr> {
    cwd.parent()?.ends_with(".claude/worktrees").then(|| cwd.file_name()).flatten()
}

/// The user's arguments for another launch of the same session. For a
/// [`Run::Interactive`](super::Run::Interactive).
///
/// Kept, in their order: what configures the session, and flags that the table does not know. Dropped: the
/// prompt, which is not to be sent twice; what chooses a conversation, unless that is all that is known of
/// it; what only concerns the first launch. `-w` stays where nothing is resumed: with the name of a worktree
/// that is there, claude goes into that one. The ids are to be ids
/// ([`is_id`](crate::claude::transcript::is_id)).
pub fn relaunch(args: &[OsString], how: Resume<'_>) -> Vec<OsString> {
    // First, as in `pin`: behind the user's words a flag of many values could swallow it.
    let mut relaunched: Vec<OsString> = match how {
        Resume::Conversation(id) => vec!["--resume".into(), id.into()],
        Resume::Fresh { id, .. } => vec!["--session-id".into(), id.into()],
        Resume::AsChosen => vec![],
    };
    for item in items(args) {
        let kept = match (item.what, how) {
            (What::Flag(flag), Resume::Fresh { worktree: Some(name), .. })
                if makes_worktree(flag) && item.value.is_none() =>
            {
                let mut named = OsString::from("--worktree=");
                named.push(name);
                relaunched.push(named);
                false
            }
            (What::Flag(flag), _) if makes_worktree(flag) => !matches!(how, Resume::Conversation(_)),
            (What::Flag(flag), _) => match flag.role {
                Role::Configure | Role::Straight => true,
                Role::Conversation => how == Resume::AsChosen,
                Role::Mode => false,
            },
            (What::Unknown, _) => true,
            // Without the prompt there is nothing behind `--`.
            (What::End | What::Prompt | What::Excess | What::Subcommand(_), _) => false,
        };
        if kept {
            relaunched.extend(item.words);
        }
    }
    relaunched
}

fn makes_worktree(flag: &Flag) -> bool {
    flag.names.contains(&"--worktree")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Item, Run, parse};
    use super::*;
    use crate::claude::args::tests::{a_word, args};

    const ID: &str = "0f0e0d0c-1111-4111-8111-0123456789ab";

    fn resumed(line: &[&str]) -> Vec<OsString> {
        let mut relaunched = relaunch(&args(line), Resume::Conversation(ID));
        assert_eq!(relaunched.drain(..2).collect::<Vec<_>>(), args(&["--resume", ID]), "{line:?}");
        relaunched
    }

    #[test]
    fn what_configures_is_kept_and_the_rest_dropped() {
        for (line, kept) in [
            (&[][..], &[][..]),
            (&["the prompt"], &[]),
            (&["--", "--the-prompt", "excess"], &[]),
            (&["--model", "opus", "hello"], &["--model", "opus"]),
            (&["--add-dir", "a", "b", "--", "hello"], &["--add-dir", "a", "b"]),
            (&["hello", "--add-dir", "a", "b"], &["--add-dir", "a", "b"]),
            (&["--settings", "--odd", "-n", "Name"], &["--settings", "--odd", "-n", "Name"]),
            (&["--not-known-yet", "value", "hello"], &["--not-known-yet", "value"]),
            (&["--not-known-yet", "a prompt", "--model", "x"], &["--not-known-yet", "--model", "x"]),
            (&["--remote-control", "Name", "hello"], &["--remote-control", "Name"]),
        ] {
            assert_eq!(resumed(line), args(kept), "{line:?}");
        }
    }

    #[test]
    fn what_chose_the_conversation_is_replaced_in_every_spelling() {
        for line in [
            &["-r"][..],
            &["-r", "abc", "hello"],
            &["-rabc"],
            &["--resume=abc", "--fork-session"],
            &["-c", "hello"],
            &["--continue"],
            &["--session-id", ID, "hello"],
            &["--session-id=abc"],
            &["--from-pr", "7"],
            &["-w"],
            &["-w", "name", "hello"],
            &["--worktree=name"],
            &["--prefill", "draft", "--file", "a:b", "c:d"],
        ] {
            assert_eq!(resumed(line), args(&[]), "{line:?}");
        }
        assert_eq!(resumed(&["-cn", "Name"]), args(&["-n", "Name"]));
        assert_eq!(resumed(&["-cnName"]), args(&["-nName"]));
        assert_eq!(resumed(&["-dc"]), args(&["-dc"]), "the value of -d");
    }

    const FRESH: Resume<'_> = Resume::Fresh { id: ID, worktree: None };

    #[test]
    fn before_its_conversation_is_known_the_user_s_choice_is_repeated() {
        let line = args(&["-c", "--fork-session", "-w", "--model", "x", "hello"]);
        let kept = args(&["-c", "--fork-session", "-w", "--model", "x"]);
        assert_eq!(relaunch(&line, Resume::AsChosen), kept);
    }

    #[test]
    fn a_new_conversation_comes_up_in_the_same_worktree() {
        let start = args(&["--session-id", ID]);
        for (line, kept, named) in [
            (&["-c", "hello"][..], &[][..], &[][..]),
            (&["-w"], &["-w"], &["--worktree=odd-name"]),
            (&["-w", "mine", "hello"], &["-w", "mine"], &["-w", "mine"]),
            (&["--worktree=mine"], &["--worktree=mine"], &["--worktree=mine"]),
            (&["-w", "--model", "x"], &["-w", "--model", "x"], &["--worktree=odd-name", "--model", "x"]),
        ] {
            let worktree = Some(OsStr::new("odd-name"));
            assert_eq!(relaunch(&args(line), FRESH), [&start[..], &args(kept)].concat(), "{line:?}");
            let relaunched = relaunch(&args(line), Resume::Fresh { id: ID, worktree });
            assert_eq!(relaunched, [&start[..], &args(named)].concat(), "{line:?}");
        }
    }

    #[test]
    fn only_claude_s_own_worktrees_are_taken_for_such() {
        assert_eq!(worktree(Path::new("/r/.claude/worktrees/a+b")), Some(OsStr::new("a+b")));
        for other in ["/", "/r", "/r/worktrees/a", "/r/.claude/worktrees", "/r/.claude/worktrees/a/src"] {
            assert_eq!(worktree(Path::new(other)), None, "{other}");
        }
    }

    fn a_resume() -> impl Strategy<Value = Resume<'static>> {
        let worktree = Some(OsStr::new("-odd"));
        let named = Resume::Fresh { id: ID, worktree };
        proptest::sample::select(vec![Resume::Conversation(ID), FRESH, named, Resume::AsChosen])
    }

    fn a_session() -> impl Strategy<Value = Vec<OsString>> {
        proptest::collection::vec(a_word(), 0..10)
            .prop_filter("is a session", |line| parse(line).run == Run::Interactive)
    }

    /// What of a command line a relaunch has to keep.
    fn settings(line: &[OsString]) -> Vec<Item> {
        let settles = |item: &Item| match item.what {
            What::Flag(flag) => flag.role == Role::Configure,
            what => what == What::Unknown,
        };
        items(line).into_iter().filter(settles).collect()
    }

    proptest! {
        #[test]
        fn it_says_what_it_is_to_say_and_keeps_the_rest(line in a_session(), how in a_resume()) {
            let before = parse(&line);
            let relaunched = relaunch(&line, how);
            let after = parse(&relaunched);
            prop_assert_eq!(after.run, Run::Interactive);
            prop_assert_eq!(after.prompt, None);
            prop_assert_eq!(after.chosen, how != Resume::AsChosen || before.chosen);
            prop_assert_eq!(after.name, before.name);
            prop_assert_eq!(settings(&relaunched), settings(&line));
            let chosen = |item: &Item| matches!(item.what, What::Flag(flag) if flag.role == Role::Conversation);
            if how != Resume::AsChosen {
                let chosen: Vec<_> = items(&relaunched).into_iter().filter(chosen).collect();
                prop_assert_eq!(chosen.len(), 1);
                prop_assert_eq!(chosen[0].value.as_deref(), Some(ID.as_ref()));
            }
        }

        #[test]
        fn a_relaunch_of_a_relaunch_is_the_same(
            line in a_session(),
            first in a_resume(),
            second in a_resume(),
        ) {
            let once = relaunch(&line, first);
            prop_assert_eq!(relaunch(&once, first), once.clone());
            if let Resume::Conversation(_) = second {
                prop_assert_eq!(relaunch(&once, second), relaunch(&line, second));
            }
        }
    }
}
