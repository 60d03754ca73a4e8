//! A near side and far hosts: `tests/machines/bed`, and what can happen to them.

// The tests and the benchmark each use a part of it.
#![allow(dead_code)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::support::bed_script::BedScript;
use crate::support::{
    DEADLINE, Record, Sandbox, Terminal, cckw_program, process, stand_in, system, wait_or_report, wait_until,
};

/// Set to `1` where a machine without namespaces is all right: then no test here counts.
const ALLOWED_WITHOUT: &str = "TESTS_WITHOUT_NAMESPACES";

/// The script that is the hosts and the cables.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/machines/bed");

/// Where a host has the claude of [`Bed::with_claude`].
pub const CLAUDE: &str = "/usr/local/lib/bed/claude";

/// What happens to the cable between the near side and a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// The near side's interface is down, and the near side knows that.
    Down,
    /// It is up again.
    Up,
    /// Every packet is dropped, both ways, and nobody is told.
    Silent,
    /// Packets are carried again.
    Heard,
    /// Each packet takes so many milliseconds in each direction, from now on.
    Slow(u32),
}

/// A near side with the cckw that was built, and far hosts that are up. They end with this value.
///
/// It is the near side's [`Sandbox`] as well: its claude is the stand-in, and its home is the one that ssh takes
/// its keys from.
pub struct Bed {
    script: BedScript,
    /// The network of the near side.
    network: PathBuf,
    /// Process 1 of each host, as it is called here.
    firsts: RefCell<BTreeMap<&'static str, i32>>,
    _folder: TempDir,
    sandbox: Sandbox,
}

impl Deref for Bed {
    type Target = Sandbox;

    fn deref(&self) -> &Sandbox {
        &self.sandbox
    }
}

impl DerefMut for Bed {
    fn deref_mut(&mut self) -> &mut Sandbox {
        &mut self.sandbox
    }
}

impl Bed {
    /// Makes the near side and hosts of these names, boots them, and tells cckw of each as a machine of the same name:
    /// the user ada there.
    ///
    /// None where that is not possible and that is allowed; then there is nothing to test.
    #[track_caller]
    pub fn new(hosts: &[&'static str]) -> Option<Self> {
        let bed = Self::without_machines(hosts)?;
        for host in hosts {
            bed.well_said(&["machine", "add", host, &format!("ada@{host}")]);
        }
        Some(bed)
    }

    /// The same; cckw knows no machine yet.
    #[track_caller]
    pub fn without_machines(hosts: &[&'static str]) -> Option<Self> {
        Self::with_claude(hosts, None)
    }

    /// The same, where each host has this claude as well, as [`CLAUDE`].
    #[track_caller]
    pub fn with_claude(hosts: &[&'static str], claude: Option<&Path>) -> Option<Self> {
        let sandbox = stand_in::sandbox();
        let folder = tempfile::Builder::new().prefix("cckw-bed-").tempdir().expect("a temporary folder");
        let script = BedScript::start(SCRIPT, "hosts in namespaces", ALLOWED_WITHOUT, |script| {
            script.envs(claude.map(|claude| ("BED_CLAUDE", claude))).arg(folder.path());
            script.arg(sandbox.path("home")).arg(cckw_program()).args(hosts);
        })?;
        let network = network_of(script.pid()).expect("a network");
        let bed = Self { script, network, firsts: RefCell::default(), _folder: folder, sandbox };
        for host in hosts {
            bed.boot(host);
        }
        Some(bed)
    }

    // ---- what happens to the hosts ----

    /// Changes the cable to a host.
    #[track_caller]
    pub fn link(&self, host: &str, link: Link) {
        let what = match link {
            Link::Down => "down".to_owned(),
            Link::Up => "up".to_owned(),
            Link::Silent => "silent".to_owned(),
            Link::Heard => "heard".to_owned(),
            Link::Slow(milliseconds) => format!("slow {milliseconds}"),
        };
        self.script.order(&format!("link {host} {what}"), "linked");
    }

    /// A power cut: everything on the host ends at once. Its disk is as it was.
    #[track_caller]
    pub fn power_cut(&self, host: &str) {
        self.script.order(&format!("cut {host}"), "cut");
    }

    /// The boot after a power cut; the kernel's boot id is another.
    #[track_caller]
    pub fn boot(&self, host: &'static str) {
        let first = self.script.order(&format!("boot {host}"), "booted");
        self.firsts.borrow_mut().insert(host, first.parse().expect("a pid"));
    }

    // ---- the near side ----

    /// A program on the near side.
    pub fn near(&self, words: &[impl AsRef<std::ffi::OsStr>]) -> Command {
        let mut command = self.sandbox.command("nsenter");
        command.args(["--mount", "--net", "--target", &self.script.pid().to_string()]);
        command.arg(format!("--wdns={}", self.work().display())).arg("--").args(words);
        command
    }

    /// The processes of the near side, also those that have forgotten the environment they were started with: ssh
    /// writes another name over its own.
    pub fn near_processes(&self) -> Vec<i32> {
        let is_near = |pid: &i32| network_of(*pid).is_some_and(|network| network == self.network);
        let script = self.script.pid();
        process::all()
            .into_iter()
            .filter(is_near)
            .filter(|pid| *pid != script && process::runs(*pid))
            .collect()
    }

    /// cckw on the near side, with these words.
    pub fn cckw(&self, words: &[&str]) -> Command {
        let mut all = vec![cckw_program()];
        all.extend(words);
        self.near(&all)
    }

    /// The same, for a verb that ends by itself: after so long it is ended, with the status 124.
    fn bounded(&self, words: &[&str]) -> Command {
        let mut all = vec!["timeout", "60", cckw_program()];
        all.extend(words);
        self.near(&all)
    }

    /// Runs it with nothing on stdin, and gives what it said.
    #[track_caller]
    pub fn asked(&self, words: &[&str]) -> Said {
        Said::of(self.bounded(words).stdin(Stdio::null()).output().expect("nsenter"))
    }

    /// The same, where it has to end well and has nothing to complain about.
    #[track_caller]
    pub fn well_said(&self, words: &[&str]) -> String {
        let said = self.asked(words);
        assert!(said.code == Some(0) && said.err.is_empty(), "{words:?}: {said:#?}");
        said.out
    }

    /// The same with this text on stdin.
    #[track_caller]
    pub fn told(&self, words: &[&str], text: &str) -> Said {
        let mut child = self.bounded(words);
        child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().expect("nsenter");
        let mut stdin = child.stdin.take().expect("piped");
        // Who refuses at once does not read it.
        let _ = stdin.write_all(text.as_bytes());
        drop(stdin);
        Said::of(child.wait_with_output().expect("ends"))
    }

    /// `cckw attach` of these words in a terminal of its own.
    pub fn attach(&self, word: &str) -> Terminal {
        Terminal::spawn(self.cckw(&["attach", word]))
    }

    // ---- the far side ----

    /// The user ada of a host; her shell is bash.
    pub fn far(&self, host: &'static str) -> Far<'_> {
        self.user(host, "ada")
    }

    /// A user of a host: ada, or fish, zsh or dash, whose shell is that.
    pub fn user(&self, host: &'static str, name: &'static str) -> Far<'_> {
        Far { bed: self, host, name }
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        // A connection that is shared would stay for a minute.
        for pid in self.near_processes() {
            process::signal(pid, Signal::SIGKILL);
        }
    }
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    pub fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// A user of a host.
#[derive(Clone, Copy)]
pub struct Far<'a> {
    pub bed: &'a Bed,
    pub host: &'static str,
    pub name: &'static str,
}

impl Far<'_> {
    fn first(&self) -> String {
        self.bed.firsts.borrow()[self.host].to_string()
    }

    /// A file of the host, as it is called here.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        Path::new("/proc").join(self.first()).join("root").join(path.strip_prefix("/").unwrap_or(path))
    }

    /// A path in the user's home, on the host.
    pub fn home(&self, path: &str) -> String {
        format!("/home/{}/{path}", self.name)
    }

    /// A program on the host, as root.
    pub fn root_command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--all", "--target", &self.first(), "--"]).args(words);
        command.env_clear().env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }

    /// Runs one, which has to end well. Gives what it said.
    #[track_caller]
    pub fn root(&self, words: &[&str]) -> String {
        well_said(self.root_command(words).output().expect("nsenter"), words)
    }

    /// A program of the user's on the host, in no login: with no network between here and there.
    pub fn command(&self, words: &[&str]) -> Command {
        let home = self.path(self.home(""));
        let owner = fs::metadata(&home).expect("a home").uid().to_string();
        let mut command = Command::new("nsenter");
        command.args(["--all", "--target", &self.first(), "--setuid", &owner, "--setgid", &owner, "--"]);
        command.args(words).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command.env("HOME", self.home("").trim_end_matches('/')).env("LANG", "C.UTF-8");
        command
    }

    /// Calls this in the network of the host: a socket that it opens is one of the host's.
    pub fn in_its_network<T: Send>(&self, call: impl FnOnce() -> T + Send) -> T {
        let network = fs::File::open(format!("/proc/{}/ns/net", self.first())).expect("a network");
        thread::scope(|scope| {
            let there = scope.spawn(move || {
                // This thread alone, which ends with this closure.
                system::enter_network(&network).expect("the network of the host");
                call()
            });
            there.join().expect("no panic there")
        })
    }

    /// Runs one, which has to end well. Gives what it said.
    #[track_caller]
    pub fn runs(&self, words: &[&str]) -> String {
        well_said(self.command(words).output().expect("nsenter"), words)
    }

    /// Writes a file of the user's.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.home(path);
        let file = self.path(&path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(&file, text).expect("a file");
        self.root(&["chown", "-R", &format!("{0}:{0}", self.name), &self.home("")]);
    }

    /// Writes a program for everybody.
    pub fn write_program(&self, path: &str, text: &str) {
        fs::write(self.path(path), text).expect("a file");
        self.root(&["chmod", "755", path]);
    }

    /// A new session without a terminal, in the user's home, at its prompt.
    #[track_caller]
    pub fn new_session(&self, name: &str) {
        let home = self.home("");
        self.runs(&["cckw", "new", name, &home]);
        self.record(name, "an idle claude", is_idle);
    }

    /// The records of the user's sessions, as they are on the disk.
    pub fn records(&self) -> Vec<Record> {
        let state = self.path(self.home(".local/state/cckw"));
        let directories = fs::read_dir(state).into_iter().flatten().filter_map(Result::ok);
        let read = |directory: fs::DirEntry| {
            let path = directory.path().join("session.json");
            let json = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
            Some(Record { path, json })
        };
        directories.filter_map(read).collect()
    }

    /// The record of a session, once it is as wanted.
    #[track_caller]
    pub fn record(&self, name: &str, what: &str, wanted: impl Fn(&Record) -> bool) -> Record {
        // A session that was renamed has its first name in the record as well.
        let is_called = |record: &Record| {
            let called = &record.json["called"]["name"];
            if called.is_string() { called == name } else { record.text("name") == name }
        };
        let look = || self.records().into_iter().find(|record| is_called(record) && wanted(record));
        let report = || format!("{:#?}\n{}", self.records(), self.processes());
        wait_or_report(what, DEADLINE, look, report)
    }

    /// Sends SIGKILL to a process that the record of a session names.
    #[track_caller]
    pub fn kill(&self, record: &Record, key: &str) {
        // The record has the pid that the host knows.
        let pid = record.pid(key).unwrap_or_else(|| panic!("no {key}")).to_string();
        self.root(&["kill", "-KILL", &pid]);
    }

    /// Kills sshd with all that serve a connection; who waits for their bytes is told by the system. No connection
    /// is taken until [`Far::start_sshd`].
    pub fn kill_sshd(&self) {
        let kill = r#"for each in /proc/[0-9]*; do case $(cat "$each/comm" 2>/dev/null) in sshd*) kill -KILL "${each#/proc/}"; esac; done"#;
        wait_until("the end of sshd", DEADLINE, || {
            self.root(&["sh", "-c", kill]);
            !self.root(&["ps", "-eo", "comm"]).contains("sshd")
        });
    }

    /// Starts it again.
    pub fn start_sshd(&self) {
        self.root(&["/usr/sbin/sshd", "-f", "/etc/ssh/bed.conf", "-E", "/var/log/sshd.log"]);
    }

    /// Takes cckw away from the host. What runs goes on.
    pub fn remove_cckw(&self) {
        self.root(&["sh", "-c", "umount -l /usr/local/bin/cckw 2>/dev/null; rm -f /usr/local/bin/cckw"]);
    }

    /// Has cckw at this place instead, which is on no `PATH`.
    pub fn move_cckw(&self, place: &str) {
        self.remove_cckw();
        let folder = Path::new(place).parent().expect("a folder").to_string_lossy().into_owned();
        self.root(&["mkdir", "-p", &folder]);
        self.root(&["cp", "/usr/local/lib/bed/claude-stand-in", place]);
        self.root(&["chown", "-R", &format!("{0}:{0}", self.name), &self.home("")]);
    }

    /// All processes of the host.
    pub fn processes(&self) -> String {
        let output = self.root_command(&["ps", "-ww", "-eo", "pid,ppid,user,args"]).output();
        String::from_utf8_lossy(&output.expect("nsenter").stdout).into_owned()
    }

    /// The last of what sshd has noted.
    pub fn ssh_log(&self) -> String {
        fs::read_to_string(self.path("/var/log/sshd.log")).unwrap_or_default()
    }
}

/// The network namespace of a process.
fn network_of(pid: i32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/ns/net")).ok()
}

/// Whether its claude is idle. A host that has just begun still has the status of before in its record.
pub fn is_idle(record: &Record) -> bool {
    record.text("state") == "running" && record.text("status") == "idle"
}

#[track_caller]
fn well_said(output: Output, words: &[impl AsRef<str>]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{words:?}: {}\n{out}{err}", output.status);
    out.into_owned()
}
