//! A session that is started without a terminal: `cckw new`. What can be refused is refused before anything
//! is made.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::launch::HostLaunch;
use super::run;
use crate::claude::args;
use crate::claude::args::NoBeginning;
use crate::os::descriptors;
use crate::os::tty::Size;
use crate::registry::environment::Variables;
use crate::registry::names;
use crate::user_error::{UserError, new, session, shortage};

/// The size of the terminal that claude draws on until one is attached.
pub(super) const FIRST_SIZE: Size = Size { rows: 40, columns: 120, width: 0, height: 0 };

/// What claude's terminal is called where the caller has none.
const TERMINAL_TYPE: &str = "xterm-256color";

/// What is to be started.
pub struct NewSession<'a> {
    /// The session's name, which no other living session may have.
    pub name: &'a str,
    /// The directory that claude works in; that of this process where there is none.
    pub directory: Option<&'a Path>,
    /// What claude is told first.
    pub prompt: Option<&'a str>,
    /// The user's arguments for claude.
    pub args: &'a [OsString],
}

/// Starts it, and gives the launch. This process is in the session's directory from then on. Returns when
/// claude was started; whether it comes up is seen in the session's record.
///
/// # Errors
/// When it cannot be started. Then nothing is left of it.
pub fn start(wanted: &NewSession<'_>) -> Result<HostLaunch, UserError> {
    if let Some(why) = names::unfit(wanted.name) {
        return Err(session::unfit_name(wanted.name, why));
    }
    if let Some(prompt) = wanted.prompt {
        check_prompt(prompt)?;
    }
    let args = args::begin(wanted.args, wanted.name, wanted.prompt).map_err(no_beginning)?;
    if let Some(directory) = wanted.directory {
        std::env::set_current_dir(directory).map_err(|error| new::no_directory(directory, error))?;
    }
    // From here on as if the user had typed `cd DIR && cckw claude …`.
    let (found, _) = run::claude()?;
    descriptors::check_room(run::ROOM).map_err(shortage::system)?;
    if let Some(holder) = run::holder(&args) {
        return Err(holder.error());
    }
    let mut launch = HostLaunch::fresh(found.program, &args, &args::parse(&args));
    launch.name = Some(wanted.name.to_owned());
    launch.name_is_fixed = true;
    complete(&mut launch.environment, wanted.directory.is_some());
    launch.detached(FIRST_SIZE)?;
    Ok(launch)
}

fn no_beginning(why: NoBeginning) -> UserError {
    match why {
        NoBeginning::NoSession => new::no_session(),
        NoBeginning::OtherName => new::other_name(),
        NoBeginning::TwoPrompts => new::two_prompts(),
        NoBeginning::ServerPrompt => new::server_with_prompt(),
        NoBeginning::UnreadPrompt => new::prompt_is_a_value(),
    }
}

fn check_prompt(prompt: &str) -> Result<(), UserError> {
    if prompt.trim().is_empty() {
        return Err(new::empty_prompt());
    }
    if prompt.contains('\0') {
        return Err(new::prompt_is_no_text("it has a NUL in it"));
    }
    if prompt.len() > args::MAX_PROMPT_BYTES {
        return Err(new::prompt_is_too_long(prompt.len(), args::MAX_PROMPT_BYTES));
    }
    Ok(())
}

/// What a caller without a terminal lacks: cron, a service.
pub(super) fn complete(environment: &mut Variables, other_directory: bool) {
    let terminal = environment.get("TERM").unwrap_or_default();
    if [OsStr::new(""), OsStr::new("dumb"), OsStr::new("unknown")].contains(&terminal) {
        environment.set("TERM", TERMINAL_TYPE);
    }
    if other_directory && let Ok(cwd) = std::env::current_dir() {
        environment.set("PWD", cwd);
        environment.remove("OLDPWD");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_text_and_fits_into_an_argument() {
        for prompt in ["-x", "/compact", "a\nb", &"x".repeat(args::MAX_PROMPT_BYTES)] {
            assert_eq!(check_prompt(prompt), Ok(()));
        }
        for prompt in ["", " \n", "a\0b", &"x".repeat(args::MAX_PROMPT_BYTES + 1)] {
            assert!(check_prompt(prompt).is_err());
        }
    }

    #[test]
    fn a_terminal_that_is_none_gets_a_name() {
        for (before, after) in
            [(None, TERMINAL_TYPE), (Some("dumb"), TERMINAL_TYPE), (Some("tmux-256color"), "tmux-256color")]
        {
            let list = before.map(|value| ("TERM".into(), value.into()));
            let mut environment: Variables = list.into_iter().collect();
            complete(&mut environment, false);
            assert_eq!(environment.get("TERM"), Some(OsStr::new(after)));
        }
    }
}
