//! The user's `config.toml`, parsed strictly: a setting that is not understood is an error, never a guess.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::escape::escape;

/// The largest file that is read, in bytes. Anything above it is not a configuration.
const MAX_LEN: u64 = 1 << 20;

/// What the user configured. [`Config::default`] is what holds without a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The program to run instead of the first `claude` on `PATH`. Absolute; a leading `~/` was replaced by `$HOME`.
    pub claude: Option<PathBuf>,
    /// What becomes of a session whose terminal is closed.
    pub on_hangup: OnHangup,
}

/// What becomes of a session whose terminal is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnHangup {
    /// It goes on without a terminal.
    #[default]
    Detach,
    /// It ends, as without cckw.
    Exit,
}

/// Why the configuration cannot be used: the file, the place in it, the reason, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    path: PathBuf,
    /// Line and column, counted from 1.
    place: Option<(usize, usize)>,
    reason: String,
    advice: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", escape(&self.path))?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}; {}", self.reason, self.advice)
    }
}

impl std::error::Error for ConfigError {}

/// Where cckw looks for its configuration: `$XDG_CONFIG_HOME/cckw`, else `~/.config/cckw`.
///
/// A relative `XDG_CONFIG_HOME` is ignored, as the XDG base directory specification asks. `None` without a home.
pub fn config_dir() -> Option<PathBuf> {
    config_dir_of(env::var_os("XDG_CONFIG_HOME"), env::var_os("HOME"))
}

fn config_dir_of(xdg: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let absolute = |path: OsString| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
    let base = xdg.and_then(absolute).or_else(|| Some(home.and_then(absolute)?.join(".config")))?;
    Some(base.join("cckw"))
}

/// The file that [`load`] reads, whether it exists or not. `None` without a home.
pub fn config_file() -> Option<PathBuf> {
    config_dir().map(|dir| dir.join("config.toml"))
}

/// Reads the configuration. A file that does not exist is one without settings.
pub fn load() -> Result<Config, ConfigError> {
    match config_file() {
        Some(path) => load_from(&path),
        None => Ok(Config::default()),
    }
}

fn load_from(path: &Path) -> Result<Config, ConfigError> {
    let error = |reason: String, advice: &str| ConfigError {
        path: path.to_owned(),
        place: None,
        reason,
        advice: advice.to_owned(),
    };
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Config::default()),
        Err(e) => return Err(error(reason_of(&e), "make it readable for you, or remove it")),
    };
    // Anything else, a FIFO above all, could keep us waiting for ever.
    if !metadata.is_file() {
        return Err(error("not a regular file".into(), "put a file with your settings there, or remove it"));
    }
    if metadata.len() > MAX_LEN {
        return Err(error("longer than 1 MiB".into(), "put only cckw's settings there"));
    }
    let bytes = fs::read(path).map_err(|e| error(reason_of(&e), "make it readable for you, or remove it"))?;
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
fn parse(path: &Path, bytes: &[u8]) -> Result<Config, ConfigError> {
    let error = |at: Option<usize>, reason: String, advice: &str| ConfigError {
        path: path.to_owned(),
        place: at.map(|at| line_and_column(bytes, at)),
        reason,
        advice: advice.to_owned(),
    };
    let text = std::str::from_utf8(bytes)
        .map_err(|e| error(Some(e.valid_up_to()), "not valid UTF-8".into(), "save the file as UTF-8"))?;
    let mut config: Config = toml::from_str(text).map_err(|e| {
        let reason = e.message().lines().collect::<Vec<_>>().join(", ");
        error(
            e.span().map(|span| span.start),
            escape(&reason).to_string(),
            "see docs/configuration.md for what is allowed",
        )
    })?;
    if let Some(claude) = config.claude.take() {
        config.claude = Some(program_path(claude, env::var_os("HOME")).map_err(|reason| {
            error(
                place_of_key(text, "claude"),
                reason,
                "write the whole path, such as \"/usr/local/bin/claude\" or \"~/bin/claude\"",
            )
        })?);
    }
    Ok(config)
}

/// The path of a program as the user wrote it: absolute, or below the home as `~/…`.
fn program_path(path: PathBuf, home: Option<OsString>) -> Result<PathBuf, String> {
    if path.is_absolute() {
        return Ok(path);
    }
    match path.strip_prefix("~") {
        Ok(rest) if !rest.as_os_str().is_empty() => match home {
            Some(home) if Path::new(&home).is_absolute() => Ok(Path::new(&home).join(rest)),
            _ => Err("`claude` starts with ~ but HOME is not set".into()),
        },
        _ => Err(format!("`claude` is not an absolute path: \"{}\"", escape(&path))),
    }
}

/// Where a key of the top level is set, as an offset in bytes.
fn place_of_key(text: &str, key: &str) -> Option<usize> {
    #[derive(Deserialize)]
    struct Spans(std::collections::BTreeMap<toml::Spanned<String>, toml::Value>);
    let spans: Spans = toml::from_str(text).ok()?;
    spans.0.into_keys().find(|found| found.get_ref() == key).map(|found| found.span().start)
}

/// Counted from 1, the column in characters.
fn line_and_column(bytes: &[u8], at: usize) -> (usize, usize) {
    let before = &bytes[..at.min(bytes.len())];
    let line_start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
    let line = memchr::memchr_iter(b'\n', before).count() + 1;
    (line, String::from_utf8_lossy(&before[line_start..]).chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, String> {
        parse(Path::new("/c/config.toml"), text.as_bytes()).map_err(|e| e.to_string())
    }

    #[test]
    fn nothing_is_required() {
        assert_eq!(read(""), Ok(Config::default()));
        assert_eq!(read("# only a comment\n"), Ok(Config::default()));
    }

    #[test]
    fn the_program_is_read() {
        assert_eq!(read("claude = \"/opt/claude\"").unwrap().claude, Some("/opt/claude".into()));
        assert_eq!(
            program_path("~/bin/claude".into(), Some("/home/u".into())),
            Ok("/home/u/bin/claude".into())
        );
    }

    #[test]
    fn errors_name_the_place_and_what_is_allowed() {
        let unknown = read("\n  cluade = \"/opt/claude\"\n").unwrap_err();
        assert!(unknown.starts_with("/c/config.toml:2:3: unknown field `cluade`"), "{unknown}");
        assert!(
            unknown.contains("expected `claude`") && unknown.contains("docs/configuration.md"),
            "{unknown}"
        );
        let kind = read("claude = 7").unwrap_err();
        assert!(kind.starts_with("/c/config.toml:1:10: invalid type"), "{kind}");
        let syntax = read("claude = \"/opt").unwrap_err();
        assert!(syntax.starts_with("/c/config.toml:1:"), "{syntax}");
        let relative = read("\nclaude = \"claude\"").unwrap_err();
        assert!(relative.starts_with("/c/config.toml:2:1: `claude` is not an absolute path"), "{relative}");
    }

    #[test]
    fn errors_are_one_line_without_control_characters() {
        for text in ["claude = \"\\u001b[31m\"", "\"\\u001b\\n\" = 1", "a = \"\n\"", "= =", "[x"] {
            let error = read(text).unwrap_err();
            assert!(!error.chars().any(char::is_control), "{error:?}");
        }
    }

    #[test]
    fn columns_count_characters() {
        assert_eq!(line_and_column("é = 1\nüx".as_bytes(), 9), (2, 2));
        let error = parse(Path::new("/c"), b"ab\xff").unwrap_err().to_string();
        assert_eq!(error, "/c:1:3: not valid UTF-8; save the file as UTF-8");
    }

    #[test]
    fn relative_directories_are_ignored() {
        let dir = |xdg: &str, home: &str| config_dir_of(Some(xdg.into()), Some(home.into()));
        assert_eq!(dir("/x", "/h"), Some("/x/cckw".into()));
        assert_eq!(dir("x", "/h"), Some("/h/.config/cckw".into()));
        assert_eq!(dir("", "/h"), Some("/h/.config/cckw".into()));
        assert_eq!(dir("x", "h"), None);
        assert_eq!(config_dir_of(None, None), None);
    }

    #[test]
    fn files_that_cannot_be_read_are_errors() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(load_from(&dir.path().join("none.toml")), Ok(Config::default()));
        let error = load_from(dir.path()).unwrap_err().to_string();
        assert!(error.contains("not a regular file"), "{error}");
        let error = load_from(&dir.path().join("x\0y")).unwrap_err().to_string();
        assert!(!error.chars().any(char::is_control), "{error:?}");
    }
}
