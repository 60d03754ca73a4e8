//! What a key does about a row: which verb of cckw it runs, and where it makes no sense.

use crate::cli::top::event::{Effect, VerbLine};
use crate::cli::top::keys::Command;
use crate::cli::top::row::{Kind, Row, Urgency};

/// The states of a session that has no host, and gets none by being attached.
const ENDED: [&str; 4] = ["stopped", "rebooted", "terminated", "crashed"];

/// Whether a session has ended, so that it has to be brought back first.
pub fn has_ended(row: &Row) -> bool {
    !row.running && ENDED.contains(&row.state.as_str())
}

/// Whether there is a screen to be seen.
pub fn has_screen(row: &Row) -> bool {
    row.kind == Kind::Session && row.running
}

/// Why a command makes no sense for a row, if it makes none.
pub fn refusal(command: Command, row: &Row) -> Option<String> {
    let name = row.full_name();
    let ended = || Some(format!("{name} does not run ({}); r brings it back", row.state));
    let foreign = match row.kind {
        Kind::Session => None,
        Kind::Unwrapped => Some(format!("cckw does not run the claude {name}; a makes a session of it")),
        Kind::Job => Some(format!("{name} is a background job of claude's; a makes a session of it")),
    };
    match command {
        // An ended session is brought back for it.
        Command::Attach => foreign,
        Command::Watch | Command::Send | Command::Stop => foreign.or_else(|| has_ended(row).then(ended)?),
        Command::Log | Command::Continue | Command::Restart | Command::Rename => foreign,
        Command::Transcript if row.kind == Kind::Unwrapped => foreign,
        Command::Adopt if foreign.is_none() => Some(format!("{name} is a session of cckw's already")),
        _ => None,
    }
}

/// What is done at once. Nothing where the command asks something first, or has nothing to do with a row.
pub fn effect(command: Command, row: &Row) -> Option<Effect> {
    let attach = |is_watch| Effect::Attach { id: row.id.clone(), name: row.full_name(), is_watch };
    Some(match command {
        Command::Attach if has_ended(row) => Effect::Run(verb(&["start"], row, &[], "starting")),
        Command::Attach => attach(false),
        Command::Watch => attach(true),
        Command::Transcript => Effect::OpenPager(verb(&["transcript"], row, &[], "transcript of")),
        Command::Log => Effect::OpenPager(verb(&["logs"], row, &[], "log of")),
        Command::Continue => Effect::Run(verb(&["continue"], row, &[], "continuing")),
        _ => return None,
    })
}

/// A verb about a row, with what stands before and behind the row's word.
pub fn verb(before: &[&str], row: &Row, behind: &[&str], doing: &str) -> VerbLine {
    let mut words: Vec<String> = before.iter().map(|word| (*word).to_owned()).collect();
    words.push(row.id.word());
    words.extend(behind.iter().map(|word| (*word).to_owned()));
    VerbLine { words, stdin: None, label: format!("{doing} {}", row.full_name()) }
}

/// The commands that matter most for a row, the first one first.
pub fn offered(row: &Row) -> &'static [Command] {
    use Command::{Adopt, Attach, Continue, Log, Rename, Restart, Send, Stop, Transcript, Watch};
    match row.kind {
        Kind::Unwrapped => &[Adopt],
        Kind::Job => &[Adopt, Transcript],
        Kind::Session if has_ended(row) => &[Attach, Restart, Continue, Transcript, Log, Rename],
        Kind::Session if may_continue(row) => {
            &[Attach, Continue, Send, Watch, Transcript, Stop, Restart, Log, Rename]
        }
        Kind::Session => &[Attach, Send, Watch, Transcript, Stop, Restart, Log, Rename, Continue],
    }
}

/// Whether its last turn did not come to its end.
fn may_continue(row: &Row) -> bool {
    let says_so = row.hint.as_deref().is_some_and(|hint| hint.contains("cckw continue"));
    row.urgency == Urgency::NeedsYou && says_so
}
