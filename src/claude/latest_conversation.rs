//! Which conversation `claude --continue` opens.
//!
//! As tried with Claude Code 2.1.329: of the transcripts in the directory of the working directory, the one
//! that was written last by its file's time. Passed over are files whose name is no id, that hold no message,
//! and whose first message is a sidechain's or was sent by `claude -p`. Whether another process has it open
//! makes no difference.
//!
//! With 2.1.332: if that conversation went on in a background job (a `continued-in` line), the one it went on
//! in is opened; and nothing is opened if that job runs.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize;

use super::args::{ConversationChoice, choice};
use super::lines::last_of_type;
use super::title::with_title;
use super::transcript;
use super::transcript::{directory_name, is_id};
use crate::os::files::open_plain;

/// How much of a file is searched for its first message, in bytes. It comes within the first lines, but may
/// hold images. A file that is longer without one leaves the question open.
const MAX_SEARCHED_BYTES: u64 = 32 << 20;

/// The conversations that claude may write into, given these arguments in this directory, as far as that can
/// be told before. The likeliest one comes first.
pub fn chosen(args: &[OsString], cwd: &Path) -> Vec<String> {
    chosen_below(transcript::directory().as_deref(), args, cwd)
}

/// The same for a claude whose transcripts are below `projects`.
pub fn chosen_below(projects: Option<&Path>, args: &[OsString], cwd: &Path) -> Vec<String> {
    let Some(choice) = choice(args) else { return Vec::new() };
    if let ConversationChoice::Id(id) = choice {
        return vec![id];
    }
    let Some(projects) = projects else { return Vec::new() };
    match choice {
        ConversationChoice::Title(title) => with_title(projects, cwd, &title),
        _ => {
            let Some(newest) = newest(projects, cwd) else { return Vec::new() };
            let later = continued_in(&projects.join(directory_name(cwd)), &newest);
            later.into_iter().chain([newest]).collect()
        }
    }
}

/// The conversation that this one went on in, when claude made a background job of it.
fn continued_in(folder: &Path, id: &str) -> Option<String> {
    let line = last_of_type(&folder.join(format!("{id}.jsonl")), "continued-in")?;
    line["continuedInSessionId"].as_str().filter(|id| is_id(id)).map(str::to_owned)
}

/// The conversation that `--continue` would open in `cwd`, a real path. Nothing when there is none, or it
/// cannot be told.
pub fn newest(projects: &Path, cwd: &Path) -> Option<String> {
    let entries = fs::read_dir(projects.join(directory_name(cwd))).ok()?;
    let mut files: Vec<(SystemTime, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let path = entry.path();
            let named = path.extension()? == "jsonl" && is_id(path.file_stem()?.to_str()?);
            let metadata = fs::metadata(&path).ok().filter(|metadata| named && metadata.is_file())?;
            Some((metadata.modified().ok()?, path))
        })
        .collect();
    files.sort_by(|one, other| other.cmp(one));
    for (_, path) in files {
        match continues(&path) {
            Some(false) => {}
            Some(true) => return Some(path.file_stem()?.to_str()?.to_owned()),
            None => return None,
        }
    }
    None
}

/// Whether `--continue` takes this transcript; nothing when that cannot be told.
fn continues(path: &Path) -> Option<bool> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct FirstMessage {
        #[serde(rename = "uuid")]
        _uuid: String,
        #[serde(default)]
        is_sidechain: bool,
        #[serde(default)]
        entrypoint: Option<String>,
    }
    let file = open_plain(path).ok()?;
    let is_long = file.metadata().ok()?.len() > MAX_SEARCHED_BYTES;
    let mut reader = BufReader::new(file.take(MAX_SEARCHED_BYTES));
    let mut line = vec![];
    while reader.read_until(b'\n', &mut line).ok()? > 0 {
        if let Ok(message) = serde_json::from_slice::<FirstMessage>(&line) {
            let printed = message.entrypoint.is_some_and(|entrypoint| entrypoint.starts_with("sdk"));
            return Some(!message.is_sidechain && !printed);
        }
        line.clear();
    }
    (!is_long).then_some(false)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::Duration;

    use super::*;

    const CLI: &str = "{\"type\":\"mode\"}\n{\"type\":\"user\",\"uuid\":\"x\",\"isSidechain\":false,\"entrypoint\":\"cli\"}\n";

    fn id(number: u32) -> String {
        format!("0f0e0d0c-1111-4111-8111-{number:012}")
    }

    #[test]
    fn the_one_written_last_that_a_user_could_continue() {
        let scratch = tempfile::tempdir().expect("a directory");
        let cwd = Path::new("/w/x");
        assert_eq!(newest(scratch.path(), cwd), None);
        let directory = scratch.path().join(directory_name(cwd));
        fs::create_dir_all(&directory).expect("makes it");
        let write = |name: &str, contents: &str, age: u64| {
            let path = directory.join(format!("{name}.jsonl"));
            fs::write(&path, contents).expect("writes");
            let then = SystemTime::now() - Duration::from_secs(age);
            File::options()
                .write(true)
                .open(&path)
                .and_then(|file| file.set_modified(then))
                .expect("is dated");
        };
        write(&id(1), CLI, 100);
        write(&id(2), CLI, 90);
        assert_eq!(newest(scratch.path(), cwd), Some(id(2)));
        write(&id(3), "{\"type\":\"mode\"}\n", 80);
        write(&id(4), &CLI.replace("false", "true"), 70);
        write(&id(5), &CLI.replace("\"cli\"", "\"sdk-cli\""), 60);
        write("agent-1", CLI, 50);
        assert_eq!(newest(scratch.path(), cwd), Some(id(2)));
        // From an older claude, or the stand-in, which say less.
        write(&id(6), "{\"type\":\"user\",\"uuid\":\"x\"}\n", 40);
        assert_eq!(newest(scratch.path(), cwd), Some(id(6)));
        assert_eq!(newest(scratch.path(), Path::new("/w/y")), None);
    }

    #[test]
    fn a_conversation_that_went_on_in_a_job_leads_to_that_one() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join(format!("{}.jsonl", id(1)));
        fs::write(&path, CLI).expect("writes");
        assert_eq!(continued_in(folder.path(), &id(1)), None);
        let line = format!("{{\"type\":\"continued-in\",\"continuedInSessionId\":\"{}\"}}\n", id(2));
        fs::write(&path, CLI.to_owned() + &line + CLI).expect("writes");
        assert_eq!(continued_in(folder.path(), &id(1)), Some(id(2)));
    }
}
