//! Whether a program that is to take the place of this one works here.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use semver::Version;

use crate::fault;
use crate::os::command::{PendingCommand, answer};

/// How long a program may take to say its version, and to check itself.
const CANDIDATE_TIMEOUT: Duration = Duration::from_secs(20);
/// What of a program's complaint is repeated, in characters.
const MAX_SAID: usize = 300;
/// The verb that checks the program itself.
pub const SELF_CHECK: &str = "self-check";

/// Why a program is not taken.
#[derive(Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It is for another kind of machine, or no program.
    OtherMachine,
    /// It does not say its version; why.
    DoesNotRun(String),
    /// It says that it is something else.
    OtherVersion(String),
    /// Its check of itself fails; why.
    SelfCheck(String),
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherMachine => f.write_str("it is no program for this machine"),
            Self::DoesNotRun(why) => write!(f, "it does not run: {why}"),
            Self::OtherVersion(said) => write!(f, "it says that it is {said}"),
            Self::SelfCheck(why) => write!(f, "its check of itself fails: {why}"),
        }
    }
}

/// Runs a program: it has to say the right version, and with `check_itself` to find nothing wrong.
///
/// # Errors
/// Why it is not to be taken.
pub fn try_out(program: &Path, own: &Path, release: &Version, check_itself: bool) -> Result<(), Unfit> {
    // The system would take what it does not know for a script of the shell.
    if !is_for_this_machine(program, own).unwrap_or(false) {
        return Err(Unfit::OtherMachine);
    }
    let said = version_of(program)?;
    if said != *release {
        return Err(Unfit::OtherVersion(format!("version {said}")));
    }
    if check_itself {
        run(program, SELF_CHECK).map_err(Unfit::SelfCheck)?;
    }
    Ok(())
}

/// Runs a program that somebody has put in the place of this one: it has to be a cckw that finds nothing wrong.
///
/// # Errors
/// Why it is not to be taken.
pub fn works(program: &Path, own: &Path) -> Result<(), Unfit> {
    if !is_for_this_machine(program, own).unwrap_or(false) {
        return Err(Unfit::OtherMachine);
    }
    version_of(program)?;
    run(program, SELF_CHECK).map_err(Unfit::SelfCheck).map(drop)
}

/// The version that a program says.
///
/// # Errors
/// When it says none.
pub fn version_of(program: &Path) -> Result<Version, Unfit> {
    let said = run(program, "--version").map_err(Unfit::DoesNotRun)?;
    let said = said.lines().next().unwrap_or_default();
    let version = said.strip_prefix("cckw ").and_then(|version| Version::parse(version).ok());
    version.ok_or_else(|| Unfit::OtherVersion(format!("\"{}\"", cut(said))))
}

fn run(program: &Path, word: &str) -> Result<String, String> {
    let patience = if fault::is_set("update-impatient") { Duration::from_secs(2) } else { CANDIDATE_TIMEOUT };
    let mut command = Command::new(program);
    let output =
        PendingCommand::start_untrusted(command.arg(word), patience).and_then(PendingCommand::finish);
    let said = output.and_then(answer).map_err(|error| cut(&error.to_string()))?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_SAID).collect()
}

/// Whether two programs begin as programs for the same kind of machine do: format, width and order of the
/// bytes, and processor.
fn is_for_this_machine(program: &Path, own: &Path) -> io::Result<bool> {
    Ok(kind(&head(program)?) == kind(&head(own)?))
}

fn head(program: &Path) -> io::Result<[u8; 20]> {
    let mut head = [0; 20];
    File::open(program)?.read_exact(&mut head)?;
    Ok(head)
}

/// In an ELF file the processor stands at the 18th byte; in a Mach-O file right behind the magic number.
fn kind(head: &[u8; 20]) -> ([u8; 6], [u8; 2]) {
    let [a, b, c, d, e, f, .., x, y] = *head;
    let processor = if head.starts_with(b"\x7fELF") { [x, y] } else { [head[6], head[7]] };
    ([a, b, c, d, e, f], processor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elf(machine: u8) -> [u8; 20] {
        let mut head = [0; 20];
        head[..6].copy_from_slice(b"\x7fELF\x02\x01");
        head[18] = machine;
        head
    }

    #[test]
    fn a_program_for_another_processor_is_told_apart() {
        assert_eq!(kind(&elf(62)), kind(&elf(62)));
        assert_ne!(kind(&elf(62)), kind(&elf(183)));
        assert_ne!(kind(&elf(62)), kind(b"#!/bin/sh\nexit 0\nexi"));
        let mut narrow = elf(62);
        narrow[4] = 1;
        assert_ne!(kind(&elf(62)), kind(&narrow));
    }

    #[test]
    fn what_is_no_program_is_not_run() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = scratch.path().join("program");
        let own = std::env::current_exe().expect("this program");
        for text in ["", "#!/bin/sh\ntouch ran\n# and more\n"] {
            std::fs::write(&path, text).expect("writes");
            assert_eq!(try_out(&path, &own, &Version::new(1, 0, 0), true), Err(Unfit::OtherMachine));
        }
    }

    #[test]
    fn a_program_that_is_something_else_is_not_taken() {
        let own = std::env::current_exe().expect("this program");
        let echo = Path::new("/bin/echo");
        let said = try_out(echo, &own, &Version::new(1, 0, 0), true);
        assert!(matches!(said, Err(Unfit::OtherVersion(_) | Unfit::DoesNotRun(_))), "{said:?}");
    }
}
