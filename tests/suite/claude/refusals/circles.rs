//! A `claude` that leads back to cckw.

use std::fs;

use super::{mark, refused, run, sandbox, says};
use crate::support::{Sandbox, Terminal, cckw_program};

#[test]
fn a_link_or_a_script_that_leads_back_is_passed_over() {
    for which in ["link", "script"] {
        let mut sandbox = sandbox();
        fs::create_dir(sandbox.path("shims")).expect("a folder");
        let shim = sandbox.path("shims/claude");
        match which {
            "link" => std::os::unix::fs::symlink(cckw_program(), &shim).expect("a link"),
            _ => {
                let script =
                    sandbox.script("shim", &format!("#!/bin/sh\nexec {} claude \"$@\"\n", cckw_program()));
                fs::rename(script, &shim).expect("moved");
            }
        }
        sandbox.set(
            "PATH",
            format!("{}:{}:/usr/bin:/bin", sandbox.path("shims").display(), sandbox.path("bin").display()),
        );
        let mut command = sandbox.command("/bin/sh");
        // By its name, as a shell without the function would find it.
        command.args(["-c", "claude"]);
        let mut terminal = Terminal::spawn(command);
        assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
        assert_eq!(fs::read_to_string(mark(&sandbox)).expect("a mark"), "started\n");
        fs::remove_file(mark(&sandbox)).expect("removed");
        // And when nothing else is there, it is not found.
        fs::remove_dir_all(sandbox.path("bin")).expect("removed");
        fs::remove_dir_all(sandbox.path("state/cckw")).expect("removed");
        let said = refused(&sandbox, sandbox.cckw_claude());
        says(&said, 127, &[shim.to_str().expect("UTF-8"), "cckw", "npm install"]);
    }
}

/// A `claude` that comes back to cckw by a way that cannot be seen in it, and notes every time it is started.
fn circle(call: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.link("keeper", cckw_program());
    sandbox
        .script("claude", &format!("#!/bin/sh\necho $$ >> \"$HOME/starts\"\n{call} keeper claude \"$@\"\n"));
    sandbox
}

fn starts(sandbox: &Sandbox) -> usize {
    fs::read_to_string(sandbox.path("home/starts")).expect("a note").lines().count()
}

#[test]
fn a_circle_is_left_at_once() {
    for call in ["exec", ""] {
        let sandbox = circle(call);
        let said = run(&sandbox, sandbox.cckw_claude(), |_| {});
        says(&said, 127, &["bin/claude starts cckw again", "CCKW_CLAUDE"]);
        assert_eq!(said.line.lines().count(), 1, "{}", said.line);
        assert_eq!(starts(&sandbox), 1);
        sandbox.wait_for_silence();
        assert!(sandbox.sockets().is_empty());
    }
}

#[test]
fn a_circle_of_straight_runs_is_left_too() {
    for call in ["exec", ""] {
        let sandbox = circle(call);
        let mut command = sandbox.cckw_claude();
        command.args(["-p", "hello"]);
        let said = run(&sandbox, command, |_| {});
        says(&said, 127, &["bin/claude starts cckw again"]);
        assert_eq!(said.line.lines().count(), 1, "{}", said.line);
        assert!(starts(&sandbox) <= 10, "{}", starts(&sandbox));
        sandbox.wait_for_silence();
    }
}
