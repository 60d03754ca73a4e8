//! The name in the arguments, after the user has renamed the session.

use std::ffi::OsString;

use super::{What, items};

/// The same arguments with this name in place of the one that the user gave with `-n`. Without one they stay
/// as they are: claude finds its name in the conversation.
///
/// Seen with 2.1.332: `--resume ID -n NAME` renames the conversation to NAME, so the first name would undo a
/// `/rename`.
pub fn rename(args: Vec<OsString>, name: &str) -> Vec<OsString> {
    if !has_name(&args) {
        return args;
    }
    let words = |item: super::Item| {
        if is_name(item.what) { vec![format!("--name={name}").into()] } else { item.words }
    };
    items(&args).into_iter().flat_map(words).collect()
}

/// The same arguments with this name, in the place of another one or in front of all.
pub fn give_name(args: Vec<OsString>, name: &str) -> Vec<OsString> {
    if has_name(&args) {
        return rename(args, name);
    }
    [vec![format!("--name={name}").into()], args].concat()
}

fn has_name(args: &[OsString]) -> bool {
    items(args).iter().any(|item| is_name(item.what))
}

fn is_name(what: What) -> bool {
    matches!(what, What::Flag(flag) if flag.names.contains(&"--name"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claude::args::tests::args;

    #[test]
    fn the_name_is_replaced_in_every_form_and_never_added() {
        let renamed = |line: &[&str]| rename(args(line), "-new one");
        assert_eq!(renamed(&["--resume", "x"]), args(&["--resume", "x"]));
        for line in
            [&["-n", "old", "-p"][..], &["--name=old", "-p"], &["-nold", "-p"], &["--name", "old", "-p"]]
        {
            assert_eq!(renamed(line), args(&["--name=-new one", "-p"]), "{line:?}");
        }
        assert_eq!(renamed(&["--model", "-n"]), args(&["--model", "-n"]));
    }

    #[test]
    fn a_name_that_claude_has_not_heard_of_is_added() {
        let named = |line: &[&str]| give_name(args(line), "api");
        assert_eq!(named(&["--resume", "x"]), args(&["--name=api", "--resume", "x"]));
        assert_eq!(named(&["-n", "old", "hello"]), args(&["--name=api", "hello"]));
    }
}
