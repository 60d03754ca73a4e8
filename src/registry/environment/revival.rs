//! Which environment a session gets that is brought back.

use std::path::{Path, PathBuf};

use super::{AGENT, Variables, login};
use crate::claude::markers;
use crate::config;
use crate::os::socket;
use crate::paths;

/// Who brings a session back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Its own client, whose terminal has it.
    Client,
    /// A user who asked for it.
    Request,
    /// A command that has to do something else, or the service, after the host was killed.
    Command,
    /// The service, after the machine or its login went down.
    Service,
}

/// What cckw itself leaves in an environment, and what is never another session's.
const OWN_VARIABLES: [&str; 2] = ["CCKW_SESSION", "CCKW_EXEC"];

/// What may be given to a claude in a session of its own, of the environment of this process: not what a
/// claude has set for what it starts, and not what cckw has left there.
pub fn current() -> Variables {
    without_markers(Variables::current())
}

fn without_markers(mut variables: Variables) -> Variables {
    let below = {
        let is_set = |name: &str| variables.get(name).is_some();
        markers::is_below_a_claude(is_set)
    };
    variables.retain(|name, value| {
        !markers::is_marker(name, value, below) && !OWN_VARIABLES.iter().any(|own| name == *own)
    });
    variables
}

/// The environment for a session that is brought back: the recorded one, with what `caller` brings.
///
/// The caller brings what is never recorded, where it has it; an agent in the place of one that is gone; and
/// the variables of its login, where it is the user's own wish. Nothing else: the caller may be a cron job.
pub fn compose(
    recorded: Variables,
    caller: &Variables,
    by: By,
    rules: &config::EnvironmentPolicy,
) -> Variables {
    let mut variables = without_markers(recorded);
    for (name, value) in caller.iter().filter(|(name, _)| rules.is_never_recorded(name)) {
        variables.set(name, value);
    }
    let brought = match by {
        By::Client => login::of_attaching(caller),
        By::Request => login::of_starting(caller),
        By::Command | By::Service if is_gone(&variables) => login::of_starting(caller),
        By::Command | By::Service => vec![],
    };
    let is_wish = matches!(by, By::Client | By::Request);
    // A login whose agent is gone itself brings none.
    let brought = brought.iter().filter(|(name, _)| name != AGENT || !is_gone(caller));
    let brought = brought.filter(|(name, _)| is_wish || name == AGENT || name == "SSH_AGENT_PID");
    login::bring(&mut variables, brought.map(|(name, value)| (name.as_str(), value.as_deref())));
    keep_home(&mut variables, caller);
    variables
}

/// Whether the agent of this environment does not answer.
fn is_gone(variables: &Variables) -> bool {
    let agent = variables.get(AGENT).map(Path::new);
    agent.is_some_and(|agent| agent.is_absolute() && socket::is_dead(agent))
}

/// A home that was moved is where the caller has it.
fn keep_home(variables: &mut Variables, caller: &Variables) {
    let is_there = |home: Option<&std::ffi::OsStr>| home.is_some_and(|home| Path::new(home).is_dir());
    if variables.get("HOME").is_some() && !is_there(variables.get("HOME")) && is_there(caller.get("HOME")) {
        variables.change("HOME", caller.get("HOME"));
    }
}

/// Lets cckw, run with these variables, find its sessions in `state`, the directory in which the caller has
/// found this one.
pub fn lead_to(variables: &mut Variables, state: &Path) {
    let absolute = |name: &str| variables.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || absolute("HOME").or_else(paths::account_home);
    let base = absolute("XDG_STATE_HOME").or_else(|| Some(home()?.join(".local/state")));
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    let leads_there =
        |found: &Path| found == state || real(found).is_some_and(|found| Some(found) == real(state));
    if base.is_some_and(|base| leads_there(&base.join("cckw"))) {
        return;
    }
    if let Some(base) = state.parent() {
        variables.set("XDG_STATE_HOME", base);
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::net::UnixListener;

    use super::*;

    fn variables(list: &[(&str, &str)]) -> Variables {
        list.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    fn composed(recorded: &[(&str, &str)], caller: &[(&str, &str)], by: By) -> Variables {
        compose(variables(recorded), &variables(caller), by, &config::EnvironmentPolicy::default())
    }

    #[test]
    fn what_a_claude_has_set_for_others_is_left_out() {
        let all = [
            ("PATH", "/bin"),
            ("CLAUDECODE", "1"),
            ("CLAUDE_CODE_CHILD_SESSION", "1"),
            ("GIT_EDITOR", "true"),
            ("CCKW_SESSION", "x"),
            ("CLAUDE_CONFIG_DIR", "/c"),
        ];
        let kept = variables(&[("PATH", "/bin"), ("CLAUDE_CONFIG_DIR", "/c")]);
        assert_eq!(without_markers(variables(&all)), kept);
        // Recorded by an earlier version, say.
        assert_eq!(composed(&all, &all, By::Command), kept);
    }

    #[test]
    fn a_command_that_happens_to_bring_it_back_leaves_it_as_it_was_recorded() {
        let recorded =
            [("HOME", "/"), ("CLAUDE_CONFIG_DIR", "/c"), ("ANTHROPIC_API_KEY", "k"), ("TERM", "xterm-kitty")];
        let caller = [
            ("HOME", "/root"),
            ("TERM", "xterm"),
            ("DISPLAY", ":1"),
            ("SSH_CONNECTION", "x"),
            ("BW_SESSION", "s"),
            ("MORE", "1"),
        ];
        let mut expected = variables(&recorded);
        expected.set("BW_SESSION", "s");
        assert_eq!(composed(&recorded, &caller, By::Command), expected);
    }

    #[test]
    fn who_asks_for_it_brings_a_display_and_the_client_its_terminal() {
        let recorded = [("HOME", "/"), ("TERM", "xterm-kitty"), ("DISPLAY", ":0"), ("XAUTHORITY", "/x")];
        let caller = [("TERM", "xterm"), ("DISPLAY", ":1")];
        let revived = composed(&recorded, &caller, By::Request);
        assert_eq!(revived, variables(&[("HOME", "/"), ("TERM", "xterm-kitty"), ("DISPLAY", ":1")]));
        assert_eq!(composed(&recorded, &caller, By::Client).get("TERM"), Some(OsStr::new("xterm")));
    }

    #[test]
    fn an_agent_that_is_gone_is_replaced_by_one_that_lives() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = |name: &str| scratch.path().join(name).to_str().expect("UTF-8").to_owned();
        let (dead, first, second) = (path("dead"), path("first"), path("second"));
        let _listeners = [&first, &second].map(|path| UnixListener::bind(path).expect("binds"));
        let agent = |recorded: &str, caller: &str, by| {
            let composed = composed(&[("SSH_AUTH_SOCK", recorded)], &[("SSH_AUTH_SOCK", caller)], by);
            composed.get(AGENT).map(OsStr::to_owned)
        };
        assert_eq!(agent(&dead, &first, By::Command), Some(first.clone().into()));
        assert_eq!(agent(&first, &second, By::Command), Some(first.clone().into()));
        assert_eq!(agent(&first, &second, By::Request), Some(second.into()));
        assert_eq!(agent(&first, &dead, By::Request), Some(first.into()));
    }

    #[test]
    fn a_home_that_was_moved_is_the_callers() {
        let gone = [("HOME", "/no/such/home")];
        assert_eq!(composed(&gone, &[("HOME", "/tmp")], By::Command).get("HOME"), Some(OsStr::new("/tmp")));
        assert_eq!(composed(&gone, &[], By::Command).get("HOME"), Some(OsStr::new("/no/such/home")));
    }

    #[test]
    fn a_session_finds_itself_where_it_was_found() {
        let led = |list: &[(&str, &str)], state: &str| {
            let mut variables = variables(list);
            lead_to(&mut variables, Path::new(state));
            variables.get("XDG_STATE_HOME").map(OsStr::to_owned)
        };
        assert_eq!(led(&[("HOME", "/h")], "/h/.local/state/cckw"), None);
        assert_eq!(led(&[("XDG_STATE_HOME", "/s")], "/s/cckw"), Some("/s".into()));
        assert_eq!(led(&[("HOME", "/h")], "/moved/cckw"), Some("/moved".into()));
        assert_eq!(
            led(&[("HOME", "/h"), ("XDG_STATE_HOME", "rel")], "/h/.local/state/cckw"),
            Some("rel".into())
        );
    }
}
