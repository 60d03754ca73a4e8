//! Running a verb of cckw's.

use std::process::Command;

use super::{Sandbox, cckw_program};

/// cckw with these arguments, in the sandbox.
pub fn cckw(sandbox: &Sandbox, words: &[&str]) -> Command {
    let mut command = sandbox.command(cckw_program());
    command.args(words);
    command
}

/// What a verb says that has nothing to complain about.
#[track_caller]
pub fn well_said(sandbox: &Sandbox, words: &[&str]) -> String {
    let output = cckw(sandbox, words).output().expect("runs");
    assert!(output.status.success() && output.stderr.is_empty(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}
