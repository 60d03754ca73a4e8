//! One request to one machine: ssh is started, the request is written to it, and its answer is taken apart.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::failure::{Failure, SSH_FAILED};
use super::ssh::{self, Mode, Purpose, Settings};
use super::store::Machine;
use super::wire::{Ask, Found, GO, Hello, HelloFinder, PROTOCOL, Request};
use crate::os::command::in_own_session;

/// How long the rest of the output may come after ssh has ended: a connection that goes on in the background may
/// keep it open.
const REST_TIMEOUT: Duration = Duration::from_secs(1);
/// How long the far side may take to say something where the user is asked for a password or the like meanwhile.
/// sshd waits for two minutes.
const ATTENDED_TIMEOUT: Duration = Duration::from_secs(150);
/// How long ssh may take before what it says is shown to a user who may have to do something about it, such as
/// touching a key.
const SHOW_AFTER: Duration = Duration::from_secs(2);
/// How many bytes are read at once.
const CHUNK_BYTES: usize = 16 << 10;
/// How much is kept of what ssh and the far shell say before the far side answers, in bytes.
const MAX_NOISE_BYTES: usize = 64 << 10;

/// A request for a machine.
#[derive(Debug, Clone)]
pub struct Call {
    /// Which machine.
    pub machine: Machine,
    /// What it is asked for.
    pub ask: Ask,
    /// Who answers ssh's questions.
    pub mode: Mode,
    /// How long the answer may take to come.
    pub purpose: Purpose,
    /// How the output is shown.
    pub shown: Shown,
}

/// How the output of the far side is shown.
#[derive(Debug, Clone, Copy, Default)]
pub struct Shown {
    /// Whether in colours.
    pub has_colours: bool,
    /// In how many columns; nothing where it goes to no terminal.
    pub columns: Option<usize>,
}

/// How a call ended that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What the far side said of itself.
    pub hello: Hello,
    /// The status of what it did.
    pub status: u8,
    /// How long it took until it said something.
    pub took: Duration,
}

/// Where the output of the far side goes.
pub trait Sink {
    /// Takes what came on stdout.
    ///
    /// # Errors
    /// When nobody wants it any more.
    fn stdout(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Takes what came on stderr.
    ///
    /// # Errors
    /// When nobody wants it any more.
    fn stderr(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// Why a call has no answer.
#[derive(Debug)]
pub enum CallError {
    /// The machine was not reached, or does not understand.
    Failed(Failure),
    /// Nobody wants the output any more.
    Output(io::Error),
}

impl From<Failure> for CallError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Call {
    /// Asks the machine. The output of the far side goes to `sink` as it comes.
    ///
    /// # Errors
    /// When the machine is not reached, cannot be understood, or is lost.
    pub async fn run(&self, sink: &mut impl Sink) -> Result<Answer, CallError> {
        let begun = Instant::now();
        let settings = self.settings().await?;
        let nonce = Uuid::new_v4().simple().to_string();
        let mut child = self.start(&settings)?;
        let stdin = child.stdin.take().ok_or_else(|| no_ssh("it has no stdin"))?;
        let mut input = FarInput::new(stdin, self.request(&nonce), self.ask.may_change());
        let talk = Conversation::new(&nonce, begun, self.hello_timeout(), self.mode == Mode::Attended);
        talk.run(&mut child, &mut input, sink).await
    }

    /// How long the far side may take to say its first word.
    fn hello_timeout(&self) -> Duration {
        match self.mode {
            Mode::Unattended(within) | Mode::UnattendedTerminal(within) => within,
            Mode::Attended | Mode::Terminal => ATTENDED_TIMEOUT,
        }
    }

    async fn settings(&self) -> Result<Settings, Failure> {
        let mut command = Command::from(ssh::settings_command(&self.machine));
        command.stdin(Stdio::null()).kill_on_drop(true);
        self.keep_from_terminal(&mut command);
        let said = match timeout(ssh::SETTINGS_TIMEOUT, command.output()).await {
            Ok(Ok(output)) => output.stdout,
            Ok(Err(error)) => return Err(no_ssh(error)),
            // It may be that ssh works all the same.
            Err(_) => Vec::new(),
        };
        Ok(Settings::parse(&String::from_utf8_lossy(&said)))
    }

    fn start(&self, settings: &Settings) -> Result<Child, Failure> {
        let runtime = ssh::runtime_directory();
        let mut command = Command::new(ssh::program());
        command
            .args(ssh::arguments(&self.machine, settings, self.mode, self.purpose, runtime.as_deref()))
            .arg(ssh::far_command(&self.machine, "far"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        self.keep_from_terminal(&mut command);
        command.spawn().map_err(no_ssh)
    }

    /// Where nobody sits there, ssh gets no terminal: what it runs, a `ProxyCommand` say, would ask there behind the back
    /// of the fleet view, and take its keys.
    fn keep_from_terminal(&self, command: &mut Command) {
        if matches!(self.mode, Mode::Unattended(_)) {
            in_own_session(command.as_std_mut());
        }
    }

    fn request(&self, nonce: &str) -> Vec<u8> {
        let request = Request {
            protocol: PROTOCOL,
            nonce: nonce.into(),
            machine: self.machine.prefix(),
            ask: self.ask.clone(),
            has_colours: self.shown.has_colours,
            columns: self.shown.columns,
            waits: self.ask.may_change(),
        };
        let mut line = serde_json::to_vec(&request).unwrap_or_default();
        line.push(b'\n');
        line
    }
}

fn no_ssh(error: impl ToString) -> Failure {
    Failure::NoSsh(error.to_string())
}

/// The stdin of the far side. It stays open as long as this value: its end tells the far side that nobody waits for
/// it any more.
struct FarInput {
    /// It writes the request.
    writer: JoinHandle<io::Result<ChildStdin>>,
    stdin: Option<ChildStdin>,
    /// The far side waits until it is told to go on.
    waits: bool,
}

impl FarInput {
    fn new(mut stdin: ChildStdin, request: Vec<u8>, waits: bool) -> Self {
        let write = async move {
            stdin.write_all(&request).await?;
            stdin.flush().await?;
            Ok(stdin)
        };
        Self { writer: tokio::spawn(write), stdin: None, waits }
    }

    /// The hello has come. If the far side cannot be told so, it does nothing, and its end is seen.
    async fn go(&mut self) {
        if !std::mem::take(&mut self.waits) {
            return;
        }
        let Ok(Ok(stdin)) = (&mut self.writer).await else { return };
        let stdin = self.stdin.insert(stdin);
        if stdin.write_all(GO).await.is_ok() {
            let _ = stdin.flush().await;
        }
    }
}

impl Drop for FarInput {
    fn drop(&mut self) {
        self.writer.abort();
    }
}

/// What has been said so far.
struct Conversation {
    begun: Instant,
    hello_timeout: Duration,
    out: HelloFinder,
    err: HelloFinder,
    hello: Option<(Hello, Duration)>,
    is_err_open: bool,
    /// When what ssh says is shown, if the user sits there.
    show_at: Option<Instant>,
    /// How much of it was shown.
    shown: usize,
    /// What ssh said after the far side had begun: the end of it says why a connection was lost.
    last_err: Vec<u8>,
}

impl Conversation {
    fn new(nonce: &str, begun: Instant, hello_timeout: Duration, is_attended: bool) -> Self {
        Self {
            begun,
            hello_timeout,
            out: HelloFinder::new(nonce),
            err: HelloFinder::new(nonce),
            hello: None,
            is_err_open: false,
            show_at: is_attended.then(|| begun + SHOW_AFTER),
            shown: 0,
            last_err: Vec::new(),
        }
    }

    async fn run(
        mut self,
        child: &mut Child,
        input: &mut FarInput,
        sink: &mut impl Sink,
    ) -> Result<Answer, CallError> {
        let (Some(mut stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(no_ssh("it has no output").into());
        };
        let (mut out_buffer, mut err_buffer) = (vec![0; CHUNK_BYTES], vec![0; CHUNK_BYTES]);
        let (mut has_out, mut has_err) = (true, true);
        let mut status = None;
        let mut deadline = self.begun + self.hello_timeout;
        while status.is_none() || has_out || has_err {
            tokio::select! {
                read = stdout.read(&mut out_buffer), if has_out => match read {
                    Ok(count) if count > 0 => self.heard_out(&out_buffer[..count], sink)?,
                    _ => has_out = false,
                },
                read = stderr.read(&mut err_buffer), if has_err => match read {
                    Ok(count) if count > 0 => self.heard_err(&err_buffer[..count], sink)?,
                    _ => has_err = false,
                },
                ended = child.wait(), if status.is_none() => {
                    status = Some(ended.map_err(no_ssh)?);
                    deadline = Instant::now() + REST_TIMEOUT;
                }
                () = tokio::time::sleep_until(self.show_at.unwrap_or(deadline)),
                    if self.hello.is_none() && self.show_at.is_some() => {
                    self.show_at = None;
                    self.show(sink)?;
                }
                () = tokio::time::sleep_until(deadline), if self.hello.is_none() || status.is_some() => {
                    if status.is_some() {
                        break;
                    }
                    return Err(self.silent().into());
                }
            }
            if self.hello.is_some() {
                input.go().await;
            }
        }
        self.end(status.and_then(|status| status.code()))
    }

    fn heard_out(&mut self, bytes: &[u8], sink: &mut impl Sink) -> Result<(), CallError> {
        if self.hello.is_some() {
            return sink.stdout(bytes).map_err(CallError::Output);
        }
        match self.out.take(bytes) {
            Found::Nothing => Ok(()),
            Found::Hello(hello, _) if hello.protocol.major != PROTOCOL.major => {
                Err(Failure::OtherProtocol(hello).into())
            }
            Found::Hello(hello, behind) => {
                self.hello = Some((hello, self.begun.elapsed()));
                sink.stdout(&behind).map_err(CallError::Output)
            }
            Found::Unreadable => Err(Failure::NotUnderstood("its first line cannot be read".into()).into()),
        }
    }

    fn heard_err(&mut self, bytes: &[u8], sink: &mut impl Sink) -> Result<(), CallError> {
        let bytes = if self.is_err_open {
            bytes.to_vec()
        } else {
            match self.err.take(bytes) {
                Found::Hello(_, behind) => behind,
                Found::Nothing | Found::Unreadable if self.shown > 0 => return self.show(sink),
                Found::Nothing | Found::Unreadable => return Ok(()),
            }
        };
        self.is_err_open = true;
        self.last_err.extend_from_slice(&bytes);
        let more = self.last_err.len().saturating_sub(MAX_NOISE_BYTES);
        self.last_err.drain(..more);
        sink.stderr(&bytes).map_err(CallError::Output)
    }

    /// Shows what ssh has said since the last time. The user may have to do something about it.
    fn show(&mut self, sink: &mut impl Sink) -> Result<(), CallError> {
        let said = &self.err.before()[self.shown..];
        self.shown += said.len();
        sink.stderr(said).map_err(CallError::Output)
    }

    /// Nothing has come for too long. What ssh has said may say why.
    fn silent(&self) -> Failure {
        match Failure::of(None, self.err.before(), self.hello_timeout) {
            Failure::Other(_) => Failure::TimedOut(self.hello_timeout),
            failure => failure,
        }
    }

    /// Nothing comes any more; this is ssh's status, if it was not killed.
    fn end(self, status: Option<i32>) -> Result<Answer, CallError> {
        let Some((hello, took)) = self.hello else {
            return Err(Failure::of(status, self.err.before(), self.begun.elapsed()).into());
        };
        match status.map(u8::try_from) {
            Some(Ok(status)) if i32::from(status) != SSH_FAILED => Ok(Answer { hello, status, took }),
            _ => {
                let said = String::from_utf8_lossy(&self.last_err);
                let last = said.lines().next_back().unwrap_or_default().trim().to_owned();
                Err(Failure::Lost(last).into())
            }
        }
    }
}
