//! One line on what a logout does to a detached session on this machine, and how to change it.

use super::{Finding, Mark, finding};
use crate::escape::escape;
use crate::os::logout::{AtLogout, Reason};

/// Where all of it is explained.
const PAGE: &str = "docs/user/logout.md";

/// The line for what was found.
pub fn line(found: &AtLogout) -> Finding {
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
                 to keep it running: loginctl enable-linger, and start it with: \
                 systemd-run --user --scope cckw claude; {PAGE}",
                words(reason)
            ),
        ),
        AtLogout::StoppedWithUserManager(delay) => (
            Mark::Warn,
            format!(
                "a detached session ends when you log out (its terminal belongs to your systemd user manager, which \
                 stops {} after the last logout); its conversation stays, and cckw start --all brings it back; to keep it running: \
                 loginctl enable-linger; {PAGE}",
                escape(delay)
            ),
        ),
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
        let set = Reason::Set("KillUserProcesses=yes", "/etc/systemd/logind.conf".into());
        let killed = line(&AtLogout::Killed(set));
        assert_eq!(killed.mark, Mark::Warn);
        let says = "ends when you log out (KillUserProcesses=yes in /etc/systemd/logind.conf)";
        assert!(killed.text.contains(says) && killed.text.contains("loginctl enable-linger"), "{killed:?}");
        let stopped = line(&AtLogout::StoppedWithUserManager("10s\n".into()));
        assert_eq!(stopped.mark, Mark::Warn);
        assert!(stopped.text.contains("stops 10s\\n after") && !stopped.text.contains('\n'), "{stopped:?}");
        let default = Reason::Default(false, "/usr/lib/systemd/logind.conf".into());
        let kept = line(&AtLogout::GoesOn(default));
        assert_eq!(kept.mark, Mark::Ok);
        assert!(
            kept.text.contains("goes on when you log out (KillUserProcesses=no is the default"),
            "{kept:?}"
        );
        // What nobody can change with cckw's help is no warning.
        for found in [AtLogout::NotKnownHere, AtLogout::NoLoginManager, AtLogout::DependsOnDefault] {
            assert!(matches!(line(&found).mark, Mark::Ok | Mark::Info), "{found:?}");
        }
    }
}
