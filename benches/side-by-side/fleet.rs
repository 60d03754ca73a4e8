//! `cckw detect` and `cckw list` where there is no host to be asked: files of processes that are gone, of
//! some that run, and records of sessions that have ended.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork};
use tempfile::TempDir;

use crate::commands::{Asked, CCK, CCKW, STATIC, compare};
use crate::effort::Effort;
use crate::outer::Run;
use crate::processes;
use crate::results::{Question, Results};
use crate::tools::{self, Tool};

/// cckw, as built for this benchmark.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_cckw");

/// Compares `detect`.
pub fn detect(effort: &Effort, results: &mut Results) {
    for count in effort.sessions {
        if let Err(error) = detect_left(*count, effort, results) {
            results.fail(CCKW, "detect", format!("{count} files left behind: {error}"));
        }
        if let Err(error) = detect_live(*count, effort, results) {
            results.fail(CCKW, "detect", format!("{count} processes: {error}"));
        }
    }
}

/// Where `claude-connection-keeper` is: on the path, or where `tests/cck/install` puts it.
pub fn keeper() -> Option<PathBuf> {
    let installed = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cck/bin/cck");
    tools::on_path("cck").or_else(|| installed.is_file().then_some(installed))
}

/// Installs it as the tests do, if it is not there yet.
pub fn install_keeper() -> Result<(), String> {
    if keeper().is_some() {
        return Ok(());
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cck/install");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cck");
    let output = Command::new(script).arg(folder).output().map_err(|error| error.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

fn detect_left(count: usize, effort: &Effort, results: &mut Results) -> io::Result<()> {
    let (scratch, directory) = state_files()?;
    // Beyond the largest process id there is no process.
    let largest: usize =
        fs::read_to_string("/proc/sys/kernel/pid_max")?.trim().parse().map_err(io::Error::other)?;
    for pid in largest + 1..=largest + count {
        fs::write(directory.join(format!("{pid}.json")), state_file(pid, "1"))?;
    }
    ask_both(&directory, (Question::DetectLeft, count), 0, &scratch, effort, results);
    ask_both(&directory, (Question::DetectDead, count), count, &scratch, effort, results);
    Ok(())
}

fn detect_live(count: usize, effort: &Effort, results: &mut Results) -> io::Result<()> {
    let (scratch, directory) = state_files()?;
    let crowd = Crowd::start(count)?;
    for pid in &crowd.0 {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The start is the 22nd field, and the second is in parentheses.
        let start = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(19)).unwrap_or_default();
        fs::write(directory.join(format!("{pid}.json")), state_file(pid.as_raw() as usize, start))?;
    }
    ask_both(&directory, (Question::DetectLive, count), count, &scratch, effort, results);
    Ok(())
}

fn ask_both(
    directory: &Path,
    key: (Question, usize),
    lines: usize,
    scratch: &TempDir,
    effort: &Effort,
    results: &mut Results,
) {
    let directory = directory.display().to_string();
    let mut arguments = vec!["detect", "--json", "--sessions-dir", &directory];
    if key.0 == Question::DetectDead {
        arguments.push("--include-dead");
    }
    let keeper = keeper().filter(|_| effort.keeper);
    let one = |name, program| Asked { name, program, arguments: arguments.clone(), lines };
    let mut asked = vec![one(CCKW, Path::new(PROGRAM))];
    asked.extend(keeper.as_deref().map(|program| one(CCK, program)));
    compare(&asked, key, scratch.path(), effort, results);
}

fn state_files() -> io::Result<(TempDir, PathBuf)> {
    let scratch = tools::scratch()?;
    let directory = scratch.path().join("sessions");
    fs::create_dir(&directory)?;
    Ok((scratch, directory))
}

/// What Claude Code writes while it is idle and not connected.
fn state_file(pid: usize, start: &str) -> String {
    let conversation = uuid::Uuid::new_v4();
    format!(
        r#"{{"pid":{pid},"sessionId":"{conversation}","cwd":"/home/somebody/project","startedAt":1763700000000,"procStart":"{start}","version":"2.1.329","peerProtocol":1,"kind":"interactive","entrypoint":"cli","name":"project","status":"idle","updatedAt":1763700000000}}"#
    )
}

/// Processes that do nothing, and end with this one at the latest.
struct Crowd(Vec<Pid>);

impl Crowd {
    fn start(count: usize) -> io::Result<Self> {
        let mut crowd = Self(Vec::with_capacity(count));
        for _ in 0..count {
            // SAFETY: this process has one thread, and the child makes system calls only.
            match unsafe { fork() }? {
                ForkResult::Parent { child } => crowd.0.push(child),
                ForkResult::Child => {
                    let _ = processes::end_with_parent();
                    loop {
                        nix::unistd::pause();
                    }
                }
            }
        }
        Ok(crowd)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        for pid in &self.0 {
            let _ = kill(*pid, Signal::SIGKILL);
        }
        for pid in &self.0 {
            let _ = waitpid(*pid, None);
        }
    }
}

/// cckw and, where one is named, the static cckw, to be asked the same.
pub fn ours<'a>(arguments: &[&'a str], lines: usize, linked_statically: Option<&'a Path>) -> Vec<Asked<'a>> {
    let one = |name, program| Asked { name, program, arguments: arguments.to_vec(), lines };
    let mut asked = vec![one(CCKW, Path::new(PROGRAM))];
    asked.extend(linked_statically.map(|program| one(STATIC, program)));
    asked
}

/// Measures the start and the end of the program itself.
pub fn version(effort: &Effort, results: &mut Results) {
    let named = Tool::Static.named();
    match tools::scratch() {
        Ok(scratch) => {
            let asked = ours(&["--version"], 1, named.as_deref());
            compare(&asked, (Question::Version, 1), scratch.path(), effort, results);
        }
        Err(error) => results.fail(CCKW, "list", error.to_string()),
    }
}

/// Measures `list --all` where all sessions have ended: a real record, in so many copies.
pub fn list_ended(effort: &Effort, results: &mut Results) {
    for count in effort.sessions {
        if let Err(error) = list_some(*count, effort, results) {
            results.fail(CCKW, "list", format!("{count} that have ended: {error}"));
        }
    }
}

fn list_some(count: usize, effort: &Effort, results: &mut Results) -> Result<(), String> {
    let words = |error: io::Error| error.to_string();
    let scratch = Rc::new(tools::scratch().map_err(words)?);
    Run::start_in(Rc::clone(&scratch), Tool::Cckw, "idle")?.end()?;
    let state = scratch.path().join("state/cckw");
    let mut entries = fs::read_dir(&state).map_err(words)?.flatten();
    let original =
        entries.find(|entry| entry.path().join("session.json").is_file()).ok_or("no record")?.path();
    let id = original.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let record = fs::read_to_string(original.join("session.json")).map_err(words)?;
    for _ in 1..count {
        let copy = uuid::Uuid::new_v4().to_string();
        let directory = state.join(&copy);
        fs::create_dir(&directory).map_err(words)?;
        fs::write(directory.join("session.json"), record.replace(&id, &copy)).map_err(words)?;
    }
    let named = Tool::Static.named();
    let asked = ours(&["list", "--all", "--json"], count, named.as_deref());
    compare(&asked, (Question::ListEnded, count), scratch.path(), effort, results);
    Ok(())
}
