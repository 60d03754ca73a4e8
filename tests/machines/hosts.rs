//! The near side, the hosts and the cables: what the other tests rely on.

use std::time::{Duration, Instant};

use crate::bed::{Bed, Link, Said};
use crate::support::{DEADLINE, Key, Terminal, wait_until};

/// ssh on the near side, without questions.
fn ssh(bed: &Bed, options: &[&str], destination: &str, line: &str) -> Said {
    let mut words = vec!["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=1"];
    words.extend(options);
    words.extend([destination, line]);
    Said::of(bed.near(&words).output().expect("ssh"))
}

#[test]
fn each_host_has_its_own_files_processes_and_shells() {
    let Some(bed) = Bed::without_machines(&["box", "lab"]) else { return };
    bed.far("box").write("file", "of box");
    let said = ssh(&bed, &[], "ada@box", "cat file; hostname; echo $HOME; ls /proc/1/root 2>&1");
    assert!(said.out.starts_with("of boxbox\n/home/ada\n"), "{said:?}");
    let said = ssh(&bed, &[], "ada@lab", "cat file; hostname");
    assert_eq!((said.code, said.out.as_str()), (Some(0), "lab\n"), "{said:?}");
    for (shell, line, answer) in [
        ("fish", "set -q FISH_VERSION; and echo yes", "yes\n"),
        ("zsh", "echo ${ZSH_VERSION:+yes}", "yes\n"),
        ("dash", "readlink /proc/$$/exe", "/usr/bin/dash\n"),
    ] {
        let said = ssh(&bed, &[], &format!("{shell}@box"), line);
        assert_eq!(said.out, answer, "{said:?}");
    }
    let versions = [bed.far("box").runs(&["cckw", "--version"]), bed.well_said(&["--version"])];
    assert_eq!(versions[0], versions[1]);
}

#[test]
fn a_cable_can_be_down_or_silent_or_slow_and_ssh_says_which() {
    let Some(bed) = Bed::without_machines(&["box"]) else { return };
    bed.link("box", Link::Down);
    assert!(ssh(&bed, &[], "ada@box", "true").err.contains("unreachable"));
    bed.link("box", Link::Up);
    assert_eq!(ssh(&bed, &[], "ada@box", "echo up").out, "up\n");
    bed.link("box", Link::Silent);
    assert!(ssh(&bed, &[], "ada@box", "true").err.contains("timed out"));
    bed.link("box", Link::Heard);
    assert_eq!(ssh(&bed, &[], "ada@box", "echo heard").out, "heard\n");
    bed.link("box", Link::Slow(40));
    let begin = Instant::now();
    assert_eq!(ssh(&bed, &[], "ada@box", "echo slow").out, "slow\n");
    // Several times to and fro.
    assert!(begin.elapsed() > Duration::from_millis(4 * 80), "{:?}", begin.elapsed());
    assert!(ssh(&bed, &[], "ada@nowhere", "true").err.contains("timed out"));
    assert!(ssh(&bed, &[], "ada@unknown", "true").err.contains("not known"));
    assert!(ssh(&bed, &["-p", "23"], "ada@box", "true").err.contains("refused"));
}

#[test]
fn a_silent_cable_tells_an_open_connection_nothing() {
    let Some(bed) = Bed::without_machines(&["box"]) else { return };
    let mut terminal = Terminal::spawn(bed.near(&["ssh", "-tt", "ada@box", "exec cat"]));
    terminal.type_text("one\n");
    terminal.wait_for("an answer", |screen| screen.text().matches("one").count() >= 2);
    bed.link("box", Link::Silent);
    terminal.type_text("two\n");
    assert!(!terminal.exits_within(Duration::from_secs(1)));
    assert!(!terminal.screen().contains("two"), "{}", terminal.report());
    bed.link("box", Link::Heard);
    terminal.wait_for_text("two");
    terminal.press(Key::Ctrl('d'));
    assert_eq!(terminal.finish().code(), Some(0));
}

#[test]
fn a_host_that_loses_its_power_ends_at_once_and_boots_with_another_id_and_the_same_disk() {
    let Some(bed) = Bed::without_machines(&["box"]) else { return };
    let id = |bed: &Bed| ssh(bed, &[], "ada@box", "cat /proc/sys/kernel/random/boot_id; cat file 2>&1").out;
    bed.far("box").write("file", "kept");
    let before = id(&bed);
    let mut terminal = Terminal::spawn(bed.near(&["ssh", "-tt", "ada@box", "echo in; sleep 999"]));
    terminal.wait_for_text("in");
    bed.power_cut("box");
    assert_eq!(terminal.finish().code(), Some(255));
    assert!(ssh(&bed, &[], "ada@box", "true").err.contains("refused"));
    bed.boot("box");
    let after = id(&bed);
    assert!(before.ends_with("kept") && after.ends_with("kept"), "{before} {after}");
    assert_ne!(before, after);
}

#[test]
fn sshd_can_be_killed_and_started_again_and_cckw_taken_away() {
    let Some(bed) = Bed::without_machines(&["box"]) else { return };
    let far = bed.far("box");
    let mut terminal = Terminal::spawn(bed.near(&["ssh", "-tt", "ada@box", "echo in; sleep 999"]));
    terminal.wait_for_text("in");
    far.kill_sshd();
    assert_eq!(terminal.finish().code(), Some(255));
    assert!(ssh(&bed, &[], "ada@box", "true").err.contains("refused"));
    far.start_sshd();
    assert_eq!(ssh(&bed, &[], "ada@box", "cckw --version").out, bed.well_said(&["--version"]));
    far.remove_cckw();
    assert_eq!(ssh(&bed, &[], "ada@box", "cckw --version").code, Some(127));
    far.move_cckw("/opt/there/cckw");
    assert_eq!(ssh(&bed, &[], "ada@box", "/opt/there/cckw --version").out, bed.well_said(&["--version"]));
    wait_until("the end of the login's process", DEADLINE, || !far.processes().contains("sleep 999"));
}

#[test]
fn a_session_of_a_host_is_started_there_and_known_there() {
    let Some(bed) = Bed::without_machines(&["box"]) else { return };
    let far = bed.far("box");
    far.new_session("api");
    assert!(far.runs(&["cckw", "list"]).contains("api"));
    assert!(!bed.well_said(&["list"]).contains("api"));
}
