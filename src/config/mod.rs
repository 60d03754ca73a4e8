//! The user's `config.toml`, parsed strictly: a setting that is not understood is an error, never a guess.

mod claude;
pub mod duration;
mod environment;
mod notify;
mod owner;
mod records;
mod remote;
mod restart;
mod start;
mod turn;
mod update;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::geteuid;
use serde::Deserialize;
use toml::de::DeTable;

use super::paths;
use crate::escape::escape;
use crate::os::files::read_plain;
use crate::user_error::{UserError, files};

pub use claude::{ClaudeProgram, RestartWhenNewer};
pub use duration::parse as duration;
pub use environment::EnvironmentPolicy;
pub use notify::{AlertKind, Notify, TerminalNotice};
pub use records::Records;
pub use remote::{ReconnectPolicy, RemoteControl};
pub use restart::{OnSigterm, Restart};
pub use start::{Existing, StartPolicy};
pub use turn::{OnBrokenTurn, TurnPolicy};
pub use update::{AutoUpdate, HostUpdate, UpdateConfig, is_address};

/// The largest file that is read, in bytes. Anything above it is not a configuration.
const MAX_LEN: u64 = 1 << 20;

/// What the user configured. [`Config::default`] is what holds without a file.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Which program claude is, and what becomes of a session when a newer one is installed.
    pub claude: ClaudeProgram,
    /// What becomes of the session when its terminal goes.
    pub on_hangup: OnHangup,
    /// Which agent claude reaches by `SSH_AUTH_SOCK`.
    pub ssh_agent: SshAgent,
    /// The key that detaches.
    pub detach_key: DetachKey,
    /// How long a terminal may take no output before claude goes on without it.
    #[serde(deserialize_with = "duration::positive")]
    pub stall_after: Duration,
    /// How long a session that nobody has attached may be idle before it is ended.
    #[serde(deserialize_with = "duration::any")]
    pub linger: Duration,
    /// How the user is told what happened.
    pub notify: Notify,
    /// How a session is started.
    pub start: StartPolicy,
    /// What of a session's environment is kept on disk.
    pub environment: EnvironmentPolicy,
    /// How long it is remembered what has ended.
    pub records: Records,
    /// How claude is brought back after a crash.
    pub restart: Restart,
    /// What becomes of a turn that broke off.
    pub turn: TurnPolicy,
    /// How remote control is kept.
    pub remote_control: RemoteControl,
    /// Where new versions of cckw come from.
    pub update: UpdateConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            claude: ClaudeProgram::default(),
            on_hangup: OnHangup::Detach,
            ssh_agent: SshAgent::Follow,
            detach_key: DetachKey::Backslash,
            stall_after: Duration::from_secs(3),
            linger: Duration::from_secs(8 * 60 * 60),
            notify: Notify::default(),
            start: StartPolicy::default(),
            environment: EnvironmentPolicy::default(),
            records: Records::default(),
            restart: Restart::default(),
            turn: TurnPolicy::default(),
            remote_control: RemoteControl::default(),
            update: UpdateConfig::default(),
        }
    }
}

/// What becomes of a session when its terminal goes (a closed window, a dropped SSH connection).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnHangup {
    /// It goes on without a terminal.
    Detach,
    /// It ends, as claude does by itself.
    Exit,
}

/// Which agent claude reaches by `SSH_AUTH_SOCK`, where that is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SshAgent {
    /// The one of the login that attached last, through a link.
    Follow,
    /// The one that the session was started with, by its own name.
    Keep,
}

/// The key that lets a session go on without its terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum DetachKey {
    /// ctrl-\, in every encoding.
    #[serde(rename = "ctrl-\\")]
    Backslash,
    /// None: every byte goes to claude.
    #[serde(rename = "none")]
    None,
}

/// Where cckw looks for its configuration: `$XDG_CONFIG_HOME/cckw`, else `~/.config/cckw`.
///
/// A relative `XDG_CONFIG_HOME` is ignored, as the XDG base directory specification asks. `None` without a
/// home.
pub fn config_dir() -> Option<PathBuf> {
    config_dir_of(env::var_os("XDG_CONFIG_HOME"), paths::home())
}

fn config_dir_of(xdg: Option<OsString>, home: Option<PathBuf>) -> Option<PathBuf> {
    let absolute = xdg.map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute.or_else(|| Some(home?.join(".config")))?;
    Some(base.join("cckw"))
}

/// The file that [`load`] reads, whether it exists or not. `None` without a home.
pub fn config_file() -> Option<PathBuf> {
    config_dir().map(|dir| dir.join("config.toml"))
}

/// Reads the configuration. A file that does not exist is one without settings.
pub fn load() -> Result<Config, UserError> {
    match config_file() {
        Some(path) => load_from(&path),
        None => Ok(Config::default()),
    }
}

fn load_from(path: &Path) -> Result<Config, UserError> {
    let error = |reason: String, advice: &str| files::configuration(path, None, &reason, advice);
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        // A home such as /dev/null, which users of services have, holds no file either.
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Config::default());
        }
        Err(e) => return Err(error(reason_of(&e), "make it readable for you, or remove it")),
    };
    // Anything else, a FIFO above all, could keep us waiting for ever.
    if !metadata.is_file() {
        return Err(error("not a regular file".into(), "put a file with your settings there, or remove it"));
    }
    if metadata.len() > MAX_LEN {
        return Err(error("longer than 1 MiB".into(), "put only cckw's settings there"));
    }
    owner::check(path, &metadata, geteuid().as_raw()).map_err(|(reason, advice)| error(reason, advice))?;
    let bytes = read_plain(path, MAX_LEN)
        .map_err(|e| error(reason_of(&e), "make it readable for you, or remove it"))?;
    parse(path, &bytes)
}

/// "permission denied" and not "Permission denied (os error 13)".
fn reason_of(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// Reads the text of a configuration file; `path` is named in errors.
///
/// # Errors
/// When it is not understood; the error has the place in the text.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Config, UserError> {
    let error = |at: Option<usize>, reason: String, advice: &str| {
        files::configuration(path, at.map(|at| line_and_column(bytes, at)), &reason, advice)
    };
    let text = std::str::from_utf8(bytes)
        .map_err(|e| error(Some(e.valid_up_to()), "not valid UTF-8".into(), "save the file as UTF-8"))?;
    let mut config: Config = toml::from_str(text).map_err(|e| {
        let reason = e.message().lines().collect::<Vec<_>>().join(", ");
        error(
            e.span().map(|span| span.start),
            escape(&reason).to_string(),
            "see docs/user/configuration.md for what is allowed",
        )
    })?;
    if let Some(program) = config.claude.program.take() {
        config.claude.program = Some(program_path(program, paths::home()).map_err(|reason| {
            error(
                place_of_key(text, &["claude", "program"]).or_else(|| place_of_key(text, &["claude"])),
                reason,
                "write the whole path, such as \"/usr/local/bin/claude\" or \"~/bin/claude\"",
            )
        })?);
    }
    config.notify.find_program(paths::home());
    for (table, checked) in [
        ("notify", config.notify.check()),
        ("environment", config.environment.check()),
        ("restart", config.restart.check()),
        ("remote_control", config.remote_control.check()),
        ("update", config.update.check()),
    ] {
        checked.map_err(|(key, reason, advice)| {
            let place = place_of_key(text, &[table, key]).or_else(|| place_of_key(text, &[table]));
            error(place, reason, advice)
        })?;
    }
    Ok(config)
}

/// The path of a program as the user wrote it: absolute, or below the home as `~/…`.
fn program_path(path: PathBuf, home: Option<PathBuf>) -> Result<PathBuf, String> {
    if path.is_absolute() {
        return Ok(path);
    }
    match path.strip_prefix("~") {
        Ok(rest) if !rest.as_os_str().is_empty() => match home {
            Some(home) => Ok(home.join(rest)),
            None => Err("`claude` starts with ~ but you have no home".into()),
        },
        _ => Err(format!("`claude` is not an absolute path: \"{}\"", escape(&path))),
    }
}

/// Where a key is set, as an offset in bytes; one below a table by the names of both.
fn place_of_key(text: &str, keys: &[&str]) -> Option<usize> {
    let (last, tables) = keys.split_last()?;
    let document = DeTable::parse(text).ok()?;
    let mut table = document.get_ref();
    for key in tables {
        table = table.get(*key)?.get_ref().as_table()?;
    }
    table.keys().find(|key| key.get_ref() == last).map(|key| key.span().start)
}

/// Counted from 1, the column in characters.
fn line_and_column(bytes: &[u8], at: usize) -> (usize, usize) {
    let before = &bytes[..at.min(bytes.len())];
    let line_start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
    let line = memchr::memchr_iter(b'\n', before).count() + 1;
    (line, String::from_utf8_lossy(&before[line_start..]).chars().count() + 1)
}

#[cfg(test)]
mod tests;
