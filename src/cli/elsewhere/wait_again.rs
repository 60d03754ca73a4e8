//! `cckw wait` for sessions of another machine. A wait changes nothing, so it is asked for again if the connection is
//! lost, until its time is over.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::super::definition::{Awaited, Verb};
use super::output::whole_lines;
use super::place::{UNATTENDED_TIMEOUT, ask_once};
use crate::client::complain;
use crate::machines::call::{CallError, Sink};
use crate::machines::failure::Failure;
use crate::machines::run::Mode;
use crate::machines::store::Machine;
use crate::user_error::wait;

/// The pauses between two tries; the last one stays.
const PAUSES: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(15),
];

/// Waits on a machine. The status of the wait.
///
/// # Errors
/// When the machine is not reached at first, or refuses later.
pub async fn ask(machine: &Machine, verb: &Verb, mode: Mode, sink: &mut impl Sink) -> Result<u8, CallError> {
    let Verb::Wait { sessions, wanted, any, timeout } = verb else { return Ok(0) };
    let (end, mut mode) = (Instant::now() + *timeout, mode);
    let mut told = Told { sink, waiting: Vec::new(), lines: Vec::new() };
    let mut tries = 0;
    loop {
        let left = if tries == 0 { *timeout } else { end.saturating_duration_since(Instant::now()) };
        let open = told.open(machine, sessions);
        let verb = Verb::Wait { sessions: open.clone(), wanted: *wanted, any: *any, timeout: left };
        let failure = match ask_once(machine, &verb, mode, None, &mut told).await {
            Ok(status) => return Ok(told.first_status(*wanted).unwrap_or(status)),
            Err(CallError::Failed(failure)) if may_pass(&failure, tries > 0) => failure,
            Err(error) => return Err(error),
        };
        if told.open(machine, sessions).is_empty() {
            return Ok(told.first_status(*wanted).unwrap_or(0));
        }
        if tries == 0 {
            complain(format_args!(
                "{}: {}; it is asked again until the time is over",
                machine.name,
                failure.short()
            ));
        }
        let pause = PAUSES[tries.min(PAUSES.len() - 1)];
        (tries, mode) = (tries + 1, Mode::Unattended(UNATTENDED_TIMEOUT));
        if Instant::now() + pause >= end {
            sleep(end.saturating_duration_since(Instant::now())).await;
            complain(wait::timed_out(timeout.as_secs_f64()));
            return Ok(told.first_status(*wanted).unwrap_or(wait::TIMED_OUT));
        }
        sleep(pause).await;
    }
}

/// Whether it is worth another try. At first a machine that cannot be reached is an error.
fn may_pass(failure: &Failure, was_reached: bool) -> bool {
    match failure {
        Failure::Lost(_) => true,
        Failure::NameUnknown
        | Failure::Refused
        | Failure::Unreachable
        | Failure::TimedOut(_)
        | Failure::Closed(_)
        | Failure::Other(_) => was_reached,
        _ => false,
    }
}

/// What was said of the sessions, on its way to the user.
struct Told<'a, S> {
    sink: &'a mut S,
    waiting: Vec<u8>,
    /// The lines that were printed.
    lines: Vec<String>,
}

impl<S> Told<'_, S> {
    /// The words of which nothing was said yet.
    fn open(&self, machine: &Machine, words: &[String]) -> Vec<String> {
        let is_told = |word: &String| {
            let name = format!("{}:{word}", machine.prefix());
            self.lines.iter().any(|line| line.split('\t').next() == Some(&name))
        };
        words.iter().filter(|word| !is_told(word)).cloned().collect()
    }

    /// The status of the first session that has not come to what was waited for, of those that were told of
    /// before the connection was lost.
    fn first_status(&self, wanted: Awaited) -> Option<u8> {
        let status = |line: &String| match (line.split('\t').nth(1)?, wanted) {
            ("asks", Awaited::Asks) | ("ended", Awaited::Ended) => None,
            ("asks", _) => Some(wait::ASKS),
            ("failed", _) => Some(wait::TURN_FAILED),
            ("ended", _) => Some(wait::ENDED),
            _ => None,
        };
        self.lines.iter().find_map(status)
    }
}

impl<S: Sink> Sink for Told<'_, S> {
    fn stdout(&mut self, bytes: &[u8]) -> io::Result<()> {
        let lines = whole_lines(&mut self.waiting, bytes);
        self.lines.extend(String::from_utf8_lossy(&lines).lines().map(str::to_owned));
        self.sink.stdout(&lines)
    }

    fn stderr(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sink.stderr(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::output::OnlyErrors;
    use super::*;
    use crate::machines::name::MachineName;

    #[test]
    fn what_was_said_before_the_loss_is_not_asked_for_again() {
        let name = MachineName::new("box").expect("a name");
        let machine = Machine { name, destination: "box".into(), program: None };
        let mut sink = OnlyErrors::new();
        let mut told = Told { sink: &mut sink, waiting: Vec::new(), lines: Vec::new() };
        let words = ["api", "web", "docs"].map(str::to_owned);
        told.stdout(b"box:web\tidle\nbox:api\tas").expect("is taken");
        assert_eq!(told.open(&machine, &words), ["api", "docs"]);
        assert_eq!(told.first_status(Awaited::Idle), None);
        told.stdout(b"ks\tpermission\n").expect("is taken");
        assert_eq!(told.open(&machine, &words), ["docs"]);
        assert_eq!(told.first_status(Awaited::Idle), Some(wait::ASKS));
        assert_eq!(told.first_status(Awaited::Asks), None);
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for (failure, at_first, later) in [
            (Failure::Lost(String::new()), true, true),
            (Failure::Refused, false, true),
            (Failure::Auth, false, false),
            (Failure::NoCckw, false, false),
        ] {
            assert_eq!(
                (may_pass(&failure, false), may_pass(&failure, true)),
                (at_first, later),
                "{failure:?}"
            );
        }
    }
}
