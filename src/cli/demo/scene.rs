//! The scratch directory that the demo happens in, so that nothing of the user's is touched.

use std::env;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::mkdtemp;

use crate::claude::find;
use crate::session::record::{Record, State};

/// How long the host may take to put things away after its client has ended.
const HOST_ENDS_WITHIN: Duration = Duration::from_secs(10);

/// The path of a socket is limited to about a hundred bytes; more than this is too much for the directory above it.
const LONGEST_TEMP_DIR: usize = 40;

/// A home, a working directory and everything else that a session needs.
pub struct Scene {
    dir: PathBuf,
    /// The running program.
    pub cckw: PathBuf,
}

/// What is left of a session when it has ended.
pub struct Memory {
    /// What cckw wrote down.
    pub record: Record,
    /// Lines of the conversation that the stand-in saved under the id in the record.
    pub transcript_lines: usize,
}

impl Scene {
    /// Makes the directory, for this user only.
    pub fn new() -> io::Result<Self> {
        let temp = env::temp_dir();
        let temp = if temp.as_os_str().len() > LONGEST_TEMP_DIR { PathBuf::from("/tmp") } else { temp };
        let scene = Self {
            dir: mkdtemp(&temp.join(format!("cckw-demo-{}", "X".repeat(6))))?,
            cckw: env::current_exe()?,
        };
        scene.fill().inspect_err(|_| {
            let _ = fs::remove_dir_all(&scene.dir);
        })?;
        Ok(scene)
    }

    fn fill(&self) -> io::Result<()> {
        for name in ["bin", "home", "work", "run", "state", "config", "config/cckw"] {
            fs::DirBuilder::new().mode(0o700).create(self.dir.join(name))?;
        }
        // The directory goes with the demo, so nothing may live on in it.
        fs::write(self.dir.join("config/cckw/config.toml"), "on_hangup = \"exit\"\n")?;
        symlink(&self.cckw, self.dir.join("bin/cckw"))?;
        symlink(&self.cckw, self.dir.join(find::STAND_IN))
    }

    /// Lets a command happen here, with this cckw the first on `PATH`.
    pub fn furnish(&self, command: &mut Command) {
        let mut path = self.dir.join("bin").into_os_string();
        if let Some(rest) = env::var_os("PATH") {
            path.push(":");
            path.push(rest);
        }
        command
            .env("PATH", path)
            .current_dir(self.dir.join("work"))
            .env("HOME", self.dir.join("home"))
            .env("CLAUDE_CONFIG_DIR", self.claude_dir())
            .env("XDG_CONFIG_HOME", self.dir.join("config"))
            .env("XDG_STATE_HOME", self.dir.join("state"))
            .env("XDG_RUNTIME_DIR", self.dir.join("run"))
            .env(find::VARIABLE, self.dir.join(find::STAND_IN))
            // The demo may be tried from within a session.
            .env_remove("CCKW_SESSION");
    }

    fn claude_dir(&self) -> PathBuf {
        self.dir.join("home/.claude")
    }

    /// What is left of the one session that happened here, when its host is done.
    pub fn memory(&self) -> io::Result<Memory> {
        let sessions = fs::read_dir(self.dir.join("state/cckw"))?;
        let Some(session) =
            sessions.filter_map(Result::ok).map(|entry| entry.path()).find(|path| path.is_dir())
        else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let deadline = Instant::now() + HOST_ENDS_WITHIN;
        let mut record = Record::read(&session)?;
        while record.state != State::Stopped && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(10));
            record = Record::read(&session)?;
        }
        let transcript = record.conversation.as_ref().map(|id| format!("{id}.jsonl"));
        let transcript = transcript.and_then(|name| find_below(&self.claude_dir().join("projects"), &name));
        let transcript_lines = transcript
            .map_or(0, |path| fs::read(path).map_or(0, |text| memchr::memchr_iter(b'\n', &text).count()));
        Ok(Memory { record, transcript_lines })
    }

    /// Removes the directory, when the host has left it.
    pub fn remove(self) -> io::Result<()> {
        let deadline = Instant::now() + HOST_ENDS_WITHIN;
        let sockets = self.dir.join("run/cckw");
        while is_in_use(&sockets) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(10));
        }
        let named = |error: io::Error| {
            let dir = crate::escape::escape(&self.dir).to_string();
            io::Error::new(error.kind(), format!("{dir}: {error}"))
        };
        fs::remove_dir_all(&self.dir).map_err(named)
    }
}

fn is_in_use(dir: &Path) -> bool {
    fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some())
}

/// The file of that name in one of the directories in `dir`.
fn find_below(dir: &Path, name: &str) -> Option<PathBuf> {
    fs::read_dir(dir)
        .ok()?
        .filter_map(Result::ok)
        .map(|entry| entry.path().join(name))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_scene_is_private_and_goes_away() {
        let scene = Scene::new().unwrap();
        let dir = scene.dir.clone();
        assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(
            fs::canonicalize(dir.join(find::STAND_IN)).unwrap(),
            fs::canonicalize(&scene.cckw).unwrap()
        );
        assert!(scene.memory().is_err());
        scene.remove().unwrap();
        assert!(!dir.exists());
    }
}
