//! Getting a file to a machine: with scp, or through ssh itself where scp cannot do it.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// How a file was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By scp.
    Scp,
    /// Through ssh, by a command that writes what it reads.
    Ssh,
}

/// The command line of scp. `ssh` are the options and the destination that ssh has, `program` is another program
/// than the ssh on `PATH`.
pub fn scp_arguments(
    ssh: &[OsString],
    program: Option<OsString>,
    file: &Path,
    destination: &str,
    path: &str,
) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec!["-q".into()];
    words.extend(program.into_iter().flat_map(|program| ["-S".into(), program]));
    let options = ssh.windows(2).filter(|pair| pair[0] == "-o");
    words.extend(options.flat_map(|pair| ["-o".into(), pair[1].clone()]));
    words.extend(["--".into(), file.into(), target(destination, path).into()]);
    words
}

/// What scp is told of an absolute path on a machine. It divides a word at the first `:`.
fn target(destination: &str, path: &str) -> String {
    if let Some(address) = destination.strip_prefix("ssh://") {
        return format!("scp://{}/{path}", address.trim_end_matches('/'));
    }
    let (user, host) =
        destination.rsplit_once('@').map_or((None, destination), |(user, host)| (Some(user), host));
    let host =
        if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
    match user {
        Some(user) => format!("{user}@{host}:{path}"),
        None => format!("{host}:{path}"),
    }
}

/// Runs a command that reads this file, or nothing. Its complaint is the error.
///
/// # Errors
/// When it cannot be started, fails, or takes too long; then it is killed.
pub async fn run(
    program: OsString,
    words: Vec<OsString>,
    file: Option<&Path>,
    within: Duration,
) -> io::Result<()> {
    let stdin = match file {
        Some(file) => Stdio::from(File::open(file)?),
        None => Stdio::null(),
    };
    let mut command = Command::new(program);
    command.args(words).stdin(stdin).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let output =
        timeout(within, command.output()).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
    Err(io::Error::other(match last {
        "" => format!("it ended with {}", output.status),
        last => last.chars().take(200).collect(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scp_gets_the_options_of_ssh_and_a_place_that_it_reads_as_such() {
        let ssh: Vec<OsString> = ["-o", "BatchMode=yes", "-o", "ControlPath=\"/x/%C\"", "-T", "--", "box"]
            .map(OsString::from)
            .into();
        let words = scp_arguments(&ssh, None, Path::new("/a/cckw"), "me@box", "/home/me/.local/bin/x");
        assert_eq!(
            words,
            [
                "-q",
                "-o",
                "BatchMode=yes",
                "-o",
                "ControlPath=\"/x/%C\"",
                "--",
                "/a/cckw",
                "me@box:/home/me/.local/bin/x"
            ]
        );
        assert_eq!(
            scp_arguments(&[], Some("/my ssh".into()), Path::new("/a"), "b", "/c")[1..3],
            ["-S", "/my ssh"]
        );
    }

    #[test]
    fn an_address_is_written_as_scp_reads_it() {
        assert_eq!(target("box", "/a"), "box:/a");
        assert_eq!(target("me@fe80::1%eth0", "/a"), "me@[fe80::1%eth0]:/a");
        assert_eq!(target("ssh://me@box:2222", "/a"), "scp://me@box:2222//a");
        assert_eq!(target("ssh://[::1]:22/", "/a"), "scp://[::1]:22//a");
    }
}
