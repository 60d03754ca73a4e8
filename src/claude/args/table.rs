//! The flags and subcommands of Claude Code 2.1.329.
//!
//! Listed ones are in its `--help`; hidden ones it accepts without saying so (seen by giving them to it, and
//! in the definitions that its program carries). A test holds the table against the `--help` of the pinned
//! version.

/// How many values a flag takes from the words that follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    /// None: the next word is read by itself.
    None,
    /// The next word, unless it looks like a flag.
    Optional,
    /// The next word, whatever it looks like.
    One,
    /// The next word, whatever it looks like, and all words after it up to one that looks like a flag.
    Many,
}

/// What a flag decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Which conversation is opened: nothing is pinned beside it, and a relaunch replaces it.
    Conversation,
    /// How this one launch begins (a worktree made, a draft filled in): kept now, not repeated by a relaunch
    /// (which says what becomes of a worktree).
    Mode,
    /// That there is no session in this terminal: claude is exec'ed as it is.
    Straight,
    /// How the session behaves: kept by every relaunch.
    Configure,
}

/// One flag, under all its names.
#[derive(Debug, PartialEq, Eq)]
pub struct Flag {
    /// With their dashes: `-r` and `--resume`.
    pub names: &'static [&'static str],
    /// How many values it takes.
    pub arity: Arity,
    /// What it decides.
    pub role: Role,
    /// Whether `claude --help` names it.
    pub listed: bool,
}

/// Where a word must stand to be taken for a subcommand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WordPosition {
    /// As the first word that is neither flag nor value, also after `--`.
    Anywhere,
    /// As the very first word; elsewhere it is a prompt.
    First,
    /// As the very first word, or after flags if an id of a background session follows.
    FirstOrWithId,
}

/// One subcommand, under all its names.
#[derive(Debug, PartialEq, Eq)]
pub struct Subcommand {
    /// `plugin` and `plugins`.
    pub names: &'static [&'static str],
    /// Where it is recognised.
    pub place: WordPosition,
    /// Whether it is the long-running Remote Control server.
    pub server: bool,
    /// Whether `claude --help` names it.
    pub listed: bool,
}

const fn flag(names: &'static [&'static str], arity: Arity, role: Role) -> Flag {
    Flag { names, arity, role, listed: true }
}

const fn hidden(names: &'static [&'static str], arity: Arity, role: Role) -> Flag {
    Flag { names, arity, role, listed: false }
}

const fn verb(names: &'static [&'static str], place: WordPosition) -> Subcommand {
    Subcommand { names, place, server: false, listed: true }
}

const fn hidden_verb(names: &'static [&'static str], place: WordPosition) -> Subcommand {
    Subcommand { names, place, server: false, listed: false }
}

const fn server(names: &'static [&'static str], place: WordPosition) -> Subcommand {
    Subcommand { names, place, server: true, listed: false }
}

use Arity::{Many, None, One, Optional};
use Role::{Configure, Conversation, Mode, Straight};

/// Every flag that claude takes before a subcommand.
pub const FLAGS: &[Flag] = &[
    // No session in this terminal.
    flag(&["-p", "--print"], None, Straight),
    flag(&["-h", "--help"], None, Straight),
    flag(&["-v", "--version"], None, Straight),
    flag(&["--bg", "--background"], None, Straight),
    flag(&["--desktop"], None, Straight),
    // Execs tmux and runs claude in there.
    flag(&["--tmux"], None, Straight),
    hidden(&["-V"], None, Straight),
    hidden(&["--update", "--upgrade"], None, Straight),
    hidden(&["--init-only"], None, Straight),
    hidden(&["--routine"], One, Straight),
    hidden(&["--exec"], One, Straight),
    hidden(&["--rewind-files"], One, Straight),
    hidden(&["--sdk-url"], One, Straight),
    hidden(&["--await-claim"], None, Straight),
    hidden(&["--attach-serve"], One, Straight),
    hidden(&["--handle-uri"], One, Straight),
    hidden(&["--claude-in-chrome-mcp"], None, Straight),
    hidden(&["--chrome-native-host"], None, Straight),
    hidden(&["--eval-mock-server"], None, Straight),
    hidden(&["--gh-standin"], None, Straight),
    hidden(&["--daemon-worker"], None, Straight),
    hidden(&["--bg-pty-host"], None, Straight),
    hidden(&["--bg-spare"], None, Straight),
    hidden(&["--preload"], None, Straight),
    hidden(&["--agents-view-if-allowed"], None, Straight),
    // Which conversation.
    flag(&["-c", "--continue"], None, Conversation),
    flag(&["-r", "--resume"], Optional, Conversation),
    flag(&["--session-id"], One, Conversation),
    flag(&["--from-pr"], Optional, Conversation),
    flag(&["--fork-session"], None, Conversation),
    flag(&["--teleport"], Optional, Conversation),
    flag(&["--cloud"], Optional, Conversation),
    flag(&["--environment"], One, Conversation),
    hidden(&["--remote"], Optional, Conversation),
    hidden(&["--pool"], One, Conversation),
    hidden(&["--ref"], One, Conversation),
    hidden(&["--on-branch"], One, Conversation),
    hidden(&["--resume-session-at"], One, Conversation),
    hidden(&["--resume-drops-turn"], One, Conversation),
    hidden(&["--reply-on-resume"], None, Conversation),
    hidden(&["--session-began-as-copy"], One, Conversation),
    // How this one launch begins.
    flag(&["-w", "--worktree"], Optional, Mode),
    flag(&["--file"], Many, Mode),
    hidden(&["--init"], None, Mode),
    hidden(&["--maintenance"], None, Mode),
    hidden(&["--prefill"], One, Mode),
    hidden(&["--prefill-b64"], One, Mode),
    hidden(&["--deep-link-origin"], None, Mode),
    hidden(&["--deep-link-repo"], One, Mode),
    hidden(&["--deep-link-last-fetch"], One, Mode),
    hidden(&["--deep-link-cwd-b64"], One, Mode),
    // How the session behaves.
    flag(&["--add-dir"], Many, Configure),
    flag(&["--agent"], One, Configure),
    flag(&["--agents"], One, Configure),
    flag(&["--allow-dangerously-skip-permissions"], None, Configure),
    flag(&["--allowedTools", "--allowed-tools"], Many, Configure),
    flag(&["--append-system-prompt"], One, Configure),
    flag(&["--autocompact"], One, Configure),
    flag(&["--ax-screen-reader"], None, Configure),
    flag(&["--bare"], None, Configure),
    flag(&["--betas"], Many, Configure),
    flag(&["--brief"], None, Configure),
    flag(&["--chrome"], None, Configure),
    flag(&["--no-chrome"], None, Configure),
    flag(&["--dangerously-skip-permissions"], None, Configure),
    flag(&["-d", "--debug"], Optional, Configure),
    flag(&["--debug-file"], One, Configure),
    flag(&["--disable-slash-commands"], None, Configure),
    flag(&["--disallowedTools", "--disallowed-tools"], Many, Configure),
    flag(&["--effort"], One, Configure),
    flag(&["--exclude-dynamic-system-prompt-sections"], None, Configure),
    flag(&["--fallback-model"], One, Configure),
    flag(&["--forward-subagent-text"], None, Configure),
    flag(&["--ide"], None, Configure),
    flag(&["--include-hook-events"], None, Configure),
    flag(&["--include-partial-messages"], None, Configure),
    flag(&["--input-format"], One, Configure),
    flag(&["--json-schema"], One, Configure),
    flag(&["--max-budget-usd"], One, Configure),
    flag(&["--mcp-config"], Many, Configure),
    flag(&["--model"], One, Configure),
    flag(&["-n", "--name"], One, Configure),
    flag(&["--no-session-persistence"], None, Configure),
    flag(&["--output-format"], One, Configure),
    flag(&["--permission-mode"], One, Configure),
    flag(&["--permission-prompts"], One, Configure),
    flag(&["--plugin-dir"], One, Configure),
    flag(&["--plugin-url"], One, Configure),
    flag(&["--prompt-suggestions"], Optional, Configure),
    flag(&["--remote-control"], Optional, Configure),
    flag(&["--remote-control-session-name-prefix"], One, Configure),
    flag(&["--replay-user-messages"], None, Configure),
    flag(&["--restricted"], None, Configure),
    flag(&["--safe-mode"], None, Configure),
    flag(&["--setting-sources"], One, Configure),
    flag(&["--settings"], One, Configure),
    flag(&["--strict-mcp-config"], None, Configure),
    flag(&["--system-prompt"], One, Configure),
    flag(&["--system-prompt-snapshot"], One, Configure),
    flag(&["--tools"], Many, Configure),
    flag(&["--verbose"], None, Configure),
    hidden(&["--advisor"], One, Configure),
    hidden(&["--agent-color"], One, Configure),
    hidden(&["--agent-id"], One, Configure),
    hidden(&["--agent-name"], One, Configure),
    hidden(&["--agent-type"], One, Configure),
    hidden(&["--allow-other-models"], None, Configure),
    hidden(&["--append-subagent-system-prompt"], One, Configure),
    hidden(&["--append-subagent-system-prompt-file"], One, Configure),
    hidden(&["--append-system-prompt-file"], One, Configure),
    hidden(&["--await-initialize"], None, Configure),
    hidden(&["--channels"], Many, Configure),
    hidden(&["--client-data-url"], One, Configure),
    hidden(&["--correlation-id"], One, Configure),
    hidden(&["--dangerously-load-development-channels"], Many, Configure),
    hidden(&["-d2e", "--debug-to-stderr"], None, Configure),
    hidden(&["--enable-auth-status"], None, Configure),
    hidden(&["--enable-auto-mode"], None, Configure),
    hidden(&["--fast-mode"], One, Configure),
    hidden(&["--forward-home-settings"], One, Configure),
    hidden(&["--hold-repository-while-parked"], None, Configure),
    hidden(&["--host-auth-is-org-sign-in"], None, Configure),
    hidden(&["--include-unsupported-models"], None, Configure),
    hidden(&["--inherit-permission-mode"], One, Configure),
    hidden(&["--initialize-fields"], One, Configure),
    hidden(&["--lead-verify-key"], One, Configure),
    hidden(&["--managed-settings"], One, Configure),
    hidden(&["--managed-settings-in-initialize"], None, Configure),
    hidden(&["--max-thinking-tokens"], One, Configure),
    hidden(&["--max-turns"], One, Configure),
    hidden(&["--messaging-socket-path"], One, Configure),
    hidden(&["--metadata"], One, Configure),
    hidden(&["--parent-session-id"], One, Configure),
    hidden(&["--permission-prompt-tool"], One, Configure),
    hidden(&["--plan-mode-instructions"], One, Configure),
    hidden(&["--plan-mode-required"], None, Configure),
    hidden(&["--plugin-dir-no-mcp"], One, Configure),
    hidden(&["--proactivity"], One, Configure),
    hidden(&["--project-config-root"], One, Configure),
    hidden(&["--rc"], Optional, Configure),
    hidden(&["--runner-declares"], One, Configure),
    hidden(&["--session-mirror"], None, Configure),
    hidden(&["--system-prompt-file"], One, Configure),
    hidden(&["--task-budget"], One, Configure),
    hidden(&["--team-name"], One, Configure),
    hidden(&["--teammate-mode"], One, Configure),
    hidden(&["--thinking"], One, Configure),
    hidden(&["--thinking-display"], One, Configure),
    hidden(&["--watch-artifact"], One, Configure),
    hidden(&["--watch-artifact-no-autoreact"], One, Configure),
    hidden(&["--workload"], One, Configure),
];

/// Every subcommand. `help` is none: claude takes it for a prompt.
pub const SUBCOMMANDS: &[Subcommand] = &[
    verb(&["agents"], WordPosition::Anywhere),
    verb(&["attach"], WordPosition::FirstOrWithId),
    verb(&["auth"], WordPosition::Anywhere),
    verb(&["auto-mode"], WordPosition::Anywhere),
    verb(&["doctor"], WordPosition::Anywhere),
    verb(&["gateway"], WordPosition::Anywhere),
    verb(&["import"], WordPosition::Anywhere),
    verb(&["install"], WordPosition::Anywhere),
    verb(&["logs"], WordPosition::FirstOrWithId),
    verb(&["mcp"], WordPosition::Anywhere),
    verb(&["plugin", "plugins"], WordPosition::Anywhere),
    verb(&["purge"], WordPosition::Anywhere),
    verb(&["respawn"], WordPosition::FirstOrWithId),
    verb(&["rm"], WordPosition::FirstOrWithId),
    verb(&["setup-token"], WordPosition::Anywhere),
    verb(&["stop", "kill"], WordPosition::FirstOrWithId),
    verb(&["ultrareview"], WordPosition::Anywhere),
    verb(&["update", "upgrade"], WordPosition::Anywhere),
    hidden_verb(&["daemon"], WordPosition::First),
    hidden_verb(&["self-hosted-runner"], WordPosition::First),
    hidden_verb(&["design-login"], WordPosition::Anywhere),
    hidden_verb(&["edit-chrome-settings"], WordPosition::Anywhere),
    hidden_verb(&["edit-hook"], WordPosition::Anywhere),
    hidden_verb(&["edit-memory-settings"], WordPosition::Anywhere),
    hidden_verb(&["edit-permission-rules"], WordPosition::Anywhere),
    hidden_verb(&["edit-sandbox-settings"], WordPosition::Anywhere),
    hidden_verb(&["edit-skill-overrides"], WordPosition::Anywhere),
    hidden_verb(&["import-conversations"], WordPosition::Anywhere),
    // Only up to some time between 2.0.53 and 2.1.23.
    hidden_verb(&["migrate-installer"], WordPosition::Anywhere),
    hidden_verb(&["project"], WordPosition::Anywhere),
    hidden_verb(&["sandbox"], WordPosition::Anywhere),
    hidden_verb(&["workspace-trust"], WordPosition::Anywhere),
    hidden_verb(&["worktree-hook"], WordPosition::Anywhere),
    server(&["remote-control", "rc"], WordPosition::Anywhere),
    server(&["remote", "sync", "bridge"], WordPosition::First),
];
