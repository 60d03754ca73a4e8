//! The arguments of a session that is started without a terminal: the name and the first prompt are put in.

use std::ffi::{OsStr, OsString};

use super::{Run, What, items, parse};

/// The longest prompt that can be an argument of a program, in bytes: 128 KiB on Linux, less the byte that ends
/// it (`MAX_ARG_STRLEN`, execve(2)).
pub const MAX_PROMPT_BYTES: usize = (128 << 10) - 1;

/// Why arguments begin no session with this name and prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoBeginning {
    /// They run claude without a session: `-p`, `mcp`, `--help`.
    NoSession,
    /// They name the session otherwise.
    OtherName,
    /// They have a prompt of their own.
    TwoPrompts,
    /// They start a server, which takes no prompt.
    ServerPrompt,
    /// The prompt would not be read as one.
    UnreadPrompt,
}

/// The user's arguments with the name of the session and its first prompt. A server keeps its arguments: its
/// name is the session's alone.
///
/// # Errors
/// When these arguments start no session, or one that cannot have this name or prompt.
pub fn begin(args: &[OsString], name: &str, prompt: Option<&str>) -> Result<Vec<OsString>, NoBeginning> {
    let parsed = parse(args);
    match (parsed.run, prompt) {
        (Run::Straight, _) => return Err(NoBeginning::NoSession),
        (Run::Server, Some(_)) => return Err(NoBeginning::ServerPrompt),
        (Run::Server, None) => return Ok(args.to_vec()),
        (Run::Interactive, Some(_)) if parsed.prompt.is_some() => return Err(NoBeginning::TwoPrompts),
        (Run::Interactive, _) => {}
    }
    let mut begun = match &parsed.name {
        Some(given) if given == name => args.to_vec(),
        Some(_) => return Err(NoBeginning::OtherName),
        // In front: behind the user's words a flag of many values could swallow it.
        None => [vec![format!("--name={name}").into()], args.to_vec()].concat(),
    };
    let Some(prompt) = prompt else { return Ok(begun) };
    let ends_flags = |args: &[OsString]| items(args).iter().any(|item| item.what == What::End);
    if !ends_flags(args) {
        begun.push("--".into());
    }
    begun.push(as_word(prompt));
    let parsed = parse(&begun);
    // A flag that lacks its value would take the `--` for it.
    let is_read = ends_flags(&begun)
        && parsed.run == Run::Interactive
        && parsed.prompt.as_deref() == begun.last().map(OsString::as_os_str);
    if is_read { Ok(begun) } else { Err(NoBeginning::UnreadPrompt) }
}

/// The prompt as a word that is read as nothing else. Claude looks for a subcommand behind `--` too, and takes
/// a word that begins with `cc://` for a link. With a blank at its end, or in front, it is neither.
fn as_word(prompt: &str) -> OsString {
    let is_link = ["cc://", "cc+unix://"].iter().any(|link| prompt.starts_with(link));
    let is_subcommand = super::subcommand_named(OsStr::new(prompt)).is_some();
    match (is_link, is_subcommand) {
        (true, _) => format!(" {prompt}").into(),
        (_, true) => format!("{prompt} ").into(),
        _ => prompt.into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::claude::args::tests::args;

    #[test]
    fn the_name_comes_first_and_the_prompt_last() {
        for (line, prompt, begun) in [
            (&[][..], None, &["--name=api"][..]),
            (&["--model", "opus"], None, &["--name=api", "--model", "opus"]),
            (&["--add-dir", "a", "b"], Some("-x"), &["--name=api", "--add-dir", "a", "b", "--", "-x"]),
            (&["-n", "api"], Some("/compact"), &["-n", "api", "--", "/compact"]),
            (&["-c", "--"], Some("a\nb"), &["--name=api", "-c", "--", "a\nb"]),
            (&["hello"], None, &["--name=api", "hello"]),
            (&[], Some("mcp"), &["--name=api", "--", "mcp "]),
            (&[], Some("cc://x"), &["--name=api", "--", " cc://x"]),
            (&["remote-control", "--verbose"], None, &["remote-control", "--verbose"]),
        ] {
            assert_eq!(begin(&args(line), "api", prompt), Ok(args(begun)), "{line:?} {prompt:?}");
        }
    }

    #[test]
    fn what_begins_no_session_is_refused() {
        for (line, prompt, why) in [
            (&["-p", "x"][..], None, NoBeginning::NoSession),
            (&["mcp", "list"], None, NoBeginning::NoSession),
            (&["--help"], None, NoBeginning::NoSession),
            (&["-n", "other"], None, NoBeginning::OtherName),
            (&["hello"], Some("more"), NoBeginning::TwoPrompts),
            (&["rc"], Some("hello"), NoBeginning::ServerPrompt),
            (&["--model"], Some("hello"), NoBeginning::UnreadPrompt),
        ] {
            assert_eq!(begin(&args(line), "api", prompt), Err(why), "{line:?} {prompt:?}");
        }
    }

    proptest! {
        #[test]
        fn any_prompt_is_read_as_the_prompt(prompt in "\\PC{1,40}") {
            let begun = begin(&[], "api", Some(&prompt)).expect("begins");
            let parsed = parse(&begun);
            prop_assert_eq!(parsed.run, Run::Interactive);
            let read = parsed.prompt.expect("a prompt").into_string().expect("text");
            prop_assert_eq!(read.trim(), prompt.trim());
        }
    }
}
