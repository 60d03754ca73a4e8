//! What `claude --help` names is in the table of arguments.

use std::collections::BTreeSet;
use std::process::Command;

use cckw::claude::args::{Arity, FLAGS, SUBCOMMANDS};

use super::install;
use super::support::Sandbox;
use super::versions::is_earlier;

/// A flag as the help gives it: its names, and how many values they take.
#[derive(Debug)]
struct Entry {
    names: Vec<String>,
    arity: Arity,
}

fn help() -> String {
    let sandbox = Sandbox::new();
    let mut command: Command = sandbox.command(install::program());
    let output = command.arg("--help").output().expect("claude --help");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("text")
}

/// The lines of a section that begin an entry: they are indented by exactly two blanks.
fn entries<'a>(help: &'a str, section: &str) -> Vec<&'a str> {
    let lines = help.lines().skip_while(move |line| *line != section).skip(1);
    lines
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        // The description stands in a column of its own, or on the next line.
        .map(|line| line.trim_start().split("  ").next().unwrap_or_default())
        .collect()
}

fn flags(help: &str) -> Vec<Entry> {
    let entries = entries(help, "Options:").into_iter().map(|entry| {
        let (names, value) = match entry.find(['<', '[']) {
            Some(place) => entry.split_at(place),
            None => (entry, ""),
        };
        let arity = match (value.as_bytes().first(), value.contains("...")) {
            (None, _) => Arity::None,
            (Some(b'['), _) => Arity::Optional,
            (_, true) => Arity::Many,
            (_, false) => Arity::One,
        };
        let names = names.split(',').map(|name| name.trim().to_owned()).collect();
        Entry { names, arity }
    });
    entries.collect()
}

#[test]
fn every_flag_of_the_help_is_known_with_its_values() {
    let found = flags(&help());
    assert!(
        found.len() > if is_earlier() { 20 } else { 50 },
        "this is no longer how the help is laid out: {found:?}"
    );
    for entry in &found {
        for name in &entry.names {
            assert!(name.starts_with('-'), "this is no longer how the help is laid out: {entry:?}");
            let flag = FLAGS.iter().find(|flag| flag.names.contains(&name.as_str()));
            let flag = flag.unwrap_or_else(|| panic!("{name} is not in the table"));
            assert_eq!(flag.arity, entry.arity, "{name}");
            assert!(flag.listed || is_earlier(), "{name} is listed");
        }
    }
    if is_earlier() {
        return;
    }
    let named: BTreeSet<&str> = found.iter().flat_map(|entry| &entry.names).map(String::as_str).collect();
    for flag in FLAGS.iter().filter(|flag| flag.listed) {
        for name in flag.names {
            assert!(named.contains(name), "the help no longer names {name}");
        }
    }
}

#[test]
fn every_subcommand_of_the_help_is_known() {
    let help = help();
    let found: BTreeSet<&str> = entries(&help, "Commands:")
        .into_iter()
        .flat_map(|entry| entry.split(' ').next().unwrap_or_default().split('|'))
        .collect();
    assert!(
        found.len() > if is_earlier() { 5 } else { 15 },
        "this is no longer how the help is laid out: {found:?}"
    );
    for name in &found {
        let known = SUBCOMMANDS.iter().find(|subcommand| subcommand.names.contains(name));
        assert!(
            known.is_some_and(|subcommand| subcommand.listed || is_earlier()),
            "{name} is not in the table"
        );
    }
    let all = SUBCOMMANDS.iter().filter(|subcommand| subcommand.listed && !is_earlier());
    for subcommand in all {
        for name in subcommand.names {
            assert!(found.contains(name), "the help no longer names {name}");
        }
    }
}
