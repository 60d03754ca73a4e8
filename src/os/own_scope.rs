//! A scope of systemd's of its own for this process, below the user manager: no logout ends it there, where
//! the user manager stays, and no end of a service.
//!
//! `busctl` asks the user manager for it, because a library for D-Bus would be larger than all the rest here.
//! What has no reason to move is not moved: below a user manager that is stopped after the last logout it would
//! be worse off than in a login whose processes are left alone.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::unistd::geteuid;

use super::command::ask;
use super::logout::{LogoutUnit, place, scope_helps_at_logout};

/// How long all of it may take. Seen: 20 ms.
const BUS_ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// What systemd gives a process that has asked for a scope.
const SCOPE: &str = "ssa(sv)a(sa(sv))";

/// Gives this process a scope of its own, where that helps it: `service` is the unit in which a service of
/// ours runs, and `id` makes the name of the scope. Gives the scope's name; nothing where it stays where it is.
///
/// # Errors
/// When the user manager refuses, or does not answer in time. Then this process is where it was.
pub fn enter(service: &str, id: &str) -> Option<io::Result<String>> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let is_wanted = match place(&own_cgroup()) {
        LogoutUnit::LoginSession => scope_helps_at_logout(),
        LogoutUnit::UserManager => is_in_unit(&own_cgroup(), service),
        LogoutUnit::Neither => false,
    };
    let bus = format!("/run/user/{}/bus", geteuid());
    is_wanted.then(|| move_into(&format!("cckw-{id}-{}.scope", std::process::id()), &bus))
}

/// Moves this process into a new scope of this name; `bus` is the socket of the user manager's bus.
fn move_into(scope: &str, bus: &str) -> io::Result<String> {
    let until = Instant::now() + BUS_ANSWER_TIMEOUT;
    let is_own = |found: fs::Metadata| found.uid() == geteuid().as_raw();
    if !fs::symlink_metadata(bus).is_ok_and(is_own) {
        return Err(io::Error::other(format!("the systemd user manager has no bus ({bus})")));
    }
    match request(bus, scope, true) {
        // systemd 252 does not know this property of a scope. Later ones would stop the scope when a command
        // of claude's runs out of memory.
        Err(error) if error.to_string().contains("OOMPolicy") => request(bus, scope, false)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(io::Error::other("there is no program busctl"));
        }
        done => done?,
    }
    while !is_in_unit(&own_cgroup(), scope) {
        if Instant::now() >= until {
            return Err(io::Error::other("the systemd user manager made no scope in time"));
        }
        sleep(POLL_INTERVAL);
    }
    Ok(scope.to_owned())
}

fn request(bus: &str, scope: &str, knows_oom_policy: bool) -> io::Result<()> {
    let pid = std::process::id().to_string();
    let mut properties = vec!["PIDs", "au", "1", &pid];
    properties.extend(["Description", "s", "a session of cckw", "CollectMode", "s", "inactive-or-failed"]);
    if knows_oom_policy {
        properties.extend(["OOMPolicy", "s", "continue"]);
    }
    let count = if knows_oom_policy { "4" } else { "3" };
    let mut command = Command::new("busctl");
    command.arg(format!("--address=unix:path={bus}")).args(["--quiet", "--timeout=1", "call"]);
    command.args([
        "org.freedesktop.systemd1",
        "/org/freedesktop/systemd1",
        "org.freedesktop.systemd1.Manager",
    ]);
    command.args(["StartTransientUnit", SCOPE, scope, "fail", count]).args(properties).arg("0");
    ask(&mut command, BUS_ANSWER_TIMEOUT).map(drop)
}

fn own_cgroup() -> String {
    fs::read_to_string("/proc/self/cgroup").unwrap_or_default()
}

/// Whether a process is in this unit, by the text of its `/proc/PID/cgroup`.
fn is_in_unit(cgroup: &str, unit: &str) -> bool {
    cgroup.lines().any(|line| line.split('/').any(|part| part == unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_a_whole_part_of_the_path() {
        let cgroup = "1:name=systemd:/\n0::/user.slice/user@7.service/app.slice/cckw.service\n";
        assert!(is_in_unit(cgroup, "cckw.service") && is_in_unit(cgroup, "user@7.service"));
        assert!(!is_in_unit(cgroup, "cckw") && !is_in_unit(cgroup, "session-1.scope"));
        assert!(!is_in_unit("", "cckw.service"));
    }

    #[test]
    fn without_an_answer_the_process_stays_where_it_is_and_it_is_said_why() {
        let before = own_cgroup();
        let none = move_into("cckw-test.scope", "/nonexistent/bus").expect_err("nobody is there");
        assert!(none.to_string().contains("has no bus (/nonexistent/bus)"), "{none}");
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("bus");
        // Somebody listens, and says nothing.
        let _silent = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
        let begun = Instant::now();
        assert!(move_into("cckw-test.scope", path.to_str().expect("text")).is_err());
        assert!(begun.elapsed() < 2 * BUS_ANSWER_TIMEOUT, "{:?}", begun.elapsed());
        assert_eq!(own_cgroup(), before);
    }
}
