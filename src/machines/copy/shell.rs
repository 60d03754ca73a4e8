//! A shell on the machine, which is told one text after another and answers in lines.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::script::{Answers, Script};

/// How long the shell may take to end when it is told nothing more.
const END_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest line of an answer, in bytes. What is longer is a banner's.
const MAX_LINE_BYTES: usize = 16 << 10;
/// The most that is read for one answer, in bytes.
const MAX_ANSWER_BYTES: usize = 1 << 20;
/// The most that is kept of what ssh says, in bytes.
const MAX_STDERR_BYTES: usize = 16 << 10;

/// Why there is no answer.
#[derive(Debug)]
pub enum ShellError {
    /// It has ended with this status, and this is what it said.
    Ended(Option<i32>, Vec<u8>),
    /// It did not answer for so long.
    TooLate(Duration),
}

/// A shell on a machine. It ends when this is dropped.
pub struct FarShell {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    complaints: Option<JoinHandle<Vec<u8>>>,
    unread: Vec<u8>,
}

impl FarShell {
    /// Starts ssh, which starts the shell. To be called in a runtime.
    ///
    /// # Errors
    /// When ssh cannot be started.
    pub fn start(ssh: std::process::Command) -> io::Result<Self> {
        let mut command = Command::from(ssh);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let missing = || io::Error::other("it has no stdin or no output");
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let stdout = child.stdout.take().ok_or_else(missing)?;
        let stderr = child.stderr.take().ok_or_else(missing)?;
        let complaints = Some(tokio::spawn(keep_last(stderr)));
        Ok(Self { child, stdin: Some(stdin), stdout, complaints, unread: Vec::new() })
    }

    /// Tells the shell a text, and waits for the end of its answer.
    ///
    /// # Errors
    /// When none comes.
    pub async fn tell(
        &mut self,
        script: &Script,
        text: &str,
        within: Duration,
    ) -> Result<Answers, ShellError> {
        let until = Instant::now() + within;
        match timeout_at(until, self.exchange(script, text)).await {
            Ok(Ok(answers)) => Ok(answers),
            Ok(Err(_)) => Err(self.ended().await),
            Err(_) => Err(ShellError::TooLate(within)),
        }
    }

    async fn exchange(&mut self, script: &Script, text: &str) -> io::Result<Answers> {
        let stdin = self.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        stdin.write_all(text.as_bytes()).await?;
        stdin.flush().await?;
        let (mut answers, mut read) = (Answers::default(), 0);
        loop {
            let line = self.line().await?;
            read += line.len();
            if read > MAX_ANSWER_BYTES {
                return Err(io::Error::other("it says too much"));
            }
            match script.read_line(&String::from_utf8_lossy(&line)) {
                Some((key, _)) if key == "end" => return Ok(answers),
                Some(answer) => answers.0.push(answer),
                None => {}
            }
        }
    }

    async fn line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.unread) {
                let rest = self.unread.split_off(end + 1);
                let mut line = std::mem::replace(&mut self.unread, rest);
                line.truncate(end);
                return Ok(line);
            }
            if self.unread.len() > MAX_LINE_BYTES {
                self.unread.clear();
            }
            if self.stdout.read_buf(&mut self.unread).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Why nothing comes any more.
    async fn ended(&mut self) -> ShellError {
        self.stdin = None;
        let status = timeout(END_TIMEOUT, self.child.wait()).await;
        let status = status.ok().and_then(Result::ok).and_then(|status| status.code());
        let said = match self.complaints.take() {
            Some(complaints) => timeout(END_TIMEOUT, complaints).await.ok().and_then(Result::ok),
            None => None,
        };
        ShellError::Ended(status, said.unwrap_or_default())
    }

    /// Tells the shell nothing more, and waits for its end: what was not installed is removed then.
    pub async fn end(mut self) {
        self.stdin = None;
        let _ = timeout(END_TIMEOUT, self.child.wait()).await;
    }
}

/// Reads to the end, and returns the last of it.
async fn keep_last(mut stderr: ChildStderr) -> Vec<u8> {
    let mut said = Vec::new();
    while stderr.read_buf(&mut said).await.is_ok_and(|count| count > 0) {
        let more = said.len().saturating_sub(MAX_STDERR_BYTES);
        said.drain(..more);
    }
    said
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::plan::Target;
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
    }

    /// What ssh would start on a machine with this home, whose login shell says something first.
    fn shell(home: &Path) -> std::process::Command {
        let mut command = std::process::Command::new("/bin/sh");
        command
            .args(["-c", "echo welcome; printf 'no line end'; exec sh -s"])
            .env("HOME", home)
            .env("PATH", "/usr/bin:/bin");
        command
    }

    /// A program that is a cckw as far as a copy can tell.
    fn program(version: &str) -> String {
        format!("#!/bin/sh\ncase $1 in --version) echo 'cckw {version}' ;; self-check) echo fine ;; esac\n")
    }

    fn put(path: &Path, text: &str) {
        use std::os::unix::fs::PermissionsExt;
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("makes it");
        std::fs::write(path, text).expect("writes");
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("a mode");
    }

    fn hash(path: &Path) -> String {
        crate::update::hash::of_file(path).expect("a hash")
    }

    #[test]
    fn a_copy_goes_through_all_its_steps_and_keeps_the_program_before_it() {
        let home = tempfile::tempdir().expect("a directory");
        let bin = home.path().join(".local/bin");
        put(&bin.join("cckw"), &program("0.0.1"));
        let script = Script::new(7);
        let place = bin.join(".cckw.copy-0000000000000007");
        let copy = place.join("cckw");
        runtime().block_on(async {
            let mut far = FarShell::start(shell(home.path())).expect("starts");
            let look = far.tell(&script, &script.look(), PATIENCE).await.expect("answers");
            let side = look.far_side().expect("a machine");
            assert_eq!(side.target, Target::Cckw("0.0.1".parse().expect("a version")));
            assert_eq!(side.kind, super::super::plan::Kind::own());
            assert_eq!(look.get("home"), home.path().to_str());
            assert!(
                far.tell(&script, &script.make_ready(), PATIENCE).await.expect("answers").is_yes("ready")
            );
            std::fs::write(&copy, program("0.0.2")).expect("writes");
            let wrong = far.tell(&script, &script.check(&"0".repeat(64)), PATIENCE).await.expect("answers");
            assert_eq!((wrong.get("hash"), wrong.get("version")), (Some(hash(&copy).as_str()), None));
            let right = far.tell(&script, &script.check(&hash(&copy)), PATIENCE).await.expect("answers");
            assert_eq!(right.version("version"), Some("0.0.2".parse().expect("a version")));
            assert_eq!((right.get("status"), right.get("self-check")), (Some("0"), Some("0")));
            let done = far.tell(&script, &script.install(true), PATIENCE).await.expect("answers");
            assert!(done.is_yes("installed") && done.is_yes("kept"), "{done:?}");
            far.end().await;
        });
        assert!(!place.exists());
        assert_eq!(std::fs::read_to_string(bin.join("cckw")).expect("reads"), program("0.0.2"));
        assert_eq!(std::fs::read_to_string(bin.join("cckw.old")).expect("reads"), program("0.0.1"));
    }

    #[test]
    fn what_is_not_installed_is_removed_when_the_connection_ends() {
        let home = tempfile::tempdir().expect("a directory");
        let bin = home.path().join(".local/bin");
        let script = Script::new(8);
        runtime().block_on(async {
            let mut far = FarShell::start(shell(home.path())).expect("starts");
            far.tell(&script, &script.look(), PATIENCE).await.expect("answers");
            far.tell(&script, &script.make_ready(), PATIENCE).await.expect("answers");
            assert_eq!(std::fs::read_dir(&bin).expect("a directory").count(), 1);
            // Somebody has put a program there meanwhile, and it stays.
            put(&bin.join("cckw"), "theirs");
            let done = far.tell(&script, &script.install(false), PATIENCE).await.expect("answers");
            assert!(!done.is_yes("installed"), "{done:?}");
            far.end().await;
        });
        assert_eq!(std::fs::read_dir(&bin).expect("a directory").count(), 1);
        assert_eq!(std::fs::read_to_string(bin.join("cckw")).expect("reads"), "theirs");
    }

    #[test]
    fn what_is_there_is_told_apart() {
        let home = tempfile::tempdir().expect("a directory");
        let target = home.path().join(".local/bin/cckw");
        let look = || {
            let script = Script::new(9);
            runtime().block_on(async {
                let mut far = FarShell::start(shell(home.path())).expect("starts");
                let look = far.tell(&script, &script.look(), PATIENCE).await.expect("answers");
                far.end().await;
                look.far_side().expect("a machine").target
            })
        };
        assert_eq!(look(), Target::Nothing);
        put(&target, "#!/bin/sh\necho something else\n");
        assert_eq!(look(), Target::Other);
        put(&target, &program("1.2.3"));
        put(&home.path().join(".local/.crates2.json"), r#"{"installs":{"cckw 1.2.3 (registry)":{}}}"#);
        assert_eq!(look(), Target::OfCargo);
        std::fs::remove_file(&target).expect("removes");
        std::os::unix::fs::symlink("/nix/store/cckw", &target).expect("links");
        assert_eq!(look(), Target::Link("/nix/store/cckw".into()));
    }

    #[test]
    fn a_shell_that_ends_or_says_nothing_is_told_apart() {
        let script = Script::new(10);
        let said = |text: &str, within| {
            let mut command = std::process::Command::new("/bin/sh");
            command.args(["-c", text]);
            runtime().block_on(async {
                let mut far = FarShell::start(command).expect("starts");
                far.tell(&script, "x\n", within).await.expect_err("no answer")
            })
        };
        let ended = said("echo 'Permission denied (publickey).' >&2; exit 255", PATIENCE);
        assert!(
            matches!(&ended, ShellError::Ended(Some(255), said) if said.starts_with(b"Permission")),
            "{ended:?}"
        );
        let silent = said("exec sleep 600", Duration::from_millis(50));
        assert!(matches!(silent, ShellError::TooLate(_)), "{silent:?}");
    }
}
