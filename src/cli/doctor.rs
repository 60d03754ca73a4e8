//! `cckw doctor`: what cckw depends on, and what to do where it is not as it should be. Changes nothing.

mod logout;
mod machines;
mod service;
mod shim;
mod version;

use std::env;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use nix::unistd::{AccessFlags, User, access};

use super::colours::Colours;
use super::wrap::wrap;
use super::{older_host, output, removed_program, status};
use crate::claude::executable;
use crate::claude::obstacles;
use crate::claude::obstacles::SettingSource;
use crate::claude::shim as claude_shim;
use crate::claude::unwritten;
use crate::claude::version::{TRIED, is_newer};
use crate::config;
use crate::config::Config;
use crate::escape::escape;
use crate::near_side;
use crate::os::disk;
use crate::os::disk::DiskObstacle;
use crate::os::tty;
use crate::paths;
use crate::registry;
use crate::update::marker::Swap;
use crate::update::{auto, trial};
use crate::user_error::UserError;

/// How long claude may take to say its version. A cold start of the real one takes a second or two.
const VERSION_DEADLINE: Duration = Duration::from_secs(15);

/// How one thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// As it should be.
    Ok,
    /// Works, but may not be what the user wants.
    Warn,
    /// Keeps cckw from working.
    Fail,
    /// Neither good nor bad.
    Info,
    /// Something that not everybody wants is not to be had.
    Unavailable,
}

/// One line of the report.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    mark: Mark,
    about: &'static str,
    /// One line, already escaped.
    text: String,
}

fn finding(mark: Mark, about: &'static str, text: impl Into<String>) -> Finding {
    Finding { mark, about, text: text.into() }
}

/// Prints the report. Status 1 if something fails.
pub fn main() -> ExitCode {
    let mut findings = findings_here();
    if near_side::get().is_none() {
        findings.extend(machines::findings());
    }
    let (report, has_failed) = shown(&findings);
    let printed = output::print(&report);
    if has_failed { ExitCode::FAILURE } else { printed }
}

/// The report of this machine, and whether something fails.
pub(super) fn report_here() -> (String, bool) {
    shown(&findings_here())
}

fn shown(findings: &[Finding]) -> (String, bool) {
    let has_failed = findings.iter().any(|finding| finding.mark == Mark::Fail);
    (report(findings, Colours::of_stdout(), output::columns()), has_failed)
}

fn findings_here() -> Vec<Finding> {
    let configured = config::load();
    let mut findings = vec![own(), configuration(&configured)];
    findings.extend(update());
    findings.extend(claude(&configured.unwrap_or_default()));
    findings.extend(directories());
    findings.extend(claude_files());
    findings.extend(hosts());
    findings.extend(service::line());
    findings.extend(logout::findings());
    if near_side::get().is_none() {
        // Those of the user; what runs here for another machine has none.
        findings.extend(terminal());
        findings.push(shell());
    }
    findings.extend(remote_control());
    findings
}

/// The hosts that do not answer, and the sessions of which something is not saved. Nothing where all is well:
/// how many run is in `cckw list`.
fn hosts() -> Vec<Finding> {
    let mut sessions = registry::running().unwrap_or_default();
    registry::note_silent_hosts(&mut sessions);
    let silent = sessions.iter().filter_map(|session| Some((session, session.silent?)));
    let trouble = |session| status::trouble(session).or_else(|| removed_program::hint(session));
    let troubled = sessions.iter().filter_map(|session| Some((session, trouble(session)?)));
    silent
        .map(|(session, host)| finding(Mark::Warn, "host", format!("{}: {host}", escape(&session.name))))
        .chain(troubled.map(|(session, trouble)| {
            finding(Mark::Warn, "session", format!("{}: {trouble}", escape(&session.name)))
        }))
        .chain(older_hosts(&sessions))
        .collect()
}

/// The sessions whose hosts run another cckw than the one on disk.
fn older_hosts(sessions: &[registry::Session]) -> Option<Finding> {
    let older: Vec<_> = sessions.iter().filter(|session| older_host::is_older(session)).collect();
    let names: Vec<String> = older.iter().map(|session| escape(&session.name).to_string()).collect();
    let text = format!(
        "another cckw than the one on disk runs in the hosts of these sessions: {}; to renew them, which claude does not notice: cckw \
         restart --hosts",
        names.join(", ")
    );
    (!older.is_empty()).then(|| finding(Mark::Warn, "host", text))
}

/// Whether claude can write its state file and its transcripts. Nothing where it can: it looks after its
/// directory itself.
fn claude_files() -> Option<Finding> {
    let why = unwritten::state_file_obstacle(&crate::claude::config_dir()?)?;
    let text = format!("{why}: claude cannot write its state files or its transcripts");
    Some(finding(Mark::Fail, "claude's files", text))
}

/// The report, with its lines wrapped where there is a width.
fn report(findings: &[Finding], colours: Colours, width: Option<usize>) -> String {
    /// What stands before the text of a finding, in columns.
    const INDENT: usize = 23;
    /// In fewer columns a text begins below what it is about.
    const LEAST_TEXT: usize = 30;
    let mut report = String::new();
    for Finding { mark, about, text } in findings {
        let (word, style) = match mark {
            Mark::Ok => ("ok", colours.good()),
            Mark::Warn => ("warn", colours.warning()),
            Mark::Fail => ("FAIL", colours.bad()),
            Mark::Info | Mark::Unavailable => ("-", colours.quiet()),
        };
        let _ = write!(report, "{style}{word:<4}{style:#}  {about:<15}  ");
        let Some(width) = width else {
            let _ = writeln!(report, "{text}");
            continue;
        };
        let indent = if width < INDENT + LEAST_TEXT { 6 } else { INDENT };
        if indent < INDENT {
            report.truncate(report.trim_end().len());
            let _ = write!(report, "\n{:indent$}", "");
        }
        let lines = wrap(text, width.saturating_sub(indent));
        let _ = writeln!(report, "{}", lines.join(&format!("\n{:indent$}", "")));
    }
    let count = |wanted: Mark| findings.iter().filter(|finding| finding.mark == wanted).count();
    let _ = match (count(Mark::Fail), count(Mark::Warn), count(Mark::Unavailable)) {
        (0, 0, 0) => writeln!(report, "All is well."),
        (0, 0, _) => writeln!(report, "cckw works. What is marked as unavailable does not work here."),
        (0, warnings, _) => writeln!(report, "cckw works; {} to look at.", things(warnings)),
        (failures, ..) => writeln!(report, "{} to fix.", things(failures)),
    };
    report
}

fn things(count: usize) -> String {
    if count == 1 { "1 thing".into() } else { format!("{count} things") }
}

fn own() -> Finding {
    let executable =
        env::current_exe().map_or_else(|error| error.to_string(), |path| escape(&path).to_string());
    finding(Mark::Ok, "cckw", format!("{}, {executable}", env!("CARGO_PKG_VERSION")))
}

/// A new cckw that was not kept, or that is there. Nothing where there is none.
fn update() -> Option<Finding> {
    let Some(Swap { release, previous, .. }) = trial::reverted() else {
        let text = format!("{} is available; to take it: cckw update", auto::available()?);
        return Some(finding(Mark::Info, "update", text));
    };
    let text = format!(
        "{release} was installed, its hosts ended at their start, and {previous} is installed again; to try it once more: cckw update"
    );
    Some(finding(Mark::Warn, "update", text))
}

fn configuration(configured: &Result<Config, UserError>) -> Finding {
    let about = "configuration";
    match (configured, config::config_file()) {
        (Err(error), _) => finding(Mark::Fail, about, error.to_string()),
        (Ok(_), None) => finding(Mark::Warn, about, "HOME is not set, so no file was looked for"),
        (Ok(_), Some(path)) if path.exists() => finding(Mark::Ok, about, escape(&path).to_string()),
        (Ok(_), Some(path)) => finding(
            Mark::Ok,
            about,
            format!("{} does not exist, so all settings have their defaults", escape(&path)),
        ),
    }
}

/// The claude that would run, its version, and the others that have the name.
fn claude(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let found = executable::find(config);
    match &found {
        Err(error) => findings.push(finding(Mark::Fail, "claude", error.to_string())),
        Ok(found) => {
            let path = escape(&found.program);
            findings.push(match version::of(&found.program, VERSION_DEADLINE) {
                Ok(version) => {
                    let newer = newer_than_tried(&version);
                    let text = format!("{}, {path} ({}){newer}", escape(&version), found.source);
                    finding(Mark::Ok, "claude", text)
                }
                Err(reason) => finding(Mark::Fail, "claude", format!("{path} --version {}", escape(&reason))),
            });
        }
    }
    let taken = found.ok().map(|found| found.program);
    let candidates = executable::candidates();
    findings.extend(shim::findings(&candidates));
    for (path, unfit) in candidates {
        if Some(&path) == taken.as_ref() || claude_shim::target(&path).is_some() {
            continue;
        }
        let path = escape(&path);
        findings.push(match unfit {
            // These two are how a user puts cckw before claude: as it should be.
            Some(unfit @ (executable::Unfit::IsCckw | executable::Unfit::Shim)) => {
                finding(Mark::Info, "another claude", format!("{path} {unfit}: skipped"))
            }
            Some(unfit) => finding(Mark::Warn, "another claude", format!("{path} {unfit}: skipped")),
            None => finding(Mark::Info, "another claude", format!("{path} comes later on PATH")),
        });
    }
    findings
}

/// What is said behind the version of a claude that nobody has tried cckw with; empty for others. `said` is
/// what `claude --version` says: `2.1.332 (Claude Code)`.
fn newer_than_tried(said: &str) -> String {
    let version = said.split(' ').next().unwrap_or_default();
    if !is_newer(version, TRIED) {
        return String::new();
    }
    format!(
        "; cckw was tried with versions up to {TRIED}: what it knows of claude's screen and files may have changed since"
    )
}

fn directories() -> Vec<Finding> {
    vec![match paths::state_dir() {
        Ok(path) => private_directory("sessions", &path),
        Err(error) => finding(Mark::Fail, "sessions", escape(&error.to_string()).to_string()),
    }]
}

/// A directory that cckw makes for itself, and that must be the user's alone.
fn private_directory(about: &'static str, path: &Path) -> Finding {
    if let Err(error) = paths::check_private(path) {
        return finding(Mark::Fail, about, escape(&error.to_string()).to_string());
    }
    let Ok(metadata) = path.symlink_metadata() else {
        return missing_directory(about, path);
    };
    let owner = User::from_uid(metadata.uid().into()).ok().flatten();
    let owner = owner.map_or_else(|| metadata.uid().to_string(), |user| escape(&user.name).to_string());
    let text = format!("{}, of {owner}, mode {:04o}", escape(path), metadata.permissions().mode() & 0o7777);
    if access(path, AccessFlags::W_OK | AccessFlags::X_OK).is_err() {
        return finding(Mark::Fail, about, format!("{text}: you cannot write in it; run chmod 700 on it"));
    }
    match disk::obstacle(path) {
        Some(DiskObstacle::Full) => finding(
            Mark::Fail,
            about,
            format!("{text}: its disk is full; make room there, or set XDG_STATE_HOME"),
        ),
        Some(DiskObstacle::ReadOnly) => {
            finding(Mark::Fail, about, format!("{text}: its file system is read-only; set XDG_STATE_HOME"))
        }
        None => finding(Mark::Ok, about, text),
    }
}

/// It is made when it is needed, if the first directory above it that exists lets us.
fn missing_directory(about: &'static str, path: &Path) -> Finding {
    let above =
        path.ancestors().skip(1).find(|above| above.symlink_metadata().is_ok()).unwrap_or(Path::new("/"));
    let path = escape(path);
    if above.is_dir() && access(above, AccessFlags::W_OK | AccessFlags::X_OK).is_ok() {
        return finding(Mark::Ok, about, format!("{path} is made with the first session"));
    }
    let text = format!("{path} cannot be made: you cannot write in {}", escape(above));
    finding(Mark::Fail, about, format!("{text}; change that, or set XDG_STATE_HOME"))
}

fn terminal() -> Vec<Finding> {
    let about = "terminal";
    let (input, output) = (io::stdin().is_terminal(), io::stdout().is_terminal());
    if !input || !output {
        let which = match (input, output) {
            (false, false) => "stdin and stdout are not terminals",
            (false, true) => "stdin is not a terminal",
            _ => "stdout is not a terminal",
        };
        return vec![finding(Mark::Info, about, format!("{which}: here claude would run without a session"))];
    }
    let mut findings = vec![match tty::size(io::stdout()) {
        Ok(size) if size.rows == 0 || size.columns == 0 => {
            finding(Mark::Warn, about, "says that it has no size; try: stty rows 24 cols 80")
        }
        Ok(size) => finding(Mark::Ok, about, describe(size)),
        Err(error) => finding(Mark::Fail, about, format!("does not tell its size: {error}")),
    }];
    // Without one there is no job control, and no ctrl-z.
    if let Err(error) = File::open("/dev/tty") {
        let text = format!("is not the controlling terminal ({error}): ctrl-z and ctrl-c may not work");
        findings.push(finding(Mark::Warn, about, text));
    }
    if env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb") {
        findings.push(finding(Mark::Warn, about, "TERM is not set, or dumb: claude may draw nothing useful"));
    }
    findings
}

fn describe(size: tty::Size) -> String {
    let mut text = format!("{} rows, {} columns", size.rows, size.columns);
    if size.width > 0 && size.height > 0 {
        let _ = write!(text, " ({} × {} pixels)", size.width, size.height);
    }
    if let Some(term) = env::var_os("TERM") {
        let _ = write!(text, ", TERM {}", escape(&term));
    }
    for (variable, name) in [("TMUX", "tmux"), ("STY", "screen"), ("SSH_TTY", "ssh")] {
        if env::var_os(variable).is_some_and(|value| !value.is_empty()) {
            let _ = write!(text, ", in {name}");
        }
    }
    text
}

/// A program cannot see the functions of the shell that called it.
fn shell() -> Finding {
    let shell = env::var_os("SHELL").map(PathBuf::from);
    let shell = shell.as_deref().and_then(Path::file_name).and_then(OsStr::to_str);
    let line = match shell {
        Some("fish") => "cckw shell-init fish | source".to_owned(),
        Some("zsh") => "eval \"$(cckw shell-init zsh)\"".to_owned(),
        _ => "eval \"$(cckw shell-init bash)\"".to_owned(),
    };
    finding(Mark::Info, "shell", format!("`type claude` says whether it goes through cckw; if not: {line}"))
}

/// What rules Remote Control out. Whoever does not want it misses nothing, so none of it is a warning.
fn remote_control() -> Vec<Finding> {
    let about = "remote control";
    let cwd = env::current_dir().unwrap_or_default();
    let found = obstacles::find(&cwd);
    if found.is_empty() {
        let text = "no setting or variable switches it off; the account or its organization may";
        return vec![finding(Mark::Ok, about, text)];
    }
    let line = |obstacle: obstacles::RemoteObstacle| {
        let place = match &obstacle.place {
            SettingSource::Environment => "the environment".into(),
            SettingSource::File(file) => escape(file).to_string(),
        };
        finding(Mark::Unavailable, about, format!("unavailable through {obstacle} (set in {place})"))
    };
    found.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_says_what_counts() {
        let lines = |marks: &[Mark]| {
            let findings: Vec<_> = marks.iter().map(|mark| finding(*mark, "x", "y")).collect();
            report(&findings, Colours::NONE, None)
        };
        assert_eq!(
            lines(&[Mark::Ok, Mark::Info]),
            "ok    x                y\n-     x                y\nAll is well.\n"
        );
        assert!(lines(&[Mark::Warn, Mark::Ok]).ends_with("cckw works; 1 thing to look at.\n"));
        assert!(
            lines(&[Mark::Ok, Mark::Unavailable])
                .ends_with("cckw works. What is marked as unavailable does not work here.\n")
        );
        assert!(lines(&[Mark::Fail, Mark::Fail, Mark::Warn]).ends_with("2 things to fix.\n"));
    }

    #[test]
    fn colours_do_not_change_the_words() {
        let findings = [finding(Mark::Fail, "x", "y")];
        let coloured = report(&findings, Colours::ALL, None);
        let plain = coloured.replace("\x1b[1m", "").replace("\x1b[31m", "").replace("\x1b[0m", "");
        assert_ne!(coloured, plain);
        assert_eq!(plain, report(&findings, Colours::NONE, None));
    }

    #[test]
    fn words_are_wrapped_to_the_width() {
        let findings = [finding(Mark::Warn, "logout", "a detached session ends when you log out; and so on")];
        let shown = |width| report(&findings, Colours::NONE, Some(width));
        let said = "warn  logout           a detached session ends when\n                       you log out; and so on\n";
        assert!(shown(54).starts_with(said), "{}", shown(54));
        let said = "warn  logout\n      a detached session ends\n      when you log out; and so\n      on\n";
        assert!(shown(30).starts_with(said), "{}", shown(30));
    }

    #[test]
    fn a_claude_that_is_newer_than_what_was_tried_is_said_to_be() {
        assert_eq!(newer_than_tried(&format!("{TRIED} (Claude Code)")), "");
        assert_eq!(newer_than_tried("2.1.100 (Claude Code)"), "");
        assert_eq!(newer_than_tried("something else"), "");
        assert!(newer_than_tried("99.0.0 (Claude Code)").contains(TRIED));
    }

    #[test]
    fn directories_are_looked_at_and_not_made() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        assert_eq!(private_directory("x", &path).mark, Mark::Ok);
        assert!(!dir.path().join("a").exists());
        std::fs::create_dir_all(&path).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        let open = private_directory("x", &path);
        assert_eq!(open.mark, Mark::Fail, "{open:?}");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).unwrap();
        let own = private_directory("x", &path);
        assert_eq!(own.mark, Mark::Ok);
        assert!(own.text.ends_with("mode 0700"), "{own:?}");
        let below_a_file = dir.path().join("file/b");
        std::fs::write(dir.path().join("file"), "").unwrap();
        assert_eq!(private_directory("x", &below_a_file).mark, Mark::Fail);
    }
}
