//! A process of a test's own: the others share one.

use std::process::{Command, Output};

use nix::sys::resource::{Resource, getrlimit};

use super::before_exec::{before_exec, limit};

/// Set where a test was started again.
const AGAIN: &str = "CCKW_TEST_BY_ITSELF";

/// Whether this process has this test of this module (`module_path!()`) to itself, and may open so many
/// descriptors. Where it has not, the test is run again in a process that has, and has to pass there; then
/// there is nothing left to do here.
#[track_caller]
pub fn is_by_itself(module: &str, test: &str, descriptors: u64) -> bool {
    if std::env::var_os(AGAIN).is_some() {
        return true;
    }
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    assert!(most >= descriptors, "no process may open {descriptors} files here: {most}");
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(words(module, test)).env(AGAIN, "1");
    before_exec(&mut command, move || limit(Resource::RLIMIT_NOFILE, descriptors, most));
    let output = command.output().expect("this program runs");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(has_passed(&output), "{out}\n{err}");
    false
}

/// The arguments with which this program runs one test alone.
pub fn words(module: &str, test: &str) -> Vec<String> {
    // The name of a test begins below its crate.
    let name = module.split_once("::").map_or(test.to_owned(), |(_, module)| format!("{module}::{test}"));
    ["--exact", &name, "--nocapture"].map(str::to_owned).to_vec()
}

/// Whether a run of one test has found it, and it has passed.
pub fn has_passed(output: &Output) -> bool {
    output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1 passed")
}
