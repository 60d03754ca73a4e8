//! `cckw machine add` on a machine that has no cckw, or an older one: what is copied there, and what is not.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::bed::{Bed, Far, Link, Said};
use crate::support::{DEADLINE, Terminal, cckw_program, wait_until};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A bed with one host, which has no cckw.
fn bed() -> Option<Bed> {
    let bed = Bed::without_machines(&["box"])?;
    bed.far("box").remove_cckw();
    Some(bed)
}

/// The program that is copied: this cckw without what is for debuggers, so that it is soon there. It is not static,
/// but the hosts have this machine's libraries.
fn program(bed: &Bed) -> String {
    let path = bed.path("home/to-be-copied");
    if !path.exists() {
        let made = Command::new("strip").arg("-o").arg(&path).arg(cckw_program()).status();
        assert!(made.expect("strip, of binutils").success());
    }
    path.display().to_string()
}

/// Adds a machine with a program to be copied.
fn add(bed: &Bed, user: &str) -> Said {
    bed.asked(&["machine", "add", user, &format!("{user}@box"), "--copy", "--binary", &program(bed)])
}

/// What is in `~/.local/bin`, by name.
fn installed(far: Far<'_>) -> Vec<String> {
    let entries = fs::read_dir(far.path(far.home(".local/bin"))).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A program that says that it is this version of cckw, and knows nothing else.
fn other_version(version: &str) -> String {
    format!(
        "#!/bin/sh\ncase $1 in --version) echo 'cckw {version}' ;; \
         *) echo \"error: unrecognized subcommand '$1'\" >&2; exit 2 ;; esac\n"
    )
}

/// Puts a program to the user's place.
fn put(far: Far<'_>, text: &str) {
    far.write(".local/bin/cckw", text);
    let path = far.path(far.home(".local/bin/cckw"));
    fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("a mode");
}

#[track_caller]
fn is_copied(said: &Said, way: &str) {
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert!(said.err.contains(&format!("cckw {VERSION} is ~/.local/bin/cckw there now")), "{said:#?}");
    assert!(said.err.contains(&format!("MB by {way};")), "{said:#?}");
    assert!(said.out.contains(&format!("; cckw {VERSION}, ")), "{said:#?}");
}

#[track_caller]
fn is_refused(said: &Said, words: &str) {
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert!(said.err.contains(words), "{said:#?}");
}

#[test]
fn a_machine_without_cckw_gets_one_whatever_its_login_shell_is() {
    let Some(bed) = bed() else { return };
    // In a script nothing is copied that was not asked for.
    is_refused(&bed.asked(&["machine", "add", "ada", "ada@box"]), "cckw machine add ada --copy");
    assert!(installed(bed.far("box")).is_empty());
    bed.far("box").write(".bashrc", "echo Welcome; printf 'and no end'\n");
    for (user, way) in [("fish", "scp"), ("zsh", "scp"), ("dash", "scp"), ("ada", "ssh")] {
        if way == "ssh" {
            // Not every sshd serves scp.
            let far = bed.far("box");
            far.root(&["sed", "-i", "/^Subsystem/d", "/etc/ssh/bed.conf"]);
            far.kill_sshd();
            far.start_sshd();
        }
        is_copied(&add(&bed, user), way);
        let far = bed.user("box", user);
        assert_eq!(installed(far), ["cckw"], "{user}");
        let mode =
            fs::metadata(far.path(far.home(".local/bin/cckw"))).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
    }
    let again = add(&bed, "fish");
    assert!(again.err.contains("which is not older: nothing was copied"), "{again:#?}");
    let checked = bed.well_said(&["machine", "check", "--timeout", "60s"]);
    assert_eq!(checked.matches(VERSION).count(), 4, "{checked}");
}

#[test]
fn an_older_one_is_kept_and_a_newer_one_stays() {
    let Some(bed) = bed() else { return };
    let far = bed.far("box");
    let read = |name: &str| fs::read_to_string(far.path(far.home(name))).expect("is there");
    put(far, &other_version("99.0.0"));
    let said = add(&bed, "ada");
    assert!(said.err.contains("cckw 99.0.0, which is not older"), "{said:#?}");
    assert_eq!(read(".local/bin/cckw"), other_version("99.0.0"));
    put(far, &other_version("0.0.1"));
    let said = add(&bed, "ada");
    is_copied(&said, "scp");
    assert!(
        said.err.contains("cckw 0.0.1, which was there before, is kept as ~/.local/bin/cckw.old"),
        "{said:#?}"
    );
    assert_eq!(installed(far), ["cckw", "cckw.old"]);
    assert_eq!(read(".local/bin/cckw.old"), other_version("0.0.1"));
}

#[test]
fn what_belongs_to_somebody_else_is_never_replaced() {
    let Some(bed) = bed() else { return };
    let far = bed.far("box");
    let place = far.path(far.home(".local/bin/cckw"));
    put(far, &other_version("0.0.1").replace("cckw 0.0.1", "another cckw"));
    let refused = |words: &str| {
        let said = add(&bed, "ada");
        assert!(said.code != Some(0) && said.err.contains(words), "{said:#?}");
        assert_eq!(installed(far), ["cckw"]);
    };
    refused("is something else there, or does not run");
    put(far, &other_version("0.0.1"));
    far.write(".local/.crates2.json", "{\"installs\":{\"cckw 0.0.1 (registry)\":{}}}");
    refused("cargo has installed the cckw");
    fs::remove_file(far.path(far.home(".local/.crates2.json"))).expect("removes");
    fs::remove_file(&place).expect("removes");
    far.write_program("/opt/cckw", &other_version("0.0.1"));
    symlink("/opt/cckw", &place).expect("links");
    refused("is a link there, to /opt/cckw");
    fs::remove_file(&place).expect("removes");
    far.write_program("/usr/local/bin/cckw", &other_version("0.0.1"));
    let said = add(&bed, "ada");
    is_refused(&said, "/usr/local/bin/cckw is found first there, which is cckw 0.0.1");
    assert!(installed(far).is_empty());
}

#[test]
fn a_program_that_has_changed_on_its_way_or_does_not_run_is_not_installed() {
    let Some(bed) = bed() else { return };
    let far = bed.far("box");
    put(far, &other_version("0.0.1"));
    far.write_program("/usr/local/bin/sha256sum", "#!/bin/sh\ncat >/dev/null\necho 00ff -\n");
    is_refused(&add(&bed, "ada"), "another SHA-256 than what was sent (sha256sum says \"00ff\")");
    fs::remove_file(far.path("/usr/local/bin/sha256sum")).expect("removes");
    let other = bed.asked(&["machine", "add", "ada", "ada@box", "--copy", "--binary", "/bin/true"]);
    is_refused(&other, "it does not run there: true");
    far.root(&["mount", "-t", "tmpfs", "-o", "size=1m,mode=777", "small", &far.home(".local/bin")]);
    far.write_program(&far.home(".local/bin/cckw"), &other_version("0.0.1"));
    is_refused(&add(&bed, "ada"), "no cckw was copied to ada");
    wait_until("no leftovers", DEADLINE, || installed(far) == ["cckw"]);
    far.root(&["umount", &far.home(".local/bin")]);
    wait_until("no leftovers", DEADLINE, || installed(far) == ["cckw"]);
    // Where nothing else can tell it, the copy tells its own.
    far.root(&["sh", "-c", "for each in sha256sum shasum openssl; do rm -f \"$(command -v $each)\"; done"]);
    let said = add(&bed, "ada");
    is_copied(&said, "scp");
    assert!(said.err.contains("compared there, by itself"), "{said:#?}");
}

#[test]
fn a_link_that_is_lost_in_the_middle_leaves_the_old_program_and_nothing_else() {
    let Some(bed) = bed() else { return };
    put(bed.far("box"), &other_version("0.0.1"));
    let has_begun = || {
        let place = bed.far("box").path(bed.far("box").home(".local/bin"));
        let is_copy = |path: &Path| path.join("cckw").metadata().is_ok_and(|found| found.len() > 100_000);
        fs::read_dir(&place).into_iter().flatten().flatten().any(|entry| is_copy(&entry.path()))
    };
    // The program arrives in more than a moment.
    bed.link("box", Link::Slow(40));
    let program = program(&bed);
    let start = || {
        let mut command = bed.cckw(&["machine", "add", "ada", "ada@box", "--copy", "--binary", &program]);
        command.stdin(Stdio::null()).stderr(Stdio::piped()).stdout(Stdio::piped());
        command.spawn().expect("nsenter")
    };
    // On a machine with much to do the host may not answer in time. Then it is tried again.
    let begun = || {
        let mut child = start();
        wait_until("a copy that has begun", 3 * DEADLINE, || {
            if child.try_wait().expect("a child").is_some() {
                let far = bed.far("box");
                let _ = fs::remove_file(far.path(far.home(".local/bin/cckw.old")));
                put(far, &other_version("0.0.1"));
                child = start();
            }
            has_begun()
        });
        child
    };
    let child = begun();
    bed.far("box").kill_sshd();
    let said = Said::of(child.wait_with_output().expect("ends"));
    is_refused(&said, "no cckw was copied to ada");
    wait_until("no leftovers", DEADLINE, || installed(bed.far("box")) == ["cckw"]);
    bed.far("box").start_sshd();
    // Nobody is told of this one: ssh notices it.
    let child = begun();
    bed.link("box", Link::Silent);
    let said = Said::of(child.wait_with_output().expect("ends"));
    is_refused(&said, "no cckw was copied to ada");
    bed.link("box", Link::Heard);
    wait_until("no leftovers", DEADLINE, || installed(bed.far("box")) == ["cckw"]);
    let there = fs::read_to_string(bed.far("box").path(bed.far("box").home(".local/bin/cckw")));
    assert_eq!(there.expect("is there"), other_version("0.0.1"));
}

#[test]
fn on_a_terminal_the_user_is_asked() {
    let Some(bed) = bed() else { return };
    let far = bed.far("box");
    put(far, &other_version("0.0.1"));
    // This program is not static, so there is none to be offered.
    let mut terminal =
        Terminal::builder().size(24, 200).spawn(bed.cckw(&["machine", "add", "ada", "ada@box"]));
    assert_eq!(terminal.finish().code(), Some(1));
    assert!(terminal.screen().contains("name a static program with --binary"), "{}", terminal.report());
    for (answer, code) in [("n\r", 1), ("\x03", 130), ("\r", 0)] {
        let program = program(&bed);
        let words = ["machine", "add", "ada", "ada@box", "--binary", &program];
        let mut terminal = Terminal::builder().size(24, 200).spawn(bed.cckw(&words));
        terminal.wait_for_text("to ~/.local/bin/cckw there? [Y/n]");
        assert!(
            terminal.screen().contains("ada has a cckw that is too old. Copy cckw"),
            "{}",
            terminal.report()
        );
        assert_eq!(installed(far), ["cckw"]);
        terminal.type_text(answer);
        let status = terminal.finish();
        let ended = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
        assert_eq!(ended, Some(code), "{answer:?}: {}", terminal.report());
    }
    assert_eq!(installed(far), ["cckw", "cckw.old"]);
    assert!(bed.well_said(&["machine", "check", "--timeout", "60s"]).contains(VERSION));
}
