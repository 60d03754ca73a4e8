//! What is left of the last claude of a session: its conversation, its directory, its process. Its host is
//! gone, or is about to start another one.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::ConversationOwner;
use super::event_log::EventLog;
use super::log_event::LogEvent;
use super::next_conversation;
use super::record::Record;
use crate::claude::background_job::BackgroundJob;
use crate::claude::state_file;
use crate::claude::state_file::StateFile;
use crate::claude::transcript;
use crate::claude::transcript::TranscriptOnDisk;
use crate::os::kill::{Identity, NotSent};
use crate::os::process;
use crate::protocol::LastOpen;
use crate::user_error::{UserError, session};

/// How long what is left of the last claude may take to end after its host was killed, before it is ended.
const LAST_CLAUDE_TIMEOUT: Duration = Duration::from_secs(3);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The conversation that a launch opens, where that can be told before: the one that was open last, else the
/// one that was chosen when the session was started, else the one that the user's arguments choose now.
pub fn conversation(record: &Record) -> Option<String> {
    next_conversation::candidates(record).into_iter().next()
}

/// The directory that claude was first started in, where that is still there: relative arguments count from
/// it, and `--resume` finds a worktree by itself.
pub fn directory(record: &Record) -> Option<PathBuf> {
    Some(PathBuf::from(OsString::from(record.cwd.clone()))).filter(|cwd| cwd.is_dir())
}

/// Device and inode of a directory.
pub fn inode(directory: &Path) -> Option<(u64, u64)> {
    fs::metadata(directory).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Makes the directory that claude was first started in this process's own, as it was the first host's. One
/// that has another name by now is only known where this process is in it.
///
/// # Errors
/// When it is gone, or cannot be entered.
pub fn enter_directory(record: &Record) -> Result<(), UserError> {
    match directory(record) {
        Some(cwd) => {
            std::env::set_current_dir(&cwd).map_err(|error| session::directory_cannot_be_entered(&cwd, error))
        }
        None if record.cwd_inode.is_some() && inode(Path::new(".")) == record.cwd_inode => Ok(()),
        None => Err(is_gone(record)),
    }
}

/// Whether there is a directory to launch claude in: the one that it was first started in, or that one under
/// another name, in which the host still is.
///
/// # Errors
/// When it was removed. Claude refuses to start there, each time; the reason is for the user.
pub fn check_directory(record: &Record) -> Result<(), String> {
    let is_there = directory(record).is_some() || std::env::current_dir().is_ok();
    if is_there { Ok(()) } else { Err(is_gone(record).to_string()) }
}

fn is_gone(record: &Record) -> UserError {
    let gone = PathBuf::from(OsString::from(record.cwd.clone()));
    let id = record.conversation.as_deref().filter(|id| can_be_resumed(record, id));
    session::directory_gone(&gone, id)
}

/// Whether `claude --resume ID` opens the conversation: it has a message on disk, where the session's claude
/// keeps its files. Where that cannot be said, it counts whether there was one.
pub fn can_be_resumed(record: &Record, id: &str) -> bool {
    let own =
        record.claude_dir.clone().map(|directory| PathBuf::from(OsString::from(directory)).join("projects"));
    let Some(projects) = own.or_else(transcript::directory) else { return false };
    match transcript::find(&projects, id, record.claude_cwd().as_deref()) {
        TranscriptOnDisk::Conversation(_) => true,
        TranscriptOnDisk::Unknown => record.with_transcript.iter().any(|known| known == id),
        TranscriptOnDisk::Nothing | TranscriptOnDisk::Unusable(_) => false,
    }
}

/// What a claude that was started with this id has left of the conversation, where its host was killed before
/// it could say that claude runs. Waits for its end, which the kernel has asked it for.
pub fn left_behind(id: &str) -> TranscriptOnDisk {
    let _ = holder(id);
    transcript::directory()
        .map_or(TranscriptOnDisk::Nothing, |projects| transcript::find(&projects, id, None))
}

/// Who has the conversation, and keeps it: the claude of the host that is gone may be just ending, without
/// the record ever having named it.
pub(crate) fn holder(id: &str) -> Option<ConversationOwner> {
    let until = Instant::now() + LAST_CLAUDE_TIMEOUT;
    loop {
        let holder = ConversationOwner::live(id, |_| true)?;
        if Instant::now() >= until {
            return Some(holder);
        }
        sleep(POLL_INTERVAL);
    }
}

/// Ends the claude of a launcher that has ended before it, and waits for that.
pub fn end_what_is_left(record: &Record, events: &EventLog) {
    if is_left(record) {
        signal_the_last_one(record, Signal::SIGHUP, events);
        wait_for_the_last_one(record, events);
    }
}

/// Whether the process that wrote the state file last still lives, as far as that can be told.
fn is_left(record: &Record) -> bool {
    let (Some(pid), Some(start)) = (record.claude_pid, &record.claude_start) else { return false };
    // It went down with the machine, and starts are counted from there: another process may have both
    // numbers.
    let same_boot = record.boot.is_none() || record.boot == process::boot();
    same_boot && Identity::seen(Pid::from_raw(pid), start).is_ok_and(|claude| claude.lives())
}

/// Which conversation the last claude had open, from its state file, where that is still there. A host that
/// is killed right after `/clear` or `/resume` may not have written down what claude has written there.
///
/// A claude whose host was killed removes its state file within 25 ms (seen with 2.1.332), so the client that
/// loses its host looks at once.
pub fn last_open(record: &Record) -> Option<LastOpen> {
    let (pid, start) = (record.claude_pid?, record.claude_start.as_ref()?);
    if record.boot.is_none() || record.boot != process::boot() || record.background_job.is_some() {
        return None;
    }
    let own =
        record.claude_dir.clone().map(|directory| PathBuf::from(OsString::from(directory)).join("sessions"));
    let file = StateFile::read(&own.or_else(state_file::directory)?.join(format!("{pid}.json")))?;
    // The conversation of a background job is not the one that its front names.
    let is_known = file.settled() && file.parked_job_id.is_none();
    let is_same = file.proc_start.is_some_and(|own| process::is_same_start(&own, start));
    let conversation = file.session_id.filter(|id| is_known && is_same && transcript::is_id(id))?;
    Some(LastOpen { claude: pid, conversation })
}

/// Takes over which conversation the last claude had open, where the record does not say so. `seen` is what
/// the client has seen before.
pub fn follow_the_last_one(record: &mut Record, seen: Option<LastOpen>, events: &EventLog) {
    let seen =
        seen.filter(|seen| Some(seen.claude) == record.claude_pid && transcript::is_id(&seen.conversation));
    let Some(last) = last_open(record).or(seen) else { return };
    if record.follow(&last.conversation) {
        events.write(LogEvent::Conversation { id: last.conversation, job: record.background_job.clone() });
    }
}

/// Takes over which conversation the background job `job` had open, where the record does not say so and there
/// is something to resume: a host notes that up to a second after the first words were said there, and may have
/// been killed before.
pub fn follow_job(record: &mut Record, job: &str, events: &EventLog) {
    let Some(open) = BackgroundJob::look_up(job, None).conversation else { return };
    if can_be_resumed(record, &open) && record.follow(&open) {
        events.write(LogEvent::Conversation { id: open, job: Some(job.to_owned()) });
    }
}

/// Whether it was sent. Where the record does not say enough to know the process again, it is not; the log
/// says so.
fn signal_the_last_one(record: &Record, signal: Signal, events: &EventLog) -> bool {
    let Some(pid) = record.claude_pid else { return false };
    let claude = Identity::recorded(pid, record.claude_start.as_deref(), record.boot.as_deref());
    match claude.and_then(|claude| claude.send(signal)) {
        Ok(()) => true,
        Err(NotSent::Gone) => false,
        Err(why) => {
            events.write(LogEvent::SignalNotSent { pid, signal: signal.as_str(), why: why.to_string() });
            false
        }
    }
}

/// Waits until the claude of the host that is gone has ended: two of them would write into one conversation.
/// The kernel has sent it SIGHUP with its host's end; one that does not mind is ended.
pub fn wait_for_the_last_one(record: &Record, events: &EventLog) {
    for signal in [None, Some(Signal::SIGTERM), Some(Signal::SIGKILL)] {
        if !is_left(record) || signal.is_some_and(|signal| !signal_the_last_one(record, signal, events)) {
            return;
        }
        let until = Instant::now() + LAST_CLAUDE_TIMEOUT;
        while Instant::now() < until {
            if !is_left(record) {
                return;
            }
            sleep(POLL_INTERVAL);
        }
    }
}
