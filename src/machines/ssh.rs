//! The command line of ssh. How a machine is reached is the user's business: address, keys, agent, known hosts, jumps
//! and prompts are those of ssh's own configuration.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::store::Machine;
use crate::os::command;
use crate::paths;

/// The variable that names another program than the `ssh` on PATH.
pub const PROGRAM_VARIABLE: &str = "CCKW_SSH";
/// How long ssh may take to say how it is configured. It reads files, and may run a command of the user's.
pub const SETTINGS_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the end of our own connection may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);

/// How often ssh asks for a sign of life where the user has not said it, in seconds; and how many may stay away.
/// So a connection that is dead ends within ten seconds.
const ALIVE_INTERVAL: u32 = 3;
const ALIVE_COUNT: u32 = 2;
/// How long a connection is kept that nobody uses, in seconds.
const PERSIST: u32 = 60;
/// How long a machine may take to answer at all, in seconds, where the user has not said it.
const CONNECT_TIMEOUT: u64 = 10;

/// The longest path of a socket that every system takes, in bytes.
const MAX_SOCKET_PATH_BYTES: usize = 103;
/// What ssh puts in the place of `%C`, and what it adds to the name while it makes the socket, in bytes.
const SOCKET_NAME_BYTES: usize = 40 + 17;

/// Where cckw is looked for on a machine if it is not on the PATH that ssh gives to commands there: in this
/// order.
pub const PLACES: [&str; 6] = [
    "$HOME/.local/bin/cckw",
    "$HOME/.cargo/bin/cckw",
    "/usr/local/bin/cckw",
    "/opt/homebrew/bin/cckw",
    "$HOME/.nix-profile/bin/cckw",
    "/usr/bin/cckw",
];
/// What the far shell says where it finds no cckw.
pub const NO_CCKW: &str = "cckw-far: there is no cckw";

/// Who answers ssh's questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nobody: ssh fails where it would ask. The far side has so long to answer.
    Unattended(Duration),
    /// The user, who sits at a terminal.
    Attended,
    /// The same, and the far side gets a terminal.
    Terminal,
    /// Nobody, as above, and the far side gets a terminal.
    UnattendedTerminal(Duration),
}

/// How long a request may take that is made on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It is answered soon.
    Short,
    /// It may wait for hours, so the connection must be one that notices its own end.
    Long,
}

/// What ssh says of its configuration for a destination.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Whether connections are shared as the user has said.
    pub are_shared: bool,
    /// Whether ssh asks for signs of life.
    pub has_alive_interval: bool,
    /// Whether the user has said how long a connection may take to come up.
    pub has_connect_timeout: bool,
    /// Whether ssh has said anything at all.
    pub are_known: bool,
}

impl Settings {
    /// Reads what `ssh -G` prints.
    pub fn parse(text: &str) -> Self {
        let value = |key: &str| {
            let of_key = |line: &str| {
                let (name, value) = line.split_once(' ')?;
                name.eq_ignore_ascii_case(key).then(|| value.trim().to_owned())
            };
            text.lines().find_map(of_key).unwrap_or_default()
        };
        let is_number = |key: &str| value(key).parse::<u64>().is_ok_and(|number| number > 0);
        let has_path = !["", "none"].contains(&value("controlpath").as_str());
        let is_master = !["", "no", "false"].contains(&value("controlmaster").as_str());
        Self {
            are_shared: has_path && is_master,
            has_alive_interval: is_number("serveraliveinterval"),
            has_connect_timeout: is_number("connecttimeout"),
            are_known: !value("hostname").is_empty(),
        }
    }

    /// Asks ssh. Where it does not answer, nothing is known.
    pub fn of(machine: &Machine) -> Self {
        let said = command::ask(&mut settings_command(machine), SETTINGS_TIMEOUT).unwrap_or_default();
        Self::parse(&String::from_utf8_lossy(&said))
    }
}

/// The program that connects.
pub fn program() -> OsString {
    std::env::var_os(PROGRAM_VARIABLE).filter(|name| !name.is_empty()).unwrap_or_else(|| "ssh".into())
}

/// What has ssh say how it is configured for a machine.
pub fn settings_command(machine: &Machine) -> Command {
    let mut command = Command::new(program());
    command.args(["-G", "--", &machine.destination]);
    command
}

/// The options and the destination, without what is run there. `runtime` is the private directory in which a socket
/// of ours may be.
pub fn arguments(
    machine: &Machine,
    settings: &Settings,
    mode: Mode,
    purpose: Purpose,
    runtime: Option<&Path>,
) -> Vec<OsString> {
    let mut options: Vec<OsString> = Vec::new();
    let mut option = |text: String| options.extend([OsString::from("-o"), text.into()]);
    // What the user has set up for logins would fail here, or be in the way.
    option("RemoteCommand=none".into());
    option("ClearAllForwardings=yes".into());
    match mode {
        Mode::Unattended(within) | Mode::UnattendedTerminal(within) => {
            option("BatchMode=yes".into());
            option(format!("ConnectTimeout={}", within.as_secs().clamp(1, CONNECT_TIMEOUT)));
            // What ssh says is how it is known why it failed.
            option("LogLevel=INFO".into());
        }
        Mode::Attended | Mode::Terminal if !settings.has_connect_timeout => {
            option(format!("ConnectTimeout={CONNECT_TIMEOUT}"));
        }
        Mode::Attended | Mode::Terminal => {}
    }
    if !settings.has_alive_interval {
        option(format!("ServerAliveInterval={ALIVE_INTERVAL}"));
        option(format!("ServerAliveCountMax={ALIVE_COUNT}"));
    }
    match sharing(settings, purpose, runtime) {
        Sharing::Users => {}
        Sharing::Ours(path) => {
            option("ControlMaster=auto".into());
            option(format!("ControlPath={path}"));
            option(format!("ControlPersist={PERSIST}"));
        }
        Sharing::None => option("ControlPath=none".into()),
    }
    let terminal: &[&str] = match mode {
        Mode::Terminal | Mode::UnattendedTerminal(_) => &["-tt", "-e", "none"],
        Mode::Unattended(_) | Mode::Attended => &["-T"],
    };
    options.extend(terminal.iter().map(OsString::from));
    options.extend(["--".into(), machine.destination.clone().into()]);
    options
}

/// Whose connection is used.
#[derive(Debug, PartialEq, Eq)]
enum Sharing {
    /// As the user has configured it.
    Users,
    /// One that cckw keeps for a minute, at a socket with this name, as ssh reads it.
    Ours(String),
    /// A new one.
    None,
}

fn sharing(settings: &Settings, purpose: Purpose, runtime: Option<&Path>) -> Sharing {
    match (settings.are_shared, purpose) {
        // Nobody notices when such a connection dies.
        (true, Purpose::Long) if !settings.has_alive_interval => Sharing::None,
        (true, _) => Sharing::Users,
        (false, _) => {
            let path = runtime.filter(|_| settings.are_known).and_then(own_socket);
            path.map_or(Sharing::None, Sharing::Ours)
        }
    }
}

/// The socket in this directory, as ssh reads a path; nothing where the path would be too long, or ssh could not
/// read it.
fn own_socket(directory: &Path) -> Option<String> {
    let directory = directory.to_str()?;
    let is_short = directory.len() + 1 + SOCKET_NAME_BYTES <= MAX_SOCKET_PATH_BYTES;
    let is_plain = !directory.chars().any(|c| c.is_control() || "\"'\\$".contains(c));
    (is_short && is_plain).then(|| format!("\"{}/%C\"", directory.replace('%', "%%")))
}

/// The private directory for the sockets of ssh; nothing where it cannot be made.
pub fn runtime_directory() -> Option<PathBuf> {
    let directory = paths::process_sockets_dir();
    paths::make_private(&directory).ok()?;
    let own = directory.join("ssh");
    paths::make_private(&own).ok()?;
    Some(own)
}

/// What the far login shell is told to run: always this, so that nothing of the user's ever meets that shell. sh,
/// csh and fish understand it alike. `words` are letters and digits.
pub fn far_command(machine: &Machine, words: &str) -> String {
    debug_assert!(words.chars().all(|c| c.is_ascii_alphanumeric() || c == ' '), "{words}");
    let places = match &machine.program {
        Some(program) => match program.strip_prefix("~/") {
            Some(rest) => format!("\"$HOME/{rest}\""),
            None => program.clone(),
        },
        None => std::iter::once("cckw".to_owned())
            .chain(PLACES.map(|place| format!("\"{place}\"")))
            .collect::<Vec<_>>()
            .join(" "),
    };
    format!(
        "exec sh -c 'for p in {places}; do command -v \"$p\" >/dev/null 2>&1 && exec \"$p\" {words}; done; \
         echo \"{NO_CCKW}\" >&2; exit 127'"
    )
}

/// Ends the connection that cckw keeps to a machine. One of the user's is left alone.
pub fn close(machine: &Machine) {
    let settings = Settings::of(machine);
    let Some(path) = runtime_directory().filter(|_| !settings.are_shared).and_then(|own| own_socket(&own))
    else {
        return;
    };
    let mut ssh = Command::new(program());
    ssh.args(["-o", &format!("ControlPath={path}"), "-O", "exit", "--", &machine.destination]);
    let _ = command::ask(&mut ssh, CLOSE_TIMEOUT);
}

/// What to type to reach a machine without cckw, for a person.
pub fn by_hand(machine: &Machine) -> String {
    let program = program();
    let program = Path::new(&program).file_name().and_then(OsStr::to_str).unwrap_or("ssh");
    format!("{program} {}", machine.destination)
}

#[cfg(test)]
mod tests {
    use super::super::name::MachineName;
    use super::*;

    fn machine(program: Option<&str>) -> Machine {
        Machine {
            name: MachineName::new("box").expect("a name"),
            destination: "me@box".into(),
            program: program.map(str::to_owned),
        }
    }

    fn joined(settings: &Settings, mode: Mode, purpose: Purpose, runtime: Option<&str>) -> String {
        let words = arguments(&machine(None), settings, mode, purpose, runtime.map(Path::new));
        words.iter().map(|word| word.to_str().expect("text")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_the_user_has_configured_is_left_alone() {
        let users = Settings::parse(
            "hostname box\ncontrolmaster auto\ncontrolpath /x\nserveraliveinterval 30\nconnecttimeout 4\n",
        );
        let said = joined(&users, Mode::Attended, Purpose::Long, Some("/run/cckw/ssh"));
        assert_eq!(said, "-o RemoteCommand=none -o ClearAllForwardings=yes -T -- me@box");
        let quiet = Settings { has_alive_interval: false, ..users };
        assert!(joined(&quiet, Mode::Attended, Purpose::Long, None).contains("ControlPath=none"));
        assert!(!joined(&quiet, Mode::Attended, Purpose::Short, None).contains("ControlPath"));
    }

    #[test]
    fn a_connection_of_ours_is_shared_at_a_socket_with_a_short_name() {
        let usual = Settings::parse("hostname box\ncontrolmaster false\nserveraliveinterval 0\n");
        let mode = Mode::Unattended(Duration::from_secs(5));
        let said = joined(&usual, mode, Purpose::Short, Some("/run/100%/ssh"));
        assert!(said.contains("-o ControlPath=\"/run/100%%/ssh/%C\" -o ControlPersist=60"), "{said}");
        assert!(said.contains("-o BatchMode=yes -o ConnectTimeout=5"), "{said}");
        assert!(said.contains("-o ServerAliveInterval=3 -o ServerAliveCountMax=2"), "{said}");
        for directory in [None, Some("/run/a\"b"), Some(&*"/x".repeat(30))] {
            let said = joined(&usual, mode, Purpose::Short, directory);
            assert!(said.contains("ControlPath=none"), "{said}");
        }
        let unknown = joined(&Settings::default(), mode, Purpose::Short, Some("/run/ssh"));
        assert!(unknown.contains("ControlPath=none"), "{unknown}");
    }

    #[test]
    fn the_far_shell_gets_nothing_of_the_users() {
        let usual = far_command(&machine(None), "far");
        assert!(!usual.contains(['\\', '!', '\n']), "{usual}");
        assert_eq!(usual.matches('\'').count(), 2, "{usual}");
        assert!(far_command(&machine(Some("~/bin/cckw")), "far").contains("in \"$HOME/bin/cckw\";"));
        assert!(far_command(&machine(Some("/opt/cckw")), "far").contains("in /opt/cckw;"));
    }
}
