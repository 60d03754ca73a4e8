//! Standard streams that are closed, or take nothing.

use super::scene::{Scene, USUAL};
use crate::support::stand_in::sandbox;
use crate::support::{Sandbox, cckw_program};

/// `cckw` with these words, started by a shell with this redirection.
fn redirected<'a>(sandbox: &'a Sandbox, words: &str, redirection: &str) -> Scene<'a> {
    let mut command = sandbox.command("/bin/sh");
    let script = format!("exec \"$0\" {words} {redirection}");
    command.arg("-c").arg(script).arg(cckw_program());
    Scene::new(sandbox, &command)
}

#[test]
fn a_session_does_without_stderr() {
    for redirection in ["2>&-", "2>/dev/full", "2>/dev/null"] {
        let sandbox = sandbox();
        let mut scene = redirected(&sandbox, "claude", redirection);
        scene.converses();
        scene.ends(&USUAL).well();
        assert!(sandbox.sockets().is_empty());
    }
}

#[test]
fn a_descriptor_above_stderr_is_no_obstacle() {
    let sandbox = sandbox();
    let mut scene = redirected(&sandbox, "claude", "3>&- 4</dev/null 5>/dev/full");
    scene.converses();
    scene.ends(&USUAL).well();
}

#[test]
fn straight_through_claude_does_without_what_is_closed() {
    for redirection in ["<&-", "2>&-", "2>/dev/full", "<&- 2>&-", "</dev/null"] {
        let sandbox = sandbox();
        let scene = redirected(&sandbox, "claude -p words", redirection);
        let ended = scene.terminal_says("You said: words").ends(&["home/.claude"]);
        assert_eq!((ended.status, ended.said.as_str()), (0, ""), "{redirection}");
    }
}

/// There is nobody to tell, and the status says it all the same.
#[test]
fn a_refusal_that_cannot_be_said_has_its_status() {
    for redirection in ["2>&-", "2>/dev/full"] {
        for (words, status) in
            [("claude", 127), ("claude -p words", 127), ("attach", 1), ("list nonsense", 2)]
        {
            let mut sandbox = sandbox();
            sandbox.set("CCKW_CLAUDE", "/nowhere/claude");
            let ended = redirected(&sandbox, words, redirection).ends(&["state/cckw"]);
            assert_eq!((ended.status, ended.said.as_str()), (status, ""), "{words} {redirection}");
        }
    }
}

/// What the host says comes when the terminal was taken already.
#[test]
fn nor_does_one_of_the_host_panic() {
    for redirection in ["2>&-", "2>/dev/full"] {
        let mut sandbox = sandbox();
        sandbox.set("XDG_STATE_HOME", "/proc/none");
        // Something that is no claude, and ends at once.
        sandbox.set("CCKW_CLAUDE", "/bin/true");
        let ended = redirected(&sandbox, "claude", redirection).ends(&[""; 0]);
        assert_eq!((ended.status, ended.said.as_str()), (0, ""), "{redirection}");
    }
}

#[test]
fn stdout_that_is_closed_or_full_is_an_error_of_the_verb() {
    for (redirection, said) in [(">&-", ""), (">/dev/full", "cckw: cannot write to stdout: ")] {
        let sandbox = sandbox();
        let ended = redirected(&sandbox, "list", redirection).ends(&["state/cckw"]);
        assert!(ended.said.starts_with(said), "{redirection} {ended:?}");
        assert_eq!(ended.status, i32::from(!said.is_empty()), "{redirection} {ended:?}");
    }
}
