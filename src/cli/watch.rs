//! `cckw list --watch`: the table, drawn anew when something has changed.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use super::columns::Column;
use super::host_ends::{HostEnds, HostKey};
use super::output::fail;
use super::{list, table};
use crate::os::poll::{Interest, Poll};
use crate::os::signal_pipe::SignalPipe;
use crate::os::tty;
use crate::paths;
use crate::registry;
use crate::registry::{RegistryWatcher, Session};
use crate::user_error::{UserError, files, terminal};

/// Uptimes are shown in minutes, but for the first one.
const MINUTE: Duration = Duration::from_secs(60);

/// What changes together is drawn together: a record is written and renamed, a session ends and its socket
/// goes.
const REDRAW_DELAY: Duration = Duration::from_millis(50);

/// Shows the table until ctrl-c.
pub fn main(all: bool, chosen: &[Column]) -> ExitCode {
    if !io::stdout().is_terminal() {
        return fail(&terminal::none_to_draw_on());
    }
    match watch(all, chosen) {
        // The way to end it is no failure of it.
        Ok(libc::SIGINT) => ExitCode::SUCCESS,
        Ok(signal) => ExitCode::from(u8::try_from(128 + signal).unwrap_or(1)),
        Err(error) => fail(&error),
    }
}

/// The signal that it was ended by.
fn watch(all: bool, chosen: &[Column]) -> Result<i32, UserError> {
    let state = paths::state_dir()?;
    // What is not there cannot be watched; a start would make it too.
    paths::make_private(&state)?;
    let mut changes = RegistryWatcher::new()?;
    let mut signals = {
        use libc::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
        SignalPipe::install(&[SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGCONT, SIGWINCH])
    }
    .map_err(files::cannot_handle_signals)?;
    let mut hosts = HostEnds::default();
    let mut screen = AlternateScreen::enter();
    let mut poll = Poll::default();
    loop {
        changes.take();
        let mut sessions = registry::sessions()?;
        let unfinished = sessions.iter().filter(|session| session.record.ended_at.is_none());
        let directories: BTreeSet<_> =
            unfinished.map(|session| session.directory.clone()).chain([state.clone()]).collect();
        if changes.watch(directories)? {
            // It may have changed again before the watch was there.
            continue;
        }
        registry::note_silent_hosts(&mut sessions);
        hosts.follow(&sessions);
        draw(&sessions, all, chosen).map_err(files::cannot_write_stdout)?;
        poll.clear();
        let changed = poll.add(&changes, Interest::Reading);
        poll.add(&signals, Interest::Reading);
        let ends: Vec<_> = hosts.open().map(|(key, host)| (key, poll.add(host, Interest::Reading))).collect();
        let runs = sessions.iter().any(|session| session.is_running);
        poll.wait(runs.then_some(MINUTE)).map_err(files::cannot_wait)?;
        let ended: Vec<HostKey> =
            ends.iter().filter(|(_, end)| poll.is_ready(*end)).map(|(key, _)| *key).collect();
        hosts.forget(&ended);
        for signal in signals.pending() {
            match signal {
                libc::SIGWINCH | libc::SIGCONT => {}
                libc::SIGTSTP => {
                    drop(screen);
                    let _ = signal_hook::low_level::emulate_default_handler(libc::SIGTSTP);
                    screen = AlternateScreen::enter();
                }
                signal => return Ok(signal),
            }
        }
        if poll.is_ready(changed) || !ended.is_empty() {
            std::thread::sleep(REDRAW_DELAY);
        }
    }
}

fn draw(sessions: &[Session], all: bool, chosen: &[Column]) -> io::Result<()> {
    let size = tty::size(io::stdout())?;
    let lines =
        list::table(sessions, all, chosen, Some(usize::from(size.columns)).filter(|columns| *columns > 0));
    // A terminal without a size is as large as the table.
    let or_all = |number: u16| if number == 0 { usize::MAX } else { usize::from(number) };
    let (rows, columns) = (or_all(size.rows), or_all(size.columns));
    let shown = if lines.len() > rows { rows.saturating_sub(1) } else { lines.len() };
    let mut drawn: Vec<String> = lines[..shown].iter().map(|line| table::cut(line, columns)).collect();
    if shown < lines.len() {
        drawn.push(table::cut(&format!("… {} more lines", lines.len() - shown), columns));
    }
    // Erased before it is written: behind a line as wide as the terminal that would take its last character.
    let mut text = format!("\x1b[H\x1b[K{}", drawn.join("\r\n\x1b[K"));
    if drawn.len() < rows {
        text.push_str("\r\n\x1b[J");
    }
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
}

/// The terminal's second screen, without cursor and line wrapping, until this is dropped.
struct AlternateScreen;

impl AlternateScreen {
    fn enter() -> Self {
        write_all("\x1b[?1049h\x1b[?25l\x1b[?7l");
        Self
    }
}

impl Drop for AlternateScreen {
    fn drop(&mut self) {
        write_all("\x1b[?7h\x1b[?25h\x1b[?1049l");
    }
}

fn write_all(text: &str) {
    let mut stdout = io::stdout().lock();
    // A terminal that has gone needs no restoring.
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}
