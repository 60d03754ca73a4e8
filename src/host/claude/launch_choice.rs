//! What claude is launched with: which conversation, and by which arguments.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use uuid::Uuid;

use super::supervisor::{
    ClaudeLaunch, Decision, LaunchContext, Supervisor, SupervisorEvent, TranscriptState,
};
use crate::claude::args::{
    ConversationChoice, Resume, choice, forks, give_name, name_newest, relaunch, rename, worktree,
};
use crate::claude::server;
use crate::claude::transcript;
use crate::claude::transcript::TranscriptOnDisk;
use crate::registry::last_claude;
use crate::registry::record::Record;
use crate::registry::{ConversationOwner, another_claude_runs};

/// The user's arguments. Where another claude runs, the conversation's id is in place of "the newest one"
/// (`--continue`): claude looks for the newest one half a second later, when the other claude may have
/// written into another one.
pub fn with_decided(args: Vec<OsString>, record: &Record) -> Vec<OsString> {
    let decided = record.opening.first().filter(|id| {
        let projects = transcript::directory();
        let cwd = PathBuf::from(OsString::from(record.cwd.clone()));
        let found = projects.map(|projects| transcript::find(&projects, id, Some(&cwd)));
        matches!(found, Some(TranscriptOnDisk::Conversation(_)))
    });
    let named = decided.and_then(|id| name_newest(&args, id));
    named.filter(|_| another_claude_runs(&record.session)).unwrap_or(args)
}

/// What there is to launch a session's claude with. `held` is whether another process has the conversation.
pub fn look(supervisor: &Supervisor, record: &Record, held: bool) -> LaunchContext {
    let found = match (supervisor.conversation(), transcript::directory()) {
        (Some(id), Some(projects)) => transcript::find(&projects, id, record.claude_cwd().as_deref()),
        _ => TranscriptOnDisk::Nothing,
    };
    let there_was =
        supervisor.conversation().is_some_and(|id| record.with_transcript.iter().any(|known| known == id));
    LaunchContext {
        transcript: TranscriptState::new(&found, there_was),
        fresh: Uuid::new_v4(),
        held,
        read_until: None,
    }
}

/// The arguments of a launch that the supervisor has decided, from those of the first. Where the user has
/// renamed the session since, they have that name.
pub fn arguments(first: &[OsString], launch: &ClaudeLaunch, record: &Record) -> Vec<OsString> {
    let args = arguments_as_begun(first, launch, record);
    let is_told = record.called.as_ref().is_none_or(|called| !called.to_tell);
    match (record.renamed_to(), launch) {
        (None, _) | (_, ClaudeLaunch::Server { .. }) => args,
        (Some(name), _) if is_told => rename(args, name),
        (Some(name), _) => give_name(args, name),
    }
}

fn arguments_as_begun(first: &[OsString], launch: &ClaudeLaunch, record: &Record) -> Vec<OsString> {
    let cwd = record.claude_cwd();
    let worktree = cwd.as_deref().and_then(worktree);
    let how = match launch {
        ClaudeLaunch::Server { goes_on } => return server::relaunch(first, *goes_on),
        ClaudeLaunch::Resume(id) => Resume::Conversation(id),
        // Nothing was said in the copy yet, so it is not on disk. It is made again.
        ClaudeLaunch::SessionId(id) if is_copy(first, id) => Resume::AsChosen,
        ClaudeLaunch::SessionId(id) | ClaudeLaunch::Fresh { id, .. } => Resume::Fresh { id, worktree },
        ClaudeLaunch::AsChosen => return with_decided(relaunch(first, Resume::AsChosen), record),
    };
    relaunch(first, how)
}

/// Whether these arguments copy a conversation, and give the copy this id.
fn is_copy(first: &[OsString], id: &str) -> bool {
    forks(first) && choice(first) == Some(ConversationChoice::Id(id.to_owned()))
}

/// What a new host of this session launches first; nothing where another process has the conversation: that
/// one.
pub fn launch(supervisor: &mut Supervisor, record: &Record) -> Result<ClaudeLaunch, Box<ConversationOwner>> {
    if let Some(holder) = last_claude::conversation(record).and_then(|id| last_claude::holder(&id)) {
        return Err(Box::new(holder));
    }
    let look = look(supervisor, record, false);
    match supervisor.handle(SupervisorEvent::Due { at: Duration::ZERO, look }) {
        Decision::Launch(launch) => Ok(launch),
        // A supervisor that has just been made has no reason to decide otherwise.
        _ => Ok(ClaudeLaunch::AsChosen),
    }
}
