//! Why claude's transcripts may not be written, and whether there is something to be written.

use std::path::Path;

use nix::unistd::{AccessFlags, access};

use super::transcript;
use crate::escape::escape;
use crate::os::disk;
use crate::os::disk::DiskObstacle;

/// What claude 2.1.332 says where it was started with the marker of another claude's child.
const SAVING_IS_OFF: &str = "Transcript saving is off";

/// Whether a prompt and an answer below it are to be seen: `❯ words`, then `● words`. A command (`/help`) is
/// no prompt.
pub fn shows_answer(lines: &[String]) -> bool {
    let said = |line: &String, mark: &str| {
        line.strip_prefix(mark).is_some_and(|rest| !rest.trim().is_empty() && !rest.starts_with(['/', '!']))
    };
    let prompt = lines.iter().position(|line| said(line, "❯ "));
    prompt.is_some_and(|prompt| lines[prompt..].iter().any(|line| said(line, "● ") || said(line, "⏺ ")))
}

/// What keeps a transcript from being written, where that can be told: `path` is where it was last, `lines`
/// is claude's screen.
pub fn cause(lines: &[String], path: Option<&Path>) -> Option<String> {
    if lines.iter().any(|line| line.contains(SAVING_IS_OFF)) {
        return Some(format!("claude says: {SAVING_IS_OFF}"));
    }
    let projects = transcript::directory()?;
    let at = path.and_then(Path::parent).filter(|folder| folder.is_dir()).unwrap_or(&projects);
    if !at.exists() {
        return Some(format!("there is no {}: claude may have another CLAUDE_CONFIG_DIR", escape(&at)));
    }
    obstacle(at)
}

/// What keeps claude from writing its state file below this configuration directory, where that can be told.
pub fn state_file_obstacle(config: &Path) -> Option<String> {
    let sessions = config.join("sessions");
    // What is not there yet is made in the directory above it.
    obstacle(sessions.ancestors().find(|path| path.symlink_metadata().is_ok())?)
}

/// What keeps files from being written in this folder, where that can be told.
pub fn obstacle(at: &Path) -> Option<String> {
    let shown = escape(&at).to_string();
    if !at.is_dir() {
        return Some(format!("{shown} is no directory"));
    }
    match disk::obstacle(at) {
        Some(DiskObstacle::ReadOnly) => {
            return Some(format!("{shown} is on a file system that is read-only"));
        }
        Some(DiskObstacle::Full) => return Some(format!("the disk with {shown} is full")),
        None => {}
    }
    access(at, AccessFlags::W_OK | AccessFlags::X_OK).err().map(|_| format!("{shown} cannot be written"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shows(lines: &[&str]) -> bool {
        shows_answer(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_prompt_and_an_answer_below_it() {
        assert!(shows(&["❯ hello", "", "● Hi!", "❯\u{a0}"]));
        assert!(!shows(&["❯ /nothing", "", "● Unknown command: /nothing"]));
        assert!(!shows(&["● Remote Control disconnected", "", "❯ hello"]));
        assert!(!shows(&["❯\u{a0}draft", "● "]) && !shows(&[]));
    }

    #[test]
    fn what_claude_says_itself_is_the_cause() {
        let line = "⚠ Transcript saving is off — inherited CLAUDE_CODE_CHILD_SESSION marker".to_owned();
        assert_eq!(cause(&[line], None).as_deref(), Some("claude says: Transcript saving is off"));
    }

    #[test]
    fn a_state_file_needs_a_directory_or_one_above_it() {
        let scratch = tempfile::tempdir().expect("a directory");
        let config = scratch.path().join(".claude");
        assert_eq!(state_file_obstacle(&config), None);
        std::fs::create_dir(&config).expect("makes it");
        assert_eq!(state_file_obstacle(&config), None);
        std::fs::write(config.join("sessions"), "").expect("a file in its place");
        assert!(state_file_obstacle(&config).is_some_and(|why| why.ends_with("/sessions is no directory")));
    }

    #[test]
    fn a_folder_that_takes_a_file_is_no_cause() {
        let scratch = tempfile::tempdir().expect("a directory");
        assert_eq!(cause(&[], Some(&scratch.path().join("x.jsonl"))), None);
    }
}
