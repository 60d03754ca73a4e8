//! A cckw that something else has installed, and updates.

use std::fs;
use std::os::unix::fs::symlink;

use super::place::{Home, VERSION};
use super::release::Release;
use crate::support::cckw_program;

#[test]
fn what_cargo_has_installed_cargo_updates() {
    let home = Home::having(Release::new("0.2.0", ""));
    let list = serde_json::json!({ "installs": {
        format!("cckw {VERSION} (path+file:///src/cckw)"): { "bins": ["cckw"] },
    } });
    fs::write(home.sandbox.path("home/.local/.crates2.json"), list.to_string()).expect("writes");
    for words in [&["update"][..], &["update", "--check"], &["update", "--rollback"]] {
        let said = home.complaint(words, 4);
        assert!(
            said.contains("cargo looks after it; to update it, run: cargo install --path /src/cckw --locked"),
            "{said}"
        );
    }
    assert_eq!((home.version(), home.installed()), (VERSION.into(), vec!["cckw".to_owned()]));
}

#[test]
fn what_stands_where_cargo_has_built_it_is_not_replaced() {
    for place in ["target/debug", "target/x86_64-unknown-linux-musl/release"] {
        let home = Home::having(Release::new("0.2.0", ""));
        fs::write(home.sandbox.path("Cargo.toml"), "").expect("writes");
        let folder = home.sandbox.path(place);
        fs::create_dir_all(&folder).expect("a folder");
        // A copy: the program under test is not this test's to lose.
        fs::copy(cckw_program(), folder.join("cckw")).expect("a copy");
        let output = home.sandbox.command(folder.join("cckw")).arg("update").output().expect("runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(4) && said.contains("cargo build"), "{place}: {output:?}");
    }
}

#[test]
fn a_link_says_who_may_lead_it_elsewhere_and_the_printed_command_works() {
    let home = Home::having(Release::new("0.2.0", ""));
    symlink(home.program(), home.sandbox.path("bin/cckw")).expect("links");
    for name in ["cckw".into(), home.sandbox.path("bin/cckw").into_os_string()] {
        let output = home.sandbox.command(name).arg("update").output().expect("runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(4) && said.contains("whoever made the link"), "{output:?}");
        let (_, advice) = said.trim_end().split_once("run: ").expect("advice");
        assert_eq!(advice, format!("{} update", home.program().display()));
    }
    home.well_said(&["update"]);
    assert_eq!(home.version(), "0.2.0");
}

#[test]
fn what_a_package_manager_has_in_its_list_it_updates() {
    for (manager, command) in
        [("dpkg-query", "sudo apt install --only-upgrade cckw"), ("pacman", "sudo pacman -Syu cckw")]
    {
        let home = Home::having(Release::new("0.2.0", ""));
        // Outside of the home, where nobody asks.
        let folder = home.sandbox.path("work/usr/bin");
        fs::create_dir_all(&folder).expect("a folder");
        fs::rename(home.program(), folder.join("cckw")).expect("moves");
        let asked = home.sandbox.path("tmp/asked");
        home.sandbox.script(
            manager,
            &format!("#!/bin/sh\necho \"$@\" >> {}\necho 'cckw: /usr/bin/cckw'\n", asked.display()),
        );
        let output = home.sandbox.command(folder.join("cckw")).arg("update").output().expect("runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(4) && said.contains(&format!("run: {command}")), "{output:?}");
        let asked = fs::read_to_string(asked).expect("was asked");
        assert!(asked.contains(folder.join("cckw").to_str().expect("UTF-8")), "{asked}");
    }
}
