//! What the command line of cckw looks like. Help, completions and the man pages are made from this.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, ArgGroup, Args, Parser, Subcommand, ValueEnum, ValueHint};

use super::columns::Column;
use super::waiter::WaitFor;
use crate::client::launch::EnvironmentFrom;
use crate::config::duration;

/// What cckw is, in two sentences.
pub const ABOUT: &str = "\
Keeps Claude Code running: cckw owns the terminal that claude runs in, and pins its conversation.
Your screen, keys, pipes and exit status are the same as without it.";

const FIRST_STEPS: &str = "\
First steps:
  cckw demo                        See it at work on a stand-in, without an account
  cckw claude                      Start Claude Code; takes the arguments of `claude`
  eval \"$(cckw shell-init bash)\"   Let `claude` mean `cckw claude` (also zsh, fish)

While claude runs:
  ctrl-\\                           Detach: claude goes on without this terminal
  cckw attach                      Take it into a terminal again";

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
    /// The verb; without one the fleet view is shown, or off a terminal the help.
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// What `cckw service` does.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum ServiceAction {
    /// Install the service, and start it
    ///
    /// Writes a unit for systemd's user manager (an agent for launchd on macOS), enables it and starts it. Typed
    /// again, it renews the unit. A file that is not cckw's is never replaced. If no user manager answers, nothing
    /// is installed, and the line is printed with which cron starts the service.
    Install,
    /// End the service, and remove what was installed
    ///
    /// Sessions go on.
    Uninstall,
    /// Say whether the service runs
    ///
    /// The exit status is 0 if it runs, 3 if it is installed and does not run, 4 if it is not installed.
    Status {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Run the service in the foreground
    ///
    /// The unit of systemd, the agent of launchd and the line of cron run this. There is one for a user and a state
    /// directory: a second one says so and exits with 3.
    Run,
}

/// What `cckw machine` does.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum MachineAction {
    /// Name a machine, and look for cckw on it
    ///
    /// NAME is what you call it: letters, digits, `.`, `_` and `-`. DESTINATION is what you would give to ssh: a host
    /// of `~/.ssh/config`, `user@host`, or `ssh://user@host:port`. Without it, it is NAME. On a terminal ssh may ask you
    /// for a password, or whether a key is right.
    ///
    /// If there is no cckw on it, or an older one, a copy is offered on a terminal, and made with --copy: to
    /// `~/.local/bin/cckw` there. A newer one, and one that a package manager looks after, stays. To have a known
    /// machine looked at again, give its NAME alone.
    ///
    /// The machine is added also where there is no cckw on it yet; then the exit status is 1. If it cannot be reached,
    /// it is not added, and the status is 255.
    Add {
        /// What you call the machine
        name: String,
        /// What ssh calls it
        #[arg(value_hint = ValueHint::Hostname)]
        destination: Option<String>,
        /// Where cckw is on the machine: a path from `/` or `~/`. Without it, cckw is looked for
        #[arg(long, value_name = "PATH")]
        program: Option<String>,
        /// Copy a cckw to it without a question, if it has none or an older one
        #[arg(long, conflicts_with_all = ["program", "no_check"])]
        copy: bool,
        /// What is copied: a static cckw for that kind of machine. Without it: this program, or the release of [update]
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ["program", "no_check"])]
        binary: Option<PathBuf>,
        /// Add it without asking it
        #[arg(long)]
        no_check: bool,
    },
    /// List the machines, and what was last seen of them
    ///
    /// Asks none of them.
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Ask machines how they are
    ///
    /// Asks all of them at once: whether ssh reaches it, the version of its cckw, whether there is a claude, how many
    /// sessions run, and how long the answer took. ssh asks you nothing. Exits with 1 if one does not answer.
    Check {
        /// The machines; without any all of them
        machines: Vec<String>,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
        /// How long an answer may take
        #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration)]
        timeout: Duration,
    },
    /// Forget machines
    ///
    /// Nothing changes on them, and their sessions go on.
    Rm {
        /// The machines
        #[arg(required = true)]
        machines: Vec<String>,
    },
}

/// One verb, with what it takes.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Verb {
    /// Run Claude Code; everything after `claude` goes to it
    ///
    /// Takes the arguments of `claude` and passes them on. A session runs in a terminal of its own, and its
    /// conversation is pinned. `-p`, subcommands such as `mcp`, and pipes run exactly as without cckw. The exit
    /// status is that of claude; 127 if there is no claude.
    ///
    /// The key ctrl-\ detaches: claude goes on without this terminal, and `cckw attach` takes it back. If a
    /// session of this directory already goes on so, a start on a terminal asks whether you mean that one.
    #[command(disable_help_flag = true)]
    Claude {
        /// Arguments of claude
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_hint = ValueHint::AnyPath)]
        args: Vec<OsString>,
    },
    /// Start a session without a terminal, for scripts
    ///
    /// Starts claude in DIR, or here, and returns when it is up. Prints the name and the id of the session, with
    /// a tab between. NAME is claude's name for it, too; it is refused if a living session has it. Arguments of
    /// claude come after `--`, as for `cckw claude`. `cckw new NAME -- remote-control` starts a server.
    ///
    /// If claude asks something first (whether it may work in this folder, for a login), the question stands on
    /// stderr and nobody answers it: `cckw attach NAME` shows it. The exit status is 3 then, and 5 if claude is not
    /// up in time. The session goes on in both cases. If claude ends at once, stderr says what it said, and nothing
    /// is left of the session.
    #[command(override_usage = "cckw new [OPTIONS] NAME [DIR] [-- CLAUDE-ARGS...]")]
    New {
        /// The name of the session
        name: String,
        /// The directory that claude works in
        #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
        directory: Option<PathBuf>,
        /// Attach this terminal to the session, like `cckw attach`
        #[arg(long)]
        attach: bool,
        /// What claude is told first; `-` reads it from stdin
        #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
        prompt: Option<String>,
        /// Print one JSON object, as in `cckw list --json`
        #[arg(long, conflicts_with = "attach")]
        json: bool,
        /// How long claude may take to come up
        #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
        timeout: Duration,
        /// Arguments of claude
        #[arg(last = true, value_name = "CLAUDE-ARGS", value_hint = ValueHint::AnyPath)]
        args: Vec<OsString>,
    },
    /// Show all sessions on the whole screen, and go in and out of them
    ///
    /// Shows the sessions of this machine and of the others that you have named, claude's own background jobs, and claudes
    /// that were started without cckw. Those that need you come first. Beside them is the live screen of the one that is
    /// selected. Enter attaches this terminal to it; the key ctrl-\ leads back. `?` shows all keys, `q` leaves. `cckw`
    /// alone does the same on a terminal.
    ///
    /// The sessions do not depend on the view. A terminal that only prints lines (`TERM=dumb`) gets the table of
    /// `cckw list`.
    Top,
    /// List the sessions
    ///
    /// Lists the sessions that run, and those whose host was killed. If a session needs you, the line below it
    /// says what to do.
    List {
        /// List ended sessions too
        #[arg(long)]
        all: bool,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
        /// Stay, and show changes, until ctrl-c; with --json one array of all sessions a line
        #[arg(long, conflicts_with = "on")]
        watch: bool,
        /// Show these columns only, with commas between
        #[arg(long, value_name = "COLUMNS", value_delimiter = ',', conflicts_with = "json")]
        columns: Vec<Column>,
        #[command(flatten)]
        place: On,
    },
    /// Take a running session into this terminal
    ///
    /// SESSION is a name from `cckw list`, the beginning of an id, or a pid. Without it, the only running session
    /// is taken, or you choose one from a list. `box:api` is the session api of the machine box. A terminal that was
    /// attached before is detached and told. The exit status is that of claude, 0 when detached.
    ///
    /// If the link to another machine is lost, cckw connects again. ctrl-c ends that.
    ///
    /// The key ctrl-\ detaches again: claude goes on without this terminal.
    ///
    /// With `--watch` you only look: whoever has the session keeps it, no key reaches it, and its size stays. If this
    /// terminal is smaller, the part around the cursor is shown. Several can look at once. q, Esc, ctrl-c and ctrl-\
    /// leave. The exit status is 0 then, and if the session ends; a line says how it ended.
    Attach {
        /// The session
        session: Option<String>,
        /// Only look
        #[arg(long)]
        watch: bool,
    },
    /// Let a session go on without its terminal
    ///
    /// In the terminal of the session the key ctrl-\ does the same. `cckw attach` takes the session back.
    Detach {
        /// The session; without it the one that this is called in, or the only one
        session: Option<String>,
    },
    /// Bring back a session whose host is gone, without a terminal
    ///
    /// Use this after a reboot, or when the host of a session was killed. Claude resumes the same conversation. If
    /// several sessions had one name, the newest is brought back. If a running session has the name now, this
    /// one gets the next free name.
    Start {
        /// The session; without it the only one that has not ended
        #[arg(conflicts_with = "all")]
        session: Option<String>,
        /// All sessions that have not ended
        #[arg(long)]
        all: bool,
        /// Which environment claude gets: the one that the session was started with, or the one of this command.
        /// The session then keeps it
        #[arg(long, value_name = "WHICH", value_enum, default_value_t = Env::Session)]
        env: Env,
    },
    /// Start the claude of a session again, with the same conversation
    ///
    /// Use this after an update of claude, or after a change of settings that claude reads at its start. Claude
    /// keeps its flags and its terminal. No prompt is sent again. While claude works or asks something, the
    /// restart waits until it is idle: this command returns at once, and `cckw list` shows the request.
    ///
    /// After an update of cckw use `--hosts`. Claude and whoever is attached notice nothing of it.
    Restart {
        /// The sessions; without any the one that this is called in, or the only one
        #[arg(conflicts_with = "all", value_name = "SESSION")]
        sessions: Vec<String>,
        /// All sessions that run
        #[arg(long)]
        all: bool,
        /// Do not wait until claude is idle: what it is doing is lost
        #[arg(long)]
        now: bool,
        /// Call off a restart that waits until claude is idle
        #[arg(long, conflicts_with = "now")]
        cancel: bool,
        /// Leave claude alone, and have cckw's own hosts go on as the cckw that is on disk: of SESSION, or of all
        /// sessions that run an older one
        #[arg(long, conflicts_with_all = ["all", "now", "cancel"])]
        hosts: bool,
        /// With --hosts: also those that run the cckw on disk already
        #[arg(long, requires = "hosts")]
        force: bool,
    },
    /// Wait until sessions are idle, ask something, have answered, or have ended
    ///
    /// Returns when all of the sessions have come to it, or with `--any` the first. Prints a line for each: its name,
    /// a word (`idle`, `done`, `asks`, `failed`, `ended`, `timeout`) and more, with tabs between. A prompt that was
    /// submitted a moment ago counts as a turn that runs. ctrl-c ends the wait, and nothing else.
    ///
    /// The exit status is 0 if all have come to it. Otherwise it is that of the first session that has not: 1 if
    /// it has ended, 3 if it asks for something, 4 if its last turn failed, 5 if the time is over.
    Wait {
        /// The sessions
        #[arg(required = true, value_name = "SESSION")]
        sessions: Vec<String>,
        /// What is waited for
        #[arg(long = "for", value_name = "WHAT", value_enum, default_value_t = Awaited::Idle)]
        wanted: Awaited,
        /// Return when the first session has come to it
        #[arg(long)]
        any: bool,
        /// How long the wait may take
        #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration)]
        timeout: Duration,
    },
    /// Make a session of a claude that was started without cckw
    ///
    /// CLAUDE is its pid, its conversation's id or the beginning of that, or the id of a background job of claude's.
    /// `cckw detect` and `claude agents` show them. The session has no terminal: use `cckw attach`.
    ///
    /// With `--fork` the session gets a copy of the conversation under a new id, and the claude goes on. With
    /// `--takeover` it is ended when it is at rest (by SIGTERM, never killed), and the session goes on with its
    /// conversation, in its directory, with its arguments and its environment. What stands at its prompt is lost. If
    /// there is any doubt, nothing is done.
    #[command(
        override_usage = "cckw adopt --fork CLAUDE\n       cckw adopt --takeover [--now] CLAUDE",
        group(ArgGroup::new("how").required(true).args(["fork", "takeover"]))
    )]
    Adopt {
        /// A pid, or the id of a conversation or of a background job
        claude: String,
        /// Copy the conversation
        #[arg(long)]
        fork: bool,
        /// End the claude, and go on in its place
        #[arg(long)]
        takeover: bool,
        /// Do not wait until it is at rest: the turn that runs is broken off
        #[arg(long, conflicts_with = "fork")]
        now: bool,
        /// Print one JSON object, as in `cckw list --json`
        #[arg(long)]
        json: bool,
        /// How long it may take to come to rest
        #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
        timeout: Duration,
    },
    /// Give a session another name
    ///
    /// The name must be free, as for `cckw new`. A session that has ended can be renamed too. Claude hears of the
    /// name when it is started again; to rename claude's conversation at once, type `/rename` in it.
    Rename {
        /// The session
        session: String,
        /// Its new name
        #[arg(value_name = "NEW-NAME")]
        name: String,
    },
    /// Have claude go on with a turn that broke off
    ///
    /// A turn breaks off if claude crashes, its host is killed or the machine goes down. Claude is started again
    /// with the same conversation, and goes on by itself: nothing is typed. A session that does not run is brought
    /// back. If the turn ended in an error of the API, claude is told to go on, as by `cckw send`. Waits until the turn runs. Exit status: 0 if claude goes on, 1 if there is nothing to go on with or it
    /// cannot be done now, 2 if it is not known.
    Continue {
        /// The session; without it the one that this is called in, or the only one
        session: Option<String>,
    },
    /// End a session; its conversation stays
    ///
    /// Claude gets SIGHUP, as from a closed terminal, then SIGTERM and SIGKILL, five seconds apart. If one of
    /// several sessions cannot be ended, the others are, and the exit status is 1. A session that has ended
    /// already is left as it is, with status 0.
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
    /// Prints a line for each thing that cckw did or saw, in local time. SESSION may have ended. Without it, this
    /// takes the session that it is called in, else the only one that runs, else the one that ended last.
    Logs {
        /// The session
        session: Option<String>,
        /// Go on until the session ends
        #[arg(short, long)]
        follow: bool,
        /// Print the lines of the file: one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Print what was said in a conversation
    ///
    /// Prints who said what and when; a tool is folded to a line. SESSION is a session, running or ended, or the id
    /// of any conversation of Claude Code, or the first four characters of one. Without it, this takes the session
    /// that it is called in, else the only one that runs, else the one that ended last.
    ///
    /// Lines of the transcript that cannot be read are left out, and counted on stderr. `--follow` ends with the
    /// session; after `/clear` it goes on with the new conversation.
    Transcript {
        /// The session, or the id of a conversation
        session: Option<String>,
        /// Print the last answer alone
        #[arg(long, conflicts_with_all = ["tail", "follow"])]
        last: bool,
        /// Print the last N messages and calls of tools only
        #[arg(long, value_name = "N")]
        tail: Option<usize>,
        /// Go on until the session ends
        #[arg(short, long)]
        follow: bool,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Print what is on a session's screen
    ///
    /// With `--follow` it is printed again whenever it has changed, until the session ends; a line of dashes stands
    /// between. The host sends changes, so nothing is polled. With `--json` each line is an object with `rows`, `columns`,
    /// `cursor` and `changed`: pairs of the number of a row, from 0, and its text with colours. If `is_whole` is true,
    /// rows that are not named are blank. The last line has `ended`, which says why. To look at a session on a terminal,
    /// use `cckw attach --watch`.
    Screen {
        /// The session; without it the one that this is called in, or the only one
        session: Option<String>,
        /// Print colours, even if stdout is no terminal
        #[arg(long)]
        color: bool,
        /// Go on until the session ends
        #[arg(short, long)]
        follow: bool,
        /// With --follow: what has changed, one JSON object a line
        #[arg(long, requires = "follow", conflicts_with = "color")]
        json: bool,
    },
    /// Send a text to the claude of a session, as if it was typed there
    ///
    /// TEXT is a prompt or a /command; `-` reads it from stdin. It is pasted at claude's prompt and submitted with
    /// Enter, once. A draft that stands there is put aside and brought back. Permission prompts and dialogs are
    /// never answered. Control characters are sent as pictures of them.
    ///
    /// Exits with 0 when claude's transcript, or for a /command the screen, shows that it was submitted; with 1 if
    /// nothing was sent, and says why; with 2 if it was typed and it is not known what became of it. With `--wait` also with 3 if claude asks
    /// something first, with 4 if the turn failed (how is on stdout), and with 5 if the time is over.
    Send {
        /// The session
        session: String,
        /// The text; `-` for stdin
        #[arg(allow_hyphen_values = true)]
        text: String,
        /// When to type: at an idle prompt, or at once. While a turn runs, claude puts it into its own queue then
        #[arg(long, value_name = "WHEN", value_enum, default_value_t = When::Idle)]
        when: When,
        /// Wait until the turn is over, and print the answer
        #[arg(long)]
        wait: bool,
        /// How long to wait, such as 30s or 5m, also where claude asks something. Without it 10m for an idle prompt, 1h with `--wait`
        #[arg(long, value_name = "DURATION", value_parser = duration)]
        timeout: Option<Duration>,
    },
    /// Show the remote control of every session of Claude Code here, wrapped or not
    ///
    /// Reads claude's state files, and changes nothing. Like grep, it exits with 0 if a session matches, and with 1
    /// if none does.
    #[command(args_override_self = true)]
    Detect {
        #[command(flatten)]
        from: From,
        /// List sessions whose process is gone, too
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
        #[command(flatten)]
        place: On,
    },
    /// Bring remote control back where it is down
    ///
    /// Without `--apply` it only says what it would do. It reaches a wrapped session through its host, and another
    /// one through tmux or GNU screen. cckw types only if it sees the main prompt, and presses Enter only if it
    /// sees its own command alone in it.
    ///
    /// On a terminal it says in words what it did. A pipe, a file and cron get the lines of
    /// `claude-connection-keeper`.
    ///
    /// Exits with 2 if it failed for a session. With `--apply`, exits with 1 if a session that you name has no
    /// link and nothing was typed into it. Otherwise exits with 0, even if a session that was not named was left
    /// alone.
    #[command(args_override_self = true)]
    Reconnect {
        /// Only these sessions of `cckw list`, which get an answer in any case
        #[arg(value_name = "SESSION", conflicts_with_all = ["cycle", "sessions_dir"])]
        sessions: Vec<String>,
        #[command(flatten)]
        from: From,
        /// Do it
        #[arg(long)]
        apply: bool,
        /// Only this process, which gets an answer in any case; can be given several times
        #[arg(long, value_name = "PID", allow_negative_numbers = true, action = ArgAction::Append)]
        pid: Vec<i64>,
        /// Print only what was done and what failed
        #[arg(long)]
        quiet: bool,
        /// Switch the link of this session off and on again. After a sleep or an outage a link may look alive and
        /// be dead
        ///
        /// SESSION is a name from `cckw list`. The host uses the panel that `/remote-control` opens, with the same
        /// looks, and does nothing if it does not recognise the panel.
        #[arg(long, value_name = "SESSION", conflicts_with_all = ["pid", "quiet", "statuses", "sessions_dir"])]
        cycle: Option<String>,
    },
    /// Remove the records of sessions that do not run
    ///
    /// This removes cckw's record and log. The conversation belongs to claude and stays: `claude --resume` still
    /// knows it. If one of the sessions runs, or several had this name, nothing is removed.
    #[command(override_usage = "cckw rm SESSION...\n       cckw rm --ended")]
    Rm {
        /// The sessions: names as `cckw list --all` shows them, or ids
        #[arg(required_unless_present = "ended", conflicts_with = "ended", value_name = "SESSION")]
        sessions: Vec<String>,
        /// All that have ended, except those that need you
        #[arg(long)]
        ended: bool,
    },
    /// See cckw at work on a stand-in for Claude Code, without an account
    ///
    /// A small program that looks and behaves like Claude Code is started, killed, brought back, left without a
    /// terminal and attached again. This takes about forty seconds. The scratch directory is removed
    /// afterwards. Enter goes on, ctrl-c ends the demo. Without a terminal, or with `--script`, the scenes are
    /// printed as text, without a pause. Exits with 1 if anything that it claims did not happen.
    ///
    /// With `--by-hand` you get a shell in which `claude` is the stand-in and `cckw` works as usual, on
    /// sessions of its own. When you leave it, all of them are ended and removed.
    Demo {
        /// Print the scenes as text, without pauses
        #[arg(long)]
        script: bool,
        /// Give you a shell to try it in
        #[arg(long, conflicts_with = "script")]
        by_hand: bool,
    },
    /// Update cckw itself
    ///
    /// Takes the newest version from where the table [update] of the configuration says. The list of programs must
    /// be signed with the key that stands there. The new program is downloaded, compared and tried before it takes
    /// the place of this one. The one before is kept. If anything goes wrong, the installed program stays.
    ///
    /// If a package manager has installed cckw, nothing is done, and stderr says what updates it. Sessions that
    /// run take the new program as soon as their claude is idle.
    Update {
        /// Only say whether there is a newer version
        #[arg(long)]
        check: bool,
        /// Go back to the version before this one
        #[arg(long, conflicts_with = "check")]
        rollback: bool,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Bring sessions back after a reboot, and when their host is killed
    ///
    /// The service is a background process of yours. After a boot it brings back the sessions that ran when the
    /// machine went down, without a terminal; and at any time a session whose host is killed. Without it you do the
    /// same with `cckw start --all`. Sessions do not depend on it.
    Service {
        /// What is to be done
        #[command(subcommand)]
        action: ServiceAction,
    },
    /// Name other machines, whose sessions you reach by ssh
    ///
    /// The name goes before the name of a session: `cckw attach box:api` attaches to the session api of the machine
    /// box. `cckw list --on all` lists the sessions of all machines. cckw must be installed there; `cckw machine add`
    /// offers to copy it. ssh is used as you have configured it, with your keys and your agent. cckw opens no port
    /// and has no key.
    Machine {
        /// What is to be done
        #[command(subcommand)]
        action: MachineAction,
    },
    /// Check what cckw depends on, and say what to do
    ///
    /// Looks at claude, the configuration, the directories and the terminal. Changes nothing. Exits with 1 if
    /// cckw cannot work.
    Doctor {
        #[command(flatten)]
        place: On,
    },
    /// Print the shell code that makes `claude` mean `cckw claude`
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
    ///
    /// A function is known to its shell alone: not to `env X=1 claude`, to `timeout 1h
    /// claude`, or to scripts. With --shim it puts a program `claude` into a directory
    /// instead, which goes through cckw for these too. The directory has to come
    /// before the real claude on PATH:
    ///
    ///     cckw shell-init --shim ~/.local/share/cckw/bin
    #[command(verbatim_doc_comment, group(ArgGroup::new("what").required(true).args(["shell", "shim"])))]
    ShellInit {
        /// The shell
        #[arg(value_enum)]
        shell: Option<Shell>,
        /// Put a program `claude` that goes through cckw into this directory
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        shim: Option<PathBuf>,
        /// Take that program away again
        #[arg(long, requires = "shim")]
        remove: bool,
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

/// On which machines something is looked at.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct On {
    /// On these machines, with commas between; `all`: on all machines, and here
    #[arg(long, value_name = "MACHINE", value_delimiter = ',', num_args = 1..)]
    pub on: Vec<String>,
    /// With --on: how long a machine may take to answer
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration, requires = "on")]
    pub timeout: Duration,
}

impl On {
    /// Whether other machines are meant.
    pub fn is_elsewhere(&self) -> bool {
        !self.on.is_empty()
    }
}

impl Default for On {
    fn default() -> Self {
        Self { on: Vec::new(), timeout: Duration::from_secs(5) }
    }
}

/// Which sessions of Claude Code are looked at.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct From {
    /// The directory of claude's state files; without it, `sessions` where claude keeps its files
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub sessions_dir: Option<PathBuf>,
    /// The statuses in which a session may be reconnected, with commas: busy, shell, idle, waiting. The default
    /// is idle; for `cckw reconnect` also shell
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

/// When a text is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// At an idle prompt
    Idle,
    /// At once
    Now,
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

/// What `cckw wait` waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Awaited {
    /// Claude rests at its prompt, and its last turn was answered
    Idle,
    /// Claude asks its user something
    Asks,
    /// The turn that runs has ended, or the next one if none runs
    Turn,
    /// The session has ended
    Ended,
}

impl std::convert::From<Awaited> for WaitFor {
    fn from(wanted: Awaited) -> Self {
        match wanted {
            Awaited::Idle => Self::Idle,
            Awaited::Asks => Self::Asks,
            Awaited::Turn => Self::Turn,
            Awaited::Ended => Self::Ended,
        }
    }
}
