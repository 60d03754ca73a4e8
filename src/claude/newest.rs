//! Which conversation `claude --continue` opens.
//!
//! As tried with Claude Code 2.1.329: of the transcripts in the directory of the working directory, the one that was written last by its
//! file's time. Passed over are files whose name is no id, that hold no message, and whose first message is a
//! sidechain's or was sent by `claude -p`. Whether another process has it open makes no difference.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize;

use super::args::{Choice, choice};
use super::transcript::{self, directory_name, is_id};
use crate::platform::files::open_plain;

/// How much of a file is searched for its first message, in bytes; it comes within the first lines. A file that is longer without
/// one leaves the question open.
const SEARCHED: u64 = 4 << 20;

/// The conversation that claude would write into, given these arguments in this directory, where that can be told before.
pub fn chosen(args: &[OsString], cwd: &Path) -> Option<String> {
    match choice(args)? {
        Choice::Id(id) => Some(id),
        Choice::Newest => newest(&transcript::directory()?, cwd),
    }
}

/// The conversation that `--continue` would open in `cwd`, a real path. Nothing when there is none, or it cannot be told.
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
    struct Message {
        #[serde(rename = "uuid")]
        _uuid: String,
        #[serde(default)]
        is_sidechain: bool,
        #[serde(default)]
        entrypoint: Option<String>,
    }
    let file = open_plain(path).ok()?;
    let is_long = file.metadata().ok()?.len() > SEARCHED;
    let mut reader = BufReader::new(file.take(SEARCHED));
    let mut line = vec![];
    while reader.read_until(b'\n', &mut line).ok()? > 0 {
        if let Ok(message) = serde_json::from_slice::<Message>(&line) {
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
}
