//! A home in which this cckw is installed as a user installs it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

use super::release::{Release, keys};
use super::server::{Server, root};
use crate::support::{Sandbox, cckw_program, stand_in};

/// The version of the program that is tested.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The home, and what cckw is configured to.
pub struct Home {
    pub sandbox: Sandbox,
    /// Where it takes new versions from, if nobody else has it.
    release: Option<Release>,
}

impl Home {
    /// cckw is installed in it, and not configured.
    pub fn new() -> Self {
        let mut sandbox = stand_in::sandbox();
        let folder = sandbox.path("home/.local/bin");
        fs::create_dir_all(&folder).expect("a folder");
        let own = cckw_program();
        // A second name of the program costs nothing. Nobody writes into it.
        if fs::hard_link(own, folder.join("cckw")).is_err() {
            fs::copy(own, folder.join("cckw")).expect("a copy");
        }
        sandbox.set("SSL_CERT_FILE", root());
        sandbox.set("NO_PROXY", "127.0.0.1");
        let home = Self { sandbox, release: None };
        home.configure("");
        home
    }

    /// The same, and new versions come from there.
    pub fn of(url: &str) -> Self {
        let home = Self::new();
        home.set_url(url);
        home
    }

    /// The same, from a release's folder.
    pub fn of_files(release: &Release) -> Self {
        Self::of(&release.file_url())
    }

    /// The same, and the release is there as long as this home.
    pub fn having(release: Release) -> Self {
        let mut home = Self::of_files(&release);
        home.release = Some(release);
        home
    }

    /// The same, from a server.
    pub fn of_server(server: &Server) -> Self {
        Self::of(&server.url("manifest.json"))
    }

    pub fn set_url(&self, url: &str) {
        let (_, key) = keys("publisher");
        self.configure(&format!("[update]\nurl = \"{url}\"\npublic_key = \"{key}\"\n"));
    }

    /// The same, with something that is done without being asked.
    pub fn set_auto(&self, auto: &str) {
        let path = self.sandbox.path("config/cckw/config.toml");
        let text = fs::read_to_string(&path).expect("is there");
        let kept: String =
            text.lines().filter(|line| !line.starts_with("auto")).map(|line| format!("{line}\n")).collect();
        fs::write(path, format!("{kept}auto = \"{auto}\"\n")).expect("writes");
    }

    pub fn configure(&self, text: &str) {
        fs::create_dir_all(self.sandbox.path("config/cckw")).expect("a folder");
        fs::write(self.sandbox.path("config/cckw/config.toml"), text).expect("writes");
    }

    /// The folder in which it is installed.
    pub fn folder(&self) -> PathBuf {
        self.sandbox.path("home/.local/bin")
    }

    pub fn program(&self) -> PathBuf {
        self.folder().join("cckw")
    }

    /// The installed program with these words.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = self.sandbox.command(self.program());
        command.args(words);
        command
    }

    pub fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().expect("runs")
    }

    /// What the installed program says that it is.
    pub fn version(&self) -> String {
        let output = self.run(&["--version"]);
        assert!(output.status.success(), "the installed program does not work: {output:?}");
        String::from_utf8_lossy(&output.stdout).trim().trim_start_matches("cckw ").to_owned()
    }

    /// Runs a verb that must succeed, and gives what it says.
    #[track_caller]
    pub fn well_said(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success() && output.stderr.is_empty(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Runs a verb that must fail with this status, and gives its one line of complaint.
    #[track_caller]
    pub fn complaint(&self, words: &[&str], status: i32) -> String {
        let output = self.run(words);
        let said = String::from_utf8(output.stderr.clone()).expect("UTF-8");
        assert_eq!(output.status.code(), Some(status), "{words:?}: {output:?}");
        assert!(said.lines().count() == 1 && output.stdout.is_empty(), "{words:?}: {output:?}");
        assert!(!said.trim_end().chars().any(char::is_control), "{said:?}");
        said
    }

    /// An update that must fail. The installed program is the one that it was, and nothing else is there.
    #[track_caller]
    pub fn refusal(&self) -> String {
        let said = self.complaint(&["update"], 1);
        assert_eq!(self.version(), VERSION);
        assert_eq!(self.installed(), ["cckw"], "something is left");
        said
    }

    /// All that is in the folder of the program.
    pub fn installed(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder()).expect("the folder").flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().into_string().expect("UTF-8")).collect();
        names.sort();
        names
    }

    /// What of a download is in the state directory.
    pub fn parts(&self) -> Vec<PathBuf> {
        let names = ["update.part", "update.part.json"].map(|name| self.state(name));
        names.into_iter().filter(|path| path.exists()).collect()
    }

    pub fn state(&self, name: &str) -> PathBuf {
        self.sandbox.path("state/cckw").join(name)
    }

    /// Makes the state directory, as cckw does.
    pub fn make_state(&self) {
        fs::create_dir(self.sandbox.path("state/cckw")).expect("a directory");
        fs::set_permissions(self.sandbox.path("state/cckw"), fs::Permissions::from_mode(0o700))
            .expect("a mode");
    }

    /// What cckw remembers of updates.
    pub fn marker(&self) -> Value {
        serde_json::from_slice(&fs::read(self.state("update.json")).expect("is there")).expect("JSON")
    }
}
