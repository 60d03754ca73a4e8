//! Transcripts by the id of their conversation, or the beginning of one.

use std::fs;
use std::path::{Path, PathBuf};

use super::is_id;

/// The transcripts below `projects` whose conversation's id begins so, one of each conversation: of two files
/// with one name the one that was written last.
pub fn by_beginning(projects: &Path, beginning: &str) -> Vec<PathBuf> {
    let folders = fs::read_dir(projects).into_iter().flatten().flatten();
    let files = folders.flat_map(|folder| fs::read_dir(folder.path()).into_iter().flatten().flatten());
    let mut found: Vec<PathBuf> = files
        .map(|file| file.path())
        .filter(|path| id_of(path).is_some_and(|id| id.starts_with(beginning)) && path.is_file())
        .collect();
    let written = |path: &PathBuf| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    found.sort_by_cached_key(|path| {
        (path.file_name().map(ToOwned::to_owned), std::cmp::Reverse(written(path)))
    });
    found.dedup_by(|later, first| later.file_name() == first.file_name());
    found
}

/// The conversation of a transcript, by the file's name.
pub fn id_of(path: &Path) -> Option<&str> {
    let id = path.file_stem()?.to_str()?;
    let is_transcript = path.extension().is_some_and(|extension| extension == "jsonl") && is_id(id);
    is_transcript.then_some(id)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn a_beginning_is_looked_for_in_all_directories() {
        let scratch = tempfile::tempdir().expect("a directory");
        let id = |last: u32| format!("0f0e0d0c-1111-4111-8111-{last:012}");
        let write = |project: &str, name: String| {
            let path = scratch.path().join(project).join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("makes it");
            fs::write(&path, "").expect("writes");
            path
        };
        let (one, two) = (write("a", format!("{}.jsonl", id(1))), write("b", format!("{}.jsonl", id(2))));
        let newer = write("b", format!("{}.jsonl", id(1)));
        let later = SystemTime::now() + Duration::from_secs(60);
        fs::File::open(&newer).and_then(|file| file.set_modified(later)).expect("is dated");
        write("a", format!("{}.txt", id(3)));
        write("a", "0f0e0d0c.jsonl".into());
        assert_eq!(by_beginning(scratch.path(), "0f0e"), [newer.clone(), two]);
        assert_eq!(by_beginning(scratch.path(), &id(1)), [newer]);
        assert_eq!(by_beginning(scratch.path(), "1"), Vec::<PathBuf>::new());
        assert_eq!(by_beginning(&one, "0f0e"), Vec::<PathBuf>::new());
    }
}
