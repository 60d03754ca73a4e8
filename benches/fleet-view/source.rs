//! A program in claude's place that writes as much as it is told, and how much it got rid of.
//!
//! This benchmark is the program, and knows by its own name that it is.

use std::fs::{self, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::stat::Mode;

use crate::support::{Sandbox, wait_or_report};

/// What the program is called.
const PROGRAM: &str = "writing-program";

/// What the program shows before it has written anything.
pub const GREETING: &str = "waiting for orders";

/// What stands in each line.
pub const LINE: &str = "line-";

/// From one picture to the next.
const PICTURE_EVERY: Duration = Duration::from_millis(10);

/// How many lines a picture has.
const PICTURE_LINES: usize = 36;

/// Removes what is on the screen.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As much as is taken.
    Flood,
    /// The whole screen anew, 100 times a second: more often than a busy claude draws.
    Pictures,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Flood => "flood",
            Self::Pictures => "pictures",
        }
    }
}

/// Whether this process is to be that program.
pub fn is_wanted() -> bool {
    std::env::current_exe().is_ok_and(|program| program.ends_with(PROGRAM))
}

/// Where the program is in a sandbox.
pub fn program(sandbox: &Sandbox) -> PathBuf {
    sandbox.path("source").join(PROGRAM)
}

/// Puts the program there, with the pipe by which it is told.
pub fn furnish(sandbox: &Sandbox) {
    let directory = sandbox.path("source");
    fs::create_dir(&directory).expect("a directory");
    let own = std::env::current_exe().expect("this program");
    fs::copy(own, directory.join(PROGRAM)).expect("a copy");
    nix::unistd::mkfifo(&orders(&directory), Mode::S_IRUSR | Mode::S_IWUSR).expect("a pipe");
}

fn orders(directory: &Path) -> PathBuf {
    directory.join("orders")
}

fn written(directory: &Path) -> PathBuf {
    directory.join("written")
}

/// Has the program write for so long. [`finish`] tells how much it was.
pub fn begin(sandbox: &Sandbox, kind: Kind, time: Duration) {
    let directory = sandbox.path("source");
    let _ = fs::remove_file(written(&directory));
    let mut pipe = OpenOptions::new().write(true).open(orders(&directory)).expect("the pipe");
    writeln!(pipe, "{} {}", kind.word(), time.as_millis()).expect("takes the order");
}

/// How many bytes a second the program has written: when it has done so.
pub fn finish(sandbox: &Sandbox, time: Duration) -> f64 {
    let file = written(&sandbox.path("source"));
    let look = || fs::read_to_string(&file).ok()?.trim().parse().ok();
    wait_or_report("what the program has written", time + Duration::from_secs(30), look, String::new)
}

/// Runs for ever.
///
/// # Errors
/// When its terminal is gone.
pub fn run() -> io::Result<()> {
    let own = std::env::current_exe()?;
    let directory = own.parent().expect("a directory");
    println!("{CLEAR}{GREETING}");
    // Open for writing too, so that it does not end when nobody else has it open.
    let pipe = OpenOptions::new().read(true).write(true).open(orders(directory))?;
    let block = block();
    for line in BufReader::new(pipe).lines() {
        let line = line?;
        let Some((kind, time)) = line.split_once(' ') else { continue };
        let time = Duration::from_millis(time.parse().unwrap_or(0));
        let begun = Instant::now();
        let bytes = if kind == Kind::Flood.word() { flood(&block, time)? } else { pictures(&block, time)? };
        let speed = bytes as f64 / begun.elapsed().as_secs_f64();
        // As claude does sooner or later: a host that could not follow knows what is on the screen again.
        println!("{CLEAR}{GREETING}");
        let new = directory.join("new");
        fs::write(&new, speed.to_string())?;
        fs::rename(new, written(directory))?;
    }
    Ok(())
}

fn flood(block: &[u8], time: Duration) -> io::Result<usize> {
    let begun = Instant::now();
    let mut bytes = 0;
    while begun.elapsed() < time {
        io::stdout().write_all(block)?;
        bytes += block.len();
    }
    io::stdout().flush()?;
    Ok(bytes)
}

fn pictures(block: &[u8], time: Duration) -> io::Result<usize> {
    let lines: Vec<&[u8]> = block.split_inclusive(|byte| *byte == b'\n').collect();
    let begun = Instant::now();
    let mut bytes = 0;
    for picture in lines.windows(PICTURE_LINES).cycle() {
        if begun.elapsed() >= time {
            break;
        }
        let picture = [CLEAR.as_bytes(), &picture.concat()].concat();
        io::stdout().write_all(&picture)?;
        bytes += picture.len();
        std::thread::sleep(PICTURE_EVERY);
    }
    Ok(bytes)
}

/// Lines of different lengths and colours, as a log has them.
fn block() -> Vec<u8> {
    let mut text = Vec::new();
    for number in 0_usize..1000 {
        let width = 20 + number * 37 % 50;
        text.extend_from_slice(format!("\x1b[3{}m{LINE}{number:04}\x1b[0m ", 1 + number % 6).as_bytes());
        text.extend((10..width).map(|column| b'!' + ((column * 7 + number) % 94) as u8));
        text.push(b'\n');
    }
    text
}
