//! Which of several sessions? Asked on the terminal, by number or name.
//!
//! The terminal stays in its line mode, so that typing, correcting and ctrl-z work as everywhere, and nothing
//! is left of this should the process be killed. The one change is that Esc ends a line, too, and so does q
//! where no session has it in its name: both leave at once.

use crate::vt::tokenizer::ESC;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::termios::{FlushArg, SetArg, SpecialCharacterIndices, Termios, tcflush, tcsetattr};

use super::colours::Colours;
use super::list::{MIN_ABOUT_COLUMNS, MIN_DIRECTORY_COLUMNS, below_home, duration};
use super::status::state;
use super::table;
use super::table::{Cell, Row};
use super::topic;
use crate::escape::{escape, prose};
use crate::os::io as nonblocking;
use crate::os::io::Transfer;
use crate::os::poll::{Interest, Poll};
use crate::os::signal_pipe::SignalPipe;
use crate::os::tty;
use crate::paths;
use crate::registry;
use crate::registry::record::now;
use crate::registry::{NotPicked, Session};

/// What leaves.
const LEAVE: &str = "q";
const AGE: &str = "AGE";
/// How long the rest of an escape sequence may take to come.
const SEQUENCE_TIMEOUT: Duration = Duration::from_millis(30);

/// What became of the question.
#[derive(Debug, PartialEq, Eq)]
pub enum Picked {
    /// The session at this place.
    Taken(usize),
    /// The user left.
    Left,
    /// By this signal.
    Signalled(i32),
}

/// Asks on stderr which of these sessions is meant, until it is plain. Stdin must be a terminal.
///
/// # Errors
/// When the terminal is gone.
pub fn choose(sessions: &[Session]) -> io::Result<Picked> {
    let mut signals = {
        use libc::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
        SignalPipe::install(&[SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP])?
    };
    let has_q = sessions.iter().any(|session| session.name.contains(LEAVE));
    let mode = KeysEndLine::set(!has_q)?;
    let columns = tty::size(io::stderr()).map_or(0, |size| usize::from(size.columns));
    let columns = if columns == 0 { usize::MAX } else { columns };
    let mut text: String =
        lines(sessions, columns).iter().map(|line| format!("{}\n", table::cut(line, columns))).collect();
    loop {
        text.push_str("number or name, q: ");
        say(&text)?;
        match read_line(&mut signals)? {
            PickerLine::Typed(typed) => match meant(sessions, typed.trim()) {
                Ok(choice) => return Ok(choice),
                Err(reason) => text = format!("{reason}\n"),
            },
            PickerLine::Left => return say("\n").map(|()| Picked::Left),
            PickerLine::Signalled(libc::SIGTSTP) => {
                // Not for the shell that has the terminal meanwhile.
                mode.leave();
                let _ = signal_hook::low_level::emulate_default_handler(libc::SIGTSTP);
                mode.enter()?;
                text.clear();
            }
            PickerLine::Signalled(signal) => return say("\n").map(|()| Picked::Signalled(signal)),
        }
    }
}

/// The titles, and a line for each session, with its number.
fn lines(sessions: &[Session], columns: usize) -> Vec<String> {
    let (home, colours) = (paths::home(), Colours::of_stderr());
    let titles = ["", "NAME", "STATE", "TERMINAL", AGE, "DIRECTORY", "ABOUT"].map(Cell::from).to_vec();
    let row = |(number, (session, about)): (usize, (&Session, Option<String>))| -> Row {
        let record = &session.record;
        let state = state(session);
        let look = colours.of_state(&state);
        let cwd = PathBuf::from(OsString::from(record.cwd.clone()));
        vec![
            (number + 1).to_string().into(),
            escape(&session.name).to_string().into(),
            Cell::from(state).styled(look),
            if record.client_pid.is_some() { "attached" } else { "-" }.into(),
            duration(now().saturating_sub(record.started_at)).into(),
            escape(&below_home(cwd, home.as_deref())).to_string().into(),
            prose(&about.unwrap_or_default()).into(),
        ]
    };
    let about = topic::beside_names(&sessions.iter().collect::<Vec<_>>());
    let bodies = sessions.iter().zip(about).enumerate().map(row);
    let rows: Vec<Row> = std::iter::once(titles).chain(bodies).collect();
    table::fit(&rows, columns, [MIN_DIRECTORY_COLUMNS, MIN_ABOUT_COLUMNS], &[AGE])
}

/// What a line means. A number is one of the list, unless a session is called so.
fn meant(sessions: &[Session], typed: &str) -> Result<Picked, String> {
    let place = |session: &Session| {
        let known = |other: &Session| other.record.session == session.record.session;
        Picked::Taken(sessions.iter().position(known).unwrap_or_default())
    };
    if let Some(session) = sessions.iter().find(|session| session.name == typed) {
        return Ok(place(session));
    }
    match typed {
        "" => return Err(format!("1 to {}", sessions.len())),
        LEAVE => return Ok(Picked::Left),
        _ => {}
    }
    if let Some(number) = typed.parse::<usize>().ok().filter(|number| (1..=sessions.len()).contains(number)) {
        return Ok(Picked::Taken(number - 1));
    }
    // The beginning of a name that only one has serves at a prompt, as it does in a shell's completion.
    let mut begins = sessions.iter().filter(|session| session.name.starts_with(typed));
    if let (Some(session), None) = (begins.next(), begins.next()) {
        return Ok(place(session));
    }
    match registry::pick(sessions, Some(typed)) {
        Ok(session) => Ok(place(session)),
        Err(NotPicked::Several(_)) => Err(format!("several: {}", escape(typed))),
        Err(_) => Err(format!("none: {}", escape(typed))),
    }
}

fn say(text: &str) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush())
}

/// What came instead of, or with, a line.
enum PickerLine {
    Typed(String),
    Left,
    Signalled(i32),
}

/// Waits for a line, or a signal.
fn read_line(signals: &mut SignalPipe) -> io::Result<PickerLine> {
    let stdin = io::stdin();
    let mut poll = Poll::default();
    loop {
        poll.clear();
        let typed = poll.add(&stdin, Interest::Reading);
        poll.add(&*signals, Interest::Reading);
        poll.wait(None)?;
        if let Some(signal) = signals.pending().next() {
            return Ok(PickerLine::Signalled(signal));
        }
        if poll.is_ready(typed) {
            break;
        }
    }
    let mut line = [0; 4096];
    // A terminal's line comes with one read. Nothing is the end of the input: ctrl-d, or a terminal that is
    // gone.
    let Transfer::Moved(count) = nonblocking::read(&stdin, &mut line) else { return Ok(PickerLine::Left) };
    let line = &line[..count];
    let is_whole = line.ends_with(b"\n");
    if line.contains(&ESC) || line == LEAVE.as_bytes() && !is_whole {
        // What an arrow key sends behind its Esc is not for the shell, nor is an Enter right behind q.
        std::thread::sleep(SEQUENCE_TIMEOUT);
        let _ = tcflush(&stdin, FlushArg::TCIFLUSH);
        return Ok(PickerLine::Left);
    }
    Ok(PickerLine::Typed(String::from_utf8_lossy(line).into_owned()))
}

/// Lets Esc end a line of the terminal on stdin, and q where that is wanted, until this is dropped.
struct KeysEndLine {
    before: Termios,
    changed: Termios,
}

impl KeysEndLine {
    fn set(q_leaves: bool) -> io::Result<Self> {
        let before = tty::termios(io::stdin())?;
        let mut changed = before.clone();
        changed.control_chars[SpecialCharacterIndices::VEOL as usize] = ESC;
        if q_leaves {
            changed.control_chars[SpecialCharacterIndices::VEOL2 as usize] = LEAVE.as_bytes()[0];
        }
        let mode = Self { before, changed };
        mode.enter()?;
        Ok(mode)
    }

    /// In the background this stops the job, as it should.
    fn enter(&self) -> io::Result<()> {
        apply(&self.changed)
    }

    fn leave(&self) {
        // A terminal that has gone needs no restoring.
        let _ = apply(&self.before);
    }
}

impl Drop for KeysEndLine {
    fn drop(&mut self) {
        self.leave();
    }
}

fn apply(termios: &Termios) -> io::Result<()> {
    loop {
        match tcsetattr(io::stdin(), SetArg::TCSANOW, termios) {
            Err(nix::Error::EINTR) => {}
            result => return Ok(result?),
        }
    }
}
