//! Which conversation `claude --resume TITLE` opens.
//!
//! As tried with Claude Code 2.1.332: the conversation whose title is exactly this one, whatever the case of
//! its letters. The title is the last `custom-title` line of the transcript; `-n` and `/rename` write it. An
//! earlier title, a part of a title, or the first prompt only make claude show its list.

use std::fs;
use std::path::{Path, PathBuf};

use super::lines::last_of_type;
use super::transcript::{directory_name, is_id};

/// How many transcripts are looked at outside the working directory's own folder.
const MAX_ELSEWHERE: usize = 2_000;

/// The conversations that have this title: those that were begun in `cwd`, or else those of all other
/// directories.
///
/// Claude also looks in other worktrees of the same repository. Which these are is not worked out here. A
/// conversation too many only means that one more conversation must not be open.
pub fn with_title(projects: &Path, cwd: &Path, title: &str) -> Vec<String> {
    let own = projects.join(directory_name(cwd));
    let here = in_files(transcripts(&own), title);
    if !here.is_empty() {
        return here;
    }
    let folders = fs::read_dir(projects).into_iter().flatten().flatten().map(|entry| entry.path());
    let elsewhere = folders.filter(|folder| *folder != own).flat_map(|folder| transcripts(&folder));
    in_files(elsewhere.take(MAX_ELSEWHERE), title)
}

fn transcripts(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
}

fn in_files(files: impl Iterator<Item = PathBuf>, title: &str) -> Vec<String> {
    let wanted = title.trim().to_lowercase();
    let matches = |path: &PathBuf| {
        last_of_type(path, "custom-title").is_some_and(|line| {
            line["customTitle"].as_str().is_some_and(|it| it.trim().to_lowercase() == wanted)
        })
    };
    let id = |path: PathBuf| Some(path.file_stem()?.to_str()?.to_owned()).filter(|id| is_id(id));
    files.filter(matches).filter_map(id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u32) -> String {
        format!("0f0e0d0c-1111-4111-8111-{number:012}")
    }

    #[test]
    fn only_the_whole_last_title_counts_whatever_its_case() {
        let projects = tempfile::tempdir().expect("a directory");
        let write = |cwd: &str, number: u32, titles: &[&str]| {
            let folder = projects.path().join(directory_name(Path::new(cwd)));
            fs::create_dir_all(&folder).expect("makes it");
            let lines = titles
                .iter()
                .map(|title| format!("{{\"type\":\"custom-title\",\"customTitle\":\"{title}\"}}\n"));
            fs::write(folder.join(format!("{}.jsonl", id(number))), lines.collect::<String>())
                .expect("writes");
        };
        write("/w", 1, &["First Name", "other words"]);
        write("/w", 2, &["another"]);
        write("/x", 3, &["other words"]);
        write("/x", 4, &["only here"]);
        let found = |title: &str| with_title(projects.path(), Path::new("/w"), title);
        assert_eq!(found("Other WORDS"), [id(1)]);
        assert_eq!(found("only here"), [id(4)]);
        for none in ["First Name", "other", "", "nothing like it"] {
            assert_eq!(found(none), Vec::<String>::new(), "{none}");
        }
    }
}
