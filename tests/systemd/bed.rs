//! A machine with a real systemd: `tests/systemd/bed`, and the users on it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::bed_script::BedScript;
use crate::support::{DEADLINE, Record, cckw_program, wait_or_report, wait_until};

/// Set to `1` where a machine without a bed is all right: then no test here counts.
const ALLOWED_WITHOUT: &str = "TESTS_WITHOUT_SYSTEMD";

/// The script that is the machine.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/systemd/bed");

/// A machine, up. It ends with this value.
pub struct Bed {
    script: BedScript,
    /// Its process 1, as it is called here.
    first: i32,
    folder: TempDir,
}

impl Bed {
    /// Boots one, with the built program in `/usr/local/bin` and a stand-in for claude beside it.
    ///
    /// None where none can be booted and that is allowed; then there is nothing to test.
    #[track_caller]
    pub fn boot() -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("cckw-bed-").tempdir().expect("a temporary folder");
        let script = BedScript::start(SCRIPT, "machine with systemd", ALLOWED_WITHOUT, |script| {
            script.arg(folder.path());
        })?;
        let mut bed = Self { script, first: 0, folder };
        bed.start();
        // By another process: while this one had it open for writing, nobody could execute it.
        let copied = Command::new("cp").arg(cckw_program()).arg(bed.path("usr/local/bin/cckw")).status();
        assert!(copied.expect("cp").success());
        bed.root(&["ln", "-s", "cckw", "/usr/local/bin/claude-stand-in"]);
        Some(bed)
    }

    #[track_caller]
    fn start(&mut self) {
        self.first = self.script.order("boot", "booted").parse().expect("a pid");
        let state = || {
            let output = self.command(&["systemctl", "is-system-running"]).output().expect("nsenter");
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        };
        let up = || ["running", "degraded"].contains(&state().as_str()).then_some(());
        wait_or_report("the machine to be up", DEADLINE, up, state);
        let failed = self.root(&["systemctl", "--failed", "--no-legend", "--plain"]);
        assert_eq!(failed, "", "of the machine itself");
    }

    /// A power cut. Its disk is as it was.
    pub fn power_cut(&mut self) {
        self.script.order("cut", "cut");
    }

    /// The boot after a power cut.
    pub fn boot_again(&mut self) {
        self.start();
    }

    /// A shutdown in order, with SIGTERM to everything, and the boot after it.
    pub fn reboot(&mut self) {
        self.root(&["systemctl", "start", "--no-block", "poweroff.target"]);
        let first = self.first;
        wait_until("the machine to go down", DEADLINE, || {
            fs::read_to_string(format!("/proc/{first}/comm")).map_or(true, |comm| comm.trim() != "systemd")
        });
        self.power_cut();
        self.start();
    }

    /// A file of the machine.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        Path::new("/proc")
            .join(self.first.to_string())
            .join("root")
            .join(path.strip_prefix("/").unwrap_or(path))
    }

    /// A program on the machine, as root, outside of every service and login.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--all", "--target", &self.first.to_string(), "--"]).args(words);
        command.env_clear().env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }

    /// Runs one, which has to end well. Gives what it said.
    #[track_caller]
    pub fn root(&self, words: &[&str]) -> String {
        well_said(self.command(words).output().expect("nsenter"), words)
    }

    /// Writes a file of the machine, as root.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    /// What logind does to the processes of a login that is over, and how long after the last one it stops the
    /// user manager.
    pub fn logind(&self, kill_user_processes: &str, user_stop_delay: &str) {
        self.write(
            "/etc/systemd/logind.conf.d/test.conf",
            &format!(
                "[Login]\nKillUserProcesses={kill_user_processes}\nUserStopDelaySec={user_stop_delay}\n"
            ),
        );
        self.root(&["systemctl", "restart", "systemd-logind"]);
        let told = self.root(&["loginctl", "show-session", "--property=KillUserProcesses"]);
        assert_eq!(told.trim(), format!("KillUserProcesses={kill_user_processes}"));
    }

    /// A user who was made in an earlier boot.
    pub fn known(&self, name: &'static str) -> User<'_> {
        let uid = self.root(&["id", "-u", name]).trim().parse().expect("a number");
        User { bed: self, name, uid }
    }

    /// A new user, who can log in by ssh, and whose claude is the stand-in.
    pub fn user(&self, name: &'static str) -> User<'_> {
        self.root(&["useradd", "--create-home", "--shell", "/bin/bash", name]);
        let user = self.known(name);
        let key = self.folder.path().join(name);
        let made =
            Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status();
        assert!(made.expect("ssh-keygen").success());
        let public = fs::read_to_string(key.with_extension("pub")).expect("a public key");
        self.write(&user.home(".ssh/authorized_keys"), &public);
        self.write(
            &user.home(".config/cckw/config.toml"),
            "claude = \"/usr/local/bin/claude-stand-in\"\n[start]\nexisting = \"new\"\n",
        );
        self.root(&["chown", "-R", &format!("{name}:"), &format!("/home/{name}")]);
        self.root(&["chmod", "-R", "go-rwx", &format!("/home/{name}")]);
        user
    }
}

/// A user of a machine.
#[derive(Clone, Copy)]
pub struct User<'a> {
    pub bed: &'a Bed,
    pub name: &'static str,
    pub uid: u32,
}

impl User<'_> {
    /// A path in the user's home, on the machine.
    pub fn home(&self, path: &str) -> String {
        format!("/home/{}/{path}", self.name)
    }

    /// A login over ssh, with a command line for the shell there. With `-tt` among the options it gets a
    /// terminal.
    pub fn ssh(&self, options: &[&str], line: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--net", "--target", &self.bed.first.to_string(), "--", "ssh", "-F", "/dev/null"]);
        let key = self.bed.folder.path().join(self.name);
        command.args([
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
            "-o",
            "LogLevel=ERROR",
        ]);
        command.arg("-i").arg(key).args(options).arg(format!("{}@127.0.0.1", self.name)).arg(line);
        command.env("TERM", "xterm-256color");
        command
    }

    /// Logs in, runs a command line that has to end well, and logs out. Gives what it said.
    #[track_caller]
    pub fn by_ssh(&self, line: &str) -> String {
        well_said(self.ssh(&[], line).output().expect("ssh"), &[line])
    }

    /// A program of this user outside of every login, as `sudo -u` starts it: without a runtime directory.
    pub fn command(&self, words: &[impl AsRef<OsStr>]) -> Command {
        let uid = self.uid.to_string();
        let mut command = Command::new("nsenter");
        command.args([
            "--all",
            "--target",
            &self.bed.first.to_string(),
            "--setuid",
            &uid,
            "--setgid",
            &uid,
            "--",
        ]);
        command.args(words).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command.env("HOME", self.home("")).env("LANG", "C.UTF-8");
        command
    }

    /// Runs one, which has to end well. Gives what it said.
    #[track_caller]
    pub fn runs(&self, words: &[&str]) -> String {
        well_said(self.command(words).output().expect("nsenter"), words)
    }

    /// The records of the user's sessions, as they are on the disk.
    pub fn records(&self) -> Vec<Record> {
        let state = self.bed.path(self.home(".local/state/cckw"));
        let directories = fs::read_dir(state).into_iter().flatten().filter_map(Result::ok);
        let read = |directory: fs::DirEntry| {
            let path = directory.path().join("session.json");
            let json = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
            Some(Record { path, json })
        };
        directories.filter_map(read).collect()
    }

    /// The sessions as `cckw list` shows them, asked outside of every login.
    #[track_caller]
    pub fn listed(&self) -> Vec<Value> {
        let said = self.runs(&["cckw", "list", "--all", "--json"]);
        said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// The user's processes, for a report.
    pub fn processes(&self) -> String {
        let words = ["ps", "-o", "pid,ppid,args", "-u", &self.uid.to_string()];
        String::from_utf8_lossy(&self.bed.command(&words).output().expect("nsenter").stdout).into_owned()
    }

    /// Waits until no login session of the user is open.
    #[track_caller]
    pub fn wait_for_logout(&self) {
        let sessions = || self.bed.root(&["loginctl", "list-sessions", "--no-legend"]);
        let open = |line: &str| line.split_whitespace().nth(2) == Some(self.name);
        let active = |line: &&str| {
            let id = line.split_whitespace().next().unwrap_or_default();
            let words = ["loginctl", "show-session", "--property=State", "--value", id];
            let output = self.bed.command(&words).output().expect("nsenter");
            matches!(String::from_utf8_lossy(&output.stdout).trim(), "active" | "online" | "opening")
        };
        let over = || (!sessions().lines().filter(|line| open(line)).any(|line| active(&line))).then_some(());
        wait_or_report("the logout", DEADLINE, over, sessions);
    }

    /// Waits until the user manager has been stopped, and `/run/user/UID` removed.
    #[track_caller]
    pub fn wait_for_the_end_of_the_user_manager(&self) {
        let units = [format!("user@{}.service", self.uid), format!("user-runtime-dir@{}.service", self.uid)];
        let words = ["systemctl", "show", "--property=ActiveState", "--value", &units[0], &units[1]];
        let state = || self.bed.root(&words);
        let over = || (state().split_whitespace().all(|state| state == "inactive")).then_some(());
        wait_or_report("the end of the user manager", DEADLINE, over, state);
    }

    /// The unit that a process of the machine belongs to: the last part of its control group.
    pub fn unit_of(&self, pid: i32) -> String {
        let groups = self.bed.root(&["cat", &format!("/proc/{pid}/cgroup")]);
        let group = groups.lines().find_map(|line| line.strip_prefix("0::")).expect("a group").to_owned();
        group.rsplit('/').next().unwrap_or_default().to_owned()
    }

    /// Whether `/run/user/UID` is there.
    pub fn has_runtime_directory(&self) -> bool {
        self.bed.path(format!("run/user/{}", self.uid)).exists()
    }
}

#[track_caller]
fn well_said(output: Output, words: &[impl AsRef<str>]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{words:?}: {}\n{out}{err}", output.status);
    out.into_owned()
}
