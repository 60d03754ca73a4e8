//! A release to be installed: a small program that says its version, a manifest, and a signature.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock};

use crate::support::cckw_program;
use serde_json::{Value, json};
use tempfile::TempDir;

/// What the program of a release does beside saying its version.
const PROGRAM: &str = r#"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv) {
    const char *word = argc > 1 ? argv[1] : "";
    const char *sick = SICK;
    if (!strcmp(word, "--version")) {
        if (!strcmp(sick, "hangs")) { fclose(stdout); fclose(stderr); for (;;) pause(); }
        if (!strcmp(sick, "crashes")) abort();
        printf("cckw %s\n", VERSION);
        return 0;
    }
    if (!strcmp(word, "self-check")) {
        if (!strcmp(sick, "complains")) { fprintf(stderr, "cckw: the records\033[2J are unknown\n"); return 1; }
        return 0;
    }
    if (!strcmp(word, "host") && !strcmp(sick, "loses hosts")) abort();
    if (!strcmp(word, "update")) { printf("cckw %s is the newest\n", VERSION); return 0; }
    argv[0] = REAL;
    execv(REAL, argv);
    return 126;
}
"#;

/// What is wrong with the program of a release.
pub const HANGS: &str = "hangs";
pub const CRASHES: &str = "crashes";
pub const COMPLAINS: &str = "complains";

/// A folder for what all tests share: keys, certificates, programs.
pub fn shared() -> &'static Path {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    FOLDER
        .get_or_init(|| tempfile::Builder::new().prefix("cckw-releases-").tempdir().expect("a folder"))
        .path()
}

/// Runs a program that must be installed on the machine.
#[track_caller]
pub fn run(program: &str, words: &[&str]) {
    let mut command = Command::new(program);
    command.args(words).current_dir(shared()).stdin(Stdio::null());
    let output = command.output().unwrap_or_else(|error| {
        panic!("{program}: {error}. These tests need the programs cc, minisign, openssl and strace: see CONTRIBUTING.md")
    });
    assert!(output.status.success(), "{program} {words:?}: {output:?}");
}

/// The program of a release of this version; each is compiled once.
pub fn program(version: &str, sick: &str) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let path = shared().join(format!("cckw-{version}-{}", sick.replace(' ', "-")));
    if !path.exists() {
        let (source, fresh) = (path.with_extension("c"), path.with_extension("fresh"));
        fs::write(&source, PROGRAM).expect("writes");
        let text = |name: &str, value: &str| format!("-D{name}=\"{value}\"");
        let (source, made) = (source.display().to_string(), fresh.display().to_string());
        let defined = [text("VERSION", version), text("SICK", sick), text("REAL", cckw_program())];
        run("cc", &["-O1", "-x", "c", &defined[0], &defined[1], &defined[2], "-o", &made, &source]);
        fs::rename(fresh, &path).expect("renames");
    }
    path
}

/// A pair of keys, without a password. Gives the secret key's file and the public key.
pub fn keys(name: &str) -> (PathBuf, String) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (secret, public) = (shared().join(format!("{name}.sec")), shared().join(format!("{name}.pub")));
    if !public.exists() {
        run("minisign", &["-G", "-W", "-f", "-p", path(&public), "-s", path(&secret)]);
    }
    let text = fs::read_to_string(public).expect("a key");
    (secret, text.lines().nth(1).expect("its second line").to_owned())
}

fn path(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// A release in a folder of its own.
pub struct Release {
    folder: TempDir,
    /// The program.
    pub program: Vec<u8>,
    /// What the manifest says.
    pub manifest: Value,
}

/// The target that a manifest of these tests is for.
pub fn target() -> String {
    format!("{}-unknown-linux-musl", std::env::consts::ARCH)
}

/// SHA-256, as another program says it.
pub fn sha256(file: &Path) -> String {
    let output = Command::new("sha256sum").arg(file).output().expect("sha256sum");
    String::from_utf8_lossy(&output.stdout).split(' ').next().expect("a hash").to_owned()
}

impl Release {
    /// A release of this version, signed with the key "publisher".
    pub fn new(version: &str, sick: &str) -> Self {
        Self::of(version, &program(version, sick))
    }

    /// The same with this program.
    pub fn of(version: &str, program: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let contents = fs::read(program).expect("the program");
        let manifest = json!({ "version": 1, "release": version, "targets": {
            target(): { "url": "cckw", "size": contents.len(), "sha256": sha256(program) },
        } });
        let release = Self { folder, program: contents, manifest };
        release.publish();
        release
    }

    /// Writes program, manifest and signature into the folder.
    pub fn publish(&self) {
        self.publish_as("publisher");
    }

    /// The same, signed with another key.
    pub fn publish_as(&self, key: &str) {
        fs::write(self.path("cckw"), &self.program).expect("writes");
        fs::set_permissions(self.path("cckw"), fs::Permissions::from_mode(0o644)).expect("a mode");
        fs::write(self.path("manifest.json"), self.manifest.to_string()).expect("writes");
        let (secret, _) = keys(key);
        let (manifest, signature) = (self.path("manifest.json"), self.path("manifest.json.minisig"));
        run("minisign", &["-S", "-W", "-s", path(&secret), "-m", path(&manifest), "-x", path(&signature)]);
    }

    /// What the manifest says of the program.
    pub fn artefact(&mut self) -> &mut Value {
        &mut self.manifest["targets"][target()]
    }

    /// A file of it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where the manifest is, as a file.
    pub fn file_url(&self) -> String {
        format!("file://{}", self.path("manifest.json").display())
    }
}
