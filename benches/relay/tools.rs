//! What is compared, and how each is started.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The hidden first argument that makes this benchmark the bare relay.
pub const BARE: &str = "--be-the-bare-relay";

/// The same, with a process for each direction.
pub const SPLIT: &str = "--be-the-split-relay";

/// A way to run a program on the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Nothing in between.
    Direct,
    /// `bare.rs`: what the others are measured by.
    Bare,
    /// The bare relay once more: how far its ratios are from 1 is the noise.
    Control,
    /// The bare relay with a process for each direction: what cckw's division of work costs, and nothing else of cckw.
    Split,
    /// `script -q`, of util-linux.
    Script,
    /// dtach: a server behind a socket, as cckw is, but two hops each way.
    Dtach,
    /// cckw, release build.
    Cckw,
}

impl Tool {
    /// All, in the order of the tables.
    pub const ALL: [Self; 7] =
        [Self::Direct, Self::Bare, Self::Control, Self::Split, Self::Script, Self::Dtach, Self::Cckw];

    /// Its name in tables and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Bare => "bare",
            Self::Control => "bare-again",
            Self::Split => "bare-split",
            Self::Script => "script",
            Self::Dtach => "dtach",
            Self::Cckw => "cckw",
        }
    }

    /// Whether it is there. A tool that is not is named in the output, not passed over.
    pub fn is_installed(self) -> bool {
        match self {
            Self::Script => on_path("script"),
            Self::Dtach => on_path("dtach"),
            _ => true,
        }
    }

    /// A tool that needs several bytes on its way for one byte of input gets less of it, so that the benchmark ends.
    pub fn input_share(self) -> u64 {
        if self == Self::Dtach { 16 } else { 1 }
    }

    /// The command that runs this benchmark as an inner program. `scratch` is a directory of this run.
    pub fn command(self, scratch: &Path) -> std::io::Result<Command> {
        let inner = std::env::current_exe()?;
        let mut command = match self {
            Self::Direct => Command::new(&inner),
            Self::Bare | Self::Control | Self::Split => {
                let mut command = Command::new(&inner);
                command.arg(if self == Self::Split { SPLIT } else { BARE });
                command
            }
            Self::Script => {
                let mut command = Command::new("script");
                command.arg("-q").arg("-c").arg(format!("exec '{}'", inner.display())).arg("/dev/null");
                command
            }
            Self::Dtach => {
                let mut command = Command::new("dtach");
                command.arg("-A").arg(scratch.join("dtach.socket")).args(["-E", "-z"]).arg(&inner);
                command
            }
            Self::Cckw => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_cckw"));
                command.arg("claude").env("CCKW_CLAUDE", &inner);
                command
            }
        };
        // Nobody's files but our own are read or written.
        for (variable, directory) in [
            ("HOME", "home"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_RUNTIME_DIR", "runtime"),
        ] {
            command.env(variable, scratch.join(directory));
        }
        command.env_remove("CCKW_SESSION").env_remove("CLAUDE_CONFIG_DIR");
        command.env("TERM", "xterm-256color").env("SHELL", "/bin/sh").current_dir(scratch);
        Ok(command)
    }
}

/// Makes the directories that [`Tool::command`] names.
pub fn scratch() -> std::io::Result<tempfile::TempDir> {
    use std::os::unix::fs::PermissionsExt;
    let scratch = tempfile::Builder::new().prefix("cckw-bench").tempdir()?;
    for directory in ["home", "config", "state", "data", "cache", "runtime"] {
        let path = scratch.path().join(directory);
        std::fs::create_dir(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(scratch)
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|directory: PathBuf| directory.join(program)).any(|file| file.is_file())
}
