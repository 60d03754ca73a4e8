//! The variables that belong to a login or to a terminal, and not to a session.
//!
//! A session is attached from other logins than the one that it was started in: tmux's `update-environment`
//! is the same idea. What runs keeps what it has. The next claude that is started gets what the login brought
//! that attached last.

use std::ffi::OsStr;

use super::{AGENT, Variables};

/// What leads to a display. All of them are taken together from a login that has one.
const DISPLAY: [&str; 3] = ["DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY"];

/// What says how a login came about. A login that has none of them takes them away.
const CONNECTION_VARIABLES: [&str; 3] = ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"];

/// What describes a terminal. Claude draws for the one that is attached. A terminal that sets none of them
/// takes them away. Claude Code 2.1.332 itself knows most of these: it removes them for its background
/// sessions.
const TERMINAL_VARIABLES: [&str; 30] = [
    "TERM",
    "COLORTERM",
    "COLORFGBG",
    "TERM_PROGRAM",
    "TERM_PROGRAM_VERSION",
    "TERMINAL_EMULATOR",
    "TERMINFO",
    "TERM_SESSION_ID",
    "LC_TERMINAL",
    "LC_TERMINAL_VERSION",
    "ITERM_SESSION_ID",
    "ITERM_PROFILE",
    "KITTY_WINDOW_ID",
    "KITTY_PID",
    "ALACRITTY_LOG",
    "ALACRITTY_SOCKET",
    "ALACRITTY_WINDOW_ID",
    "GHOSTTY_RESOURCES_DIR",
    "KONSOLE_VERSION",
    "VTE_VERSION",
    "XTERM_VERSION",
    "WT_SESSION",
    "WEZTERM_PANE",
    "WINDOWID",
    "GPG_TTY",
    "ZELLIJ",
    "TMUX",
    "TMUX_PANE",
    "STY",
    "WINDOW",
];

/// A variable as a login has it.
pub type Brought = (String, Option<std::ffi::OsString>);

/// What a login brings that attaches: each variable with its value, or with nothing where the session's is to
/// be removed.
pub fn of_attaching(login: &Variables) -> Vec<Brought> {
    let mut brought = of_starting(login);
    brought.extend(take(login, &CONNECTION_VARIABLES));
    // What is no terminal at all (cron, a pipe) says nothing of one.
    if login.get("TERM").is_some_and(|term| !term.is_empty() && term != "dumb") {
        brought.extend(take(login, &TERMINAL_VARIABLES));
    }
    brought
}

/// The same of a login that brings a session back and does not attach. It takes nothing away.
pub fn of_starting(login: &Variables) -> Vec<Brought> {
    let is_set = |name: &&str| login.get(name).is_some_and(|value| !value.is_empty());
    let mut brought = Vec::new();
    if is_set(&AGENT) {
        brought.extend(take(login, &[AGENT, "SSH_AGENT_PID"]));
    }
    if DISPLAY[..2].iter().any(is_set) {
        brought.extend(take(login, &DISPLAY));
    }
    if is_set(&"KRB5CCNAME") {
        brought.extend(take(login, &["KRB5CCNAME"]));
    }
    brought
}

/// Whether this is a variable of a login. Another one that comes from outside is not taken.
pub fn is_known(name: &str) -> bool {
    [AGENT, "SSH_AGENT_PID", "KRB5CCNAME"].contains(&name)
        || [&DISPLAY[..], &CONNECTION_VARIABLES, &TERMINAL_VARIABLES]
            .iter()
            .any(|names| names.contains(&name))
}

/// Puts what a login has brought into an environment. Whether that changes it.
///
/// A session that was started without an agent gets none.
pub fn bring<'a>(
    environment: &mut Variables,
    brought: impl IntoIterator<Item = (&'a str, Option<&'a OsStr>)>,
) -> bool {
    let mut changed = false;
    for (name, value) in brought {
        let has_agent = environment.get(AGENT).is_some_and(|agent| !agent.is_empty());
        if is_known(name) && (has_agent || name != AGENT) {
            changed |= environment.change(name, value);
        }
    }
    changed
}

fn take(login: &Variables, names: &[&str]) -> Vec<Brought> {
    names.iter().map(|name| ((*name).to_owned(), login.get(name).map(OsStr::to_owned))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(list: &[(&str, &str)]) -> Variables {
        list.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    fn bring_into(session: &[(&str, &str)], brought: &[Brought]) -> Variables {
        let mut session = variables(session);
        bring(&mut session, brought.iter().map(|(name, value)| (name.as_str(), value.as_deref())));
        session
    }

    #[test]
    fn an_attaching_login_brings_its_terminal_and_its_connection() {
        let session = [
            ("PATH", "/bin"),
            ("TERM", "xterm-kitty"),
            ("KITTY_WINDOW_ID", "3"),
            ("DISPLAY", ":0"),
            ("SSH_AUTH_SOCK", "/old"),
        ];
        let login = variables(&[
            ("PATH", "/other"),
            ("TERM", "xterm-256color"),
            ("SSH_CONNECTION", "a"),
            ("SSH_AUTH_SOCK", "/new"),
        ]);
        let after = bring_into(&session, &of_attaching(&login));
        assert_eq!(
            after,
            variables(&[
                ("PATH", "/bin"),
                ("TERM", "xterm-256color"),
                ("DISPLAY", ":0"),
                ("SSH_AUTH_SOCK", "/new"),
                ("SSH_CONNECTION", "a"),
            ])
        );
        // Back on the desktop the connection is gone.
        let desktop = variables(&[("TERM", "xterm-256color"), ("WAYLAND_DISPLAY", "wayland-0")]);
        let mut after = after;
        bring(
            &mut after,
            of_attaching(&desktop).iter().map(|(name, value)| (name.as_str(), value.as_deref())),
        );
        assert_eq!((after.get("SSH_CONNECTION"), after.get("DISPLAY")), (None, None));
        assert_eq!(after.get("WAYLAND_DISPLAY"), Some(OsStr::new("wayland-0")));
    }

    #[test]
    fn what_has_no_terminal_brings_none_and_takes_nothing_away_when_it_starts_a_session() {
        let session = [("TERM", "xterm"), ("SSH_CONNECTION", "a"), ("DISPLAY", ":0")];
        let cron = variables(&[("TERM", "dumb"), ("PATH", "/bin")]);
        assert_eq!(bring_into(&session, &of_starting(&cron)), variables(&session));
        assert!(of_attaching(&cron).iter().all(|(name, _)| name != "TERM"));
    }

    #[test]
    fn a_session_without_an_agent_gets_none_and_nothing_unknown_is_taken() {
        let login = variables(&[("SSH_AUTH_SOCK", "/a"), ("TERM", "xterm")]);
        let after = bring_into(&[], &of_attaching(&login));
        assert_eq!(after, variables(&[("TERM", "xterm")]));
        let odd = [("LD_PRELOAD".to_owned(), Some("x".into())), ("PATH".to_owned(), None)];
        assert_eq!(bring_into(&[("PATH", "/bin")], &odd), variables(&[("PATH", "/bin")]));
    }
}
