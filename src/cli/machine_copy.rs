//! Copying a cckw to a machine that is added: whether it is offered, the question, and what was done.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use semver::Version;

use super::update::Progress;
use crate::client;
use crate::config;
use crate::escape::escape;
use crate::machines::copy::copier::{Copier, CopyStep, Outcome, may_be_taken};
use crate::machines::copy::offer::{self, Offer};
use crate::machines::copy::transfer::Way;
use crate::machines::failure::Failure;
use crate::machines::run::Mode;
use crate::machines::store::Machine;
use crate::machines::wire::PROTOCOL;
use crate::update::run::own_version;
use crate::user_error::{UserError, copy as error};

/// Where it goes, as the user types it there.
const PLACE: &str = "~/.local/bin/cckw";

/// How long a machine may take to answer where its user cannot be asked for a password.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// What the user wants.
#[derive(Debug, Clone)]
pub struct CopyWish {
    /// Copy without a question.
    pub copy: bool,
    /// This program.
    pub binary: Option<PathBuf>,
}

/// What became of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyEnd {
    /// It is there.
    Copied,
    /// Nothing is to be copied, or the user does not want it.
    NotWanted,
    /// It cannot be offered. The user was told why.
    Refused,
}

/// Whether the user can be asked.
fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// What a machine has, as it was just asked.
pub fn lacks(answered: &Result<Version, &Failure>) -> Option<String> {
    match answered {
        Ok(there) if *there < own_version() => Some(format!("has cckw {there}")),
        Ok(_) => None,
        Err(Failure::NoCckw) => Some("has no cckw".into()),
        Err(Failure::TooOld) => Some("has a cckw that is too old".into()),
        Err(Failure::CannotRun(_)) => Some("has a cckw that cannot be run".into()),
        Err(Failure::OtherProtocol(hello)) if hello.protocol.major < PROTOCOL.major => {
            Some(format!("has cckw {}", escape(&hello.version)))
        }
        Err(_) => None,
    }
}

/// Copies a cckw to the machine if the user wants it. `lacks` says what is wrong with what is there; nothing where
/// nothing is.
///
/// # Errors
/// When the user wants it, and it cannot be done.
pub fn main(machine: &Machine, wish: &CopyWish, lacks: Option<&str>) -> Result<CopyEnd, UserError> {
    let is_wanted = wish.copy || (lacks.is_some() && can_ask() && machine.program.is_none());
    if !is_wanted {
        return Ok(CopyEnd::NotWanted);
    }
    if let Some(program) = &machine.program {
        return Err(error::named_program(machine.name.as_str(), program));
    }
    match copy(machine, wish, lacks) {
        // Only an offer, which cannot be made.
        Err(error) if !wish.copy => {
            client::complain(error);
            Ok(CopyEnd::Refused)
        }
        done => done,
    }
}

fn copy(machine: &Machine, wish: &CopyWish, lacks: Option<&str>) -> Result<CopyEnd, UserError> {
    let mode = if can_ask() { Mode::Attended } else { Mode::Unattended(CONNECT_TIMEOUT) };
    let copier = Copier::connect(machine, mode)?.map_err(|failure| failure.error(machine))?;
    let name = machine.name.as_str();
    if wish.binary.is_none()
        && let Some(there) = may_be_taken(&copier.far, Some(&own_version()), name)?
    {
        tell(&format!("{name} has cckw {there}, which is not older: nothing was copied"));
        return Ok(CopyEnd::NotWanted);
    }
    let mut progress = Progress::new();
    let config = config::load()?.update;
    let chosen =
        offer::choose(&copier.far.kind, wish.binary.as_deref(), &config, &mut |step| progress.say(step));
    progress.end();
    let chosen = chosen?;
    if !wish.copy && !agrees(&question(name, lacks.unwrap_or_default(), &chosen)) {
        return Ok(CopyEnd::NotWanted);
    }
    let is_on_path = copier.far.is_on_path;
    let mut say = |step| match step {
        CopyStep::Bring(step) => progress.say(step),
        CopyStep::Copy => progress.wait("copying it there"),
        CopyStep::Trial => progress.wait("trying it there"),
    };
    let outcome = copier.copy(&chosen, &mut say);
    progress.end();
    let outcome = outcome?;
    tell(&told(name, &outcome, chosen.size, is_on_path));
    Ok(match outcome {
        Outcome::Installed { .. } => CopyEnd::Copied,
        Outcome::NotOlder(_) => CopyEnd::NotWanted,
    })
}

fn question(name: &str, lacks: &str, offer: &Offer) -> String {
    let version = offer.version.as_ref().map_or_else(String::new, |version| format!(" {version}"));
    format!(
        "{name} {lacks}. Copy cckw{version} ({}, {}) to {PLACE} there? [Y/n] ",
        escape(&offer.origin),
        megabytes(offer.size)
    )
}

/// Asks until the answer is plain. Enter is yes; the end of the input is no.
fn agrees(question: &str) -> bool {
    loop {
        let _ = io::stderr().write_all(question.as_bytes()).and_then(|()| io::stderr().flush());
        let mut line = String::new();
        if !io::stdin().lock().read_line(&mut line).is_ok_and(|count| count > 0) {
            let _ = io::stderr().write_all(b"\n");
            return false;
        }
        match line.trim().to_lowercase().as_str() {
            "" | "y" | "yes" => return true,
            "n" | "no" | "q" => return false,
            _ => {}
        }
    }
}

fn told(name: &str, outcome: &Outcome, size: u64, is_on_path: bool) -> String {
    let (version, before, way, hashed_by) = match outcome {
        Outcome::NotOlder(there) => {
            return format!("{name} has cckw {there}, which is not older: nothing was copied");
        }
        Outcome::Installed { version, before, way, hashed_by } => (version, before, way, hashed_by),
    };
    let way = match way {
        Way::Scp => "scp",
        Way::Ssh => "ssh",
    };
    let mut text = format!(
        "{name}: cckw {version} is {PLACE} there now ({} by {way}; its SHA-256 was compared there, by {})",
        megabytes(size),
        escape(hashed_by)
    );
    if let Some(before) = before {
        text += &format!("\n{name}: cckw {before}, which was there before, is kept as {PLACE}.old");
    }
    if !is_on_path {
        text += &format!(
            "\n{name}: ~/.local/bin is not on PATH there. cckw finds the copy all the same; to type cckw there yourself, put it on PATH"
        );
    }
    text
}

fn tell(text: &str) {
    for line in text.lines() {
        let _ = writeln!(io::stderr().lock(), "{line}");
    }
}

fn megabytes(bytes: u64) -> String {
    let tenths = bytes.div_ceil(100_000);
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machines::wire::{Hello, Protocol};

    #[test]
    fn only_what_is_missing_or_older_is_offered() {
        assert_eq!(lacks(&Ok(Version::new(0, 0, 1))).as_deref(), Some("has cckw 0.0.1"));
        assert_eq!(lacks(&Ok(own_version())), None);
        assert_eq!(lacks(&Ok(Version::new(99, 0, 0))), None);
        assert_eq!(lacks(&Err(&Failure::NoCckw)).as_deref(), Some("has no cckw"));
        assert_eq!(lacks(&Err(&Failure::Auth)), None);
        let protocol = |major| Hello { protocol: Protocol { major, minor: 0 }, ..Hello::own() };
        assert!(lacks(&Err(&Failure::OtherProtocol(protocol(0)))).is_some());
        assert_eq!(lacks(&Err(&Failure::OtherProtocol(protocol(99)))), None);
    }

    #[test]
    fn what_was_done_is_said() {
        let installed = |before: Option<&str>| Outcome::Installed {
            version: Version::new(1, 2, 3),
            before: before.map(|before| Version::parse(before).expect("a version")),
            way: Way::Scp,
            hashed_by: "sha256sum".into(),
        };
        assert_eq!(
            told("box", &installed(None), 9_123_456, true),
            "box: cckw 1.2.3 is ~/.local/bin/cckw there now (9.2 MB by scp; its SHA-256 was compared there, by sha256sum)"
        );
        let more = told("box", &installed(Some("1.0.0")), 1, false);
        assert!(
            more.contains("cckw 1.0.0, which was there before, is kept as ~/.local/bin/cckw.old"),
            "{more}"
        );
        assert!(more.contains("cckw finds the copy all the same"), "{more}");
        let not = told("box", &Outcome::NotOlder(Version::new(2, 0, 0)), 1, true);
        assert_eq!(not, "box has cckw 2.0.0, which is not older: nothing was copied");
    }
}
