//! Plays a program in a terminal, and takes down what there was to see.

use std::env;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::num::NonZero;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use cckw::os::poll::{Interest, Poll};

use crate::cells::Frame;
use crate::pty::{self, Size, Started};

/// What stands still for so long was to be seen: longer than a picture takes to be drawn, shorter than from
/// one key to the next.
const STANDS: Duration = Duration::from_millis(15);

/// A state of the screen, and how long it stood.
pub struct Shot {
    pub frame: Frame,
    pub stood: Duration,
}

/// The demo takes less than a minute.
const AT_MOST: Duration = Duration::from_secs(180);

/// Plays the demo from its beginning to its end.
///
/// # Errors
/// When it fails, or does not end.
pub fn play(program: &Path, rows: u16, columns: u16) -> Result<Vec<Shot>, String> {
    let mut command = Command::new(program);
    // What the demo advises at its end is then `cckw`, and not where it was built.
    let own = program.parent().into_iter().map(Path::to_owned);
    let usual = env::var_os("PATH").unwrap_or_default();
    let path = own.chain(env::split_paths(&usual));
    let path = env::join_paths(path).map_err(|error| format!("PATH: {error}"))?;
    // A short and usual place, for it is to be seen.
    command
        .arg("demo")
        .env("PATH", path)
        .env("TERM", "xterm-256color")
        .env("TMPDIR", "/tmp")
        .env_remove("NO_COLOR");
    let Started { master, mut child, .. } = pty::start(Size::cells(rows, columns), command);
    let cells = |number| NonZero::new(number).expect("a size");
    let mut screen = vt100::Parser::new(cells(rows), cells(columns), 0);
    let shots = watch(master.into(), &mut screen);
    // The terminal is closed by now, at which the demo ends and cleans up after itself, if it has not ended.
    let status = child.wait().map_err(|error| format!("the demo's end: {error}"))?;
    let shots = shots.map_err(|why| format!("{why}\n{}", screen.screen().contents()))?;
    if status.success() {
        Ok(shots)
    } else {
        Err(format!("the demo: {status}\n{}", screen.screen().contents()))
    }
}

/// Takes down what there is to see, until nobody has the terminal open any more.
fn watch(mut master: File, screen: &mut vt100::Parser) -> Result<Vec<Shot>, String> {
    let end = Instant::now() + AT_MOST;
    let (mut shots, mut buffer) = (Vec::<Shot>::new(), [0; 64 * 1024]);
    while Instant::now() < end {
        let mut poll = Poll::default();
        let output = poll.add(&master, Interest::Reading);
        poll.wait(Some(STANDS)).map_err(|error| format!("cannot wait: {error}"))?;
        if !poll.is_ready(output) {
            let frame = Frame::of(screen.screen());
            match shots.last_mut().filter(|last| last.frame == frame) {
                Some(last) => last.stood += STANDS,
                None => shots.push(Shot { frame, stood: STANDS }),
            }
            continue;
        }
        match master.read(&mut buffer) {
            Ok(count) if count > 0 => screen.process(&buffer[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            // Linux says EIO when the last program has closed the terminal.
            _ => {
                shots.push(Shot { frame: Frame::of(screen.screen()), stood: AT_MOST });
                return Ok(shots);
            }
        }
    }
    Err("the demo does not end".into())
}
