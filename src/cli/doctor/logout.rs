//! One line on what a logout does to a detached session on this machine, and how to change it.

use std::path::Path;

use nix::unistd::Pid;

use super::{Finding, Mark, finding};
use crate::cli::advice::quoted;
use crate::escape::escape;
use crate::os::logout;
use crate::os::logout::{AtLogout, Reason};
use crate::paths;
use crate::registry;

/// Where all of it is explained.
const PAGE: &str = "docs/user/logout.md";

/// What a logout does to a session that is started here, and to those that run and fare worse.
pub fn findings() -> Vec<Finding> {
    let has_service = paths::state_dir().is_ok_and(|state| registry::service_state::is_running(&state));
    let mut findings = vec![line(&Logout {
        found: logout::at_logout(has_service),
        has_service,
        linger_command: logout::linger_command(),
    })];
    if findings.iter().all(|finding| finding.mark == Mark::Ok) {
        let sessions = registry::running().unwrap_or_default();
        let ends = |session: &&registry::Session| {
            let host = session.record.host_pid;
            host > 1 && logout::ends_at_logout(Pid::from_raw(host))
        };
        let names: Vec<String> =
            sessions.iter().filter(ends).map(|session| quoted(Path::new(&session.name))).collect();
        findings.extend((!names.is_empty()).then(|| others(&names)));
    }
    findings
}

/// What a logout does here, and what there is to change it.
struct Logout {
    found: AtLogout,
    /// Whether the service of cckw runs.
    has_service: bool,
    /// The command that turns lingering on.
    linger_command: &'static str,
}

/// The line for what was found.
fn line(logout: &Logout) -> Finding {
    let Logout { found, has_service, linger_command } = logout;
    let (mark, text) = match found {
        AtLogout::NotKnownHere => {
            (Mark::Info, format!("nobody has tried what a logout does to a detached session here; {PAGE}"))
        }
        AtLogout::NoLoginManager => {
            (Mark::Ok, "no login manager runs here, so a detached session goes on when you log out".into())
        }
        AtLogout::NoLoginSession => (
            Mark::Ok,
            "this shell belongs to no login session, so a session that is started here goes on when you log out"
                .into(),
        ),
        AtLogout::GoesOn(reason) => {
            (Mark::Ok, format!("a detached session goes on when you log out ({})", words(reason)))
        }
        AtLogout::Killed(reason) => (
            Mark::Warn,
            format!(
                "a detached session ends when you log out ({}); its conversation stays, and cckw start --all brings it back; \
                 to keep sessions that you start from then on: {linger_command} && cckw service install; {PAGE}",
                words(reason)
            ),
        ),
        AtLogout::StoppedWithUserManager(delay) => {
            let comes_back = if *has_service {
                "the service brings it back at your next login"
            } else {
                "its conversation stays, and cckw start --all brings it back"
            };
            (
                Mark::Warn,
                format!(
                    "a detached session ends {} after your last logout, with your systemd user manager; {comes_back}; \
                     to keep it running: {linger_command}; {PAGE}",
                    escape(delay)
                ),
            )
        }
        AtLogout::DependsOnDefault => (
            Mark::Info,
            format!(
                "logind.conf does not say whether a detached session ends when you log out; this prints it: \
                 loginctl show-session --property=KillUserProcesses; {PAGE}"
            ),
        ),
    };
    finding(mark, "logout", text)
}

/// The line for sessions that end all the same: they were started where a logout ends them, before the service
/// ran, say. `names` are as they are typed.
fn others(names: &[String]) -> Finding {
    let (these, it, one) = match names {
        [name] => (format!("{name} ends"), "it was", name.clone()),
        names => (format!("{} end", names.join(", ")), "they were", "SESSION".into()),
    };
    let text = format!(
        "{these} when you log out, because of where {it} started; started again from here, that changes: \
         cckw stop {one} && cckw start {one}"
    );
    finding(Mark::Warn, "logout", text)
}

fn words(reason: &Reason) -> String {
    match reason {
        Reason::Set(setting, file) => format!("{setting} in {}", escape(file)),
        Reason::Default(kills, file) => {
            let value = if *kills { "yes" } else { "no" };
            format!("KillUserProcesses={value} is the default, as {} shows", escape(file))
        }
        Reason::IsRoot => "logind leaves root's processes alone".into(),
        Reason::Lingers => "lingering is on for you".into(),
        Reason::UserManagerStays(file) => format!("UserStopDelaySec=infinity in {}", escape(file)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_case_is_one_line_that_says_what_happens() {
        let said = |found: AtLogout, has_service: bool| {
            line(&Logout { found, has_service, linger_command: "loginctl enable-linger" })
        };
        let set = Reason::Set("KillUserProcesses=yes", "/etc/systemd/logind.conf".into());
        let killed = said(AtLogout::Killed(set), false);
        assert_eq!(killed.mark, Mark::Warn);
        let says = "ends when you log out (KillUserProcesses=yes in /etc/systemd/logind.conf)";
        assert!(killed.text.contains(says), "{killed:?}");
        assert!(killed.text.contains(": loginctl enable-linger && cckw service install;"), "{killed:?}");
        let stopped = |has_service| said(AtLogout::StoppedWithUserManager("10s\n".into()), has_service);
        assert_eq!(stopped(true).mark, Mark::Warn);
        let text = stopped(false).text;
        assert!(text.contains("ends 10s\\n after") && !text.contains('\n'), "{text}");
        assert!(
            text.contains("cckw start --all brings it back; to keep it running: loginctl enable-linger;")
        );
        assert!(stopped(true).text.contains("the service brings it back at your next login"));
        let default = Reason::Default(false, "/usr/lib/systemd/logind.conf".into());
        let kept = said(AtLogout::GoesOn(default), false);
        assert_eq!(kept.mark, Mark::Ok);
        assert!(
            kept.text.contains("goes on when you log out (KillUserProcesses=no is the default"),
            "{kept:?}"
        );
        let other = |names: &[&str]| others(&names.iter().map(ToString::to_string).collect::<Vec<_>>()).text;
        assert!(other(&["api"]).starts_with("api ends when") && other(&["api"]).ends_with("cckw start api"));
        assert!(other(&["api", "web"]).starts_with("api, web end when"), "{}", other(&["api", "web"]));
        // What nobody can change with cckw's help is no warning.
        for found in [AtLogout::NotKnownHere, AtLogout::NoLoginManager, AtLogout::DependsOnDefault] {
            assert!(matches!(said(found.clone(), false).mark, Mark::Ok | Mark::Info), "{found:?}");
        }
    }
}
