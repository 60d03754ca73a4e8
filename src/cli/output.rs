//! Writing to stdout and stderr, where the reader may have gone away.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

/// Writes `text` to stdout. A reader who has left (`cckw man | head`) has what they wanted: that is no failure.
pub fn print(text: &str) -> ExitCode {
    match write(text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("cannot write to stdout: {error}")),
    }
}

/// Writes `text` to stdout; nobody reading it is no error.
pub fn write(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Says on stderr what went wrong. The status of a verb that failed.
pub fn fail(message: &str) -> ExitCode {
    // With stderr gone there is nobody left to tell.
    let _ = writeln!(io::stderr().lock(), "cckw: {message}");
    ExitCode::FAILURE
}

/// Whether stdout shows colours: it is a terminal that has them, and nobody set `NO_COLOR` (<https://no-color.org>).
pub fn coloured() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    io::stdout().is_terminal() && !dumb && !set("NO_COLOR")
}
