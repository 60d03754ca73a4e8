//! Why a machine did not do what it was asked for: it was not reached, or its cckw could not be used.

use std::time::Duration;

use super::ssh::NO_CCKW;
use super::store::Machine;
use super::wire::PROTOCOL;
use super::{ssh, wire};
use crate::user_error::{UserError, machine as error};

/// The status with which ssh says that it has failed itself.
pub const SSH_FAILED: i32 = 255;
/// The status of a shell that does not find a program.
const NOT_FOUND: i32 = 127;
/// The status of a shell that cannot execute a program.
const NOT_EXECUTABLE: i32 = 126;
/// The status of a cckw that does not understand its command line.
const SENSELESS: i32 = 2;

/// Why a machine was not asked with success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// There is no ssh here.
    NoSsh(String),
    /// No machine has that name.
    NameUnknown,
    /// Nothing listens there.
    Refused,
    /// No way leads there.
    Unreachable,
    /// It did not answer for so long.
    TimedOut(Duration),
    /// It was reached, and has ended the connection before the login.
    Closed(String),
    /// Its key is another one than it had.
    HostKeyChanged,
    /// Its key is not known.
    HostKeyUnknown,
    /// The login was refused.
    Auth,
    /// There is no cckw there.
    NoCckw,
    /// Its cckw cannot be executed.
    CannotRun(String),
    /// Its cckw does not know how to be asked from another machine.
    TooOld,
    /// Its cckw speaks another protocol, and has this version.
    OtherProtocol(wire::Hello),
    /// What it answered cannot be understood.
    NotUnderstood(String),
    /// It was lost after it had answered.
    Lost(String),
    /// Something else, as ssh says it.
    Other(String),
}

/// What a line of ssh's means.
type Meaning = fn(&str) -> Failure;

/// What ssh has in its text, and what it means. The first that fits counts.
const TEXTS: [(&str, Meaning); 18] = [
    ("Could not resolve hostname", |_| Failure::NameUnknown),
    ("REMOTE HOST IDENTIFICATION HAS CHANGED", |_| Failure::HostKeyChanged),
    ("Host key verification failed", |_| Failure::HostKeyUnknown),
    ("No host key is known", |_| Failure::HostKeyUnknown),
    ("Permission denied (", |_| Failure::Auth),
    ("Too many authentication failures", |_| Failure::Auth),
    ("Connection refused", |_| Failure::Refused),
    ("No route to host", |_| Failure::Unreachable),
    ("Network is unreachable", |_| Failure::Unreachable),
    ("Host is down", |_| Failure::Unreachable),
    ("Connection timed out", |_| Failure::TimedOut(Duration::ZERO)),
    ("Operation timed out", |_| Failure::TimedOut(Duration::ZERO)),
    ("timed out during banner exchange", |_| Failure::TimedOut(Duration::ZERO)),
    ("Timeout, server", |_| Failure::TimedOut(Duration::ZERO)),
    ("Connection closed by", |line| Failure::Closed(line.into())),
    ("Connection reset by", |line| Failure::Closed(line.into())),
    ("kex_exchange_identification", |line| Failure::Closed(line.into())),
    ("Connection to", |line| Failure::Closed(line.into())),
];

impl Failure {
    /// Why there was no answer of the far side: by the status of ssh, and what came on stderr. `took` is how long it
    /// took.
    pub fn of(status: Option<i32>, stderr: &[u8], took: Duration) -> Self {
        let text = String::from_utf8_lossy(stderr);
        let last = last_line(&text);
        match status {
            Some(NOT_FOUND) if text.contains(NO_CCKW) => Self::NoCckw,
            Some(SENSELESS) if text.contains("unrecognized subcommand") => Self::TooOld,
            Some(NOT_EXECUTABLE) => Self::CannotRun(last),
            Some(SSH_FAILED) | None => Self::of_ssh(&text, took),
            Some(status) => Self::NotUnderstood(match last.is_empty() {
                true => format!("it ended with status {status}"),
                false => format!("it ended with status {status}: {last}"),
            }),
        }
    }

    fn of_ssh(text: &str, took: Duration) -> Self {
        let found = TEXTS.iter().find_map(|(part, meaning)| {
            let line = text.lines().find(|line| line.contains(part))?;
            Some(meaning(line.trim()))
        });
        match found {
            Some(Self::TimedOut(_)) => Self::TimedOut(took),
            Some(failure) => failure,
            None => Self::Other(last_line(text)),
        }
    }

    /// Whether ssh reaches the machine, and only the cckw there cannot be used.
    pub fn is_of_cckw(&self) -> bool {
        matches!(
            self,
            Self::NoCckw
                | Self::TooOld
                | Self::CannotRun(_)
                | Self::OtherProtocol(_)
                | Self::NotUnderstood(_)
        )
    }

    /// A word for it, for scripts.
    pub fn word(&self) -> &'static str {
        match self {
            Self::NoSsh(_) => "no-ssh",
            Self::NameUnknown => "name-unknown",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::TimedOut(_) => "timeout",
            Self::Closed(_) => "closed",
            Self::HostKeyChanged => "host-key-changed",
            Self::HostKeyUnknown => "host-key-unknown",
            Self::Auth => "auth",
            Self::NoCckw => "no-cckw",
            Self::CannotRun(_) => "cannot-run",
            Self::TooOld => "too-old",
            Self::OtherProtocol(hello) if hello.protocol.major > PROTOCOL.major => "too-new",
            Self::OtherProtocol(_) => "too-old",
            Self::NotUnderstood(_) => "not-understood",
            Self::Lost(_) => "lost",
            Self::Other(_) => "ssh",
        }
    }

    /// What has happened, in a few words that fit into a table.
    pub fn short(&self) -> String {
        match self {
            Self::NoSsh(why) => format!("ssh cannot be run here: {why}"),
            Self::NameUnknown => "its name is unknown".into(),
            Self::Refused => "it refuses the connection".into(),
            Self::Unreachable => "no way leads to it".into(),
            Self::TimedOut(after) => format!("no answer within {} s", seconds(*after)),
            Self::Closed(line) => format!("it has ended the connection ({line})"),
            Self::HostKeyChanged => "its host key has changed".into(),
            Self::HostKeyUnknown => "its host key is not known".into(),
            Self::Auth => "it refuses the login".into(),
            Self::NoCckw => "there is no cckw".into(),
            Self::CannotRun(why) => format!("its cckw cannot be run ({why})"),
            Self::TooOld => "its cckw is too old".into(),
            Self::OtherProtocol(hello) if hello.protocol.major > PROTOCOL.major => {
                format!("its cckw {} is too new for this one", hello.version)
            }
            Self::OtherProtocol(hello) => format!("its cckw {} is too old", hello.version),
            Self::NotUnderstood(why) => format!("its answer is not understood ({why})"),
            Self::Lost(_) => "the connection was lost".into(),
            Self::Other(text) if text.is_empty() => "ssh has failed and says nothing".into(),
            Self::Other(text) => text.clone(),
        }
    }

    /// What the user is told: what, why, and what to do.
    pub fn error(&self, machine: &Machine) -> UserError {
        let (name, by_hand) = (machine.name.as_str(), ssh::by_hand(machine));
        let why = self.short();
        let advice = match self {
            Self::NoSsh(_) => "install OpenSSH's client, or name one with CCKW_SSH".to_owned(),
            Self::NameUnknown => {
                format!("check the name in `{}` and in ~/.ssh/config; try: {by_hand}", machine.destination)
            }
            Self::Refused | Self::Closed(_) => format!("check that sshd runs there; try: {by_hand}"),
            Self::Unreachable | Self::TimedOut(_) => {
                format!("check that it is on, and the network; try: {by_hand}")
            }
            Self::HostKeyChanged => {
                format!("somebody may be in between; find out why, and see what this says: {by_hand}")
            }
            Self::HostKeyUnknown => format!("log in once, to see the key and accept it: {by_hand}"),
            Self::Auth => format!("log in once by hand, or give its key to your agent (ssh-add): {by_hand}"),
            Self::NoCckw if machine.program.is_some() => {
                format!(
                    "it is to be at {}; to change that: cckw machine rm {name}, and add it again",
                    machine.program.as_deref().unwrap_or_default()
                )
            }
            Self::NoCckw => {
                format!(
                    "copy one there with `cckw machine add {name} --copy`, or add the machine again with --program and the path of its cckw"
                )
            }
            Self::CannotRun(_) => {
                format!("install a cckw there that fits that machine; try: {by_hand} cckw --version")
            }
            Self::OtherProtocol(hello) if hello.protocol.major > PROTOCOL.major => {
                "update the cckw here: cckw update".to_owned()
            }
            Self::TooOld | Self::OtherProtocol(_) => {
                format!(
                    "update the cckw there: {by_hand} cckw update; or copy this one there: cckw machine add {name} --copy"
                )
            }
            Self::NotUnderstood(_) => format!("see what this prints: {by_hand} cckw --version"),
            Self::Lost(_) => "what was asked for may have been done; look before you repeat it".to_owned(),
            Self::Other(_) => format!("try: {by_hand}"),
        };
        error::not_reached(name, &why, &advice)
    }
}

fn seconds(time: Duration) -> String {
    let tenths = (time.as_secs_f64() * 10.0).round() / 10.0;
    format!("{tenths}")
}

fn last_line(text: &str) -> String {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.next_back().unwrap_or_default().chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(status: i32, text: &str) -> Failure {
        Failure::of(Some(status), text.as_bytes(), Duration::from_millis(1540))
    }

    #[test]
    fn what_ssh_says_is_understood() {
        for (text, word) in [
            ("ssh: Could not resolve hostname nix: Name or service not known\r\n", "name-unknown"),
            ("ssh: connect to host 127.0.0.1 port 1: Connection refused\r\n", "refused"),
            ("ssh: connect to host 10.0.0.9 port 22: No route to host\r\n", "unreachable"),
            ("ssh: connect to host 10.0.0.9 port 22: Connection timed out\r\n", "timeout"),
            ("Connection timed out during banner exchange\r\n", "timeout"),
            (
                "@@@\nWARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!\nHost key verification failed.\r\n",
                "host-key-changed",
            ),
            (
                "No ED25519 host key is known for b and you have requested strict checking.\r\nHost key verification failed.\r\n",
                "host-key-unknown",
            ),
            ("banner: Connection refused is no joke here\nme@b: Permission denied (publickey).\r\n", "auth"),
            ("kex_exchange_identification: read: Connection reset by peer\r\n", "closed"),
            ("Bad configuration option: frob\r\n", "ssh"),
            ("", "ssh"),
        ] {
            assert_eq!(failure(255, text).word(), word, "{text}");
        }
        assert_eq!(failure(255, "x: Connection timed out").short(), "no answer within 1.5 s");
    }

    #[test]
    fn what_the_far_shell_says_is_told_apart() {
        assert_eq!(failure(127, "motd\ncckw-far: there is no cckw\n"), Failure::NoCckw);
        assert_eq!(failure(2, "error: unrecognized subcommand 'far'\n"), Failure::TooOld);
        assert_eq!(failure(126, "sh: 1: /bin/cckw: Exec format error").word(), "cannot-run");
        assert_eq!(
            failure(1, "this account is closed").short(),
            "its answer is not understood (it ended with status 1: this account is closed)"
        );
    }
}
