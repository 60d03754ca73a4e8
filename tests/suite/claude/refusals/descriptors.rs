//! As few files as may be open: cckw either works, or says why not, and claude runs without it.

use super::{mark, nothing_left, run, sandbox};
use crate::support::cckw_program;

#[test]
fn with_any_limit_it_works_or_refuses() {
    let mut worked = Vec::new();
    for limit in (3..=40).chain([42, 44, 46, 48, 52, 56, 64]) {
        let sandbox = sandbox();
        let mut command = sandbox.command("/bin/sh");
        command.arg("-c").arg("ulimit -n $1 && exec \"$0\" claude");
        command.arg(cckw_program()).arg(limit.to_string());
        let said = run(&sandbox, command, |_| {});
        if said.line.starts_with("cckw: claude runs without cckw, ") {
            assert!(worked.is_empty(), "{limit} is too few, {worked:?} was enough: {}", said.line);
            let mut lines = said.line.lines();
            assert!(lines.next().is_some_and(|line| line.contains("ulimit")), "{limit}: {}", said.line);
            // With very few this claude, a script, has to complain itself.
            let was_started = std::fs::remove_file(mark(&sandbox)).is_ok();
            assert!(was_started || lines.next().is_some(), "{limit}: claude was not started: {}", said.line);
            nothing_left(&sandbox);
            continue;
        }
        if said.status == 0 {
            assert_eq!(said.line, "", "{limit}");
            assert!(mark(&sandbox).exists(), "{limit}");
            let record = sandbox.wait_for_record("an end", |record| record.text("state") == "stopped");
            assert_eq!(record.json["exit"]["code"], 0, "{limit}");
            sandbox.wait_for_silence();
            assert!(sandbox.sockets().is_empty(), "{limit}");
            worked.push(limit);
            continue;
        }
        assert!(worked.is_empty(), "{limit} is too few, {worked:?} was enough: {}", said.line);
        assert!(!said.line.contains('\n'), "{limit}: {}", said.line);
        // Where the system's loader cannot load cckw, it says so itself.
        let by_loader = said.line.contains("error while loading shared libraries");
        assert!(
            by_loader || said.line.starts_with("cckw: ") && said.line.contains("ulimit"),
            "{limit}: {}",
            said.line
        );
        nothing_left(&sandbox);
    }
    assert!(worked.contains(&56), "{worked:?}");
}
