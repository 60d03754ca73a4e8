//! `.ci/tests`: which failures it runs again, and what it says of them.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// What a run of `.ci/tests` came to.
struct Outcome {
    passed: bool,
    /// The calls of cargo.
    calls: Vec<String>,
    /// What it says of unsteady tests.
    report: String,
}

/// Runs `.ci/tests` with a cargo that says these words, one after the other.
fn run(says: &[String]) -> Outcome {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = TempDir::new().expect("a folder");
    for (number, words) in (1..).zip(says) {
        fs::write(folder.path().join(format!("{number}")), words).expect("written");
    }
    let report = folder.path().join("report");
    let path = std::env::var("PATH").expect("a path");
    let output = Command::new(top.join(".ci/tests"))
        .arg(&report)
        .env("RUNS", folder.path())
        .env("PATH", format!("{}:{path}", top.join("tests/repo/unsteady").display()))
        .output()
        .expect("runs");
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    let calls: Vec<String> = read(&folder.path().join("calls")).lines().map(str::to_owned).collect();
    // Each call was one that this test knew of.
    assert!(calls.len() <= says.len(), "{calls:?} {output:?}");
    Outcome { passed: output.status.success(), calls, report: read(&report) }
}

/// What cargo says of a program in which these tests failed.
fn failed(target: &str, names: &[&str]) -> String {
    let said = |name: &&str| format!("---- {name} stdout ----\nwords of {name}\nfailures:\n    no test\n\n");
    let said: String = names.iter().map(said).collect();
    let list = names.join("\n    ");
    let count = names.len();
    format!(
        "running 9 tests\ntest good ... ok\n\nfailures:\n\n{said}\nfailures:\n    {list}\n\n\
         test result: FAILED. 1 passed; {count} failed; 0 ignored; 0 measured\n\n\
         error: test failed, to rerun pass `{target}`\n"
    )
}

/// What cargo says of so many tests that passed.
fn passed(count: usize) -> String {
    format!("running {count} tests\n\ntest result: ok. {count} passed; 0 failed; 0 ignored\n")
}

#[test]
fn tests_that_pass_are_run_once() {
    let outcome = run(&[passed(9)]);
    assert!(outcome.passed && outcome.report.is_empty());
    assert_eq!(outcome.calls, ["test --locked --no-fail-fast"]);
}

#[test]
fn a_test_that_passes_three_times_alone_is_told_as_unsteady() {
    let all = [failed("--lib", &["a::one"]), failed("--test suite", &["b::two", "b::three"])].concat();
    let mut says = vec![all];
    says.extend(vec![passed(1); 9]);
    let outcome = run(&says);
    assert!(outcome.passed, "{:?}", outcome.calls);
    assert_eq!(outcome.calls.len(), 10);
    assert_eq!(outcome.calls[1..4], ["test --locked --lib -- --exact a::one"; 3]);
    assert_eq!(outcome.calls[7..], ["test --locked --test suite -- --exact b::three"; 3]);
    let told: Vec<&str> = outcome.report.lines().filter(|line| line.starts_with("UNSTEADY: ")).collect();
    assert_eq!(told.len(), 3, "{}", outcome.report);
    for name in ["a::one", "b::two", "b::three"] {
        assert_eq!(outcome.report.matches(&format!("words of {name}\n")).count(), 1, "{}", outcome.report);
    }
}

#[test]
fn a_test_that_fails_again_fails_the_run() {
    let again = failed("--test suite", &["a::one"]);
    let outcome = run(&[again.clone(), passed(1), passed(1), again]);
    assert!(!outcome.passed);
    assert_eq!(outcome.calls.len(), 4);
}

#[test]
fn a_test_that_is_not_run_again_fails_the_run() {
    assert!(!run(&[failed("--test suite", &["a::one"]), passed(0)]).passed);
}

#[test]
fn more_than_three_and_failures_of_no_test_are_not_run_again() {
    let of_two = [failed("--lib", &["one", "two"]), failed("--test suite", &["three", "four"])].concat();
    let killed =
        "running 9 tests\nerror: test failed, to rerun pass `--test suite`\n\nCaused by:\n  signal: 6\n";
    let one_and_killed = [&failed("--lib", &["one"]), killed].concat();
    let example = "test result: FAILED. 0 passed; 0 failed;\nerror: doctest failed, to rerun pass `--doc`\n";
    let unbuilt = "error: could not compile `cckw` (lib) due to 1 previous error\n";
    for says in [of_two, killed.to_owned(), one_and_killed, example.to_owned(), unbuilt.to_owned()] {
        let outcome = run(std::slice::from_ref(&says));
        assert!(!outcome.passed && outcome.calls.len() == 1 && outcome.report.is_empty(), "{says}");
    }
}
