//! Which variables name an agent or a terminal that is gone.
//!
//! Only what can be looked up is judged, and only a clear answer counts: a value that is no path, a socket
//! that refuses for want of permission, a pid that belongs to somebody are left as they are.
//! `SSH_CONNECTION`, `SSH_CLIENT`, `DISPLAY` and `WINDOWID` name neither.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use nix::unistd::{AccessFlags, Pid, access};

use super::{AGENT, Gone};
use crate::escape::escape;
use crate::os::{process, socket};

/// Whether this variable names an agent.
pub fn is_agent(name: &str) -> bool {
    name == AGENT || name == "SSH_AGENT_PID"
}

/// What names something that is gone, of the variables that `value` knows.
pub fn gone(value: impl Fn(&str) -> Option<OsString>) -> Vec<Gone> {
    let mut found = Vec::new();
    let path = |name| value(name).filter(|value| Path::new(value).is_absolute());
    if let Some(agent) = path(AGENT).filter(|agent| socket::is_dead(Path::new(agent))) {
        found.push(Gone { name: AGENT, why: format!("no agent answers at {}", escape(&agent)) });
    }
    if let Some(pid) = value("SSH_AGENT_PID").and_then(|pid| pid.to_str()?.parse().ok())
        && is_no_process(pid)
    {
        found.push(Gone { name: "SSH_AGENT_PID", why: format!("there is no process {pid}") });
    }
    for name in ["SSH_TTY", "GPG_TTY"] {
        if let Some(terminal) = path(name).filter(|terminal| !is_terminal_of_ours(Path::new(terminal))) {
            found.push(Gone { name, why: format!("{} is gone, or another user's", escape(&terminal)) });
        }
    }
    // The socket, the server's pid, the session's number.
    let server = value("TMUX").and_then(|tmux| {
        let socket = tmux.as_bytes().rsplitn(3, |byte| *byte == b',').nth(2)?;
        Some(OsString::from(std::ffi::OsStr::from_bytes(socket)))
    });
    if let Some(server) = server.filter(|server| Path::new(server).is_absolute())
        && socket::is_dead(Path::new(&server))
    {
        let why = format!("no tmux answers at {}", escape(&server));
        found.push(Gone { name: "TMUX", why: why.clone() });
        found.push(Gone { name: "TMUX_PANE", why });
    }
    // The server's pid, and a name.
    let screen = value("STY").and_then(|screen| screen.to_str()?.split_once('.')?.0.parse().ok());
    if let Some(pid) = screen.filter(|pid| is_no_process(*pid)) {
        let why = format!("there is no process {pid}");
        found.push(Gone { name: "STY", why: why.clone() });
        found.push(Gone { name: "WINDOW", why });
    }
    found.retain(|gone| value(gone.name).is_some());
    found
}

fn is_no_process(pid: i32) -> bool {
    pid > 0 && process::look_up(Pid::from_raw(pid)).is_none()
}

/// Whether this is a device that this user may read and write, as the owner of a terminal does. The number of
/// one that was closed goes to the next one, who may be somebody else.
fn is_terminal_of_ours(path: &Path) -> bool {
    let is_device = std::fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_char_device());
    is_device && access(path, AccessFlags::R_OK | AccessFlags::W_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::os::unix::net::UnixListener;
    use std::process::Command;

    use super::*;

    fn names(variables: &[(&str, &str)]) -> Vec<&'static str> {
        let variables: HashMap<&str, &str> = variables.iter().copied().collect();
        gone(|name| variables.get(name).map(OsString::from)).into_iter().map(|gone| gone.name).collect()
    }

    /// A pid that nobody has: of a process that was waited for, and a moment ago.
    fn nobody() -> String {
        let mut child = Command::new("true").spawn().expect("true");
        child.wait().expect("ends");
        child.id().to_string()
    }

    #[test]
    fn what_is_there_is_left() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = scratch.path().join("a,b");
        let _listener = UnixListener::bind(&path).expect("binds");
        let path = path.to_str().expect("UTF-8");
        let me = std::process::id().to_string();
        assert_eq!(
            names(&[
                ("SSH_AUTH_SOCK", path),
                ("SSH_AGENT_PID", &me),
                ("SSH_TTY", "/dev/null"),
                ("GPG_TTY", "/dev/null"),
                ("TMUX", &format!("{path},7,0")),
                ("TMUX_PANE", "%1"),
                ("STY", &format!("{me}.pts-0.host")),
                ("WINDOW", "0"),
                ("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22"),
            ]),
            [""; 0]
        );
    }

    #[test]
    fn what_cannot_be_judged_is_left() {
        assert_eq!(
            names(&[
                ("SSH_AUTH_SOCK", "relative"),
                ("SSH_AGENT_PID", "x"),
                ("GPG_TTY", "not a tty"),
                ("TMUX", "odd"),
                ("STY", "odd"),
                ("WINDOW", "0"),
                ("TMUX_PANE", "%1"),
            ]),
            [""; 0]
        );
    }

    #[test]
    fn what_is_gone_is_named() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = scratch.path().join("socket");
        drop(UnixListener::bind(&path).expect("binds"));
        let refuses = path.to_str().expect("UTF-8");
        let file = scratch.path().join("file");
        std::fs::write(&file, "").expect("writes");
        let file = file.to_str().expect("UTF-8");
        let all =
            ["SSH_AUTH_SOCK", "SSH_AGENT_PID", "SSH_TTY", "GPG_TTY", "TMUX", "TMUX_PANE", "STY", "WINDOW"];
        assert_eq!(
            names(&[
                ("SSH_AUTH_SOCK", refuses),
                ("SSH_AGENT_PID", &nobody()),
                ("SSH_TTY", "/dev/pts/gone"),
                ("GPG_TTY", file),
                ("TMUX", &format!("{refuses},7,0")),
                ("TMUX_PANE", "%1"),
                ("STY", &format!("{}.pts-0.host", nobody())),
                ("WINDOW", "0"),
            ]),
            all
        );
        assert_eq!(
            names(&[("SSH_AUTH_SOCK", "/nowhere/agent"), ("TMUX", "/nowhere/tmux,1,0")]),
            ["SSH_AUTH_SOCK", "TMUX"]
        );
    }
}
