//! The rules of logind, against machines that are made of files.

use std::fs;

use super::*;

const SSH: &str = "0::/user.slice/user-1000.slice/session-3.scope\n";
const GNOME_TERMINAL: &str =
    "0::/user.slice/user-1000.slice/user@1000.service/app.slice/vte-spawn-1b4e28ba.scope\n";

/// A machine: a root directory with these files. systemd and logind run on it.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new(files: &[(&str, &str)]) -> Self {
        let machine = Self(tempfile::tempdir().expect("a directory"));
        for folder in ["run/systemd/sessions", "run/systemd/system"] {
            fs::create_dir_all(machine.0.path().join(folder)).expect("a directory");
        }
        for (path, text) in files {
            machine.write(path, text);
        }
        machine
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a directory");
        fs::write(path, text).expect("a file");
    }

    fn remove(&self, folder: &str) {
        fs::remove_dir(self.0.path().join(folder)).expect("a directory");
    }

    fn says(&self, user: &str) -> AtLogout {
        at_logout_below(self.0.path(), "self", user, false)
    }
}

const ETC: &str = "etc/systemd/logind.conf";

fn set(what: &'static str, file: &str) -> Reason {
    Reason::Set(what, file.into())
}

/// What an SSH login's session meets at logout, with this `logind.conf`.
fn by_ssh(conf: &str, user: &str) -> AtLogout {
    Machine::new(&[("proc/self/cgroup", SSH), (ETC, conf)]).says(user)
}

#[test]
fn kill_user_processes_decides_about_a_login_session() {
    let file = "/etc/systemd/logind.conf";
    let yes = AtLogout::Killed(set("KillUserProcesses=yes", file));
    let no = AtLogout::GoesOn(set("KillUserProcesses=no", file));
    for text in ["yes", "true", "1", "on", "YES"] {
        assert_eq!(by_ssh(&format!("[Login]\nKillUserProcesses={text}\n"), "me"), yes, "{text}");
    }
    assert_eq!(by_ssh("[Login]\nKillUserProcesses = off", "me"), no);
    // Whoever lingers loses them all the same: only what runs below the user manager is kept.
    let lingering = Machine::new(&[
        ("proc/self/cgroup", SSH),
        (ETC, "[Login]\nKillUserProcesses=yes\n"),
        ("var/lib/systemd/linger/me", ""),
    ]);
    assert_eq!(lingering.says("me"), yes);
}

#[test]
fn the_default_is_what_the_shipped_file_shows_in_a_comment() {
    let shipped = "[Login]\n#NAutoVTs=6\n#KillUserProcesses=no\n#KillOnlyUsers=\n";
    let file = PathBuf::from("/etc/systemd/logind.conf");
    assert_eq!(by_ssh(shipped, "me"), AtLogout::GoesOn(Reason::Default(false, file.clone())));
    assert_eq!(
        by_ssh("[Login]\n#KillUserProcesses=yes", "me"),
        AtLogout::Killed(Reason::Default(true, file))
    );
    assert_eq!(by_ssh("", "me"), AtLogout::DependsOnDefault);
    // Where the file in /etc is the administrator's own, the one of the package may still be there.
    let both = Machine::new(&[
        ("proc/self/cgroup", SSH),
        (ETC, "[Login]\nIdleAction=lock\n"),
        ("usr/lib/systemd/logind.conf", "[Login]\n#KillUserProcesses=no\n"),
    ]);
    let package = "/usr/lib/systemd/logind.conf".into();
    assert_eq!(both.says("me"), AtLogout::GoesOn(Reason::Default(false, package)));
}

#[test]
fn lists_of_users_go_before_kill_user_processes() {
    let file = "/etc/systemd/logind.conf";
    let with = |lines: &str, user: &str| by_ssh(&format!("[Login]\n{lines}\n"), user);
    assert_eq!(with("KillUserProcesses=yes", "root"), AtLogout::GoesOn(Reason::IsRoot));
    let root_too = with("KillUserProcesses=yes\nKillExcludeUsers=", "root");
    assert_eq!(root_too, AtLogout::Killed(set("KillUserProcesses=yes", file)));
    let excluded = with("KillUserProcesses=yes\nKillExcludeUsers=root \"me\"", "me");
    assert_eq!(excluded, AtLogout::GoesOn(set("KillExcludeUsers= with your name", file)));
    let only = with("KillUserProcesses=no\nKillOnlyUsers=you me", "me");
    assert_eq!(only, AtLogout::Killed(set("KillOnlyUsers= with your name", file)));
    let others = with("KillUserProcesses=yes\nKillOnlyUsers=you", "me");
    assert_eq!(others, AtLogout::GoesOn(set("KillOnlyUsers= without your name", file)));
}

#[test]
fn lingering_decides_below_the_user_manager() {
    let machine = Machine::new(&[
        ("proc/self/cgroup", GNOME_TERMINAL),
        (ETC, "[Login]\nKillUserProcesses=no\n"),
        ("var/lib/systemd/linger/you", ""),
    ]);
    assert_eq!(machine.says("me"), AtLogout::StoppedWithUserManager("10s".into()));
    assert_eq!(machine.says("you"), AtLogout::GoesOn(Reason::Lingers));
    assert_eq!(machine.says(""), AtLogout::StoppedWithUserManager("10s".into()));
    machine.write(ETC, "[Login]\nUserStopDelaySec=2min\n");
    assert_eq!(machine.says("me"), AtLogout::StoppedWithUserManager("2min".into()));
    machine.write(ETC, "[Login]\nUserStopDelaySec=infinity\n");
    let stays = Reason::UserManagerStays("/etc/systemd/logind.conf".into());
    assert_eq!(machine.says("me"), AtLogout::GoesOn(stays));
}

#[test]
fn with_a_scope_of_its_own_it_is_no_worse_off_than_without() {
    let at_logout = |kill: &str, user: &str| {
        let conf = format!("[Login]\nKillUserProcesses={kill}\n");
        let machine =
            Machine::new(&[("proc/self/cgroup", SSH), (ETC, &conf), ("var/lib/systemd/linger/you", "")]);
        at_logout_below(machine.0.path(), "self", user, true)
    };
    assert_eq!(at_logout("yes", "you"), AtLogout::GoesOn(Reason::Lingers));
    assert_eq!(at_logout("no", "you"), AtLogout::GoesOn(Reason::Lingers));
    assert_eq!(at_logout("yes", "me"), AtLogout::StoppedWithUserManager("10s".into()));
    // It stays in its login, for it would be stopped with the user manager.
    let no = AtLogout::GoesOn(set("KillUserProcesses=no", "/etc/systemd/logind.conf"));
    assert_eq!(at_logout("no", "me"), no);
    assert_eq!(at_logout("yes", "root"), AtLogout::GoesOn(Reason::IsRoot));
}

#[test]
fn without_polkit_root_turns_lingering_on() {
    let machine = Machine::new(&[]);
    assert_eq!(linger_command_below(machine.0.path()), "sudo loginctl enable-linger \"$USER\"");
    machine.write("usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service", "");
    assert_eq!(linger_command_below(machine.0.path()), "loginctl enable-linger");
}

#[test]
fn a_machine_without_a_login_manager_ends_nothing() {
    let machine = Machine::new(&[("proc/self/cgroup", SSH), (ETC, "[Login]\nKillUserProcesses=yes")]);
    // The folder for its sessions is in the packages of systemd and elogind, and so in containers without
    // either running.
    machine.remove("run/systemd/system");
    assert_eq!(machine.says("me"), AtLogout::NoLoginManager);
    machine.write("etc/elogind/logind.conf", "[Login]\nKillUserProcesses=yes\n");
    assert!(matches!(machine.says("me"), AtLogout::Killed(_)));
    machine.remove("run/systemd/sessions");
    assert_eq!(machine.says("me"), AtLogout::NoLoginManager);
}

#[test]
fn elogind_has_its_own_file() {
    let machine = Machine::new(&[
        ("etc/elogind/logind.conf", "[Login]\nKillUserProcesses=no\n"),
        ("etc/elogind/logind.conf.d/kill.conf", "[Login]\nKillUserProcesses=yes\n"),
        (ETC, "[Login]\nKillUserProcesses=no\n"),
    ]);
    machine.remove("run/systemd/system");
    let file = "/etc/elogind/logind.conf.d/kill.conf";
    assert_eq!(machine.says("me"), AtLogout::Killed(set("KillUserProcesses=yes", file)));
}

#[test]
fn a_service_or_a_container_is_no_login_session() {
    for cgroup in ["0::/\n", "0::/system.slice/cron.service\n", "", "garbage\n0:\n"] {
        let machine = Machine::new(&[("proc/self/cgroup", cgroup), (ETC, "KillUserProcesses=yes")]);
        assert_eq!(machine.says("me"), AtLogout::NoLoginSession, "{cgroup:?}");
    }
}

#[test]
fn the_place_of_a_process_is_read_in_both_versions_of_cgroups() {
    assert_eq!(place(SSH), LogoutUnit::LoginSession);
    assert_eq!(place(GNOME_TERMINAL), LogoutUnit::UserManager);
    let one = "12:cpu,cpuacct:/\n1:name=systemd:/user.slice/user-1000.slice/session-c2.scope\n0::/\n";
    assert_eq!(place(one), LogoutUnit::LoginSession);
    // Another hierarchy may be divided as it likes.
    assert_eq!(place("5:devices:/user.slice/session-1.scope\n0::/a.slice\n"), LogoutUnit::Neither);
}
