//! What cckw itself types at claude, and writes to the terminal, whatever claude's output holds.

use cckw::os::tty::Size;
use cckw::vt::modes::ModeTracker;
use cckw::vt::query_responder::TerminalResponder;
use cckw::vt::screen::Screen;
use proptest::prelude::*;

/// Questions whose answers hold what somebody else has chosen, or tell of the user: the title and the icon's
/// name, the clipboard, a setting, the palette, terminfo's names, a checksum of the screen, the answerback,
/// the window's place.
const QUESTIONS: [&[u8]; 12] = [
    b"\x1b[21t",
    b"\x1b[20t",
    b"\x1b]52;c;?\x07",
    b"\x1b]52;p;?\x1b\\",
    b"\x1bP$q\"p\x1b\\",
    b"\x1bP$qrm -rf ~\r\x1b\\",
    b"\x1b]4;1;?\x07",
    b"\x1bP+q544e\x1b\\",
    b"\x1b[1;1;1;1;10;10*y",
    b"\x05",
    b"\x1b[13t",
    b"\x1b]50;?\x07",
];

/// Pieces of output that ask, set, copy, draw or are cut off.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![0..3000_u32, Just(52), Just(21), Just(1049), Just(2004)];
    let numbers = prop::collection::vec(number, 0..4)
        .prop_map(|numbers| numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(";"));
    prop_oneof![
        prop::sample::select(QUESTIONS.to_vec()).prop_map(<[u8]>::to_vec),
        (prop::sample::select(vec!["", "?", ">", "=", "<", "!"]), numbers.clone(), "[ -/]?[@-~]")
            .prop_map(|(prefix, numbers, last)| format!("\x1b[{prefix}{numbers}{last}").into_bytes()),
        (numbers, "[^\x07\x1b]{0,20}", prop::sample::select(vec!["\x07", "\x1b\\", "\x18"]))
            .prop_map(|(numbers, text, end)| format!("\x1b]{numbers};{text}{end}").into_bytes()),
        ("[PX^_]", "[^\x1b]{0,20}").prop_map(|(kind, text)| format!("\x1b{kind}{text}\x1b\\").into_bytes()),
        "\\PC{0,12}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..6),
    ]
}

fn output() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(piece(), 0..30).prop_map(|pieces| pieces.concat())
}

/// What stands in a stream: sequences as a whole, other control characters, text.
#[derive(Debug)]
enum Part {
    /// What is behind CSI, up to the last byte.
    Control(String),
    /// What is behind OSC.
    Command(String),
    /// DCS, APC, PM, SOS.
    Other(char),
    Escape(String),
    Single(char),
    Text,
}

fn parts(bytes: &[u8]) -> Vec<Part> {
    let text: Vec<char> = String::from_utf8_lossy(bytes).chars().collect();
    let (mut at, mut found) = (0, Vec::new());
    while let Some(c) = text.get(at).copied() {
        at += 1;
        if c != '\x1b' {
            found.push(if c.is_control() { Part::Single(c) } else { Part::Text });
            continue;
        }
        let kind = text.get(at).copied().unwrap_or_default();
        at += 1;
        let from = at;
        let take = |to: usize| text[from..to.min(text.len())].iter().collect::<String>();
        match kind {
            '[' => {
                at += text[at..].iter().take_while(|c| matches!(c, ' '..='?')).count() + 1;
                found.push(Part::Control(take(at)));
            }
            ']' => {
                at += text[at..].iter().take_while(|c| !matches!(c, '\x07' | '\x1b')).count();
                found.push(Part::Command(take(at)));
                at += if text.get(at) == Some(&'\x1b') { 2 } else { 1 };
            }
            'P' | '_' | '^' | 'X' => found.push(Part::Other(kind)),
            ' '..='/' => {
                at += 1;
                found.push(Part::Escape(format!("{kind}{}", take(at))));
            }
            kind => found.push(Part::Escape(kind.to_string())),
        }
    }
    found
}

/// Whether a terminal answers this, hands it on, or runs something for it.
fn is_more_than_drawing(part: &Part) -> bool {
    match part {
        Part::Text => false,
        Part::Single(c) => !matches!(c, '\r' | '\n' | '\x0e' | '\x0f' | '\x18'),
        Part::Other(_) => true,
        // A title, a link, the end of progress and of colours, and what these were set to.
        Part::Command(text) => {
            !(text.starts_with("0;")
                || ["9;4;0", "104", "110", "111", "112"].contains(&text.as_str())
                || text.starts_with("8;")
                || sets_a_colour_or_progress(text))
        }
        Part::Escape(text) => {
            !(["7", "8", "=", ">", "D", "E", "H", "M"].contains(&text.as_str())
                || text.starts_with(['(', ')']))
        }
        Part::Control(text) => {
            let (last, rest) = text.split_at(text.len() - 1);
            match last {
                "c" | "n" | "p" | "x" | "y" | "i" => true,
                "t" => !["22;0", "23;0"].contains(&rest),
                "u" => !rest.starts_with(['>', '<', '=']),
                "q" => !rest.ends_with(' '),
                _ => false,
            }
        }
    }
}

/// Whether the command sets one colour, and asks for none, or says how far something is.
fn sets_a_colour_or_progress(text: &str) -> bool {
    let words: Vec<&str> = text.split(';').collect();
    let is_number = |word: &&str| word.bytes().all(|byte| byte.is_ascii_digit());
    let is_colour = |word: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"#:/.,+-".contains(&byte);
        word.starts_with(|c: char| c == '#' || c.is_ascii_alphabetic()) && word.bytes().all(is_plain)
    };
    match words[..] {
        ["4", index, colour] => index.parse::<u8>().is_ok() && is_colour(colour),
        ["10" | "11" | "12", colour] => is_colour(colour),
        ["9", "4", ref rest @ ..] => rest.iter().all(is_number),
        _ => false,
    }
}

proptest! {
    /// Nothing that cckw writes to a terminal for claude's sake asks it anything, fills a clipboard, or is a
    /// sequence that claude's output could end or make longer.
    #[test]
    fn what_is_written_for_claude_only_draws(bytes in output()) {
        let mut modes = ModeTracker::default();
        let mut screen = Screen::new(Size { rows: 12, columns: 40, width: 0, height: 0 });
        // What is half written is passed on as it is, and goes on with claude's next output.
        let bytes = [&bytes[..], b"\x18\x1b\\"].concat();
        modes.feed(&bytes);
        screen.push(&bytes);
        let written = [
            ("repaint", screen.repaint(&modes)),
            ("redraw", screen.redraw(&modes)),
            ("undo", modes.undo().into_bytes()),
            ("undo blindly", modes.undo_blindly().into_bytes()),
            ("redo", modes.redo().into_bytes()),
            ("title", modes.title().into_bytes()),
        ];
        for (what, written) in written {
            let found: Vec<Part> = parts(&written).into_iter().filter(is_more_than_drawing).collect();
            prop_assert!(found.is_empty(), "{what}: {found:?} in {}", written.escape_ascii());
        }
        for text in [modes.undo(), modes.undo_blindly()] {
            prop_assert!(!parts(text.as_bytes()).iter().any(|part| matches!(part, Part::Text)), "{text:?}");
        }
    }

    /// Nor does it type anything at claude that output has chosen: replies, made of digits, and what a
    /// terminal said.
    #[test]
    fn answers_are_replies_and_nothing_else(bytes in output(), replies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6)) {
        let (mut answerer, mut modes) = (TerminalResponder::default(), ModeTracker::default());
        for reply in &replies {
            for start in [&b"\x1b]10;"[..], b"\x1bP>|", b"\x1b[?", b""] {
                answerer.remembered().learn(&[start, reply].concat());
            }
        }
        modes.feed(&bytes);
        let typed = answerer.answer(&bytes, &modes, || (3, 7));
        prop_assert!(!typed.iter().any(|byte| byte.is_ascii_control() && !matches!(byte, 0x1b | 0x07)), "{}", typed.escape_ascii());
        for part in parts(&typed) {
            match part {
                Part::Control(text) => prop_assert!(text.ends_with(['c', 'n', 'u', 'y', 'R']), "{text:?}"),
                Part::Command(text) => prop_assert!(text.starts_with("10;") || text.starts_with("11;") || text.starts_with("12;"), "{text:?}"),
                // What a terminal said of its version, if it did.
                Part::Other('P') | Part::Text | Part::Escape(_) => prop_assert!(!replies.is_empty()),
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }
}

#[test]
fn what_tells_of_the_user_is_not_answered() {
    for question in QUESTIONS {
        let (mut answerer, mut modes) = (TerminalResponder::default(), ModeTracker::default());
        answerer.remembered().learn(b"\x1b]10;rgb:dd/dd/dd\x1b\\");
        modes.feed(b"\x1b]0;chosen\x07");
        modes.feed(question);
        let typed = answerer.answer(question, &modes, || (3, 7));
        assert_eq!(typed.escape_ascii().to_string(), "", "{}", question.escape_ascii());
    }
}
