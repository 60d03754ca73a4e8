//! Machines that do not answer: the others are not held up, and for each it is said why.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bed::{Bed, Far};

/// How long the machines have to answer here.
const TIMEOUT: Duration = Duration::from_secs(12);
/// How much longer the table may take on a loaded machine.
const LEEWAY: Duration = Duration::from_secs(6);

/// A cckw of before there were machines.
const OLDER: &str = r#"#!/bin/sh
[ "$1" = --version ] && exec echo 'cckw 0.0.9'
printf '%s\n\n%s\n' "error: unrecognized subcommand '$1'" "Usage: cckw [COMMAND]" >&2
exit 2
"#;

/// A cckw of a later time, which speaks another protocol.
const LATER: &str = r#"#!/bin/sh
read -r request
nonce=$(printf %s "$request" | sed 's/.*"nonce":"\([0-9a-f]*\)".*/\1/')
hello='{"protocol":{"major":99,"minor":0},"version":"99.0.0","os":"linux","arch":"x86_64"}'
printf '\036cckw-far %s %s\n' "$nonce" "$hello"
exit 2
"#;

/// Takes connections at a port and never says anything.
fn listen_silently(far: Far<'_>, port: &str) {
    let program = "import os, signal, socket, sys\n\
                   silent = socket.create_server(('', int(sys.argv[1])))\n\
                   if os.fork(): os._exit(0)\n\
                   null = os.open('/dev/null', os.O_RDWR)\n\
                   for end in 0, 1, 2: os.dup2(null, end)\n\
                   signal.pause()";
    far.root(&["python3", "-c", program, port]);
}

/// Makes a machine known whose name says what is wrong with it.
fn add(bed: &Bed, name: &str, destination: &str, program: Option<&str>) {
    let mut words = vec!["machine", "add", "--no-check", name, destination];
    words.extend(program.iter().flat_map(|program| ["--program", program]));
    bed.well_said(&words);
}

/// Twenty machines: five hang, seven fail at once, and eight are well.
fn twenty() -> Option<Bed> {
    let bed = Bed::without_machines(&["box", "lab"])?;
    let (far, lab) = (bed.far("box"), bed.far("lab"));
    for name in ["one", "two", "three", "four"] {
        add(&bed, name, "ada@box", None);
    }
    for (name, destination) in
        [("five", "fish@box"), ("six", "zsh@box"), ("seven", "dash@box"), ("eight", "ada@lab")]
    {
        add(&bed, name, destination, None);
    }
    for (name, port) in [("mute1", "2201"), ("mute2", "2202"), ("mute3", "2203")] {
        listen_silently(far, port);
        add(&bed, name, &format!("ssh://ada@box:{port}"), None);
    }
    add(&bed, "gone1", "ada@nowhere", None);
    add(&bed, "gone2", "ssh://ada@nowhere:2222", None);
    add(&bed, "unknown", "ada@unknown", None);
    add(&bed, "refused", "ssh://ada@box:23", None);
    add(&bed, "locked", "nobody@box", None);
    // The same host under a name with another key.
    let known = bed.path("home/.ssh/known_hosts");
    let mut text = fs::read_to_string(&known).expect("known hosts");
    let lab_key = text.lines().find(|line| line.starts_with("lab ")).expect("lab's key").to_owned();
    text += &format!("changed {}\n", lab_key.trim_start_matches("lab "));
    fs::write(&known, text).expect("known hosts");
    fs::write(
        bed.path("home/.ssh/config"),
        "Host changed\n HostName box\n User ada\n HostKeyAlias changed\n",
    )
    .expect("ssh's configuration");
    add(&bed, "changed", "changed", None);
    add(&bed, "empty", "ada@lab", Some("/nowhere/cckw"));
    lab.root(&["mkdir", "-p", "/opt"]);
    lab.write_program("/opt/older", OLDER);
    lab.write_program("/opt/later", LATER);
    add(&bed, "older", "ada@lab", Some("/opt/older"));
    add(&bed, "later", "ada@lab", Some("/opt/later"));
    Some(bed)
}

/// Which reason each machine that did not answer gives.
const REASONS: [(&str, &str); 12] = [
    ("mute1", "timeout"),
    ("mute2", "timeout"),
    ("mute3", "timeout"),
    ("gone1", "timeout"),
    ("gone2", "timeout"),
    ("unknown", "name-unknown"),
    ("refused", "refused"),
    ("locked", "auth"),
    ("changed", "host-key-changed"),
    ("empty", "no-cckw"),
    ("older", "too-old"),
    ("later", "too-new"),
];
const WELL: [&str; 8] = ["one", "two", "three", "four", "five", "six", "seven", "eight"];

fn objects(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn of_twenty_machines_five_hang_and_the_table_is_there_at_the_deadline_with_every_reason() {
    let Some(bed) = twenty() else { return };
    let begin = Instant::now();
    let said = bed.asked(&["machine", "check", "--json", "--timeout", "12s"]);
    let took = begin.elapsed();
    assert!(took < TIMEOUT + LEEWAY, "{took:?}");
    assert_eq!(said.code, Some(1));
    let answers = objects(&said.out);
    let mut reasons: BTreeMap<&str, &str> = BTreeMap::new();
    for answer in &answers {
        let machine = answer["machine"].as_str().expect("a name");
        reasons.insert(machine, answer["error"].as_str().unwrap_or("well"));
    }
    let mut wanted: BTreeMap<&str, &str> = REASONS.into_iter().collect();
    wanted.extend(WELL.map(|name| (name, "well")));
    assert_eq!(reasons, wanted, "{}", said.out);
}

#[test]
fn sessions_of_all_machines_are_listed_although_five_hang() {
    let Some(bed) = twenty() else { return };
    bed.far("box").new_session("api");
    bed.far("lab").new_session("web");
    bed.well_said(&["new", "here", "."]);
    let begin = Instant::now();
    let said = bed.asked(&["list", "--on", "all", "--timeout", "12s"]);
    let took = begin.elapsed();
    assert!(took < TIMEOUT + LEEWAY, "{took:?}");
    assert_eq!(said.code, Some(1), "{said:?}");
    let table = said.out.as_str();
    for name in ["one:api", "four:api", "eight:web", "here"] {
        assert!(table.contains(name), "{name}\n{table}");
    }
    for (machine, words) in [
        ("mute1", "no answer within"),
        ("gone2", "no answer within"),
        ("unknown", "its name is unknown"),
        ("refused", "it refuses the connection"),
        ("locked", "it refuses the login"),
        ("changed", "its host key has changed"),
        ("empty", "there is no cckw"),
        ("older", "its cckw is too old"),
        ("later", "99.0.0"),
    ] {
        let lines: Vec<&str> = said.out.lines().collect();
        let row = lines.iter().position(|line| line.starts_with(&format!("{machine}: "))).expect("a row");
        assert!(lines[row..=row + 1].concat().contains(words), "{machine}: {words}\n{table}");
    }
}

#[test]
fn each_object_says_its_machine_and_one_that_did_not_answer_says_why() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    bed.far("box").new_session("api");
    bed.well_said(&["new", "here", "."]);
    add(&bed, "unknown", "ada@unknown", None);
    let said = bed.asked(&["list", "--on", "all", "--json"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let objects = objects(&said.out);
    let of =
        |machine: &Value| objects.iter().filter(|object| object["machine"] == *machine).collect::<Vec<_>>();
    assert_eq!(of(&Value::Null).len(), 1, "{objects:#?}");
    assert_eq!(of(&"box".into()).len(), 1, "{objects:#?}");
    assert_eq!(of(&"box".into())[0]["state"], "idle");
    assert_eq!(of(&"unknown".into())[0]["error"], "name-unknown");
    let said = bed.asked(&["list", "--on", "box", "--json"]);
    assert_eq!((said.code, said.out.lines().count()), (Some(0), 1), "{said:?}");
}
