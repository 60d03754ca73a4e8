//! Writing to stdout and stderr, where the reader may have gone away.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use crate::client;
use crate::near_side;
use crate::os::tty;
use crate::registry::{Session, silent_hosts};
use crate::user_error::{UserError, files};

/// Writes `text` to stdout, as all that a verb does.
pub fn print(text: &str) -> ExitCode {
    let mut stdout = io::stdout().lock();
    finish(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
}

/// How many columns there are for what is printed; nothing where it goes to no terminal.
pub fn columns() -> Option<usize> {
    let columns = match near_side::get() {
        Some(near_side) => near_side.columns,
        None => {
            let size = io::stdout().is_terminal().then(|| tty::size(io::stdout()).ok()).flatten();
            size.map(|size| usize::from(size.columns))
        }
    };
    columns.filter(|columns| *columns > 0)
}

/// Whether a person reads at once what is printed.
pub fn is_terminal() -> bool {
    near_side::get().map_or_else(|| io::stdout().is_terminal(), |near_side| near_side.columns.is_some())
}

/// The status after writing to stdout. A reader who has left (`cckw man | head`) has what they wanted: no
/// failure.
pub fn finish(written: io::Result<()>) -> ExitCode {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => fail(&files::cannot_write_stdout(error)),
        _ => ExitCode::SUCCESS,
    }
}

/// Says on stderr what went wrong. The status that the verb exits with for it.
pub fn fail(error: &UserError) -> ExitCode {
    client::complain(error);
    ExitCode::from(error.exit_status())
}

/// Says on stderr which of these sessions have a host that does not answer, and what to do.
pub fn tell_of_silent_hosts<'a>(sessions: impl IntoIterator<Item = &'a Session>) {
    let sessions: Vec<&Session> = sessions.into_iter().collect();
    for (session, silent) in sessions.iter().zip(silent_hosts(&sessions)) {
        if let Some(host) = silent {
            fail(&UserError::from(host).about(&session.name));
        }
    }
}
