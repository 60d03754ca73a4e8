//! `cckw detect`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;
use serde_json::ser::Formatter;

use super::colours::Colours;
use super::output::{fail, print, tell_of_silent_hosts};
use super::table::{Cell, Row, align};
use crate::claude::state_file;
use crate::config;
use crate::config::ReconnectPolicy;
use crate::escape::escape;
use crate::near_side;
use crate::paths;
use crate::remote::command::users_decision;
use crate::remote::detect;
use crate::remote::detect::{DetectedClaude, Wanted};
use crate::remote::reconnector::BlockReason;
use crate::user_error::{UserError, remote};

/// What was asked for.
pub struct DetectArgs<'a> {
    /// The directory of the state files; without one, claude's own.
    pub directory: Option<&'a Path>,
    /// The statuses in which a session may be reconnected, with commas between them.
    pub statuses: &'a str,
    /// Those whose process is gone, too.
    pub dead: bool,
    /// As JSON.
    pub json: bool,
    /// Only those in this state.
    pub state: Option<&'a str>,
    /// Only those that can be reconnected.
    pub reconnectable: bool,
}

/// Prints the sessions of Claude Code on this machine. The status is 0 if there are any that were asked for,
/// 1 if there are none, 2 if that could not be found out.
pub fn main(asked: &DetectArgs<'_>) -> ExitCode {
    let (found, always_kept) = match found(asked) {
        Ok(found) => found,
        Err(error) => return fail(&error),
    };
    let text: String = match (asked.json, found.is_empty()) {
        (true, _) => found.iter().map(|found| line(found, always_kept)).collect(),
        (false, false) => table(&found, always_kept),
        (false, true) => {
            // As for grep, finding nothing is an answer, and stdout stays empty.
            let _ = writeln!(io::stderr().lock(), "no matching sessions");
            String::new()
        }
    };
    tell_of_silent_hosts(found.iter().filter_map(|found| found.wrapped.as_ref()));
    if print(&text) != ExitCode::SUCCESS {
        return ExitCode::from(2);
    }
    ExitCode::from(u8::from(found.is_empty()))
}

/// What is found, in lines of JSON.
///
/// # Errors
/// When the directory cannot be used.
pub(super) fn lines(asked: &DetectArgs<'_>) -> Result<Vec<String>, UserError> {
    let (found, always_kept) = found(asked)?;
    Ok(found.iter().map(|found| line(found, always_kept)).collect())
}

/// What was asked for, and whether links are always kept.
fn found(asked: &DetectArgs<'_>) -> Result<(Vec<DetectedClaude>, bool), UserError> {
    let directory = directory(asked.directory)?;
    let statuses = statuses(asked.statuses, &detect::ALLOWED);
    let wanted = Wanted {
        directory: &directory,
        of_sessions: asked.directory.is_none(),
        dead: asked.dead,
        statuses: &statuses,
    };
    let (mut found, _) = detect::find(&wanted);
    let always_kept =
        config::load().is_ok_and(|config| config.remote_control.policy == ReconnectPolicy::Always);
    found.retain(|found| {
        asked.state.is_none_or(|state| found.verdict.link.name() == state)
            && (!asked.reconnectable || refusal(found, always_kept).is_none())
    });
    Ok((found, always_kept))
}

/// The directory that was named, else claude's own.
///
/// # Errors
/// When it cannot be used.
pub(super) fn directory(named: Option<&Path>) -> Result<PathBuf, UserError> {
    let directory = named.map(Path::to_owned).or_else(state_file::directory).ok_or_else(remote::no_home)?;
    detect::check(&directory).map_err(|error| remote::unreadable(&directory, error))?;
    Ok(directory)
}

/// The statuses of a list, or those of `default` where it is empty. What is none is said, and left out.
pub(super) fn statuses(list: &str, default: &[&'static str]) -> Vec<&'static str> {
    let (statuses, unknown) = detect::statuses(list, default);
    if !unknown.is_empty() {
        let unknown: Vec<String> = unknown.iter().map(|word| escape(word).to_string()).collect();
        let known = crate::claude::remote_control::STATUSES.join(", ");
        let _ = writeln!(
            io::stderr().lock(),
            "cckw: warning: unrecognized --statuses, and ignored: {}; there are {known}",
            unknown.join(", ")
        );
    }
    statuses
}

/// The keys of `claude-connection-keeper`, in its order; then our own.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DetectLine<'a> {
    pid: i32,
    state: &'static str,
    confidence: &'static str,
    status: Option<&'a str>,
    bridge_session_id: Option<&'a str>,
    kind: Option<&'a str>,
    entrypoint: Option<&'a str>,
    version: Option<&'a str>,
    cwd: Option<&'a Path>,
    pane: Option<&'a str>,
    pane_id: Option<&'a str>,
    reconnectable: bool,
    ineligible_reason: Option<&'a str>,
    reasons: &'a [String],
    alive: bool,
    cckw: Option<&'a str>,
    transport: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    machine: Option<&'static str>,
}

fn line(found: &DetectedClaude, always_kept: bool) -> String {
    let refusal = refusal(found, always_kept);
    let file = found.file.as_ref();
    let text = |of: fn(&state_file::StateFile) -> &Option<String>| file.and_then(|file| of(file).as_deref());
    let pane = found.pane.as_ref();
    let line = DetectLine {
        pid: found.pid.as_raw(),
        state: found.verdict.link.name(),
        confidence: found.verdict.confidence.name(),
        status: found.status(),
        bridge_session_id: file.and_then(|file| match &file.bridge {
            state_file::BridgeId::Id(id) => Some(id.as_str()),
            _ => None,
        }),
        kind: text(|file| &file.kind),
        entrypoint: text(|file| &file.entrypoint),
        version: text(|file| &file.version),
        cwd: file.and_then(|file| file.cwd.as_deref()),
        pane: pane.map(|pane| pane.target.as_str()),
        pane_id: pane.map(|pane| pane.id.as_str()),
        reconnectable: refusal.is_none(),
        ineligible_reason: refusal.as_deref(),
        reasons: &found.verdict.reasons,
        alive: found.alive,
        cckw: found.wrapped.as_ref().map(|session| near_side::off(&session.name)),
        transport: match (&found.wrapped, pane) {
            (Some(_), _) => Some("cckw"),
            (None, pane) => pane.map(|pane| pane.transport),
        },
        machine: near_side::machine(),
    };
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Plain);
    // Plain data with paths that came from text: it cannot fail.
    let _ = line.serialize(&mut serializer);
    bytes.push(b'\n');
    String::from_utf8(bytes).unwrap_or_default()
}

/// JSON as Python's `json` writes it: a space after commas and colons, so that a script that looked for a
/// piece of text in the lines of `claude-connection-keeper` finds it here; and nothing but ASCII, so that a
/// terminal obeys nothing in it.
struct Plain;

impl Formatter for Plain {
    fn begin_array_value<W: Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: Write + ?Sized>(&mut self, writer: &mut W, text: &str) -> io::Result<()> {
        for c in text.chars() {
            // Below the space everything was escaped before this is called.
            if matches!(c, ' '..='~') {
                writer.write_all(&[c as u8])?;
                continue;
            }
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}

fn table(found: &[DetectedClaude], always_kept: bool) -> String {
    let titles = ["PID", "STATE", "CONF", "STATUS", "PANE", "RECON", "CWD", "CCKW"].map(Cell::from).to_vec();
    let (home, colours) = (paths::home(), Colours::of_stdout());
    let row = |found: &DetectedClaude| -> Row {
        let shown = |text: Option<&str>| -> Cell {
            text.map_or_else(|| "-".into(), |text| escape(text).to_string()).into()
        };
        let cwd = found.file.as_ref().and_then(|file| file.cwd.as_deref());
        let link = found.verdict.link.name();
        vec![
            found.pid.to_string().into(),
            Cell::from(link).styled(colours.of_link(link)),
            found.verdict.confidence.name().into(),
            shown(found.status()).styled(colours.of_state(found.status().unwrap_or_default())),
            shown(found.pane.as_ref().map(|pane| pane.target.as_str())),
            if refusal(found, always_kept).is_none() { "yes" } else { "no" }.into(),
            cwd.map_or_else(|| "-".into(), |cwd| short(cwd, home.as_deref())).into(),
            shown(found.wrapped.as_ref().map(|session| session.name.as_str())),
        ]
    };
    let rows: Vec<Row> = std::iter::once(titles).chain(found.iter().map(row)).collect();
    let mut table = align(&rows).join("\n");
    table.push('\n');
    table
}

/// Why `cckw reconnect` would leave a session alone that nobody names; nothing where it would act. Of one that
/// is not wrapped nobody knows whether it ever had a link.
fn refusal(found: &DetectedClaude, always_kept: bool) -> Option<String> {
    found.refusal.clone().or_else(|| {
        let remote = &found.wrapped.as_ref()?.record.remote;
        if remote.used || remote.turned_off {
            users_decision(remote)
        } else {
            (!always_kept).then(|| BlockReason::NeverUsed.to_string())
        }
    })
}

/// A directory, with `~` for the home directory.
fn short(path: &Path, home: Option<&Path>) -> String {
    match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(below) if below.as_os_str().is_empty() => "~".into(),
        Some(below) => format!("~/{}", escape(below)),
        None => escape(path).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_directory_is_short_and_nothing_else_is() {
        let home = Some(Path::new("/home/a"));
        let shown =
            ["/home/a", "/home/a/b", "/home/ab", "/\u{1b}[2J"].map(|path| short(Path::new(path), home));
        assert_eq!(shown, ["~", "~/b", "/home/ab", "/\\u{1b}[2J"]);
    }

    #[test]
    fn json_is_written_in_ascii_with_spaces() {
        let mut bytes = Vec::new();
        let value = serde_json::json!({"a": ["\u{9b}é\u{1f980}\n\"", null], "b": 1});
        value.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, Plain)).expect("writes");
        let text = String::from_utf8(bytes).expect("ASCII");
        assert_eq!(text, r#"{"a": ["\u009b\u00e9\ud83e\udd80\n\"", null], "b": 1}"#);
    }
}
