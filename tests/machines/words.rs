//! Names and texts arrive as they were typed, and nothing runs in the far shell, whatever that shell is.

use serde_json::Value;

use crate::bed::{Bed, Far};

/// What a shell would do something with.
const HOSTILE: &str = "-n --help $(touch /tmp/ran) `touch /tmp/ran` ${HOME} \"two\" 'one' \\n ;touch /tmp/ran;\t& | >/tmp/ran * ~ !! %s #\n\
                       (touch /tmp/ran) {a,b} é 漢 <x";

/// What shells say before a command of ssh's runs.
const BANNER: &str =
    "echo 'Welcome! Connection refused is no joke here.'\necho 'cckw-far: there is no cckw' >&2\n";

/// The texts that were given to the session, as its transcript has them.
fn texts(far: Far<'_>, session: &str) -> Vec<String> {
    let id = far.record(session, "a conversation", |_| true).text("conversation").to_owned();
    let found = far.runs(&["find", &far.home(".claude/projects"), "-name", &format!("{id}.jsonl")]);
    let lines = far.runs(&["cat", found.trim()]);
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let text = |line: Value| match &line["message"]["content"] {
        Value::String(text) => text.clone(),
        parts => parts[0]["text"].as_str().unwrap_or_default().to_owned(),
    };
    lines.filter(|line| line["type"] == "user").map(text).collect()
}

#[track_caller]
fn nothing_ran(far: Far<'_>) {
    assert!(!far.path("/tmp/ran").exists(), "something ran in the far shell");
}

#[test]
fn every_login_shell_leaves_texts_and_names_as_they_are() {
    let Some(bed) = Bed::without_machines(&["box"]) else { return };
    bed.far("box").write(".bashrc", BANNER);
    bed.user("box", "zsh").write(".zshenv", BANNER);
    bed.user("box", "fish").write(".config/fish/config.fish", BANNER);
    for user in ["ada", "fish", "zsh", "dash"] {
        let far = bed.user("box", user);
        bed.well_said(&["machine", "add", user, &format!("{user}@box")]);
        let word = format!("{user}:api");
        let made = bed.well_said(&["new", &word, "/tmp"]);
        assert!(made.starts_with(&format!("{word}\t")), "{made}");
        let said = bed.asked(&["send", &word, "--wait", "--", HOSTILE]);
        assert!(said.code == Some(0) && said.out.contains("You said: -n --help $(touch"), "{user}: {said:?}");
        let said = bed.told(&["send", &word, "--wait", "-"], HOSTILE);
        assert!(said.code == Some(0), "{user}: {said:?}");
        assert_eq!(texts(far, "api"), [HOSTILE, HOSTILE], "{user}");
        let said = bed.asked(&["transcript", &word, "--last"]);
        assert!(said.out.starts_with("You said: -n --help"), "{user}: {said:?}");
        assert!(!said.out.contains("Welcome") && said.err.is_empty(), "{user}: {said:?}");
        nothing_ran(far);
    }
}

#[test]
fn a_name_that_means_something_to_a_shell_is_refused_or_kept() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let far = bed.far("box");
    for name in [
        "a b",
        "$(touch /tmp/ran)",
        "`touch /tmp/ran`",
        "a'b",
        "a\"b",
        "a\nb",
        "-x",
        "--help",
        "a;b",
        "*",
        "~",
        "é",
    ] {
        let word = format!("box:{name}");
        let said = bed.asked(&["new", &word, "/tmp"]);
        let names: Vec<String> = far.records().iter().map(|record| record.text("name").to_owned()).collect();
        match said.code {
            // Its help is no session.
            Some(0) if name == "--help" => assert!(names.is_empty() || !names.contains(&name.to_owned())),
            Some(0) => {
                assert!(names.contains(&name.to_owned()), "{name:?}: {names:?}");
                assert_eq!(bed.asked(&["screen", &word]).code, Some(0), "{name:?}");
            }
            _ => assert!(!names.contains(&name.to_owned()) && !said.err.is_empty(), "{name:?}: {said:?}"),
        }
        // A session that is not there is said to be that, by its whole name.
        let said = bed.asked(&["stop", &format!("box:nothing{name}")]);
        assert!(said.code == Some(1) && said.err.contains("box:nothing"), "{name:?}: {said:?}");
        nothing_ran(far);
    }
}

#[test]
fn a_directory_and_a_prompt_arrive_as_they_are() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let far = bed.far("box");
    let directory = "/tmp/a b$(touch ran)'\"";
    far.runs(&["mkdir", directory]);
    bed.well_said(&["new", "box:api", directory, "--prompt", HOSTILE]);
    assert_eq!(far.record("api", "a directory", |_| true).text("cwd"), directory);
    far.record("api", "an idle claude", |record| {
        record.text("status") == "idle" && !texts(far, "api").is_empty()
    });
    assert_eq!(texts(far, "api"), [HOSTILE]);
    let said = bed.asked(&["new", "box:web", "/tmp/not there"]);
    assert!(said.code == Some(1) && said.err.contains("/tmp/not there"), "{said:?}");
    nothing_ran(far);
}

#[test]
fn cckw_is_found_where_the_path_does_not_lead_and_else_it_is_said_how() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let far = bed.far("box");
    for place in ["/home/ada/.local/bin/cckw", "/home/ada/.cargo/bin/cckw"] {
        far.move_cckw(place);
        bed.well_said(&["machine", "check", "box"]);
        far.root(&["rm", place]);
    }
    far.move_cckw("/opt/there/cckw");
    let said = bed.asked(&["screen", "box:api"]);
    assert_eq!(said.code, Some(255), "{said:?}");
    assert!(said.err.contains("there is no cckw") && said.err.contains("--program"), "{said:?}");
    bed.well_said(&["machine", "rm", "box"]);
    bed.well_said(&["machine", "add", "box", "ada@box", "--program", "/opt/there/cckw"]);
    bed.well_said(&["new", "box:api", "/tmp"]);
    assert!(bed.well_said(&["screen", "box:api"]).contains('❯'));
}
