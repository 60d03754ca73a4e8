//! A verb at one place: on a machine, or here beside those on machines.

use std::io::{self, IsTerminal, Read};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::Command;

use super::super::colours::Colours;
use super::super::definition::Verb;
use super::super::output::columns;
use super::super::to_args::{request, to_args};
use crate::claude::args::MAX_PROMPT_BYTES;
use crate::machines::cache;
use crate::machines::call::{Call, CallError, Shown, Sink};
use crate::machines::failure::Failure;
use crate::machines::run::{Mode, Purpose};
use crate::machines::store::Machine;
use crate::os::own_program;
use crate::os::text::LosslessText;
use crate::registry::event_log::now_ms;
use crate::sending::text::MAX_TEXT_BYTES;
use crate::user_error::{UserError, send};

/// How long a machine may take to answer where nobody can be asked for a password. It may be busy; one that is not there
/// is given up earlier, by ssh.
pub const UNATTENDED_TIMEOUT: Duration = Duration::from_secs(30);
/// How many bytes are read at once.
const CHUNK_BYTES: usize = 16 << 10;

/// What is to be run at one place.
#[derive(Debug)]
pub struct Part {
    /// The machine; nothing where it is this one.
    pub machine: Option<Machine>,
    /// The verb with the words for it.
    pub verb: Verb,
}

/// Who answers what ssh asks: the user, if there is a terminal.
pub fn mode() -> Mode {
    match io::stdin().is_terminal() && io::stderr().is_terminal() {
        true => Mode::Attended,
        false => Mode::Unattended(UNATTENDED_TIMEOUT),
    }
}

/// Runs a verb on a machine. The status of the verb there. What is lost is not asked for again.
///
/// # Errors
/// When the machine is not reached, or is lost; or nobody wants the output.
pub async fn ask_once(
    machine: &Machine,
    verb: &Verb,
    mode: Mode,
    stdin: Option<LosslessText>,
    sink: &mut impl Sink,
) -> Result<u8, CallError> {
    let ask = request(verb, stdin);
    let call = Call { machine: machine.clone(), ask, mode, purpose: purpose(verb), shown: shown() };
    let answer = call.run(sink).await?;
    cache::note(&machine.name, &answer.hello, now_ms(), None);
    Ok(answer.status)
}

fn purpose(verb: &Verb) -> Purpose {
    match verb {
        Verb::Wait { .. }
        | Verb::Send { .. }
        | Verb::Adopt { .. }
        | Verb::Logs { follow: true, .. }
        | Verb::Screen { follow: true, .. }
        | Verb::Transcript { follow: true, .. } => Purpose::Long,
        _ => Purpose::Short,
    }
}

/// How the output of a machine is shown here.
fn shown() -> Shown {
    Shown { has_colours: Colours::of_stdout().are_shown(), columns: columns() }
}

/// What the verb reads on stdin.
///
/// # Errors
/// When it cannot be read.
pub fn stdin(verb: &Verb) -> Result<Option<LosslessText>, UserError> {
    let most = match verb {
        Verb::Send { text, .. } if text == "-" => MAX_TEXT_BYTES,
        Verb::New { prompt: Some(prompt), .. } if prompt == "-" => MAX_PROMPT_BYTES + 4096,
        _ => return Ok(None),
    };
    let mut bytes = Vec::new();
    // A little more than is allowed, so that it is seen to be too long.
    io::stdin().lock().take(most as u64 + 1).read_to_end(&mut bytes).map_err(send::unreadable)?;
    Ok(Some(match String::from_utf8(bytes) {
        Ok(text) => LosslessText::String(text),
        Err(error) => LosslessText::Bytes(error.into_bytes()),
    }))
}

/// Runs a verb here, in a process of its own.
///
/// # Errors
/// When it cannot be started, or nobody wants the output.
pub async fn here(verb: &Verb, sink: &mut impl Sink) -> Result<u8, CallError> {
    let failed = |error: io::Error| CallError::Failed(Failure::Other(error.to_string()));
    let mut command = Command::new(own_program::own_program().map_err(failed)?);
    command.args(to_args(verb).unwrap_or_default()).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(failed)?;
    let (Some(mut stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(failed(io::Error::other("it has no output")));
    };
    let (mut out, mut err) = (vec![0; CHUNK_BYTES], vec![0; CHUNK_BYTES]);
    let (mut has_out, mut has_err) = (true, true);
    while has_out || has_err {
        tokio::select! {
            read = stdout.read(&mut out), if has_out => match read {
                Ok(count) if count > 0 => sink.stdout(&out[..count]).map_err(CallError::Output)?,
                _ => has_out = false,
            },
            read = stderr.read(&mut err), if has_err => match read {
                Ok(count) if count > 0 => sink.stderr(&err[..count]).map_err(CallError::Output)?,
                _ => has_err = false,
            },
        }
    }
    let status = child.wait().await.map_err(failed)?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
