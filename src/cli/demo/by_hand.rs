//! `cckw demo --by-hand`: a shell in which cckw is tried, on sessions of its own.

use std::fs;
use std::io;
use std::io::IsTerminal;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use super::scratch::Scratch;
use crate::cli::output;
use crate::os::kill;
use crate::os::poll::{Interest, Poll};
use crate::os::signal_pipe::SignalPipe;
use crate::os::tty;
use crate::os::tty::Attributes;
use crate::user_error::{UserError, files, verb};

/// What the sessions of the demo go by. They go with its terminal. Should the demo itself be killed, nobody
/// ends them for it.
///
/// A crash soon after a start is what is tried here, so claude comes back as after any other.
pub const CONFIG: &str = "on_hangup = \"exit\"\nlinger = \"30m\"\n[restart]\nearly_delay = \"0s\"\n";

const INTRODUCTION: &str = "\
This is a shell with a home of its own. Your files and your sessions are not
touched. `claude` is a stand-in for Claude Code here, and it runs inside cckw. It
echoes what you say and needs no account.

  claude             start a session; then say hello; /exit ends it
  ctrl-\\             detach: claude goes on without a terminal
  cckw list          see the sessions
  cckw attach        take one back
  cckw stop          end one
  ctrl-z             back to this shell; then fg, or cckw detach
  /fault crash 9     in a session: claude is killed, and cckw brings it back

Leave with exit or ctrl-d. All sessions of the demo end then, and its files are
removed.

";

/// The prompt says where one is, and how to leave.
const PROMPT: &str = "[cckw demo, exit to leave] $ ";

/// A shell that was told to end may take this long, before it is killed.
const SHELL_ENDS_WITHIN: Duration = Duration::from_secs(3);

/// The signals that end the demo, and the one that tells that the shell has ended.
///
/// # Errors
/// When the system refuses.
pub fn signals() -> io::Result<SignalPipe> {
    use libc::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    SignalPipe::install(&[SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGCHLD])
}

/// Why the shell was not waited for until it was left.
pub enum Early {
    /// This signal ended the demo.
    Signal(i32),
    /// There was no shell, or no waiting for it.
    Refused(UserError),
}

/// Gives the user a shell until it is left.
///
/// # Errors
/// When it cannot be, or a signal ends the demo before.
pub fn main(scratch: &Scratch, mut signals: SignalPipe) -> Result<(), Early> {
    let terminal = io::stdin();
    if !terminal.is_terminal() || !io::stdout().is_terminal() {
        return Err(Early::Refused(verb::demo_needs_a_terminal()));
    }
    let had_terminal = tty::in_foreground(&terminal);
    let attributes = Attributes::of(&terminal).ok();
    output::print(INTRODUCTION);
    let mut shell = start(scratch).map_err(|error| Early::Refused(verb::demo_cannot_run_shell(error)))?;
    let ended = wait(&mut shell, &mut signals);
    // A shell that was killed has left the terminal as it had it.
    if had_terminal && !tty::in_foreground(&terminal) {
        let _ = tty::take_foreground(&terminal);
    }
    if let Some(attributes) = attributes.filter(|_| had_terminal) {
        let _ = attributes.apply(&terminal);
    }
    ended
}

/// Starts the shell: `bash`, which has a line editor, else `sh`.
fn start(scratch: &Scratch) -> io::Result<Child> {
    let start_up = scratch.path("bashrc");
    // The system's own start-up file comes before it.
    fs::write(&start_up, format!("unset PROMPT_COMMAND\nPS1='{PROMPT}'\n"))?;
    let mut bash = Command::new("bash");
    bash.arg("--noprofile").arg("--rcfile").arg(start_up);
    match spawn(bash, scratch) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => spawn(Command::new("/bin/sh"), scratch),
        started => started,
    }
}

fn spawn(mut command: Command, scratch: &Scratch) -> io::Result<Child> {
    scratch.furnish(&mut command);
    // What the user's own shells read, and write.
    for variable in ["BASH_ENV", "ENV", "PROMPT_COMMAND", "HISTFILE"] {
        command.env_remove(variable);
    }
    command.arg("-i").env("PS1", PROMPT).env("BASH_SILENCE_DEPRECATION_WARNING", "1").spawn()
}

/// Waits until the shell has ended. A signal that ends the demo ends the shell as a closed terminal would.
fn wait(shell: &mut Child, signals: &mut SignalPipe) -> Result<(), Early> {
    let mut came = None;
    let mut deadline: Option<Instant> = None;
    loop {
        for signal in signals.pending().filter(|signal| *signal != libc::SIGCHLD) {
            came.get_or_insert(signal);
            deadline.get_or_insert_with(|| Instant::now() + SHELL_ENDS_WITHIN);
            let shell = Pid::from_raw(shell.id().cast_signed());
            // It was not waited for. An interactive shell ignores SIGTERM; a stopped one hears of nothing.
            let _ = kill::to_child(shell, libc::SIGHUP);
            let _ = kill::to_child(shell, libc::SIGCONT);
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            let _ = shell.kill();
            deadline = None;
        }
        match (shell.try_wait(), came) {
            (Ok(Some(_)), Some(signal)) => return Err(Early::Signal(signal)),
            (Ok(Some(_)), None) => return Ok(()),
            (Ok(None), _) => {}
            (Err(error), _) => return Err(Early::Refused(files::cannot_wait(error))),
        }
        let mut poll = Poll::default();
        poll.add(&*signals, Interest::Reading);
        poll.wait(left.filter(|left| !left.is_zero()))
            .map_err(|error| Early::Refused(files::cannot_wait(error)))?;
    }
}
