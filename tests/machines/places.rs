//! Verbs at several places at once, and what is said of sessions there.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bed::{Bed, Link, Said};
use crate::support::{DEADLINE, wait_until};

#[test]
fn a_session_of_a_machine_is_called_as_it_is_typed_here() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    assert!(bed.well_said(&["new", "box:api", "/tmp"]).starts_with("box:api\t"));
    assert_eq!(bed.well_said(&["send", "box:api", "hello"]), "box:api: sent\n");
    let unknown = bed.asked(&["screen", "box:wrong"]);
    assert_eq!(
        unknown.err, "cckw: no session is called box:wrong; see `cckw list --on box --all`\n",
        "{unknown:?}"
    );
    assert!(bed.well_said(&["list", "--on", "box", "--all"]).contains("box:api"));
    let id = bed.well_said(&["list", "--on", "box", "--json"]);
    let line: Value = serde_json::from_str(&id).expect("a line of JSON");
    assert_eq!((line["machine"].as_str(), line["name"].as_str()), (Some("box"), Some("api")));
    let renamed = bed.well_said(&["rename", "box:api", "box:web"]);
    assert!(renamed.starts_with("box:api: is called box:web now"), "{renamed}");
    assert_eq!(bed.asked(&["rename", "box:web", "lab:web"]).code, Some(2));
    assert_eq!(bed.asked(&["new", "box:-x"]).code, Some(2));
    let stopped = bed.well_said(&["stop", "box:web"]);
    assert!(stopped.contains("cckw start box:web"), "{stopped}");
    bed.well_said(&["start", "box:web"]);
    assert!(bed.well_said(&["screen", "box:"]).contains("stand-in"));
    assert_eq!(bed.asked(&["wait", "box:"]).code, Some(2));
    bed.well_said(&["new", "box:home", "~"]);
    let cwd = bed.well_said(&["list", "--on", "box", "--columns", "name,directory"]);
    assert!(cwd.contains("box:home  /home/ada\n"), "{cwd}");
}

#[test]
fn one_command_acts_at_several_places_at_once() {
    let Some(bed) = Bed::new(&["box", "lab"]) else { return };
    for word in ["box:api", "lab:api", "here"] {
        bed.well_said(&["new", word, "/tmp"]);
    }
    let said = bed.asked(&["wait", "box:api", "here", "lab:api"]);
    let mut lines: Vec<&str> = said.out.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        (said.code, &lines[..]),
        (Some(0), &["box:api\tidle", "here\tidle", "lab:api\tidle"][..]),
        "{said:?}"
    );
    // The status is that of the first word that has one.
    let said = bed.asked(&["wait", "box:none", "lab:api", "--timeout", "20s"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    bed.far("lab").kill_sshd();
    let said = bed.asked(&["stop", "here", "lab:api", "box:api"]);
    assert_eq!(said.code, Some(255), "{said:?}");
    assert!(said.out.contains("box:api: stopped") && said.out.contains("here: stopped"), "{said:?}");
    assert!(said.err.contains("cckw: lab: "), "{said:?}");
}

#[test]
fn a_wait_outlives_its_connection() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    bed.well_said(&["new", "box:api", "/tmp"]);
    let mut wait = bed.cckw(&["wait", "--for", "ended", "box:api"]);
    let wait = wait.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
    let far = bed.far("box");
    wait_until("the far side", DEADLINE, || far.processes().contains("cckw far"));
    far.kill_sshd();
    wait_until("the end of the far side", DEADLINE, || !far.processes().contains("cckw far"));
    far.start_sshd();
    bed.well_said(&["stop", "box:api"]);
    let said = Said::of(wait.wait_with_output().expect("ends"));
    assert_eq!((said.code, said.out.as_str()), (Some(0), "box:api\tended\n"), "{said:?}");
    assert!(said.err.contains("asked again"), "{said:?}");
}

#[test]
fn all_machines_are_asked_at_once_and_rows_say_which_do_not_answer() {
    let Some(bed) = Bed::new(&["box", "lab"]) else { return };
    for word in ["box:api", "lab:api", "here"] {
        bed.well_said(&["new", word, "/tmp"]);
    }
    // A machine that is well may be slow.
    let all = bed.well_said(&["list", "--on", "all", "--timeout", "60s"]);
    assert!(["\nbox:api ", "\nlab:api ", "\nhere "].iter().all(|row| all.contains(row)), "{all}");
    bed.well_said(&["detect", "--on", "all", "--timeout", "60s"]);
    assert!(bed.asked(&["doctor", "--on", "box", "--timeout", "60s"]).out.starts_with("box:\nok "));
    bed.link("lab", Link::Silent);
    wait_until("the row of the one that answers", DEADLINE, || {
        let begin = Instant::now();
        let said = bed.asked(&["list", "--on", "box,lab", "--timeout", "5s"]);
        assert!(begin.elapsed() < Duration::from_secs(5) + DEADLINE / 2, "{:?}", begin.elapsed());
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(
            said.out.contains("\nlab:     not reached") || said.out.contains("\nlab:  not reached"),
            "{said:?}"
        );
        assert!(said.out.contains("no answer within 5 s"), "{said:?}");
        said.out.contains("\nbox:api ")
    });
    let said = bed.asked(&["list", "--on", "lab", "--json", "--timeout", "2s"]);
    let errors: Vec<Value> = said.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let errors: Vec<&Value> = errors.iter().filter(|line| line.get("error").is_some()).collect();
    assert_eq!(
        (errors.len(), errors[0]["machine"].as_str(), errors[0]["error"].as_str()),
        (1, Some("lab"), Some("timeout"))
    );
    assert_eq!(bed.asked(&["detect", "--on", "lab", "--timeout", "1s"]).code, Some(1));
    assert_eq!(bed.asked(&["list", "--on", "nothing"]).code, Some(1));
}
