//! One connection of a link: ssh on a terminal of its own, which cckw plays.

use std::fs::{self, File, OpenOptions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use nix::sys::termios::LocalFlags;

use super::super::failure::Failure;
use super::super::ssh::{self, Mode, Purpose, Settings};
use super::super::store::Machine;
use super::request::AttachRequest;
use crate::os::inner_terminal::{self, InnerTerminal};
use crate::os::io as nonblocking;
use crate::os::io::Transfer;
use crate::os::tty::{self, Size};
use crate::protocol::markers::{Direction, MarkerScanner, Piece, ToFar, ToNear};

/// How long ssh may take to end when it was killed, or has closed its terminal.
const END_TIMEOUT: Duration = Duration::from_secs(1);
const POLL_INTERVAL: Duration = Duration::from_millis(5);
/// The most that is kept of what comes before the far side's first words, in bytes.
const MAX_HELD_BYTES: usize = 64 << 10;
/// The most that is read of what ssh has logged, in bytes.
const MAX_LOG_BYTES: u64 = 64 << 10;
/// An ssh that ends without a word after so long has waited in vain.
const SILENT_LOGIN: Duration = Duration::from_secs(5);

/// How a connection is made.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// Somebody answers ssh's questions.
    pub attended: bool,
    /// How long it may take to be there.
    pub within: Duration,
    /// A connection of the user's that is shared has proved dead: this one is not shared.
    pub alone: bool,
}

/// ssh, and its terminal.
pub struct Connection {
    master: OwnedFd,
    child: Child,
    /// What ssh has to say goes here, and not into the terminal where claude draws.
    log: Option<Log>,
    begun: Instant,
    /// Takes out what the far side says to this one.
    scanner: MarkerScanner,
    nonce: String,
    /// What has come before the far side's first words, from the far shell.
    held: Vec<u8>,
    /// The last byte that ssh itself has shown, as of a question.
    shown: u8,
    /// Somebody answers ssh's questions.
    attended: bool,
    /// ssh has logged in.
    is_logged_in: bool,
    /// The far side has said its first words.
    is_greeted: bool,
    /// It has said its last words. What comes behind them is of ssh.
    is_over: bool,
}

/// What has come.
pub enum Heard<'a> {
    /// Of ssh, before it has logged in: its questions.
    Login(&'a [u8]),
    /// Of the session, for the terminal.
    Drawn(&'a [u8]),
    /// For this side.
    Word(ToNear),
}

impl Connection {
    /// Starts ssh.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(
        machine: &Machine,
        settings: &Settings,
        manner: Manner,
        request: &AttachRequest,
        size: Size,
    ) -> Result<Self, Failure> {
        let runtime = ssh::runtime_directory();
        let log = runtime
            .as_ref()
            .and_then(|directory| Log::make(directory.join(format!("log-{}", request.nonce))));
        let alone = Settings { are_shared: false, ..settings.clone() };
        let (settings, sockets) = if manner.alone { (&alone, None) } else { (settings, runtime.as_deref()) };
        let mode = if manner.attended { Mode::Terminal } else { Mode::UnattendedTerminal(manner.within) };
        let mut command = ssh_with_log(log.as_ref());
        if settings.are_shared {
            // One that is there is used, but this ssh, which may be killed, does not become the one of others.
            command.args(["-o", "ControlMaster=no"]);
        }
        command
            .args(ssh::arguments(machine, settings, mode, Purpose::Short, sockets))
            .arg(ssh::far_command(machine, &format!("far attach {}", request.to_digits())));
        if std::env::current_dir().is_err() {
            command.current_dir("/");
        }
        let InnerTerminal { master, child } =
            inner_terminal::start(&command, size).map_err(|error| Failure::NoSsh(error.to_string()))?;
        let master = OwnedFd::from(master);
        nonblocking::set_nonblocking(&master).map_err(|error| Failure::NoSsh(error.to_string()))?;
        Ok(Self {
            master,
            child,
            log,
            begun: Instant::now(),
            scanner: MarkerScanner::new(Direction::ToNear, &request.nonce),
            nonce: request.nonce.clone(),
            held: Vec::new(),
            shown: b'\n',
            attended: manner.attended,
            is_logged_in: false,
            is_greeted: false,
            is_over: false,
        })
    }

    /// A word for the far side, in bytes.
    pub fn marker(&self, word: &ToFar) -> Vec<u8> {
        word.bytes(&self.nonce)
    }

    /// Where keys go in and output comes out.
    pub fn master(&self) -> &OwnedFd {
        &self.master
    }

    /// Gives the far side another size.
    pub fn resize(&self, size: Size) {
        let _ = tty::set_size(&self.master, size);
    }

    /// Reads once, and gives what has come piece by piece.
    pub fn read(&mut self, buffer: &mut [u8], mut heard: impl FnMut(Heard<'_>)) -> Transfer {
        let read = nonblocking::read(&self.master, buffer);
        let Transfer::Moved(count) = read else { return read };
        // ssh makes the terminal raw when it has logged in, and gives it back at its end. What comes before the login
        // is of ssh itself.
        self.is_logged_in = self.is_logged_in || !self.local_flags().contains(LocalFlags::ICANON);
        let is_login = self.attended && !self.is_logged_in;
        let Self { scanner, held, shown, is_greeted, is_over, log, .. } = self;
        scanner.feed(&buffer[..count], |piece| match piece {
            Piece::Bytes(_) if *is_over => {}
            Piece::Bytes(bytes) if *is_greeted => heard(Heard::Drawn(bytes)),
            Piece::Bytes(bytes) if is_login => {
                *shown = bytes.last().copied().unwrap_or(*shown);
                heard(Heard::Login(bytes));
            }
            Piece::Bytes(bytes) => {
                let room = MAX_HELD_BYTES.saturating_sub(held.len());
                held.extend_from_slice(&bytes[..bytes.len().min(room)]);
            }
            Piece::Marker(content) => {
                // A word of a later version is passed over.
                if let Ok(word) = serde_json::from_slice::<ToNear>(content) {
                    if matches!(word, ToNear::Hello(_)) {
                        *is_greeted = true;
                        // ssh has it open by now. Nothing of it is left behind, whatever becomes of this process.
                        if let Some(log) = log {
                            log.hide();
                        }
                    }
                    *is_over |= matches!(word, ToNear::Bye(_));
                    heard(Heard::Word(word));
                }
            }
        });
        read
    }

    /// Whether ssh asks the user something, a password for one.
    pub fn asks(&self) -> bool {
        let flags = self.local_flags();
        let is_question = !flags.contains(LocalFlags::ECHO) || self.shown != b'\n';
        self.attended && !self.is_logged_in && flags.contains(LocalFlags::ICANON) && is_question
    }

    fn local_flags(&self) -> LocalFlags {
        tty::termios(&self.master).map_or(LocalFlags::empty(), |attributes| attributes.local_flags)
    }

    /// What was held.
    pub fn take_held(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    /// Why there is no session, when ssh has closed its terminal.
    pub fn failure(&mut self) -> Failure {
        let status = self.wait().and_then(|status| status.code());
        let mut said = self.logged().into_bytes();
        said.extend_from_slice(&self.held);
        let took = self.begun.elapsed();
        match Failure::of(status, &said, took) {
            // What ssh says of a silence is no error to it, and is not logged.
            Failure::Other(text) if text.is_empty() && took >= SILENT_LOGIN => Failure::TimedOut(took),
            failure => failure,
        }
    }

    /// Whether ssh has ended.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Why it was lost that was there: ssh's last words.
    pub fn last_words(&self) -> Option<String> {
        let logged = self.logged();
        let mut lines = logged.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.next_back().map(str::to_owned)
    }

    fn logged(&self) -> String {
        self.log.as_ref().map_or_else(String::new, Log::read)
    }

    fn wait(&mut self) -> Option<std::process::ExitStatus> {
        let until = Instant::now() + END_TIMEOUT;
        loop {
            match self.child.try_wait() {
                Ok(None) if Instant::now() < until => std::thread::sleep(POLL_INTERVAL),
                Ok(status) => return status,
                Err(_) => return None,
            }
        }
    }
}

/// ssh, without its own words on its terminal, for there claude draws. Its questions come to the terminal all the same.
fn ssh_with_log(log: Option<&Log>) -> Command {
    // The last words of a connection that ends are no part of ssh's log: it writes them to stderr.
    const STDERR_TO_LOG: &str = "exec 2>>\"$0\"; exec \"$@\"";
    let mut command = match log {
        None => Command::new(ssh::program()),
        Some(log) => {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", STDERR_TO_LOG]).arg(&log.path).arg(ssh::program()).arg("-E").arg(&log.path);
            command
        }
    };
    command.args(["-o", "LogLevel=ERROR"]);
    command
}

impl Drop for Connection {
    /// ssh ends with its connection, whatever it does.
    fn drop(&mut self) {
        if !self.has_ended() && self.child.kill().is_ok() {
            self.wait();
        }
        if let Some(log) = &self.log {
            log.hide();
        }
    }
}

/// What ssh has to say, in a file.
struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    fn make(path: PathBuf) -> Option<Self> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create_new(true).mode(0o600);
        let file = options.open(&path).ok()?;
        Some(Self { path, file })
    }

    /// Takes its name away. Whoever has it open goes on with it.
    fn hide(&self) {
        let _ = fs::remove_file(&self.path);
    }

    /// The end of it.
    fn read(&self) -> String {
        let len = self.file.metadata().map_or(0, |metadata| metadata.len());
        let mut bytes = vec![0; len.min(MAX_LOG_BYTES) as usize];
        let count = self.file.read_at(&mut bytes, len.saturating_sub(MAX_LOG_BYTES)).unwrap_or(0);
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    }
}
