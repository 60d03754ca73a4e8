//! The name that claude's own `/rename` gives: the session is called so from then on.

use serde::{Deserialize, Serialize};

use nix::unistd::Pid;

use super::Host;
use super::state_watch::StateSeen;
use crate::claude::state_file::StateFile;
use crate::os::process::pid_number;
use crate::protocol::Response;
use crate::registry::{names, naming};

/// What claude has called its session so far, by its state file.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct ClaudeName(Option<SeenName>);

/// A name, with the process and the conversation that have it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SeenName {
    #[serde(with = "pid_number")]
    pid: Pid,
    conversation: Option<String>,
    name: Option<String>,
}

impl ClaudeName {
    /// Notes what the state file says. Gives the name if the user has just given it.
    ///
    /// A name that claude comes up with is none: it is that of `-n`, or that of the conversation which was
    /// opened. Neither is one that comes with another conversation (`/resume`), nor one that claude has found
    /// by itself.
    fn follow(&mut self, pid: Pid, file: &StateFile) -> Option<String> {
        if !file.settled() {
            return None;
        }
        let now = SeenName { pid, conversation: file.session_id.clone(), name: file.name.clone() };
        let is_same = |before: &SeenName| before.pid == now.pid && before.conversation == now.conversation;
        let is_new = self.0.as_ref().is_some_and(|before| is_same(before) && before.name != now.name);
        self.0 = Some(now);
        file.user_name().filter(|_| is_new).and_then(names::tidy)
    }
}

impl Host {
    /// The user has given the session another name, by `cckw rename`.
    pub(super) fn rename(&mut self, name: &str) -> Response {
        if let Err(error) = naming::rename_to(&mut self.record, name) {
            return Response::Refused { reason: error.to_string() };
        }
        self.events.write(naming::renamed(&self.record));
        self.save();
        Response::Done
    }

    /// Follows a `/rename` of the user's. The record is written by whoever has called this.
    ///
    /// Two sessions that are renamed to one name within a few milliseconds both get it: then each is shown
    /// with its id.
    pub(super) fn follow_name(&mut self, seen: &StateSeen) {
        let Some(wanted) = self.claude_name.follow(seen.pid, &seen.file) else { return };
        // Claude sets the name that it was started with a moment after it has come up.
        let known = self.record.called.as_ref().map_or(&self.record.name, |called| &called.wanted);
        if known.as_deref().and_then(names::tidy).as_ref() == Some(&wanted) {
            // It has the name that `cckw rename` has given.
            if let Some(called) = &mut self.record.called {
                called.to_tell = false;
            }
            return;
        }
        if naming::rename(&mut self.record, &wanted) {
            self.events.write(naming::renamed(&self.record));
        }
        let name = self.record.plain_name();
        if name != names::typable(&wanted) {
            self.notices.add(&format!("another session is called {wanted}; for cckw this one is {name}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(conversation: &str, name: &str, source: &str, status: Option<&str>) -> StateFile {
        StateFile {
            session_id: Some(conversation.into()),
            name: Some(name.into()),
            name_source: Some(source.into()),
            status: status.map(str::to_owned),
            ..StateFile::default()
        }
    }

    /// What comes of one look after the other.
    fn followed(looks: &[(i32, &str, &str, &str, Option<&str>)]) -> Vec<Option<String>> {
        let mut name = ClaudeName::default();
        let follow = |look: &(i32, &str, &str, &str, Option<&str>)| {
            let (pid, conversation, called, source, status) = *look;
            name.follow(Pid::from_raw(pid), &file(conversation, called, source, status))
        };
        looks.iter().map(follow).collect()
    }

    const IDLE: Option<&str> = Some("idle");

    #[test]
    fn what_the_user_renames_is_followed() {
        let looks = [
            (1, "a", "proj-4b", "derived", IDLE),
            (1, "a", " My Parser ", "user", IDLE),
            (1, "a", " My Parser ", "user", Some("busy")),
            (1, "a", "second", "user", Some("busy")),
        ];
        let second = Some("second".to_owned());
        assert_eq!(followed(&looks), [None, Some("My Parser".into()), None, second]);
    }

    #[test]
    fn what_claude_comes_up_with_or_finds_by_itself_is_not() {
        // As seen with 2.1.332: `--resume` of a conversation with a title, then `/clear`, then `/resume`.
        let looks = [
            (1, "a", "proj-28", "derived", None),
            (1, "a", "second", "user", IDLE),
            (1, "b", "second", "user", IDLE),
            (1, "c", "third", "user", IDLE),
            (1, "c", "third-soft-platypus", "collision", IDLE),
            (1, "c", "fix-the-parser", "auto", IDLE),
            // Another claude of the same session.
            (2, "c", "third", "user", IDLE),
        ];
        assert_eq!(followed(&looks), vec![None; looks.len()]);
    }
}
