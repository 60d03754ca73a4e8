//! What the variables say about the terminal and the language.

use crate::support::stand_in::{at_prompt, sandbox, submit};
use crate::support::verb::{cckw, well_said};
use crate::support::{Answers, Terminal};

/// A session from its start to its end, with a crash and another terminal in between.
#[track_caller]
fn lives(variables: &[(&str, Option<&str>)], answers: Answers) {
    let mut sandbox = sandbox();
    sandbox.configure("[restart]\ninitial_delay = \"10ms\"\nmax_delay = \"20ms\"\n");
    for (name, value) in variables {
        match value {
            Some(value) => sandbox.set(name, value),
            None => sandbox.unset(name),
        }
    }
    let before = Terminal::spawn(sandbox.command("true")).attributes();
    let mut terminal = Terminal::builder().answers(answers).spawn(sandbox.cckw_claude());
    at_prompt(&mut terminal);
    submit(&mut terminal, "wörds 漢字");
    terminal.wait_for_text("You said: wörds 漢字");
    at_prompt(&mut terminal);
    well_said(&sandbox, &["detach"]);
    assert_eq!(terminal.finish().code(), Some(0));
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new(), "{variables:?}");
    assert_eq!(terminal.attributes(), before);
    // What cckw itself prints and paints is the same bytes whatever they say.
    assert!(well_said(&sandbox, &["screen"]).contains("You said: wörds 漢字"), "{variables:?}");
    assert!(well_said(&sandbox, &["list"]).contains("detached"));
    let mut terminal = Terminal::builder().answers(answers).spawn(cckw(&sandbox, &["attach"]));
    terminal.wait_for_text("You said: wörds 漢字");
    at_prompt(&mut terminal);
    submit(&mut terminal, "/fault exit 3");
    sandbox.wait_for_record("another claude", |record| {
        record.text("state") == "running" && record.json["restarts"] == 1
    });
    at_prompt(&mut terminal);
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0), "{variables:?} {}", terminal.report());
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new(), "{variables:?}");
    sandbox.wait_for_silence();
}

#[test]
fn term_may_say_anything() {
    for term in [Some("dumb"), Some(""), Some("unheard-of"), Some("vt100"), Some("\u{1b}[31m"), None] {
        lives(&[("TERM", term)], Answers::Mute);
    }
}

#[test]
fn the_language_may_be_any() {
    for variables in [
        &[("LANG", Some("C"))][..],
        &[("LC_ALL", Some("C"))],
        &[("LC_ALL", Some("POSIX")), ("LANG", None)],
        &[("LANG", None)],
        &[("LC_ALL", Some("de_DE.ISO-8859-1"))],
        &[("LC_CTYPE", Some("ja_JP.EUC-JP")), ("LANG", Some("nonsense"))],
    ] {
        lives(variables, Answers::Kitty);
    }
}

/// On a dumb terminal nothing of cckw's own is coloured, nor drawn over.
#[test]
fn verbs_are_plain_on_a_dumb_terminal() {
    let mut sandbox = sandbox();
    sandbox.set("TERM", "dumb");
    for words in [&["--help"][..], &["list", "--all"], &["doctor"], &["claude", "--version"], &["nonsense"]] {
        let mut terminal = Terminal::spawn(cckw(&sandbox, words));
        terminal.finish();
        let output = terminal.output();
        assert!(!output.contains(&0x1b), "{words:?}: {}", output.escape_ascii());
    }
}
