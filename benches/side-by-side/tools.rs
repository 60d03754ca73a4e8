//! What is compared, and how each is started.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::{inner, processes};

/// The hidden first argument that makes this benchmark the bare relay.
pub const BARE: &str = "--be-the-bare-relay";

/// The same, with a process for each direction.
pub const SPLIT: &str = "--be-the-split-relay";

/// More directories in which to look for tools.
const MORE_PATH: &str = "CCKW_BENCH_PATH";

/// Names another cckw to compare with.
const BEFORE: &str = "CCKW_BENCH_BEFORE";

/// Names the static cckw, as `packaging/static` builds it.
const STATIC: &str = "CCKW_BENCH_STATIC";

/// Longest wait until a server that was started beforehand listens.
const SERVER: Duration = Duration::from_secs(30);

/// A way to run a program on the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Nothing in between.
    Direct,
    /// `bare.rs`: what the others are measured by.
    Bare,
    /// The bare relay once more: how far its ratios are from 1 is the noise.
    Control,
    /// The bare relay with a process for each direction: what cckw's division of work costs, and nothing else
    /// of cckw.
    Split,
    /// `script -q`, of util-linux.
    Script,
    /// dtach: a server behind a socket, as cckw is, but two hops each way.
    Dtach,
    /// GNU screen, which keeps a screen and draws it anew.
    Screen,
    /// tmux, which does so, too.
    Tmux,
    /// shpool: a server for all sessions, and a screen model in it.
    Shpool,
    /// cckw, release build.
    Cckw,
    /// Another cckw, which [`BEFORE`] names: what a change costs or brings, in one run.
    Before,
    /// The static cckw, which [`STATIC`] names: what a release for Linux has.
    Static,
}

impl Tool {
    /// All, in the order of the tables.
    pub const ALL: [Self; 12] = [
        Self::Direct,
        Self::Bare,
        Self::Control,
        Self::Split,
        Self::Script,
        Self::Dtach,
        Self::Screen,
        Self::Tmux,
        Self::Shpool,
        Self::Cckw,
        Self::Before,
        Self::Static,
    ];

    /// What others made, and what people use instead of cckw or below it.
    pub const PEERS: [Self; 5] = [Self::Script, Self::Dtach, Self::Screen, Self::Tmux, Self::Shpool];

    /// Its name in tables and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Bare => "bare",
            Self::Control => "bare-again",
            Self::Split => "bare-split",
            Self::Script => "script",
            Self::Dtach => "dtach",
            Self::Screen => "screen",
            Self::Tmux => "tmux",
            Self::Shpool => "shpool",
            Self::Cckw => "cckw",
            Self::Before => "cckw-before",
            Self::Static => "cckw-static",
        }
    }

    /// Whether it is of this project, so that its failure is a failure of the benchmark.
    pub fn is_own(self) -> bool {
        !Self::PEERS.contains(&self)
    }

    /// Whether it is there. A tool that is not is named in the output, not passed over.
    pub fn is_installed(self) -> bool {
        match self {
            Self::Before | Self::Static => self.named().is_some(),
            _ => self.is_own() || on_path(self.name()).is_some(),
        }
    }

    /// Whether it is left out without a word where it is not there.
    pub fn is_asked_for(self) -> bool {
        !matches!(self, Self::Before | Self::Static) || self.is_installed()
    }

    /// The cckw that a variable names.
    pub fn named(self) -> Option<PathBuf> {
        let variable = match self {
            Self::Before => BEFORE,
            Self::Static => STATIC,
            _ => return None,
        };
        std::env::var_os(variable).map(PathBuf::from)
    }

    /// Whether it draws what the program has drawn, instead of passing the bytes on.
    pub fn draws_anew(self) -> bool {
        matches!(self, Self::Screen | Self::Tmux)
    }

    /// Whether a session goes on without its terminal, and can be taken by another one.
    pub fn attaches(self) -> bool {
        let is_cckw = matches!(self, Self::Cckw | Self::Before | Self::Static);
        is_cckw || matches!(self, Self::Dtach | Self::Screen | Self::Tmux | Self::Shpool)
    }

    /// A tool that is slow with input gets less of it, so that the benchmark ends.
    pub fn input_share(self) -> u64 {
        match self {
            Self::Dtach | Self::Screen | Self::Tmux => 64,
            Self::Shpool => 4,
            _ => 1,
        }
    }

    /// The same for output.
    pub fn output_share(self) -> u64 {
        match self {
            Self::Screen | Self::Tmux | Self::Shpool => 4,
            _ => 1,
        }
    }

    /// Starts what has to run before the tool itself, in the users' everyday life too: a server for all
    /// sessions.
    pub fn prepare(self, scratch: &Path) -> io::Result<()> {
        let (file, text) = match self {
            // The status line would be drawn between the program's own output.
            Self::Tmux => ("rc", "set -g status off\n".to_owned()),
            Self::Screen => ("rc", "startup_message off\n".to_owned()),
            Self::Shpool => {
                ("rc", format!("forward_env = [\"{}\", \"{}\"]\n", inner::VARIABLE, processes::MARK))
            }
            _ => return Ok(()),
        };
        std::fs::write(scratch.join(file), text)?;
        if self == Self::Shpool {
            let mut server = self.program(scratch);
            server.arg("daemon").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            environment(&mut server, scratch).spawn()?;
            let end = Instant::now() + SERVER;
            while std::os::unix::net::UnixStream::connect(scratch.join("server")).is_err() {
                if Instant::now() > end {
                    return Err(io::Error::other("its server does not listen"));
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        Ok(())
    }

    /// The command that runs this benchmark as an inner program. `scratch` is the directory of this run.
    pub fn command(self, scratch: &Path) -> io::Result<Command> {
        let inner = std::env::current_exe()?;
        let mut command = self.program(scratch);
        match self {
            Self::Direct => {}
            Self::Bare | Self::Control => drop(command.arg(BARE)),
            Self::Split => drop(command.arg(SPLIT)),
            Self::Script => {
                command.arg("-q").arg("-c").arg(format!("exec '{}'", inner.display())).arg("/dev/null");
            }
            Self::Dtach => {
                command.arg("-A").arg(scratch.join("server")).args(["-E", "-z"]).arg(&inner);
            }
            Self::Screen => drop(command.args(["-S", "bench"]).arg(&inner)),
            Self::Tmux => drop(command.arg("new-session").arg(format!("exec '{}'", inner.display()))),
            Self::Shpool => drop(command.args(["attach", "--cmd"]).arg(&inner).arg("bench")),
            Self::Cckw | Self::Before | Self::Static => {
                command.arg("claude").env("CCKW_CLAUDE", &inner);
            }
        }
        environment(&mut command, scratch);
        Ok(command)
    }

    /// The command that takes the session of a run into another terminal.
    pub fn attach_command(self, scratch: &Path) -> Command {
        let mut command = self.program(scratch);
        match self {
            Self::Dtach => {
                command.arg("-a").arg(scratch.join("server")).args(["-E", "-z", "-r", "winch"]);
            }
            Self::Screen => drop(command.args(["-d", "-r", "bench"])),
            Self::Tmux => drop(command.arg("attach-session")),
            Self::Shpool => drop(command.args(["attach", "-f", "bench"])),
            _ => drop(command.arg("attach")),
        }
        environment(&mut command, scratch);
        command
    }

    /// The program, with the arguments that all its commands have.
    fn program(self, scratch: &Path) -> Command {
        let found = |name| Command::new(on_path(name).unwrap_or_else(|| PathBuf::from(name)));
        let rc = scratch.join("rc");
        let mut command = match self {
            Self::Direct | Self::Bare | Self::Control | Self::Split => {
                // If there is no such file, the start will say so.
                Command::new(std::env::current_exe().unwrap_or_default())
            }
            Self::Cckw => Command::new(env!("CARGO_BIN_EXE_cckw")),
            Self::Before | Self::Static => Command::new(self.named().unwrap_or_default()),
            peer => found(peer.name()),
        };
        match self {
            Self::Screen => drop(command.arg("-c").arg(rc)),
            Self::Tmux => drop(command.arg("-f").arg(rc).args(["-L", "bench"])),
            Self::Shpool => {
                command.args(["--no-daemonize", "--log-file", "/dev/null", "--config-file"]).arg(rc);
                command.arg("--socket").arg(scratch.join("server"));
            }
            _ => {}
        }
        command
    }
}

/// Nobody's files but our own are read or written.
pub fn environment<'a>(command: &'a mut Command, scratch: &Path) -> &'a mut Command {
    for (variable, directory) in [
        ("HOME", "home"),
        ("XDG_CONFIG_HOME", "config"),
        ("XDG_STATE_HOME", "state"),
        ("XDG_DATA_HOME", "data"),
        ("XDG_CACHE_HOME", "cache"),
        ("XDG_RUNTIME_DIR", "runtime"),
        ("SCREENDIR", "runtime"),
        ("TMUX_TMPDIR", "runtime"),
    ] {
        command.env(variable, scratch.join(directory));
    }
    for variable in ["CCKW_SESSION", "CLAUDE_CONFIG_DIR", "TMUX", "TMUX_PANE", "STY", "SHPOOL_SESSION_NAME"] {
        command.env_remove(variable);
    }
    command.env(processes::MARK, scratch).env("TERM", "xterm-256color").env("SHELL", "/bin/sh");
    command.env("LANG", "C.UTF-8").env_remove("LC_ALL").current_dir(scratch)
}

/// Makes the directories that [`environment`] names, below the directory of this benchmark.
pub fn scratch() -> io::Result<tempfile::TempDir> {
    use std::os::unix::fs::PermissionsExt;
    let mut builder = tempfile::Builder::new();
    builder.prefix("").rand_bytes(4);
    let scratch = match crate::supervise::root() {
        Some(root) => builder.tempdir_in(root)?,
        None => builder.tempdir()?,
    };
    for directory in ["home", "config", "state", "data", "cache", "runtime"] {
        let path = scratch.path().join(directory);
        std::fs::create_dir(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(scratch)
}

/// Where a program is, in the directories of `CCKW_BENCH_PATH` and then of `PATH`.
pub fn on_path(program: &str) -> Option<PathBuf> {
    [MORE_PATH, "PATH"].into_iter().find_map(|variable| {
        let path = std::env::var_os(variable)?;
        std::env::split_paths(&path).map(|directory| directory.join(program)).find(|file| file.is_file())
    })
}
