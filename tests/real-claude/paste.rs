//! A large paste arrives whole.

use super::driver::{How, Place, wait_for_prompt};
use super::mock::REPLY;
use super::support::Key;
use super::versions::is_earlier;

/// 1 MiB of lines that are all different, so that a lost or doubled piece is seen.
fn text() -> String {
    let mut text: String = (0..).map(|line| format!("line {line:06} of a text\n")).take(1 << 16).collect();
    text.truncate(1 << 20);
    text
}

fn pasted(how: How) -> String {
    let place = Place::new();
    let mut terminal = place.start(how, &[]);
    terminal.paste(&text());
    terminal.wait_for_text("[Pasted text #1");
    terminal.press(Key::Enter);
    terminal.wait_for_text(REPLY);
    wait_for_prompt(&mut terminal);
    place.mock.prompts().into_iter().next().expect("a prompt")
}

#[test]
fn a_paste_of_a_mebibyte_is_the_same() {
    for how in How::BOTH {
        let prompt = pasted(how);
        // Claude wraps it in a tag with a number by chance, and cuts the end of lines at the end.
        let (before, rest) = prompt.split_once("line 000000").expect("its beginning");
        let (got, tag) = rest.rsplit_once("\n</pasted_content").map_or((rest, false), |(got, _)| (got, true));
        // Earlier versions send it as it is.
        assert!(is_earlier() || (tag && before.contains("<pasted_content")), "{how:?}: {before}");
        let sent = text();
        assert!(sent[11..] == *got, "{how:?}: {} bytes instead of {}", got.len(), sent.len() - 11);
    }
}
