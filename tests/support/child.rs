//! The raw child (`tests/programs/pty_child.rs`) inside cckw.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{DEADLINE, Sandbox, cckw_program, wait_until_some};

/// A raw child that writes all the time, in long lines.
pub const TALKATIVE: &str = "ticker:1:110";
/// So many of its lines are more than all buffers on the way hold. When it has written them, it was held up by
/// nobody who does not read.
pub const MORE_THAN_BUFFERS_HOLD: u64 = 2_000;

/// The program that `cargo test` has built beside the tests.
pub fn pty_child() -> PathBuf {
    let built = Path::new(env!("CARGO_BIN_EXE_cckw")).with_file_name("examples").join("pty-child");
    assert!(built.exists(), "{} is missing: build it with `cargo build --examples`", built.display());
    built
}

impl Sandbox {
    /// Has `cckw claude` run the raw child in this mode; its report goes to `report.json`.
    pub fn use_child(&mut self, mode: &str) {
        self.set("CCKW_CLAUDE", pty_child());
        self.set("PTY_CHILD", mode);
        self.set("PTY_CHILD_REPORT", self.path("report.json"));
        // What most tests are about ends with its terminal or its child; keeping it is the subject of others.
        self.configure(
            "on_hangup = \"exit\"\ndetach_key = \"none\"\nstall_after = \"5m\"\n[restart]\ncrash_limit = 1\n",
        );
        let cckw = Path::new(cckw_program()).parent().expect("a directory").to_owned();
        // For the shells, which are to type what a user types.
        self.set("PATH", format!("{}:{}", cckw.display(), "/usr/local/bin:/usr/bin:/bin"));
    }

    /// Gives cckw this configuration.
    pub fn configure(&self, text: &str) {
        fs::create_dir_all(self.path("config/cckw")).expect("a directory");
        fs::write(self.path("config/cckw/config.toml"), text).expect("a configuration");
    }

    /// `cckw claude`, as typed at a prompt.
    pub fn cckw_claude(&self) -> Command {
        let mut command = self.command(cckw_program());
        command.arg("claude");
        command
    }

    /// What the raw child has reported, when `condition` holds for it.
    #[track_caller]
    pub fn wait_for_report(&self, what: &str, condition: impl Fn(&Value) -> bool) -> Value {
        wait_until_some(&format!("a report with {what}"), DEADLINE, || {
            let report = serde_json::from_slice(&fs::read(self.path("report.json")).ok()?).ok()?;
            condition(&report).then_some(report)
        })
    }

    /// The last report of the raw child.
    #[track_caller]
    pub fn report(&self) -> Value {
        self.wait_for_report("the end", |report| report["done"] == true)
    }
}
