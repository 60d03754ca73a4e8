//! Where the scene of the fleet view happens: a home with some sessions, and another machine, in a scratch directory.
//!
//! The other machine is this one with another home. A program in ssh's place starts there what ssh would start.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, io, thread};

use tempfile::TempDir;

/// What the other machine is called.
pub const MACHINE: &str = "box";

/// Times are kept in seconds: sessions that far apart have one order.
const APART: Duration = Duration::from_millis(1100);

/// A shell without the habits of any, with job control.
const SHELL: &str = "set -m\nwhile printf '$ ' && read -r line; do eval \"$line\"; done\n";

/// Variables that would change what is seen, or lead out of the scratch directory.
const REMOVED: [&str; 6] = ["CCKW_SESSION", "NO_COLOR", "COLORTERM", "CLAUDE_CONFIG_DIR", "ENV", "TMUX"];

/// The scratch directory. Its sessions end with it.
pub struct Place {
    directory: TempDir,
}

impl Place {
    /// Makes it, with this cckw.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn new(program: &Path) -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("cckw-fleet-").tempdir_in("/tmp")?;
        let place = Self { directory };
        for home in ["here", MACHINE] {
            for name in ["home", "run", "state", "config/cckw"] {
                fs::create_dir_all(place.path(home).join(name))?;
            }
            fs::set_permissions(place.path(home).join("run"), fs::Permissions::from_mode(0o700))?;
            // A session ends with its picture.
            fs::write(place.path(home).join("config/cckw/config.toml"), "linger = \"1m\"\n")?;
        }
        fs::create_dir(place.path("bin"))?;
        symlink(program, place.path("bin/cckw"))?;
        symlink(program, place.path("claude-stand-in"))?;
        fs::write(place.path("ssh"), place.ssh())?;
        fs::set_permissions(place.path("ssh"), fs::Permissions::from_mode(0o700))?;
        Ok(place)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The home directory here, as programs show it.
    pub fn home(&self) -> String {
        self.path("here").join("home").display().to_string()
    }

    /// The program in ssh's place. It knows one machine, and shares no connection.
    fn ssh(&self) -> String {
        let variables: Vec<String> =
            self.homes(MACHINE).iter().map(|(name, value)| format!("{name}='{}'", value.display())).collect();
        format!(
            "#!/bin/sh\nif [ \"$1\" = -G ]; then echo 'hostname {MACHINE}'; exit; fi\n\
             for command; do :; done\ncd '{}' && exec env {} sh -c \"$command\"\n",
            self.path(MACHINE).join("home").display(),
            variables.join(" ")
        )
    }

    fn homes(&self, home: &str) -> Vec<(&'static str, PathBuf)> {
        let home = self.path(home);
        vec![
            ("HOME", home.join("home")),
            ("XDG_CONFIG_HOME", home.join("config")),
            ("XDG_STATE_HOME", home.join("state")),
            ("XDG_RUNTIME_DIR", home.join("run")),
        ]
    }

    fn command(&self, home: &str, program: &str) -> Command {
        let mut command = Command::new(program);
        let mut path = self.path("bin").into_os_string();
        path.push(":");
        path.push(env::var_os("PATH").unwrap_or_default());
        command
            .envs(self.homes(home))
            .env("PATH", path)
            .env("CCKW_CLAUDE", self.path("claude-stand-in"))
            .env("CCKW_SSH", self.path("ssh"))
            .env("TERM", "xterm-256color")
            .current_dir(self.path(home).join("home"));
        for name in REMOVED {
            command.env_remove(name);
        }
        command
    }

    /// A shell here or on the machine.
    pub fn shell(&self, home: &str) -> Command {
        let mut command = self.command(home, "sh");
        command.args(["-c", SHELL]);
        command
    }

    /// Runs a verb of cckw here or on the machine, with a variable for the session that it may start. Gives what it
    /// prints.
    ///
    /// # Errors
    /// What it complains about.
    fn verb(&self, home: &str, words: &[&str], variable: Option<(&str, &str)>) -> Result<String, String> {
        let mut command = self.command(home, "cckw");
        command.args(words).envs(variable).stdin(Stdio::null());
        let output = command.output().map_err(|error| format!("cckw: {error}"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(format!("cckw {}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr)))
    }

    /// Starts the sessions: one asks, one works, two rest; one of these is on the machine.
    ///
    /// # Errors
    /// When one of them does not come up as it should.
    pub fn furnish(&self) -> Result<(), String> {
        let begin = |machine, name, directory: &str, variable, send: &[&str]| {
            let directory = self.path(machine).join("home").join(directory);
            fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
            self.verb(machine, &["new", name, &directory.to_string_lossy()], variable)?;
            self.verb(machine, &[&["send", name][..], send].concat(), None)?;
            thread::sleep(APART);
            Ok::<(), String>(())
        };
        let pace = |pace| Some(("CCKW_STANDIN_PACE", pace));
        // A directory with the same name on every system: it is in the picture.
        begin(MACHINE, "train", "/srv", None, &["--wait", "train the small model"])?;
        // Slow enough for its answer to be seen as it comes.
        begin("here", "docs", "code/docs", pace("1000"), &["--wait", "hello"])?;
        // So slow that it works as long as it is looked at.
        begin("here", "web", "code/web", pace("600000"), &["build the new page"])?;
        begin("here", "api", "code/api", None, &["permission"])?;
        self.verb("here", &["wait", "api", "--for", "asks", "--timeout", "20s"], None)?;
        self.verb("here", &["machine", "add", MACHINE], None)?;
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for home in ["here", MACHINE] {
            if let Err(why) = self.verb(home, &["stop", "--all"], None) {
                eprintln!("picture: {why}");
            }
        }
    }
}
