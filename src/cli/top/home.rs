//! Directories as people write them, and those whose names begin in some way.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::sync::mpsc::Sender;

use super::event::Event;

/// The most names that are given.
const MAX_NAMES: usize = 50;
/// The most entries of a directory that are looked at.
const MAX_ENTRIES: usize = 10_000;
/// How many looks may be under way. A file system that is dead answers none of them.
const MAX_LOOKS: usize = 4;

/// Looks that are under way.
static LOOKS: AtomicUsize = AtomicUsize::new(0);

/// A directory with `~` spelled out at its beginning, as a shell does it.
pub fn below_home(directory: &str) -> String {
    let home = std::env::var("HOME").unwrap_or_default();
    match directory.strip_prefix('~') {
        Some(rest) if (rest.is_empty() || rest.starts_with('/')) && !home.is_empty() => {
            format!("{home}{rest}")
        }
        _ => directory.to_owned(),
    }
}

/// Looks which directories can stand for the beginning of one, and tells them. In a thread of its own that nobody waits for,
/// because a file system may not answer.
pub fn complete(beginning: String, events: Sender<Event>) {
    if LOOKS.fetch_add(1, Ordering::Relaxed) >= MAX_LOOKS {
        LOOKS.fetch_sub(1, Ordering::Relaxed);
        return;
    }
    let look = move || {
        let found = directories(&beginning);
        LOOKS.fetch_sub(1, Ordering::Relaxed);
        // The view may have been left.
        let _ = events.blocking_send(Event::Directories(found));
    };
    if thread::Builder::new().spawn(look).is_err() {
        LOOKS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The directories whose paths begin so, as they were begun, with a slash at the end.
fn directories(beginning: &str) -> Vec<String> {
    let (folder, start) = match beginning.rsplit_once('/') {
        Some((folder, start)) => (format!("{folder}/"), start),
        // The home directory itself.
        None if beginning == "~" => return vec!["~/".to_owned()],
        None => (String::new(), beginning),
    };
    let path = if folder.is_empty() { PathBuf::from(".") } else { PathBuf::from(below_home(&folder)) };
    let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
    let names = entries.take(MAX_ENTRIES).flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let is_meant = name.starts_with(start) && (start.starts_with('.') || !name.starts_with('.'));
        (is_meant && entry.path().is_dir()).then(|| format!("{folder}{name}/"))
    });
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    names.truncate(MAX_NAMES);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_found_by_their_beginning() {
        let scratch = tempfile::tempdir().expect("a directory");
        for name in ["api", "app/deep", ".hidden", "web"] {
            fs::create_dir_all(scratch.path().join(name)).expect("a directory");
        }
        fs::write(scratch.path().join("apple"), "").expect("a file");
        let at = |rest: &str| format!("{}/{rest}", scratch.path().display());
        assert_eq!(directories(&at("ap")), [at("api/"), at("app/")]);
        assert_eq!(directories(&at("")), [at("api/"), at("app/"), at("web/")]);
        assert_eq!(directories(&at(".")), [at(".hidden/")]);
        assert_eq!(directories(&at("app/")), [at("app/deep/")]);
        assert!(directories(&at("none/")).is_empty());
        assert_eq!(directories("~"), ["~/"]);
        assert!(directories("src").contains(&"src/".to_owned()));
    }
}
