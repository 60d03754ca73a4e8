//! What the command line of cckw looks like. Help, completions and the man pages are made from this.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, ValueHint};

use crate::client::launch::EnvironmentFrom;

/// What cckw is, in two sentences.
pub const ABOUT: &str = "\
Keeps Claude Code running: cckw owns the terminal that claude runs in, and pins its conversation.
Your screen, keys, pipes and exit status stay what they are without it.";

const FIRST_STEPS: &str = "\
First steps:
  cckw demo                        See it at work on a stand-in, without an account
  cckw claude                      Start Claude Code; takes the arguments of `claude`
  eval \"$(cckw shell-init bash)\"   Let `claude` mean `cckw claude` (also zsh, fish)";

const TEMPLATE: &str = "\
{about-with-newline}
{usage-heading} {usage}

{before-help}Commands:
{subcommands}

Options:
{options}{after-help}
";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "cckw",
    version,
    about = ABOUT,
    before_help = FIRST_STEPS,
    after_help = "Documentation: `cckw man`, and README.md and docs/ in the source.",
    help_template = TEMPLATE,
    disable_help_subcommand = true
)]
pub struct Cli {
    /// The verb; without one the help is printed.
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// One verb, with what it takes.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run Claude Code; everything after `claude` goes to it
    ///
    /// Takes the arguments of `claude` and passes them on. Where there is a session to keep, its conversation
    /// is pinned and it runs in a terminal of its own; `-p`, subcommands such as `mcp`, and pipes run exactly
    /// as without cckw. The exit status is that of claude; 127 if there is no claude.
    #[command(disable_help_flag = true)]
    Claude {
        /// Arguments of claude
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_hint = ValueHint::AnyPath)]
        args: Vec<OsString>,
    },
    /// List the sessions
    ///
    /// Those that run, and those whose host was killed. Under a session that needs you stands what to do.
    List {
        /// Ended sessions too
        #[arg(long)]
        all: bool,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
        /// Stay, and show what changes, until ctrl-c
        #[arg(long, conflicts_with = "json")]
        watch: bool,
    },
    /// Take a session that runs into this terminal
    ///
    /// SESSION is a name as `cckw list` shows it, the beginning of an id, or a pid; without it, the only
    /// session that runs, or the one that you choose from a list. Whoever was attached before is detached and
    /// told. The exit status is that of claude, 0 when detached.
    Attach {
        /// The session
        session: Option<String>,
    },
    /// Let a session go on without its terminal
    Detach {
        /// The session; without it the one that this is called in, or the only one
        session: Option<String>,
    },
    /// Bring back a session whose host is gone, without a terminal
    ///
    /// After a reboot, or when the process that held it was killed. Claude resumes the same conversation. Of
    /// several sessions that had one name, the newest is meant. Where a running one has the name by now, the
    /// session gets the next free one.
    Start {
        /// The session; without it the only one that has not ended
        #[arg(conflicts_with = "all")]
        session: Option<String>,
        /// All sessions that have not ended
        #[arg(long)]
        all: bool,
        /// Which environment claude gets: the one that the session was started with, or the one of this
        /// command, which is the session's from then on
        #[arg(long, value_name = "WHICH", value_enum, default_value_t = Env::Session)]
        env: Env,
    },
    /// Start a session's claude anew, with the same conversation
    ///
    /// To take a newer claude that was installed, or settings that are read at the start. Claude keeps its
    /// flags and its terminal; no prompt is sent again. While claude works or asks something, the restart
    /// waits until it is idle: the request is noted, this command returns at once, and `cckw list` shows it.
    Restart {
        /// The session; without it the one that this is called in, or the only one
        #[arg(conflicts_with = "all")]
        session: Option<String>,
        /// All sessions that run
        #[arg(long)]
        all: bool,
        /// Do not wait until claude is idle: what it is doing is lost
        #[arg(long)]
        now: bool,
        /// Call off a restart that waits until claude is idle
        #[arg(long, conflicts_with = "now")]
        cancel: bool,
    },
    /// End a session; its conversation stays
    ///
    /// Claude is asked as by a closed terminal (SIGHUP), then by SIGTERM and SIGKILL, five seconds apart. Of
    /// several sessions all others are ended where one cannot be; the exit status is 1 then. One that has
    /// ended already is left as it is, with status 0.
    Stop {
        /// The sessions; without one the only one that runs
        #[arg(conflicts_with = "all", value_name = "SESSION")]
        sessions: Vec<String>,
        /// All sessions that run
        #[arg(long)]
        all: bool,
    },
    /// Print what happened in a session
    ///
    /// A line for each thing that cckw did or saw, in local time. SESSION may have ended; without it, the
    /// session that this is called in, else the only one that runs, else the one that ended last.
    Logs {
        /// The session
        session: Option<String>,
        /// Go on until the session ends
        #[arg(short, long)]
        follow: bool,
        /// As it is in the file: one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Print what is on a session's screen
    Screen {
        /// The session; without it the one that this is called in, or the only one
        session: Option<String>,
        /// With colours, also where stdout is no terminal
        #[arg(long)]
        color: bool,
    },
    /// Show the remote control of every session of Claude Code here, wrapped or not
    ///
    /// Reads claude's state files, and changes nothing. Exits with 0 if there is a session that was asked
    /// for, with 1 if there is none, as grep does.
    #[command(args_override_self = true)]
    Detect {
        #[command(flatten)]
        from: From,
        /// Sessions whose process is gone, too
        #[arg(long)]
        include_dead: bool,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
        /// Only sessions in this state
        #[arg(long, value_parser = ["connected", "disconnected", "unknown"])]
        state: Option<String>,
        /// Only sessions that `cckw reconnect` could act on
        #[arg(long)]
        reconnectable: bool,
    },
    /// Bring remote control back where it is down
    ///
    /// Without `--apply` it only says what it would do. A wrapped session is served by its host, another one
    /// through tmux or GNU screen; in both cases cckw types only where it sees the main prompt, and presses
    /// Enter only where it sees its own command alone in it.
    ///
    /// Exits with 2 if it failed for a session. Exits with 1 if, with `--apply`, a session that `--pid` or
    /// `--cycle` names has no link and nothing was typed into it. Else with 0: a session that was not named
    /// may be left alone.
    #[command(args_override_self = true)]
    Reconnect {
        #[command(flatten)]
        from: From,
        /// Do it
        #[arg(long)]
        apply: bool,
        /// Only this process, which gets an answer in any case; can be given several times
        #[arg(long, value_name = "PID", allow_negative_numbers = true, action = ArgAction::Append)]
        pid: Vec<i64>,
        /// Tell of what was done and what failed, without a line for the whole run
        #[arg(long)]
        quiet: bool,
        /// Switch the link of this session off and on again, although it looks alive: after a sleep or an
        /// outage it may not be
        ///
        /// The session is one of `cckw list`. Its host goes through the panel that `/remote-control` opens,
        /// with the same looks, and does nothing where it does not recognise it.
        #[arg(long, value_name = "SESSION", conflicts_with_all = ["pid", "quiet", "statuses", "sessions_dir"])]
        cycle: Option<String>,
    },
    /// Remove the records of sessions that do not run
    ///
    /// What goes is cckw's own record and log. The conversation is claude's and stays: `claude --resume`
    /// still knows it. A session that runs is refused, and so is a name that several had; then nothing is
    /// removed.
    Rm {
        /// The sessions: names as `cckw list --all` shows them, or ids
        #[arg(required_unless_present = "ended", conflicts_with = "ended", value_name = "SESSION")]
        sessions: Vec<String>,
        /// All that have ended, but none that needs you
        #[arg(long)]
        ended: bool,
    },
    /// See cckw at work on a stand-in for Claude Code, without an account
    ///
    /// A small program that looks and behaves like Claude Code is started, killed, brought back, left without
    /// a terminal and attached again, in a scratch directory that is removed afterwards: some forty seconds,
    /// a scene after the other. Enter goes on, ctrl-c ends it. Without a terminal, or with `--script`, the
    /// scenes are printed as text, without a pause. Exits with 1 if anything that it claims did not happen.
    Demo {
        /// Print the scenes as text, as fast as they go
        #[arg(long)]
        script: bool,
        /// Leave a session on the stand-in to you
        #[arg(long, conflicts_with = "script")]
        by_hand: bool,
    },
    /// Check what cckw depends on, and say what to do
    ///
    /// Looks at claude, the configuration, the directories and the terminal. Changes nothing. Exits with 1 if
    /// something keeps cckw from working.
    Doctor,
    /// Print the shell code that lets `claude` mean `cckw claude`
    ///
    /// Prints a function `claude` that goes through cckw (and calls claude itself
    /// where cckw is missing), a function `claude-plain` that never does, and the
    /// completions of cckw. Put into ~/.bashrc or ~/.zshrc:
    ///
    ///     eval "$(cckw shell-init bash)"
    ///
    /// or into ~/.config/fish/config.fish:
    ///
    ///     cckw shell-init fish | source
    #[command(verbatim_doc_comment)]
    ShellInit {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the completions of cckw alone
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print a man page
    Man {
        /// The verb to print the page of; without one, the page of cckw
        verb: Option<String>,
        /// Write all pages into this directory instead
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "verb")]
        out: Option<PathBuf>,
    },
}

/// Which sessions of Claude Code are looked at.
#[derive(Debug, Args)]
pub struct From {
    /// The directory of claude's state files; without it, `sessions` where claude keeps its files
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub sessions_dir: Option<PathBuf>,
    /// The statuses in which a session may be reconnected, with commas: of busy, shell, idle, waiting.
    /// Without it, idle; `cckw reconnect` takes shell too
    #[arg(long, value_name = "LIST")]
    pub statuses: Option<String>,
}

/// A shell that cckw has code for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Which environment a claude gets that is brought back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Env {
    /// The one that the session was started with
    Session,
    /// The one of this command
    Current,
}

impl std::convert::From<Env> for EnvironmentFrom {
    fn from(which: Env) -> Self {
        match which {
            Env::Session => Self::Session,
            Env::Current => Self::Caller,
        }
    }
}
