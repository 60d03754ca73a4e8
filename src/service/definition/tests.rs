use super::*;

fn plain() -> Definition {
    Definition::new("/usr/bin/cckw".into(), []).expect("fits")
}

fn strange() -> Definition {
    let environment = [("XDG_STATE_HOME", "/home/a b/100% \"sure\" & $HOME".into())];
    Definition::new("/home/a b/50%/<$1>/cckw".into(), environment).expect("fits")
}

#[test]
fn the_unit_of_systemd() {
    insta::assert_snapshot!(plain().unit());
    insta::assert_snapshot!(strange().unit());
}

#[test]
fn the_agent_of_launchd() {
    for definition in [plain(), strange()] {
        let text = definition.agent();
        insta::allow_duplicates! {
            let document = roxmltree::Document::parse(&text).expect("XML");
            let strings: Vec<&str> =
                document.descendants().filter(|node| node.has_tag_name("string")).filter_map(|node| node.text()).collect();
            let words: Vec<&str> = definition.words().collect();
            assert_eq!(strings[1..=words.len()], words);
        }
    }
    insta::assert_snapshot!(plain().agent());
    insta::assert_snapshot!(strange().agent());
}

#[test]
fn the_line_for_cron() {
    insta::assert_snapshot!(format!("{}\n{}", plain().cron_line(), strange().cron_line()));
}

#[test]
fn what_is_no_line_of_text_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let not_text = PathBuf::from(std::ffi::OsStr::from_bytes(b"/a\xff"));
    for path in ["/it's/cckw", "/a\\b", "/\"a\""] {
        assert_eq!(Definition::new(path.into(), []), Err(Unfit(path.into())));
    }
    for path in [PathBuf::from("/a\nb"), not_text] {
        assert_eq!(Definition::new(path.clone(), []), Err(Unfit(path.clone())));
        assert_eq!(Definition::new("/cckw".into(), [("XDG_STATE_HOME", path.clone())]), Err(Unfit(path)));
    }
}

/// systemd's own parser has nothing to say against it, and reads the words that were meant.
#[test]
fn systemd_understands_the_unit() {
    let scratch = tempfile::tempdir().expect("a directory");
    let program = scratch.path().join("a b 50% <$1>");
    std::fs::copy("/bin/true", &program).expect("a program");
    let definition =
        Definition::new(program, [("XDG_STATE_HOME", "/home/a b/100% \"sure\"".into())]).expect("fits");
    let unit = scratch.path().join(UNIT_NAME);
    std::fs::write(&unit, definition.unit()).expect("writes");
    let verified = std::process::Command::new("systemd-analyze")
        .args(["--user", "verify"])
        .arg(&unit)
        .env("XDG_RUNTIME_DIR", scratch.path())
        .env("HOME", scratch.path())
        .output();
    let Ok(verified) = verified else {
        assert!(
            std::env::var_os("CI").is_none(),
            "systemd-analyze is not there: this test was NOT RUN; `.ci/run` installs it"
        );
        eprintln!("NOT RUN: systemd-analyze is not there");
        return;
    };
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    // Of this unit alone: others of the machine may be faulty.
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("cckw")).collect();
    assert!(verified.status.success() && ours.is_empty(), "{said}");
    // That it would have complained.
    std::fs::write(&unit, definition.unit().replace("KillMode=process", "KillMode=nobody")).expect("writes");
    let verified = std::process::Command::new("systemd-analyze")
        .args(["--user", "verify"])
        .arg(&unit)
        .env("XDG_RUNTIME_DIR", scratch.path())
        .env("HOME", scratch.path())
        .output()
        .expect("runs");
    assert!(String::from_utf8_lossy(&verified.stderr).contains("kill mode"), "{verified:?}");
}
