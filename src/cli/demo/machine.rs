//! The other machine of the demo: this one again, behind an sshd of the demo's own. It opens no port, reads nothing
//! of the user's `~/.ssh`, and ends with the ssh that has started it.

use std::env;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::scratch::Scratch;
use crate::claude::executable;
use crate::escape::escape;
use crate::os::command::{self, PendingCommand};

/// What the demo calls it.
pub const NAME: &str = "box";

/// How long each of the two may take: to make a key, and to log in there once.
const KEY_WITHIN: Duration = Duration::from_secs(5);
const LOGIN_WITHIN: Duration = Duration::from_secs(5);

/// Where an sshd is that is not on the PATH of users.
const SYSTEM_PLACES: [&str; 5] =
    ["/usr/sbin", "/usr/local/sbin", "/sbin", "/opt/homebrew/sbin", "/run/current-system/sw/bin"];

/// The programs that make a machine.
struct Programs {
    ssh: PathBuf,
    keygen: PathBuf,
    sshd: PathBuf,
}

impl Programs {
    fn find() -> Result<Self, String> {
        let found = |name: &str| find(name).ok_or_else(|| format!("there is no {name} here"));
        Ok(Self { sshd: found("sshd")?, ssh: found("ssh")?, keygen: found("ssh-keygen")? })
    }
}

/// The program of this name, by an absolute path: sshd wants one.
fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let places = env::split_paths(&path).chain(SYSTEM_PLACES.map(PathBuf::from));
    places
        .filter(|place| place.is_absolute())
        .map(|place| place.join(name))
        .find(|program| executable::can_run(program))
}

/// Makes the machine in the scratch directory, and logs in there once.
///
/// # Errors
/// When there can be none: why not, in words.
pub fn make(scratch: &Scratch) -> Result<(), String> {
    let programs = Programs::find()?;
    write(scratch, &programs).map_err(|error| format!("its files cannot be made: {}", in_a_line(&error)))?;
    let ssh = scratch.path("ssh/ssh");
    let mut login = Command::new(&ssh);
    // What the scene needs there: a terminal, and this cckw.
    let there = "exec sh -c 'test -t 0 && command -v cckw'";
    login.args(["-o", "BatchMode=yes", "-tt", "-e", "none", NAME, there]);
    scratch.furnish(&mut login);
    // Where it takes too long, what it has started goes too.
    let said = PendingCommand::start_untrusted(&mut login, LOGIN_WITHIN).and_then(PendingCommand::finish);
    let said = said.and_then(command::answer).map_err(|error| {
        let why = last_line(&scratch.path("ssh/log")).unwrap_or_else(|| in_a_line(&error));
        format!("no login to an sshd of its own: {why}")
    })?;
    let found = String::from_utf8_lossy(&said).trim().to_owned();
    if Path::new(&found) != scratch.path("bin/cckw") {
        return Err(format!("a login shell here does not keep its PATH, and finds {:?} as cckw", found));
    }
    scratch.reach_machines_with(ssh);
    Ok(())
}

/// Keys, configurations, and two programs: one to be called as ssh, one that ssh calls to reach the sshd.
fn write(scratch: &Scratch, programs: &Programs) -> io::Result<()> {
    let directory = scratch.path("ssh");
    fs::DirBuilder::new().mode(0o700).create(&directory)?;
    let dir = plain(&directory)?;
    for name in ["host_key", "key"] {
        let mut keygen = Command::new(&programs.keygen);
        keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "cckw-demo", "-f"]).arg(directory.join(name));
        command::ask(&mut keygen, KEY_WITHIN)?;
    }
    fs::copy(directory.join("key.pub"), directory.join("authorized_keys"))?;
    let host = fs::read_to_string(directory.join("host_key.pub"))?;
    fs::write(directory.join("known_hosts"), format!("{NAME} {host}"))?;
    fs::write(directory.join("sshd_config"), sshd_config(dir, &variables(scratch)?))?;
    fs::write(directory.join("config"), ssh_config(dir))?;
    let (ssh, sshd) = (plain(&programs.ssh)?, plain(&programs.sshd)?);
    // No connection is shared, so that none outlives the ssh that needs it.
    let call = format!("exec {ssh} -F {dir}/config -o ControlMaster=no -o ControlPath=none \"$@\"\n");
    program(&directory.join("ssh"), &call)?;
    let fifo = scratch.path(super::stage::FIFO);
    let fifo = plain(&fifo)?;
    program(&directory.join("serve"), &serve(dir, fifo, sshd))
}

/// What ssh starts as its way to the machine.
///
/// ssh hangs it up at its end. The shell stays until sshd has ended, and the stage waits for the shell. What the shell
/// has to say of that is not for the terminal. It closes the way from the machine first, and takes what still comes
/// until ssh has ended, so ssh always says the same of the end. It opens it anew, because sshd has made it one that
/// does not block.
fn serve(dir: &str, fifo: &str, sshd: &str) -> String {
    format!(
        "exec 2>>{dir}/log\ntrap : HUP\nif [ -p {fifo} ]; then exec 3<>{fifo}; fi\n\
         {sshd} -i -f {dir}/sshd_config -E {dir}/log\nexec >&-\nwhile read -r _; do :; done </dev/fd/0\n"
    )
}

fn program(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, format!("#!/bin/sh\n{text}"))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
}

/// What sshd reads. It serves the one connection on its stdin and stdout.
fn sshd_config(dir: &str, variables: &str) -> String {
    format!(
        "HostKey {dir}/host_key\nAuthorizedKeysFile {dir}/authorized_keys\nAuthenticationMethods publickey\n\
         PermitRootLogin prohibit-password\nStrictModes no\nUsePAM no\nPermitUserRC no\nDisableForwarding yes\n\
         PrintMotd no\nPrintLastLog no\nPidFile none\nLoginGraceTime 10\nLogLevel ERROR\nSetEnv{variables}\n"
    )
}

/// What ssh reads in place of the user's and the system's configuration.
fn ssh_config(dir: &str) -> String {
    format!(
        "Host *\n  ProxyCommand {dir}/serve\n  HostKeyAlias {NAME}\n  UserKnownHostsFile {dir}/known_hosts\n  \
         GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n  UpdateHostKeys no\n  \
         IdentityFile {dir}/key\n  IdentitiesOnly yes\n  IdentityAgent none\n  ForwardAgent no\n"
    )
}

/// The variables that let a program happen in the scratch directory, as sshd reads them.
fn variables(scratch: &Scratch) -> io::Result<String> {
    let mut furnished = Command::new("cckw");
    scratch.furnish(&mut furnished);
    let mut text = String::new();
    for (name, value) in furnished.get_envs() {
        let (Some(name), Some(value)) = (name.to_str(), value) else { continue };
        let value =
            value.to_str().filter(|value| !value.chars().any(|c| c.is_control() || "\"\\".contains(c)));
        let value = value.ok_or_else(|| unreadable(&format!("{name} has")))?;
        text += &format!(" \"{name}={value}\"");
    }
    Ok(text)
}

/// A path that shells, ssh and sshd read as it is.
fn plain(path: &Path) -> io::Result<&str> {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+,@".contains(c);
    let text = path.to_str().filter(|text| text.chars().all(is_plain));
    text.ok_or_else(|| unreadable(&format!("{} has", escape(path))))
}

fn unreadable(what: &str) -> io::Error {
    io::Error::other(format!("{what} characters that ssh cannot read"))
}

/// The last line of what sshd has to say.
fn last_line(log: &Path) -> Option<String> {
    let text = fs::read(log).ok()?;
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().map(str::trim).rfind(|line| !line.is_empty())?;
    Some(escape(line).to_string())
}

/// An error's last line: what comes before it is what a shell or ssh has said on the way.
fn in_a_line(error: &io::Error) -> String {
    let text = error.to_string();
    escape(text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_would_be_read_as_something_else_is_refused() {
        for path in ["/tmp/a b", "/tmp/a'b", "/tmp/$HOME", "/tmp/%h", "/tmp/a\nb", "/tmp/#"] {
            let error = plain(Path::new(path)).expect_err("a refusal").to_string();
            assert!(error.contains("characters that ssh cannot read"), "{error}");
        }
        assert_eq!(plain(Path::new("/tmp/cckw-demo-aB3/ssh")).expect("a path"), "/tmp/cckw-demo-aB3/ssh");
    }

    #[test]
    fn an_error_is_told_in_one_line_without_controls() {
        assert_eq!(in_a_line(&io::Error::other("first\nlast\u{1b}[31m\n\n")), "last\\u{1b}[31m");
    }
}
