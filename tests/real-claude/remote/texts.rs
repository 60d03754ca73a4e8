//! The texts about remote control in the installed program, held against those that cckw knows.
//!
//! `texts.tsv` has a line for each: the verdict, a tab, and the text as it stands in the program's
//! JavaScript. After an update of the pinned version this test says which texts are new. Each of them has to
//! be judged: does `src/claude/remote_notices.rs` need a row for it? Then its line goes into the file.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::process::Command;

use cckw::claude::remote_notices::classify;

use crate::install;

/// What stands in every text that is looked for.
const WORDS: [&str; 4] = ["Remote Control", "emote-control", "(code 4", "restart to retry"];
/// The longest text, in bytes.
const MAX_TEXT_BYTES: usize = 400;
/// Shorter ones are titles.
const MIN_TEXT_BYTES: usize = 25;

/// The literals of the program with these words in them, one line each.
fn texts() -> BTreeSet<String> {
    let program = install::program();
    let mut command = Command::new("grep");
    command.args(["--text", "--only-matching", "--byte-offset", "--fixed-strings"]).env("LC_ALL", "C");
    command.args(WORDS.iter().flat_map(|words| ["-e", words])).arg(program);
    let found = command.output().expect("grep");
    assert!(found.status.success(), "no text in {}", program.display());
    let file = File::open(program).expect("the program");
    let offsets = String::from_utf8_lossy(&found.stdout).into_owned();
    offsets
        .lines()
        .filter_map(|line| line.split(':').next()?.parse().ok())
        .filter_map(|at| literal(&file, at))
        .filter(|text| is_meant(text))
        .collect()
}

/// The literal in which this byte stands: between two quotation marks of one kind, without a control
/// character.
fn literal(file: &File, at: u64) -> Option<String> {
    let start = at.saturating_sub(MAX_TEXT_BYTES as u64);
    let mut bytes = vec![0; 2 * MAX_TEXT_BYTES];
    let read = file.read_at(&mut bytes, start).ok()?;
    let middle = usize::try_from(at - start).ok()?;
    let bytes = bytes.get(..read)?;
    let is_mark = |at: &usize| matches!(bytes[*at], b'"' | b'`') && (*at == 0 || bytes[at - 1] != b'\\');
    let from = (0..middle).rev().find(is_mark)?;
    let to = (middle..read).find(|at| bytes[*at] == bytes[from] && is_mark(at))?;
    let text = std::str::from_utf8(&bytes[from + 1..to]).ok()?;
    (text.len() <= MAX_TEXT_BYTES && !text.chars().any(char::is_control)).then(|| plain(text))
}

/// The text without the names that are different in every build, and without escapes.
fn plain(text: &str) -> String {
    let mut rest = text;
    let mut plain = String::new();
    while let Some((before, behind)) = rest.split_once("${") {
        plain.push_str(before);
        plain.push_str("${}");
        rest = behind.split_once('}').map_or("", |(_, behind)| behind);
    }
    plain.push_str(rest);
    for (escape, character) in [
        (r"\u2014", "—"),
        (r"\u2019", "’"),
        (r"\xB7", "·"),
        (r"\u201C", "“"),
        (r"\u201D", "”"),
        (r"\u2026", "…"),
    ] {
        plain = plain.replace(escape, character);
    }
    plain
}

/// Whether a text may be a notice, or the reason in one.
fn is_meant(text: &str) -> bool {
    let begins = |words: &str| text.starts_with(words);
    let holds = |words: &str| text.contains(words);
    let is_answer = holds("emote") && (holds("un /login") || begins("Couldn't "));
    text.len() >= MIN_TEXT_BYTES
        && (is_answer
            || ["Remote Control ", "/remote-control "].into_iter().any(begins)
            || ["un /remote-control", "(code 4", "restart to retry"].into_iter().any(holds))
}

/// What cckw takes it for: the whole line, or the reason of a link that was lost, without advice.
fn verdict(text: &str) -> String {
    let reason = format!("Remote Control disconnected — {text}");
    let notice = if text.contains("emote Control") || text.contains("emote-control") {
        classify(text)
    } else {
        classify(&reason)
    };
    let name = notice.map(|notice| format!("{notice:?}"));
    name.and_then(|name| Some(name.split('(').next()?.to_owned())).unwrap_or_else(|| "-".into())
}

#[test]
fn every_text_in_the_program_is_known() {
    let known: BTreeSet<String> = include_str!("texts.tsv").lines().map(str::to_owned).collect();
    let found: BTreeSet<String> =
        texts().into_iter().map(|text| format!("{}\t{text}", verdict(&text))).collect();
    let list = |lines: Vec<&String>| lines.into_iter().map(|line| format!("{line}\n")).collect::<String>();
    let (new, gone) = (list(found.difference(&known).collect()), list(known.difference(&found).collect()));
    assert!(
        new.is_empty() && gone.is_empty(),
        "texts.tsv does not have these texts, or has them with another verdict:\n{new}\nand has these, which are not in the \
         program any more:\n{gone}"
    );
}
