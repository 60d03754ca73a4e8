//! What starts the service and starts it again: systemd's user manager, or launchd on macOS.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::unistd::geteuid;

use super::definition::{AGENT_NAME, Definition, MARK, UNIT_NAME};
use crate::os::command::ask;
use crate::os::files::read_plain;
use crate::paths;

/// How long one answer may take. The first one of a user manager that is just starting takes seconds.
const MANAGER_ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest file of ours, in bytes.
const MAX_FILE_BYTES: u64 = 64 << 10;

/// Which one it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceManager {
    Systemd,
    /// Never run: see `docs/user/platforms.md`.
    Launchd,
}

/// What stands in the place of our file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InPlace {
    Nothing,
    /// A file that cckw has written, and its text.
    Ours(String),
    Foreign,
}

impl ServiceManager {
    /// That of this system.
    pub fn here() -> Self {
        if cfg!(target_os = "macos") { Self::Launchd } else { Self::Systemd }
    }

    /// What it is called in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Systemd => "systemd user manager",
            Self::Launchd => "launchd",
        }
    }

    /// Where our file belongs; nothing where the user has no home.
    pub fn path(self) -> Option<PathBuf> {
        match self {
            Self::Systemd => {
                let config =
                    paths::absolute("XDG_CONFIG_HOME").or_else(|| Some(paths::home()?.join(".config")));
                Some(config?.join("systemd/user").join(UNIT_NAME))
            }
            Self::Launchd => {
                Some(paths::home()?.join("Library/LaunchAgents").join(format!("{AGENT_NAME}.plist")))
            }
        }
    }

    /// What our file says.
    pub fn text(self, definition: &Definition) -> String {
        match self {
            Self::Systemd => definition.unit(),
            Self::Launchd => definition.agent(),
        }
    }

    /// Whether it is there for this user.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn answers(self) -> io::Result<()> {
        match self {
            Self::Systemd => self.tell(&["show-environment"]),
            Self::Launchd => self.tell(&["print", &domain()]),
        }
    }

    /// Has it read our file, start the service now and at each boot or login. `is_new` is whether the file says
    /// something else than before.
    ///
    /// # Errors
    /// When it refuses.
    pub fn begin(self, path: &Path, is_new: bool) -> io::Result<()> {
        match self {
            Self::Systemd => {
                self.tell(&["daemon-reload"])?;
                self.tell(&["--quiet", "enable", UNIT_NAME])?;
                // It may have been started too often for it.
                let _ = self.tell(&["reset-failed", UNIT_NAME]);
                self.tell(&[if is_new { "restart" } else { "start" }, UNIT_NAME])
            }
            Self::Launchd => {
                if is_new {
                    let _ = self.tell(&["bootout", &agent()]);
                }
                let path = path.to_string_lossy().into_owned();
                let begun = self.tell(&["bootstrap", &domain(), &path]);
                if is_new { begun } else { begun.or_else(|_| self.tell(&["kickstart", &agent()])) }
            }
        }
    }

    /// Has it end the service, and not start it any more. Our file is still there.
    ///
    /// # Errors
    /// When it refuses.
    pub fn end(self) -> io::Result<()> {
        match self {
            Self::Systemd => self.tell(&["--quiet", "disable", "--now", UNIT_NAME]),
            Self::Launchd => self.tell(&["bootout", &agent()]),
        }
    }

    /// Has it forget our file, which is gone.
    pub fn forget(self) {
        if self == Self::Systemd {
            let _ = self.tell(&["daemon-reload"]);
            let _ = self.tell(&["reset-failed", UNIT_NAME]);
        }
    }

    /// Whether it starts the service by itself; nothing where it does not answer.
    pub fn is_enabled(self) -> Option<bool> {
        match self {
            Self::Systemd => {
                self.answers().ok()?;
                Some(self.tell(&["--quiet", "is-enabled", UNIT_NAME]).is_ok())
            }
            Self::Launchd => Some(self.tell(&["print", &agent()]).is_ok()),
        }
    }

    /// Whether it is what runs the service now.
    pub fn is_active(self) -> bool {
        match self {
            Self::Systemd => self.tell(&["--quiet", "is-active", UNIT_NAME]).is_ok(),
            Self::Launchd => self.tell(&["print", &agent()]).is_ok(),
        }
    }

    fn tell(self, words: &[&str]) -> io::Result<()> {
        let mut command = match self {
            Self::Systemd => {
                let mut command = Command::new("systemctl");
                command.arg("--user");
                // Below `sudo -u` and cron nothing names it, and the place is always the same.
                let runtime = PathBuf::from(format!("/run/user/{}", geteuid()));
                if paths::absolute("XDG_RUNTIME_DIR").is_none() && runtime.is_dir() {
                    command.env("XDG_RUNTIME_DIR", runtime);
                }
                command
            }
            Self::Launchd => Command::new("launchctl"),
        };
        ask(command.args(words), MANAGER_ANSWER_TIMEOUT).map(drop)
    }
}

/// What has this name.
pub fn in_place(path: &Path) -> InPlace {
    if fs::symlink_metadata(path).is_err() {
        return InPlace::Nothing;
    }
    let is_link = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    let text = read_plain(path, MAX_FILE_BYTES).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match text {
        Some(text) if !is_link && text.contains(MARK) => InPlace::Ours(text),
        _ => InPlace::Foreign,
    }
}

/// The login in which launchd runs agents of this user.
fn domain() -> String {
    format!("gui/{}", geteuid())
}

fn agent() -> String {
    format!("{}/{AGENT_NAME}", domain())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_have_put_there_is_told_from_ours() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = scratch.path().join("cckw.service");
        assert_eq!(in_place(&path), InPlace::Nothing);
        let text = Definition::new("/usr/bin/cckw".into(), []).expect("fits").unit();
        fs::write(&path, &text).expect("writes");
        assert_eq!(in_place(&path), InPlace::Ours(text));
        fs::write(&path, "[Service]\nExecStart=/bin/true\n").expect("writes");
        assert_eq!(in_place(&path), InPlace::Foreign);
        // As `systemctl mask` leaves it.
        fs::remove_file(&path).expect("removes");
        std::os::unix::fs::symlink("/dev/null", &path).expect("links");
        assert_eq!(in_place(&path), InPlace::Foreign);
        fs::remove_file(&path).expect("removes");
        std::os::unix::fs::symlink("/nonexistent", &path).expect("links");
        assert_eq!(in_place(&path), InPlace::Foreign);
    }
}
