//! Where what the user types, and what they say in arguments and variables, is written down.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::child;
use crate::support::Terminal;
use crate::support::verb::cckw;

const ARGUMENTS: [&str; 5] = [
    "--append-system-prompt",
    "SECRET-system",
    "--settings",
    r#"{"env":{"ANTHROPIC_API_KEY":"SECRET-key"}}"#,
    "SECRET-prompt",
];
const OF_ARGUMENTS: [&str; 3] = ["SECRET-system", "SECRET-key", "SECRET-prompt"];

/// The files below `folder` that hold `text`. A record that is being written has another name for a moment,
/// under which nothing is read.
fn holding(folder: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("lists").flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            found.extend(holding(&path, text));
        } else if kind.is_file() && path.extension().is_none_or(|kind| kind != "new") {
            let bytes = match fs::read(&path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                read => read.expect("reads"),
            };
            if memchr::memmem::find(&bytes, text.as_bytes()).is_some() {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn what_is_typed_or_shown_is_nowhere_on_disk_and_arguments_and_variables_where_they_belong() {
    let mut sandbox = child("echo");
    sandbox.set("SECRET_VARIABLE", "SECRET-variable");
    sandbox.set("OP_SESSION_work", "SECRET-session");
    let mut command = sandbox.cckw_claude();
    command.args(ARGUMENTS);
    let mut terminal = Terminal::spawn(command);
    terminal.wait_for_text("READY");
    // Typed, and shown, for the child sends it back.
    terminal.type_text("SECRET-typed");
    terminal.wait_for_text("SECRET-typed");
    let record = sandbox.wait_for_record("a child", |record| record.pid("child_pid").is_some());
    let session = record.text("session").to_owned();
    // What the verbs say of it, for a report of a mistake say.
    for words in [
        &["list", "--all"][..],
        &["list", "--all", "--json"],
        &["logs", &session],
        &["logs", "--json", &session],
        &["doctor"],
    ] {
        let said = cckw(&sandbox, words).output().expect("runs");
        let all = [said.stdout, said.stderr].concat();
        assert!(memchr::memmem::find(&all, b"SECRET").is_none(), "{words:?}: {}", all.escape_ascii());
    }
    let records = ["first.json", "session.json"].map(|name| record.path.with_file_name(name));
    let everywhere = [sandbox.path("state"), sandbox.path("run"), sandbox.path("home"), sandbox.path("tmp")];
    let holding =
        |text: &str| -> Vec<PathBuf> { everywhere.iter().flat_map(|folder| holding(folder, text)).collect() };
    assert_eq!(holding("SECRET-typed"), Vec::<PathBuf>::new());
    assert_eq!(
        holding("SECRET-session"),
        Vec::<PathBuf>::new(),
        "OP_SESSION_* is in the list of what is never recorded"
    );
    let environment = record.path.with_file_name("environment");
    assert_eq!(holding("SECRET-variable"), std::slice::from_ref(&environment));
    for argument in OF_ARGUMENTS {
        let mut found = holding(argument);
        found.sort();
        assert_eq!(found, records, "{argument}");
    }
    for record in &records {
        let mode = fs::metadata(record).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let mode = fs::metadata(&environment).expect("is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    drop(terminal);
    sandbox.wait_for_silence();
    assert!(cckw(&sandbox, &["rm", &session]).status().expect("runs").success());
    assert_eq!(holding("SECRET"), Vec::<PathBuf>::new());
}
