//! What the man pages say beyond the definition of the command line: statuses, variables, files, examples.

/// A term, and what there is to say about it.
pub type Entry = (&'static str, &'static str);

/// What one page adds.
pub struct PageFacts {
    /// The verb; empty for the page of cckw itself.
    verb: &'static str,
    pub exit: &'static [Entry],
    pub environment: &'static [Entry],
    pub files: &'static [Entry],
    /// What to type, and what for.
    pub examples: &'static [Entry],
    /// Names of pages in section 1.
    pub see_also: &'static [&'static str],
}

/// The facts of a verb, or of cckw itself where the verb is empty.
///
/// # Panics
/// For a verb that has none: a test asks for every page.
pub fn of(verb: &str) -> &'static PageFacts {
    let found = ALL.iter().find(|facts| facts.verb == verb);
    found.unwrap_or_else(|| panic!("src/cli/man/facts.rs says nothing of {verb}"))
}

const FINE: Entry = ("0", "All went well.");
const FAILED: Entry = ("1", "Something failed; a line on stderr says what, and what to do.");
const SENSELESS: Entry = ("2", "The command line is wrong.");
const USUAL: &[Entry] = &[FINE, FAILED, SENSELESS];
const GOES_ON: &[Entry] = &[
    ("0", "Claude goes on with the turn."),
    ("1", "There is nothing to go on with, or claude cannot go on now; a line on stderr says why."),
    ("2", "It is not known whether claude goes on. Or the command line is wrong."),
];

const CLAUDE: Entry =
    ("CCKW_CLAUDE", "The program to run as claude: a path, or a name to be found on `PATH`.");
const SSH: Entry = ("CCKW_SSH", "The program that connects to other machines; `ssh` by default.");
const INSIDE: Entry = (
    "CCKW_SESSION",
    "cckw sets it for claude and the programs that claude starts. It names the session that a verb takes if you name none.",
);
const COLOURS: Entry = ("NO_COLOR", "If it is set and not empty, cckw prints no colours.");
const CONFIG_HOME: Entry = ("XDG_CONFIG_HOME", "Where the configuration is; `~/.config` by default.");
const STATE_HOME: Entry =
    ("XDG_STATE_HOME", "Where the records and sockets are; `~/.local/state` by default.");
const CLAUDES: Entry = ("CLAUDE_CONFIG_DIR", "Where claude keeps its files; `~/.claude` by default.");
const PATH: Entry = ("PATH", "Where cckw and claude are looked for.");

const CONFIG: Entry = ("~/.config/cckw/config.toml", "The configuration; it need not exist.");
const RECORD: Entry = (
    "~/.local/state/cckw/SESSION/session.json",
    "The record of a session: its conversation, its state, its processes.",
);
const ENVIRONMENT: Entry = (
    "~/.local/state/cckw/SESSION/environment",
    "The environment of a session, for a claude that is brought back. It may hold keys.",
);
const LOG: Entry = (
    "~/.local/state/cckw/SESSION/events.jsonl",
    "What happened in it; an older part is in events.old.jsonl.",
);
const SOCKET: Entry = ("~/.local/state/cckw/SESSION/control.sock", "The socket of a session that runs.");
const TRANSCRIPTS: Entry =
    ("~/.claude/projects/*/*.jsonl", "Claude's transcripts, one for each conversation.");
const STATE_FILES: Entry = ("~/.claude/sessions/", "Claude's state files, one for each of its processes.");

const OF_SESSIONS: &[Entry] = &[STATE_HOME];
const OF_THIS_SESSION: &[Entry] = &[INSIDE, STATE_HOME];
const BEGINNING: &[Entry] = &[CLAUDE, CONFIG_HOME, STATE_HOME];

const ALL: &[PageFacts] = &[
    PageFacts {
        verb: "",
        exit: &[
            ("cckw claude", "The status of claude; 128+n if signal n killed it; 127 if there is no claude."),
            ("cckw detect", "0 if a session matches, 1 if none does, 2 on an error."),
            (
                "cckw reconnect",
                "0; 1 if nothing was typed into a session that was named; 2 if it failed for one.",
            ),
            (
                "cckw send",
                "0 if the text was seen to be submitted; 1 if nothing was sent; 2 if it was typed and more is not known.",
            ),
            ("other verbs", "0 if all went well, 1 if something failed, 2 for a wrong command line."),
        ],
        environment: &[CLAUDE, INSIDE, COLOURS, CONFIG_HOME, STATE_HOME],
        files: &[CONFIG, RECORD, LOG, SOCKET],
        examples: &[
            ("cckw demo", "See what cckw does, without an account:"),
            ("cckw claude", "Start Claude Code, and keep it:"),
            ("eval \"$(cckw shell-init bash)\"", "Make `claude` mean `cckw claude` in this shell:"),
            ("cckw doctor", "See whether all is there that cckw needs:"),
        ],
        see_also: &[
            "cckw-claude",
            "cckw-list",
            "cckw-attach",
            "cckw-doctor",
            "cckw-shell-init",
            "tmux",
            "screen",
        ],
    },
    PageFacts {
        verb: "claude",
        exit: &[
            ("claude's own", "If claude ended by itself; 128+n if signal n ended it."),
            ("0", "The session was detached, and goes on."),
            ("129", "The terminal is gone, or SIGHUP came. The session goes on, unless on_hangup is exit."),
            ("143", "cckw was told to end by SIGTERM."),
            ("1", "The configuration cannot be used, or the session could not be set up."),
            ("70", "The host was killed and could not be replaced, so claude's own status is not known."),
            ("126", "There is a claude, but it cannot be executed."),
            ("127", "There is no claude."),
        ],
        environment: &[
            CLAUDE,
            INSIDE,
            ("SSH_AUTH_SOCK", "Leads claude to the ssh agent of the login that attached last."),
            CONFIG_HOME,
            STATE_HOME,
        ],
        files: &[CONFIG, RECORD, LOG, SOCKET],
        examples: &[
            ("cckw claude", "Start a conversation, and keep it:"),
            ("cckw claude --continue", "Go on with the last one of this directory:"),
            ("cckw claude -p 'say hello' | cat", "-p is no session, and runs as without cckw:"),
        ],
        see_also: &["cckw", "cckw-attach", "cckw-list", "cckw-restart", "cckw-stop"],
    },
    PageFacts {
        verb: "new",
        exit: &[
            FINE,
            FAILED,
            SENSELESS,
            ("3", "Claude asks something first. The session waits for the answer."),
            ("5", "Claude was not up in time. The session goes on."),
            ("127", "There is no claude."),
            ("128+n", "Signal n ended the wait. The session goes on."),
        ],
        environment: &[CLAUDE, PATH, CONFIG_HOME, STATE_HOME],
        files: &[CONFIG, RECORD, ENVIRONMENT, LOG, SOCKET],
        examples: &[
            ("cckw new api ~/src/api", "Start a session in a directory:"),
            ("cckw new api --prompt 'run the tests' -- --model opus", "Give claude a prompt and arguments:"),
            ("git diff | cckw new review --prompt -", "Read the prompt from stdin:"),
        ],
        see_also: &["cckw", "cckw-attach", "cckw-claude", "cckw-list", "cckw-stop"],
    },
    PageFacts {
        verb: "list",
        exit: USUAL,
        environment: &[COLOURS, STATE_HOME, ("TZ", "The time zone of the dates.")],
        files: &[RECORD, SOCKET],
        examples: &[
            ("cckw list", "See what runs, and what needs you:"),
            ("cckw list --watch", "Stay, and show what changes:"),
            ("cckw list --json --all", "For programs, with what has ended:"),
        ],
        see_also: &["cckw", "cckw-attach", "cckw-detect", "cckw-logs", "cckw-screen"],
    },
    PageFacts {
        verb: "top",
        exit: &[
            ("0", "You have left it."),
            FAILED,
            SENSELESS,
            ("101", "The view has a fault. The sessions go on."),
            ("128+n", "It was ended by signal n; 129 also if the terminal is gone."),
        ],
        environment: &[COLOURS, ("TERM", "With `dumb` the table of `cckw list` is printed."), STATE_HOME],
        files: &[RECORD, SOCKET],
        examples: &[("cckw top", "See all sessions, and go in with Enter:")],
        see_also: &["cckw", "cckw-attach", "cckw-list", "cckw-machine"],
    },
    PageFacts {
        verb: "attach",
        exit: &[
            ("claude's own", "If claude ended."),
            ("0", "The session was detached, and goes on. With --watch also if claude ended."),
            FAILED,
            SENSELESS,
        ],
        environment: &[("SSH_AUTH_SOCK", "The ssh agent that claude reaches from now on."), STATE_HOME],
        files: &[CONFIG, RECORD, SOCKET],
        examples: &[
            ("cckw attach", "Take the only session, or choose one from a list:"),
            ("cckw attach parser", "Take the session that `cckw list` calls parser:"),
            ("cckw attach --watch parser", "Look at it live, and leave it to whoever has it:"),
        ],
        see_also: &["cckw", "cckw-detach", "cckw-list", "cckw-screen"],
    },
    PageFacts {
        verb: "detach",
        exit: USUAL,
        environment: OF_THIS_SESSION,
        files: &[RECORD, SOCKET],
        examples: &[("cckw detach parser", "Let a session go on without its terminal:")],
        see_also: &["cckw", "cckw-attach", "cckw-stop"],
    },
    PageFacts {
        verb: "start",
        exit: USUAL,
        environment: BEGINNING,
        files: &[CONFIG, RECORD, ENVIRONMENT, SOCKET],
        examples: &[
            ("cckw start --all", "Bring everything back after a reboot:"),
            ("cckw start parser", "Bring one session back:"),
        ],
        see_also: &["cckw", "cckw-attach", "cckw-list", "cckw-restart"],
    },
    PageFacts {
        verb: "restart",
        exit: USUAL,
        environment: &[CLAUDE, INSIDE, STATE_HOME],
        files: &[RECORD, SOCKET],
        examples: &[
            ("cckw restart --all", "Take a newer claude in every session, each as soon as it is idle:"),
            ("cckw restart --now parser", "Restart one at once:"),
        ],
        see_also: &["cckw", "cckw-list", "cckw-start", "cckw-stop"],
    },
    PageFacts {
        verb: "wait",
        exit: &[
            FINE,
            ("1", "A session has ended, or is not known."),
            SENSELESS,
            ("3", "A session asks for something."),
            ("4", "The last turn of a session failed, was interrupted, or was broken off."),
            ("5", "The time is over."),
            ("128+n", "Signal n ended the wait."),
        ],
        environment: OF_SESSIONS,
        files: &[RECORD, SOCKET],
        examples: &[
            ("cckw wait parser", "Wait until a session has nothing to do:"),
            ("cckw wait --any --for asks parser lexer", "See which of two needs you first:"),
            ("cckw wait --for ended --timeout 8h parser", "Wait for the end of a session:"),
        ],
        see_also: &["cckw", "cckw-list", "cckw-new"],
    },
    PageFacts {
        verb: "adopt",
        exit: &[
            FINE,
            FAILED,
            SENSELESS,
            (
                "3",
                "The claude asks for something, and nothing was done; or it asks something in its session.",
            ),
            (
                "5",
                "The claude did not come to rest in time, and nothing was done; or it is not up in its session yet.",
            ),
            ("128+n", "Signal n ended the wait."),
        ],
        environment: &[CLAUDE, CLAUDES, CONFIG_HOME, STATE_HOME],
        files: &[RECORD, STATE_FILES],
        examples: &[
            ("cckw adopt --takeover 4711", "Go on in a session with what runs as process 4711:"),
            ("cckw adopt --fork 0f0e0d0c", "Copy a conversation into a session:"),
        ],
        see_also: &["cckw", "cckw-attach", "cckw-detect", "cckw-new"],
    },
    PageFacts {
        verb: "rename",
        exit: USUAL,
        environment: OF_SESSIONS,
        files: &[RECORD, SOCKET],
        examples: &[("cckw rename work parser", "Call a session parser:")],
        see_also: &["cckw", "cckw-list", "cckw-new"],
    },
    PageFacts {
        verb: "continue",
        exit: GOES_ON,
        environment: &[CLAUDE, INSIDE, STATE_HOME],
        files: &[CONFIG, RECORD, SOCKET],
        examples: &[("cckw continue parser", "Go on with the turn that a crash broke off:")],
        see_also: &["cckw", "cckw-list", "cckw-restart", "cckw-start"],
    },
    PageFacts {
        verb: "stop",
        exit: USUAL,
        environment: OF_SESSIONS,
        files: &[RECORD, SOCKET],
        examples: &[
            ("cckw stop parser", "End a session; claude knows its conversation still:"),
            ("cckw stop parser lexer", "End two:"),
            ("cckw stop --all", "End all that run:"),
        ],
        see_also: &["cckw", "cckw-detach", "cckw-restart", "cckw-rm"],
    },
    PageFacts {
        verb: "logs",
        exit: USUAL,
        environment: &[INSIDE, STATE_HOME, ("TZ", "The time zone of the times.")],
        files: &[LOG, RECORD],
        examples: &[
            ("cckw logs parser", "See what happened in a session:"),
            ("cckw logs -f parser", "Follow it until it ends:"),
            ("cckw logs --json parser", "As it is in the file:"),
        ],
        see_also: &["cckw", "cckw-list", "cckw-screen"],
    },
    PageFacts {
        verb: "send",
        exit: &[
            ("0", "Claude's transcript, or for a /command the screen, shows that the text was submitted."),
            ("1", "Nothing was sent; a line on stderr says why."),
            (
                "2",
                "The text was typed, and it is not known whether claude has taken it. Or the command line is wrong.",
            ),
            ("130", "You pressed ctrl-c before anything was typed."),
        ],
        environment: OF_SESSIONS,
        files: &[RECORD, SOCKET],
        examples: &[
            ("cckw send parser 'run the tests'", "Send a prompt to a session, as soon as it is idle:"),
            ("git diff | cckw send parser -", "Send what a program prints:"),
            ("cckw send parser --when now 'use the staging server'", "Send a word to a turn that runs:"),
            ("cckw send parser /compact", "Run a command of claude's:"),
        ],
        see_also: &["cckw", "cckw-attach", "cckw-new", "cckw-screen"],
    },
    PageFacts {
        verb: "transcript",
        exit: &[FINE, FAILED, SENSELESS, ("128+n", "Signal n ended --follow. The session goes on.")],
        environment: &[INSIDE, CLAUDES, STATE_HOME, ("TZ", "The time zone of the times.")],
        files: &[RECORD, TRANSCRIPTS],
        examples: &[
            ("cckw transcript api", "Read what was said in a session:"),
            ("cckw transcript api --last", "Print the last answer alone:"),
            ("cckw transcript -f api --tail 5", "Follow it until the session ends:"),
            ("cckw transcript 0b7e4f0c --json", "Print any conversation, for a program:"),
        ],
        see_also: &["cckw", "cckw-list", "cckw-logs", "cckw-screen", "cckw-wait"],
    },
    PageFacts {
        verb: "screen",
        exit: USUAL,
        environment: OF_THIS_SESSION,
        files: &[RECORD, SOCKET],
        examples: &[
            ("cckw screen parser", "See what a session shows, without taking it:"),
            ("cckw screen --color parser | less -R", "With colours:"),
            ("cckw screen --follow --json parser", "What changes on it, for programs:"),
        ],
        see_also: &["cckw", "cckw-attach", "cckw-logs", "screen"],
    },
    PageFacts {
        verb: "detect",
        exit: &[
            ("0", "There is a session that was asked for."),
            ("1", "There is none."),
            ("2", "That could not be found out, or the command line makes no sense."),
        ],
        environment: &[
            CLAUDES,
            COLOURS,
            ("TMUX, TMUX_TMPDIR, SCREENDIR", "Where tmux and GNU screen are looked for."),
        ],
        files: &[STATE_FILES],
        examples: &[
            ("cckw detect", "See the remote control of every session:"),
            ("cckw detect --state disconnected --json", "Those whose link is down, for programs:"),
        ],
        see_also: &["cckw", "cckw-list", "cckw-reconnect"],
    },
    PageFacts {
        verb: "reconnect",
        exit: &[
            ("0", "All that was to be done was done; a session that was not named may have been left alone."),
            ("1", "With --apply: a session that was named has no link, and nothing was typed into it."),
            ("2", "It failed for a session, or the command line makes no sense."),
        ],
        environment: &[
            CLAUDES,
            ("TMUX, TMUX_TMPDIR, SCREENDIR", "Where tmux and GNU screen are looked for."),
            STATE_HOME,
        ],
        files: &[STATE_FILES, SOCKET],
        examples: &[
            ("cckw reconnect", "See what would be done:"),
            ("cckw reconnect --apply", "Do it:"),
            ("cckw reconnect --apply parser", "Do it for one session:"),
            ("cckw reconnect --cycle parser --apply", "Switch a link that looks alive off and on again:"),
        ],
        see_also: &["cckw", "cckw-detect", "cckw-list", "tmux", "screen"],
    },
    PageFacts {
        verb: "rm",
        exit: USUAL,
        environment: OF_SESSIONS,
        files: &[RECORD, ENVIRONMENT, LOG],
        examples: &[
            ("cckw rm parser", "Forget a session that has ended:"),
            ("cckw rm --ended", "Forget all that have ended:"),
        ],
        see_also: &["cckw", "cckw-list", "cckw-stop"],
    },
    PageFacts {
        verb: "demo",
        exit: &[
            ("0", "Everything that was claimed happened."),
            ("1", "Something did not, or it was ended early."),
            SENSELESS,
        ],
        environment: &[COLOURS, ("TMPDIR", "Where the scratch directory is made; `/tmp` by default.")],
        files: &[("a scratch directory", "Everything that the demo writes; it is removed at the end.")],
        examples: &[
            ("cckw demo", "Watch it:"),
            ("cckw demo --script", "Print it as text, as fast as it goes:"),
            ("cckw demo --by-hand", "Try it in a shell:"),
        ],
        see_also: &["cckw", "cckw-claude"],
    },
    PageFacts {
        verb: "update",
        exit: &[
            ("0", "The newest version is installed; or the one before is, with --rollback."),
            ("1", "It failed, and the installed program is the one that it was."),
            SENSELESS,
            ("3", "With --check: there is a newer version."),
            ("4", "Something else updates this program; stderr says what. Nothing was done."),
        ],
        environment: &[
            ("SSL_CERT_FILE, SSL_CERT_DIR", "Certificates to trust instead of the system's."),
            ("HTTPS_PROXY, ALL_PROXY, NO_PROXY", "The proxy to connect through."),
            CONFIG_HOME,
            STATE_HOME,
        ],
        files: &[
            CONFIG,
            ("cckw.old", "The program before the installed one, beside it."),
            ("~/.local/state/cckw/update.json", "What was updated last."),
            ("~/.local/state/cckw/update.part", "A program that has come in part."),
        ],
        examples: &[
            ("cckw update --check", "See whether there is a newer version:"),
            ("cckw update", "Take it:"),
            ("cckw update --rollback", "Go back to the one before:"),
        ],
        see_also: &["cckw", "cckw-doctor"],
    },
    PageFacts {
        verb: "service",
        exit: &[
            ("0", "All went well; `status`: the service runs."),
            FAILED,
            SENSELESS,
            ("3", "`status`: it is installed and does not run; `run`: another service runs."),
            ("4", "`status`: it is not installed."),
        ],
        environment: &[CONFIG_HOME, STATE_HOME],
        files: &[
            ("~/.config/systemd/user/cckw.service", "The unit of systemd's user manager."),
            ("~/.local/state/cckw/service.json", "Which sessions come back, and the process of the service."),
            CONFIG,
            RECORD,
        ],
        examples: &[
            ("cckw service install", "Have sessions come back after a reboot:"),
            ("cckw service status", "See whether the service runs:"),
            ("cckw service uninstall", "Take it back:"),
        ],
        see_also: &["cckw", "cckw-start", "cckw-list"],
    },
    PageFacts {
        verb: "machine",
        exit: &[
            FINE,
            ("1", "A machine does not answer, or there is no cckw on it; a line on stderr says why."),
            SENSELESS,
            ("255", "`add`: the machine is not reached, and was not added."),
        ],
        environment: &[SSH, CONFIG_HOME, STATE_HOME, PATH],
        files: &[
            ("~/.config/cckw/machines.json", "The machines."),
            ("~/.local/state/cckw/machines/NAME.json", "What was last seen of a machine."),
            ("~/.ssh/config", "The configuration of ssh, which says how a machine is reached."),
        ],
        examples: &[
            ("cckw machine add box me@box.example.org", "Name a machine:"),
            ("cckw machine check", "See whether all machines answer:"),
            ("cckw attach box:api", "Attach to the session api of the machine box:"),
        ],
        see_also: &["cckw", "cckw-attach", "cckw-list"],
    },
    PageFacts {
        verb: "doctor",
        exit: &[
            ("0", "Nothing keeps cckw from working."),
            ("1", "Something does; it is marked FAIL."),
            SENSELESS,
        ],
        environment: &[CLAUDE, COLOURS, PATH, CONFIG_HOME, STATE_HOME],
        files: &[CONFIG],
        examples: &[("cckw doctor", "See whether all is there that cckw needs:")],
        see_also: &["cckw", "cckw-claude", "cckw-shell-init"],
    },
    PageFacts {
        verb: "shell-init",
        exit: USUAL,
        environment: &[PATH],
        files: &[
            ("~/.bashrc", "Where the line goes for bash."),
            ("~/.zshrc", "Where it goes for zsh, behind `compinit`."),
            ("~/.config/fish/config.fish", "Where it goes for fish."),
            ("DIR/claude", "The shim: a symbolic link to cckw."),
        ],
        examples: &[
            ("eval \"$(cckw shell-init bash)\"", "In bash:"),
            ("eval \"$(cckw shell-init zsh)\"", "In zsh:"),
            ("cckw shell-init fish | source", "In fish:"),
            ("cckw shell-init --shim ~/.local/share/cckw/bin", "For programs that start claude, too:"),
            ("cckw shell-init --shim ~/.local/share/cckw/bin --remove", "Take that back:"),
        ],
        see_also: &["cckw", "cckw-claude", "cckw-completions", "bash", "zsh", "fish"],
    },
    PageFacts {
        verb: "completions",
        exit: USUAL,
        environment: &[("PATH", "Where the completions look for cckw, which tells them the sessions.")],
        files: &[
            ("~/.local/share/bash-completion/completions/cckw", "Where bash looks for them."),
            ("~/.config/fish/completions/cckw.fish", "Where fish does."),
            ("_cckw", "What the file has to be called in a directory of zsh's `fpath`."),
        ],
        examples: &[
            ("cckw completions fish > ~/.config/fish/completions/cckw.fish", "Install those of fish:"),
            ("cckw completions bash", "See those of bash:"),
        ],
        see_also: &["cckw", "cckw-shell-init", "bash", "zsh", "fish"],
    },
    PageFacts {
        verb: "man",
        exit: USUAL,
        environment: &[("MANPATH", "Where `man` looks for pages.")],
        files: &[(
            "~/.local/share/man/man1/",
            "Where `man` finds the pages of a user, if `~/.local/bin` is on `PATH`.",
        )],
        examples: &[
            ("cckw man attach | man -l -", "Read the page of a verb:"),
            ("cckw man --out ~/.local/share/man/man1", "Install the pages:"),
        ],
        see_also: &["cckw", "man"],
    },
];
