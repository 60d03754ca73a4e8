//! What this machine does to a detached session when its user logs out: the rules of systemd-logind, read
//! from its files.
//!
//! The rules are those of logind.conf(5), loginctl(1) and the source of systemd (`logind-session.c`,
//! `logind-user.c`). Nothing is asked of a running service, and nothing is changed. A file that cannot be
//! read, and a line that is not understood, are left out.

mod conf;
#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use nix::unistd::Pid;

use super::account;
use super::files::read_plain;
use conf::Conf;

/// The longest file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 64 << 10;

/// How long systemd keeps a user manager after the last logout where `UserStopDelaySec=` is not set.
const DEFAULT_USER_STOP_DELAY: &str = "10s";

/// What a logout does to a detached session that is started where this process runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AtLogout {
    /// This is not Linux. What happens was never tried.
    NotKnownHere,
    /// Neither systemd-logind nor elogind runs.
    NoLoginManager,
    /// This process belongs to no login session and to no user manager: a service, a container.
    NoLoginSession,
    /// The session goes on.
    GoesOn(Reason),
    /// The login manager ends the processes of the login session.
    Killed(Reason),
    /// This process runs below the user manager, which is stopped so long after the last logout. The time is
    /// as systemd writes it.
    StoppedWithUserManager(String),
    /// No file says what `KillUserProcesses=` is, and the default differs between distributions.
    DependsOnDefault,
}

/// What decides it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A setting, as `NAME=value`, and its file.
    Set(&'static str, PathBuf),
    /// The default of `KillUserProcesses=`, which this file shows in a comment.
    Default(bool, PathBuf),
    /// `root` is left out unless `KillExcludeUsers=` is set.
    IsRoot,
    /// Lingering is on for the user.
    Lingers,
    /// `UserStopDelaySec=infinity`, in this file.
    UserManagerStays(PathBuf),
}

/// What decides about a process at logout: to what systemd has attached it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogoutUnit {
    /// A session of logind: its scope.
    LoginSession,
    /// The user manager, or something that it has started.
    UserManager,
    /// A service of the system, a container.
    Neither,
}

/// What a logout does on this machine to a session that is started by this process. `own_scopes` says whether
/// hosts get a scope of their own where it helps.
pub fn at_logout(own_scopes: bool) -> AtLogout {
    if !cfg!(target_os = "linux") {
        return AtLogout::NotKnownHere;
    }
    at_logout_below(Path::new("/"), "self", &own_name(), own_scopes)
}

/// Whether a logout ends this process of the user, as far as the files say.
pub fn ends_at_logout(pid: Pid) -> bool {
    let found = at_logout_below(Path::new("/"), &pid.to_string(), &own_name(), false);
    cfg!(target_os = "linux") && matches!(found, AtLogout::Killed(_) | AtLogout::StoppedWithUserManager(_))
}

/// Whether lingering is on for the user who runs this process.
pub fn lingers_here() -> bool {
    lingers(Path::new("/"), &own_name())
}

/// The command that turns lingering on. Without polkit nobody may do that for himself.
pub fn linger_command() -> &'static str {
    linger_command_below(Path::new("/"))
}

fn linger_command_below(root: &Path) -> &'static str {
    if root.join("usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service").exists() {
        "loginctl enable-linger"
    } else {
        "sudo loginctl enable-linger \"$USER\""
    }
}

/// The same for files below `root`, and for a process and a user of these names.
fn at_logout_below(root: &Path, process: &str, user: &str, own_scopes: bool) -> AtLogout {
    let exists = |path: &str| root.join(path).exists();
    // What sd_booted(3) looks at. The other folders of /run/systemd may come with a package, in a container,
    // say.
    if !exists("run/systemd/system") {
        let is_elogind = exists("run/systemd/sessions") && exists("etc/elogind/logind.conf");
        if !is_elogind {
            return AtLogout::NoLoginManager;
        }
        // elogind has no user manager, and groups of its own.
        return session_scope(&Conf::read(root, &["etc/elogind"]), user);
    }
    let conf = Conf::read(root, &conf::SYSTEMD_FOLDERS);
    let cgroup = text(&root.join("proc").join(process).join("cgroup")).unwrap_or_default();
    match place(&cgroup) {
        LogoutUnit::Neither => AtLogout::NoLoginSession,
        LogoutUnit::LoginSession if own_scopes && scope_helps(&conf, root, user) => {
            user_manager(&conf, lingers(root, user))
        }
        LogoutUnit::LoginSession => session_scope(&conf, user),
        LogoutUnit::UserManager => user_manager(&conf, lingers(root, user)),
    }
}

/// Whether a process of a login session is better off below the user manager when its user logs out: that
/// stays, or logind ends the processes of the login session in any case.
pub fn scope_helps_at_logout() -> bool {
    let root = Path::new("/");
    scope_helps(&Conf::read(root, &conf::SYSTEMD_FOLDERS), root, &own_name())
}

fn scope_helps(conf: &Conf, root: &Path, user: &str) -> bool {
    let manager_stays = matches!(user_manager(conf, lingers(root, user)), AtLogout::GoesOn(_));
    manager_stays || matches!(session_scope(conf, user), AtLogout::Killed(_))
}

/// The name of the user who runs this process; empty where it has none.
fn own_name() -> String {
    account::name().unwrap_or_default()
}

/// Whether logind ends what is left in the scope of a login session. The order is that of
/// `manager_shall_kill` in its source.
fn session_scope(conf: &Conf, user: &str) -> AtLogout {
    match &conf.kill_exclude_users {
        None if user == "root" => return AtLogout::GoesOn(Reason::IsRoot),
        Some(list) if list.value.iter().any(|name| name == user) => {
            return AtLogout::GoesOn(Reason::Set("KillExcludeUsers= with your name", list.file.clone()));
        }
        _ => {}
    }
    if let Some(list) = conf.kill_only_users.as_ref().filter(|list| !list.value.is_empty()) {
        let file = list.file.clone();
        return if list.value.iter().any(|name| name == user) {
            AtLogout::Killed(Reason::Set("KillOnlyUsers= with your name", file))
        } else {
            AtLogout::GoesOn(Reason::Set("KillOnlyUsers= without your name", file))
        };
    }
    match (&conf.kill_user_processes, &conf.kill_default) {
        (Some(set), _) if set.value => {
            AtLogout::Killed(Reason::Set("KillUserProcesses=yes", set.file.clone()))
        }
        (Some(set), _) => AtLogout::GoesOn(Reason::Set("KillUserProcesses=no", set.file.clone())),
        (None, Some(default)) if default.value => {
            AtLogout::Killed(Reason::Default(true, default.file.clone()))
        }
        (None, Some(default)) => AtLogout::GoesOn(Reason::Default(false, default.file.clone())),
        (None, None) => AtLogout::DependsOnDefault,
    }
}

/// Whether the user manager, and with it everything that runs below it, is stopped. `KillUserProcesses=` has
/// no say in that.
fn user_manager(conf: &Conf, lingers: bool) -> AtLogout {
    if lingers {
        return AtLogout::GoesOn(Reason::Lingers);
    }
    match &conf.user_stop_delay {
        Some(delay) if delay.value == "infinity" => {
            AtLogout::GoesOn(Reason::UserManagerStays(delay.file.clone()))
        }
        Some(delay) => AtLogout::StoppedWithUserManager(delay.value.clone()),
        None => AtLogout::StoppedWithUserManager(DEFAULT_USER_STOP_DELAY.into()),
    }
}

fn lingers(root: &Path, user: &str) -> bool {
    // An empty name would be the directory itself. systemd escapes other bytes in it than those of usual
    // names.
    !user.is_empty() && root.join("var/lib/systemd/linger").join(user).exists()
}

/// Where systemd has put a process, by the text of its `/proc/PID/cgroup`: lines of
/// `NUMBER:CONTROLLERS:PATH`. That of systemd has the controllers `name=systemd` (version 1), or none
/// (version 2).
pub fn place(cgroup: &str) -> LogoutUnit {
    let paths = cgroup.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let controllers = fields.next()?;
        matches!(controllers, "" | "name=systemd").then(|| fields.next())?
    });
    let mut place = LogoutUnit::Neither;
    for unit in paths.flat_map(|path| path.split('/')) {
        if unit.starts_with("user@") && unit.ends_with(".service") {
            return LogoutUnit::UserManager;
        }
        if unit.starts_with("session-") && unit.ends_with(".scope") {
            place = LogoutUnit::LoginSession;
        }
    }
    place
}

fn text(path: &Path) -> Option<String> {
    read_plain(path, MAX_FILE_BYTES).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// The path as it is on the machine whose root directory this is.
fn without_root(root: &Path, path: &Path) -> PathBuf {
    path.strip_prefix(root).map_or_else(|_| path.to_owned(), |below| Path::new(OsStr::new("/")).join(below))
}
