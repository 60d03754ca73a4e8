//! `cckw transcript`: what was said in a conversation.

mod follow;
mod printer;
mod render;
mod source;

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use super::output::{fail, finish, print, tell_of_silent_hosts};
use super::{last_turn as turns, status};
use crate::claude::transcript::entry::Entry;
use crate::claude::transcript::growing::GrowingFile;
use crate::claude::transcript::last_turn;
use crate::claude::transcript::tail::Tail;
use crate::claude::transcript::turn::TurnEnd;
use crate::client::complain;
use crate::escape::escape;
use crate::os::files::open_plain;
use crate::user_error::{UserError, transcript as error};
use follow::{FollowEnd, Follower};
use printer::Printer;
use source::Source;

/// The command line.
pub struct TranscriptArgs<'a> {
    /// A session, or the id of a conversation.
    pub session: Option<&'a str>,
    /// Whether only the last answer is printed.
    pub last: bool,
    /// How many messages are printed; all without it.
    pub tail: Option<usize>,
    pub follow: bool,
    pub json: bool,
}

/// Prints what was said in a conversation.
pub fn main(args: &TranscriptArgs<'_>) -> ExitCode {
    run(args).unwrap_or_else(|error| fail(&error))
}

fn run(args: &TranscriptArgs<'_>) -> Result<ExitCode, UserError> {
    let source = source::find(args.session)?;
    tell_of_silent_hosts(source.session.as_ref());
    let trouble = source.session.as_ref().and_then(status::trouble);
    let shown = if args.last { last(&source, args.json) } else { all(source, args) };
    // A turn that is missing must not be taken for one that was never there.
    if let Some(trouble) = trouble {
        complain(trouble);
    }
    shown
}

fn all(source: Source, args: &TranscriptArgs<'_>) -> Result<ExitCode, UserError> {
    let is_running = source.session.as_ref().is_some_and(|session| session.record.ended_at.is_none());
    let Some(path) = source.path.clone() else {
        let waits = args.follow && is_running;
        return if waits {
            follow(source, None, args, 0)
        } else {
            Err(error::not_on_disk(&source.conversation))
        };
    };
    let unreadable = |error: io::Error| error::cannot_be_read(&path, error);
    let (at, skip) = args.tail.map_or(Ok((0, 0)), |count| beginning(&path, count)).map_err(unreadable)?;
    let mut file = GrowingFile::open(&path, at).map_err(unreadable)?;
    // A session that has ended says nothing more.
    if args.follow && (is_running || source.session.is_none()) {
        return follow(source, Some(file), args, skip);
    }
    let mut printer =
        Printer::new(io::BufWriter::new(io::stdout().lock()), args.json, &source.conversation, skip);
    let printed = printer.print(&mut file).and_then(|()| printer.finish(&file));
    printer.tell_what_was_left_out();
    Ok(finish(printed))
}

fn follow(
    source: Source,
    file: Option<GrowingFile>,
    args: &TranscriptArgs<'_>,
    skip: usize,
) -> Result<ExitCode, UserError> {
    let out = io::BufWriter::new(io::stdout().lock());
    let mut printer = Printer::new(out, args.json, &source.conversation, skip);
    let mut follower = Follower::new(source, file)?;
    let end = follower.run(&mut printer)?;
    let end = end.and_then(|end| follower.file().map_or(Ok(()), |file| printer.finish(file)).map(|()| end));
    printer.tell_what_was_left_out();
    match end {
        Ok(FollowEnd::Signalled(signal)) => Ok(ExitCode::from(u8::try_from(128 + signal).unwrap_or(1))),
        Ok(FollowEnd::Over) => Ok(ExitCode::SUCCESS),
        Err(error) => Ok(finish(Err(error))),
    }
}

/// Where the last so many messages begin: the start of a line, and how many of those in it come before.
fn beginning(path: &Path, count: usize) -> io::Result<(u64, usize)> {
    let file: File = open_plain(path)?;
    let end = file.metadata()?.len();
    let mut tail = Tail::new(file, u64::MAX)?;
    let (mut at, mut found) = (end, 0);
    while found < count {
        let Some(line) = tail.previous()? else { return Ok((0, 0)) };
        let entry = line.bytes.as_deref().and_then(Entry::parse);
        found += entry.map_or(0, |entry| render::said(entry).len());
        at = line.start;
    }
    Ok((at, found - count))
}

/// The last answer alone.
fn last(source: &Source, as_json: bool) -> Result<ExitCode, UserError> {
    let path = source.path.as_deref().ok_or_else(|| error::not_on_disk(&source.conversation))?;
    let is_busy = source
        .session
        .as_ref()
        .is_some_and(|session| session.is_running && session.record.status.as_deref() == Some("busy"));
    let turn = last_turn::of_file(path, is_busy).map_err(|why| error::cannot_be_read(path, why))?;
    let Some(answer) = turn.last_answer.as_deref() else {
        return Err(error::no_answer(turn.failure().map(|failure| failure.text.as_str())));
    };
    if as_json {
        let line = serde_json::json!({
            "kind": "answer",
            "conversation": source.conversation,
            "text": answer,
            "model": turn.model,
            "turn": turns::word(&turn),
            "answers_last_prompt": turn.answers_last_prompt,
        });
        return Ok(print(&format!("{}\n", crate::escape::json(&line.to_string()))));
    }
    let how = turns::word(&turn).unwrap_or("unknown");
    if !turn.answers_last_prompt {
        let failure = turn.failure().and_then(|failure| turns::first_line(&failure.text));
        complain(older_answer(how, failure));
    } else if turn.end != Some(TurnEnd::Done) {
        complain(unfinished_answer(how));
    }
    Ok(print(&render::plain(answer)))
}

/// That the answer that is printed belongs to an earlier turn, because the last one ended so.
fn older_answer(how: &str, failure: Option<&str>) -> String {
    let failure = failure.map(|failure| format!(": {}", escape(failure))).unwrap_or_default();
    format!("this answer is older than the last prompt, whose turn is {how}{failure}")
}

/// That the turn of the answer that is printed has not come to its end.
fn unfinished_answer(how: &str) -> String {
    format!("there may be more to this answer: its turn is {how}")
}
