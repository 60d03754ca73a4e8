//! Releases that are not installed. Each time the installed program stays, and nothing is left.

use std::fs;
use std::time::Instant;

use serde_json::json;

use super::place::{Home, VERSION};
use super::release::{COMPLAINS, CRASHES, HANGS, Release};
use crate::support::{DEADLINE, cckw_program, has_faults};

#[test]
fn what_is_not_configured_says_what_to_set() {
    let home = Home::new();
    let said = home.refusal();
    assert!(
        said.contains("`url` is not set") && said.contains("[update] of") && said.contains("config.toml"),
        "{said}"
    );
    home.configure("[update]\nurl = \"file:///srv/manifest.json\"\n");
    assert!(home.refusal().contains("`public_key` is not set"));
    assert!(home.complaint(&["update", "--check"], 1).contains("`public_key` is not set"));
}

#[test]
fn a_manifest_that_was_changed_or_signed_by_somebody_else_is_refused() {
    let mut release = Release::new("0.2.0", "");
    let home = Home::of_files(&release);
    release.publish_as("somebody");
    assert!(home.refusal().contains("made with another key"));
    release.publish();
    release.manifest["release"] = "0.3.0".into();
    fs::write(release.path("manifest.json"), release.manifest.to_string()).expect("writes");
    assert!(home.refusal().contains("not over these bytes"));
    fs::write(release.path("manifest.json.minisig"), "nothing\n").expect("writes");
    assert!(home.refusal().contains("no signature of minisign"));
    fs::remove_file(release.path("manifest.json.minisig")).expect("removes");
    assert!(home.refusal().contains("manifest.json.minisig cannot be read"));
    assert!(home.parts().is_empty());
}

#[test]
fn an_older_release_is_refused() {
    let home = Home::having(Release::new("0.0.9", ""));
    let said = home.refusal();
    assert!(
        said.contains("offers cckw 0.0.9") && said.contains(&format!("{VERSION} is installed")),
        "{said}"
    );
    assert!(home.complaint(&["update", "--check"], 1).contains("offers cckw 0.0.9"));
}

#[test]
fn a_manifest_of_no_use_says_why() {
    let mut release = Release::new("0.2.0", "");
    let home = Home::of_files(&release);
    let good = release.manifest.clone();
    for (key, value, said) in [
        ("version", json!(2), "its format has version 2"),
        ("release", json!("two"), "it is no manifest"),
        (
            "targets",
            json!({ "sparc-unknown-none": good["targets"].as_object().expect("targets").values().next() }),
            "no program for this machine",
        ),
    ] {
        release.manifest = good.clone();
        release.manifest[key] = value;
        release.publish();
        let refusal = home.refusal();
        assert!(refusal.contains(said), "{refusal}");
    }
    release.manifest = good;
    release.artefact()["url"] = "../cckw".into();
    release.publish();
    assert!(home.refusal().contains("the address of the program is not allowed"));
    release.artefact()["url"] = "http://127.0.0.1/cckw".into();
    release.publish();
    assert!(home.refusal().contains("the address of the program is not allowed"));
}

#[test]
fn a_program_that_is_not_what_the_manifest_says_is_refused() {
    let mut release = Release::new("0.2.0", "");
    let home = Home::of_files(&release);
    let length = release.program.len();
    release.program[length / 2] ^= 1;
    release.publish();
    assert!(home.refusal().contains("its SHA-256 is not the one"));
    release.program.truncate(length - 1);
    release.publish();
    let said = home.refusal();
    assert!(said.contains("has come only in part") && said.contains("it ends too early"), "{said}");
    release.program.resize(length + 1, 0);
    release.publish();
    assert!(home.refusal().contains("it has more than"));
    assert!(home.parts().is_empty());
}

#[test]
fn a_program_that_does_not_work_here_is_not_installed() {
    for (sick, said) in [
        (CRASHES, "it does not run: it was ended by signal 6"),
        (COMPLAINS, "its check of itself fails: cckw: the records\\u{1b}[2J are unknown"),
    ] {
        let home = Home::having(Release::new("0.2.0", sick));
        let refusal = home.refusal();
        assert!(refusal.contains("cckw 0.2.0 is not installed") && refusal.contains(said), "{refusal}");
        assert!(home.parts().is_empty());
    }
}

#[test]
fn a_program_that_hangs_is_ended_and_not_installed() {
    if !has_faults() {
        return;
    }
    let mut home = Home::having(Release::new("0.2.0", HANGS));
    home.sandbox.set("CCKW_FAULT", "update-impatient");
    let started = Instant::now();
    assert!(home.refusal().contains("in time"));
    assert!(started.elapsed() < DEADLINE);
    home.sandbox.wait_for_silence();
}

#[test]
fn a_program_that_says_another_version_is_not_installed() {
    let mut release = Release::new("0.2.0", "");
    release.manifest["release"] = "0.3.0".into();
    release.publish();
    let home = Home::of_files(&release);
    assert!(home.refusal().contains("it says that it is version 0.2.0"));
}

#[test]
fn what_is_no_program_for_this_machine_is_never_run() {
    let scratch = tempfile::tempdir().expect("a folder");
    let ran = scratch.path().join("ran");
    let script = scratch.path().join("script");
    fs::write(&script, format!("#!/bin/sh\n: > {}\necho cckw 0.2.0\n", ran.display())).expect("writes");
    let home = Home::having(Release::of("0.2.0", &script));
    assert!(home.refusal().contains("no program for this machine"));
    // A program for another processor.
    let mut elf = fs::read(cckw_program()).expect("reads");
    elf.truncate(4096);
    elf[18] ^= 0x55;
    fs::write(&script, &elf).expect("writes");
    let home = Home::having(Release::of("0.2.0", &script));
    assert!(home.refusal().contains("no program for this machine"));
    assert!(!ran.exists());
}
