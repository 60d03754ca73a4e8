//! The Remote Control server, `remote-control` or `rc`, as far as it can be told from the program's help and
//! its text.
//!
//! What is guessed: how it looks while it runs. Its ends, and the record that `--continue` goes by, follow
//! Claude Code's words. Started without it, it takes up what is recorded as well (seen with 2.1.332).

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcsetattr};
use uuid::Uuid;

use super::{UsageRefusal, faults};
use crate::os::tty;

const NO_LOGIN: &str = "Error: You must be logged in to use Remote Control.";
const NOTHING_RECORDED: &str = "Error: No recent session found in this directory or its worktrees. Run `claude remote-control` to start a new one.";
const CTRL_C: u8 = 3;

/// Whether the arguments ask for it.
pub fn is_asked(args: &[String]) -> bool {
    args.first().is_some_and(|word| word == "remote-control" || word == "rc")
}

/// Runs until ctrl-c, or until a key orders a fault: `g` gives up as without a network, with status 0, `x`
/// the same with 1, `o` with 4. A digit has it serve so many sessions.
///
/// # Errors
/// What Claude Code refuses: no login, nothing to continue.
pub fn run(args: &[String], config: &Path, cwd: &Path) -> Result<u8, UsageRefusal> {
    let failed = |error: io::Error| UsageRefusal(format!("{}: {error}", super::PROGRAM_NAME));
    if faults::variable("SUBSCRIPTION").as_deref() == Some("none") {
        return Err(UsageRefusal(NO_LOGIN.into()));
    }
    let name: String =
        cwd.to_string_lossy().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let record = config.join("servers").join(name);
    let session = if args.iter().any(|word| word == "-c" || word == "--continue") {
        let session = fs::read_to_string(&record).map_err(|_| UsageRefusal(NOTHING_RECORDED.into()))?;
        println!("Resuming session {session} (0m ago)…");
        session
    } else if let Ok(session) = fs::read_to_string(&record) {
        println!("Resuming session {session} (0m ago)…");
        session
    } else {
        Uuid::new_v4().to_string()
    };
    fs::create_dir_all(record.with_file_name(""))
        .and_then(|()| fs::write(&record, &session))
        .map_err(failed)?;
    let _raw = Raw::enter().map_err(failed)?;
    print!("Remote Control server {session}\r\nCapacity: 0/32\r\nPress Ctrl+C to stop.\r\n");
    let _ = io::stdout().flush();
    for byte in io::stdin().lock().bytes() {
        match byte.map_err(failed)? {
            CTRL_C => break,
            b'g' => return Ok(give_up(0)),
            b'x' => return Ok(give_up(1)),
            b'o' => return Ok(give_up(4)),
            count @ b'0'..=b'9' => print!("Capacity: {}/32\r\n", char::from(count)),
            other => print!("{}\r\n", char::from(other).escape_debug()),
        }
        let _ = io::stdout().flush();
    }
    Ok(0)
}

fn give_up(status: u8) -> u8 {
    print!("Server unreachable for 10 minutes, giving up.\r\n");
    status
}

/// Raw mode, until it is dropped.
struct Raw(Termios);

impl Raw {
    fn enter() -> io::Result<Self> {
        let before = tty::termios(io::stdin())?;
        let mut raw = before.clone();
        cfmakeraw(&mut raw);
        tcsetattr(io::stdin(), SetArg::TCSADRAIN, &raw)?;
        Ok(Self(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &self.0);
    }
}
