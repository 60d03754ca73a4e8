use proptest::prelude::*;

use super::*;

fn after(bytes: &[u8]) -> ModeTracker {
    let mut tracker = ModeTracker::default();
    tracker.feed(bytes);
    tracker
}

/// What Claude Code 2.1.329 switches on, and the order in which it was seen to.
const CLAUDE: &[u8] = b"\x1b[?2004h\x1b[?1004h\x1b[?2031h\x1b[>1u\x1b[>4;2m\x1b[?25l\x1b]0;Claude\x07";

#[test]
fn nothing_on_is_nothing_to_undo() {
    for bytes in [
        &b""[..],
        b"plain text\r\n",
        b"\x1b[2J\x1b[H\x1b[31mred\x1b[0m",
        b"\x1b[c\x1b[>0q\x1b[?u\x1b]11;?\x07",
    ] {
        assert_eq!(after(bytes).undo(), "", "{bytes:?}");
    }
}

/// Behind an intermediate byte a bracket is a last byte, and begins nothing.
#[test]
fn a_bracket_behind_an_intermediate_byte_begins_no_control_sequence() {
    assert_eq!(after(b"\x1b#[?25l").undo(), "");
}

#[test]
fn what_claude_switches_on_is_switched_off() {
    assert_eq!(after(CLAUDE).undo(), "\x1b[?25h\x1b[?1004l\x1b[?2004l\x1b[?2031l\x1b[>4m\x1b[<1u\x1b]0;\x07");
}

/// As any output may, on its way through claude: a locked keyboard, keys that come as something else, an
/// echo.
#[test]
fn what_nobody_wants_after_the_end_is_switched_off() {
    for (on, off) in [
        ("\x1b[2h", "\x1b[2l"),
        ("\x1b[4;20h", "\x1b[4l\x1b[20l"),
        ("\x1b[12l", "\x1b[12h"),
        ("\x1b[?69h", "\x1b[?69l"),
        ("\x1b[?9001h", "\x1b[?9001l"),
        ("\x1b[2h\x1b[12l\x1b[2l\x1b[12h", ""),
        ("\x1b[2;4h\x1b[!p", ""),
    ] {
        assert_eq!(after(on.as_bytes()).undo(), off, "{on:?}");
    }
}

#[test]
fn what_claude_undoes_itself_is_left_alone() {
    let mut tracker = after(CLAUDE);
    tracker.feed(b"\x1b[?2004l\x1b[?1004l\x1b[?2031l\x1b[<u\x1b[>4m\x1b[?25h\x1b]0;\x07");
    assert_eq!(tracker.undo(), "");
}

#[test]
fn kitty_flags_are_popped_as_often_as_they_were_pushed() {
    assert_eq!(after(b"\x1b[>1u\x1b[>3u\x1b[=5u").undo(), "\x1b[<2u");
    assert_eq!(after(b"\x1b[>1u\x1b[<5u").undo(), "");
    assert_eq!(after(b"\x1b[=1u").undo(), "\x1b[=0u");
}

#[test]
fn the_alternate_screen_has_a_kitty_stack_of_its_own() {
    assert_eq!(after(b"\x1b[>1u\x1b[?1049h\x1b[>1u\x1b[>1u").undo(), "\x1b[<2u\x1b[?1049l\x1b[<1u");
}

#[test]
fn a_sequence_that_was_cut_off_is_ended_first() {
    assert_eq!(after(b"\x1b[?2004h\x1b]0;half a ti").undo(), "\x18\x1b[?2004l");
}

#[test]
fn margins_and_charsets_are_undone_without_moving_the_cursor() {
    assert_eq!(after(b"\x1b[3;10r\x1b(0\x0e").undo(), "\x1b7\x1b[r\x1b8\x1b(B\x0f");
    assert_eq!(after(b"\x1b[3;10r\x1b[r\x1b(0\x1b(B\x0e\x0f").undo(), "");
}

#[test]
fn text_inside_a_string_is_not_a_mode() {
    for bytes in [&b"\x1bP\x1b\\"[..], b"\x1b_Gf=100;[?2004h\x1b\\", b"\x1b]52;c;[?2004h\x07"] {
        assert_eq!(after(bytes).undo(), "", "{bytes:?}");
    }
}

#[test]
fn a_synchronised_update_is_ended_and_never_begun_again() {
    let tracker = after(b"\x1b[?2026h");
    assert_eq!((tracker.undo().as_str(), tracker.redo().as_str()), ("\x1b[?2026l", ""));
}

#[test]
fn a_title_that_is_set_again_carries_no_control_characters() {
    assert_eq!(after("\x1b]2;a\u{9c}b\x01c\x1b\\".as_bytes()).redo(), "\x1b]0;abc\x07");
}

#[test]
fn a_full_reset_forgets_everything() {
    let mut tracker = after(CLAUDE);
    tracker.feed(b"\x1bc");
    assert_eq!(tracker.undo(), "");
}

#[test]
fn a_style_is_ended_unless_claude_has_ended_it() {
    for ended in [
        &b"\x1b[2;1m\x1b[22m"[..],
        b"\x1b[38;5;1;48;2;1;2;3m\x1b[39;49m",
        b"\x1b[1;31;4:3m\x1b[0m",
        b"\x1b[38:2::1:2:3m\x1b[m",
    ] {
        assert_eq!(after(ended).undo(), "", "{ended:?}");
    }
    for begun in [&b"\x1b[2m"[..], b"\x1b[38;5;0m", b"\x1b[0;7m", b"\x1b[31m\x1b[49m"] {
        assert_eq!(after(begun).undo(), "\x1b[m", "{begun:?}");
    }
}

#[test]
fn frames_and_colours_do_not_change_what_is_undone_blindly() {
    let mut tracker = after(CLAUDE);
    let before = tracker.undo_blindly();
    assert_eq!(
        before,
        "\x18\x1b[?2026l\x1b]8;;\x07\x1b[m\x1b[?25h\x1b[?1004l\x1b[?2004l\x1b[?2031l\x1b[>4m\x1b[<1u\x1b]0;\x07"
    );
    tracker.feed(b"\x1b[?2026h\x1b[31mred\x1b[?25h\x1b]8;;x\x07\x1b[");
    assert_eq!(tracker.undo_blindly(), before);
}

#[test]
fn links_progress_and_colours_are_ended() {
    assert_eq!(
        after(b"\x1b]8;;https://example.org\x1b\\\x1b]9;4;3\x07\x1b]11;#000000\x07").undo(),
        "\x1b]9;4;0\x07\x1b]8;;\x07\x1b]111\x07"
    );
}

#[test]
fn colours_and_progress_are_set_again() {
    let redone = |output: &[u8]| {
        let tracker = after(output);
        (tracker.redo(), tracker.undo())
    };
    assert_eq!(
        redone(b"\x1b]4;1;#010203;200;rgb:1/2/3\x1b\\\x1b]12;red\x07\x1b]9;4;1;40\x07"),
        (
            "\x1b]4;1;#010203\x07\x1b]4;200;rgb:1/2/3\x07\x1b]12;red\x07\x1b]9;4;1;40\x07".into(),
            "\x1b]9;4;0\x07\x1b]104\x07\x1b]112\x07".into()
        )
    );
    // Several at once, some of which only ask.
    assert_eq!(redone(b"\x1b]10;white;?;green\x07\x1b]4;1;?\x07").0, "\x1b]10;white\x07\x1b]12;green\x07");
    // One of two is taken back.
    assert_eq!(
        redone(b"\x1b]4;1;red;2;blue\x07\x1b]104;1\x07"),
        ("\x1b]4;2;blue\x07".into(), "\x1b]104\x07".into())
    );
    for over in [
        &b"\x1b]4;1;red\x07\x1b]104\x07"[..],
        b"\x1b]11;red\x07\x1b]111\x07",
        b"\x1b]9;4;3\x07\x1b]9;4;0\x07",
        b"\x1b]12;red\x07\x1bc",
        b"\x1b]11;?\x07",
    ] {
        assert_eq!(redone(over), (String::new(), String::new()), "{over:?}");
    }
    // What is no colour, or could end the command, is not written again.
    assert_eq!(redone(b"\x1b]4;52;0;\x07"), (String::new(), "\x1b]104\x07".into()));
    let long = format!("\x1b]12;{}\x07\x1b]11;a b\x07\x1b]4;300;red\x07", "x".repeat(65));
    assert_eq!(redone(long.as_bytes()), (String::new(), "\x1b]104\x07\x1b]111\x07\x1b]112\x07".into()));
}

#[test]
fn each_way_out_of_the_alternate_screen_leads_out() {
    for (on, off) in [(1049, 47), (47, 1049), (1047, 1049), (1049, 1049)] {
        let tracker = after(format!("\x1b[?{on}h\x1b[?{off}l").as_bytes());
        assert!(!tracker.on_alternate_screen() && tracker.undo().is_empty(), "{on} {off}");
    }
}

#[test]
fn modes_can_be_asked_for() {
    let tracker = after(b"\x1b[?2004h\x1b[?25l\x1b[>5u");
    assert_eq!(
        [2004, 25, 7, 1004, 9999].map(|mode| tracker.is_on(mode)),
        [Some(true), Some(false), Some(true), Some(false), None]
    );
    assert_eq!((tracker.kitty_flags(), tracker.has_extended_keys()), (5, true));
    assert!(after(b"\x1b[>4;2m").has_extended_keys() && !after(b"").has_extended_keys());
}

/// Streams made of what a terminal acts on, rather than of bytes that are almost all text.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![
        prop::sample::select(PRIVATE.map(|entry| entry.0.to_string()).to_vec()),
        prop::sample::select(ANSI.map(|entry| entry.0.to_string()).to_vec()),
        (0..70_000u32).prop_map(|number| number.to_string()),
        Just(String::new()),
    ];
    let numbers = prop::collection::vec(number, 0..4).prop_map(|numbers| numbers.join(";"));
    let piece = prop_oneof![
        (
            prop::sample::select(vec!["", "?", ">", "<", "="]),
            numbers.clone(),
            prop::sample::select(vec!["h", "l", "u", "m", "r", " q", "!p", "t", "A",])
        )
            .prop_map(|(prefix, numbers, last)| format!("\x1b[{prefix}{numbers}{last}").into_bytes()),
        (numbers, prop::sample::select(vec!["\x07", "\x1b\\", "\x18", "\x1b[?25l"]))
            .prop_map(|(text, end)| format!("\x1b]{text};x{end}").into_bytes()),
        prop::sample::select(vec![
            &b"\x1bc"[..],
            b"\x1b=",
            b"\x1b>",
            b"\x1b(0",
            b"\x1b)B",
            b"\x0e",
            b"\x0f",
            b"\x1bPq",
            b"\xff"
        ])
        .prop_map(<[u8]>::to_vec),
        prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn where_the_stream_is_cut_makes_no_difference(bytes in streams(), cuts in prop::collection::vec(1usize..7, 1..50)) {
        let whole = after(&bytes);
        let mut tracker = ModeTracker::default();
        let (mut rest, mut cuts) = (&bytes[..], cuts.iter().cycle());
        while !rest.is_empty() {
            let (now, later) = rest.split_at((*cuts.next().expect("cycles")).min(rest.len()));
            tracker.feed(now);
            rest = later;
        }
        prop_assert_eq!(&tracker.modes, &whole.modes);
        prop_assert_eq!(tracker.undo(), whole.undo());
    }

    #[test]
    fn undoing_leaves_nothing_on(bytes in streams()) {
        let mut tracker = after(&bytes);
        let undo = tracker.undo();
        tracker.feed(undo.as_bytes());
        // A saved title comes back with the value it had, which the tracker does not know.
        tracker.modes.title.clear();
        prop_assert_eq!(tracker.undo(), "");
    }

    #[test]
    fn redoing_after_undoing_switches_the_same_on(bytes in streams()) {
        let mut tracker = after(&bytes);
        tracker.feed(b"\x18\x1b[?2026l\x1b[m");
        prop_assume!(tracker.modes.saved_titles <= 10 && tracker.modes.title.is_ascii());
        // What cannot be written again is undone, and stays so.
        let mut colours = String::new();
        tracker.modes.colour_values.redo(&mut colours);
        tracker.modes.colours = after(colours.as_bytes()).modes.colours;
        tracker.modes.progress = !tracker.modes.progress_value.is_empty();
        tracker.modes.hyperlink = false;
        if !tracker.modes.alternate() {
            prop_assert_eq!(&tracker.modes.kitty[1], &vec![0]);
        }
        let mut other = ModeTracker::default();
        other.feed(tracker.redo().as_bytes());
        prop_assert_eq!(other.undo(), tracker.undo());
    }
}

#[test]
fn what_is_no_ascii_does_not_end_an_escape() {
    let mut tracker = ModeTracker::default();
    tracker.feed(b"a\x1b\xff\x01\xe2\x94\x80[?1049h");
    assert!(tracker.on_alternate_screen());
}

#[test]
fn a_colour_s_numbers_are_no_styles() {
    let bits = |params: &str| restyle(0, params.as_bytes());
    let (bold, underlined, text, ground, other) = (1, 1 << 2, 1 << 7, 1 << 8, 1 << 11);
    for (params, on) in [
        ("", 0),
        ("1", bold),
        ("1;4", bold | underlined),
        ("1;", 0),
        ("1;22", 0),
        ("4:3", underlined),
        ("38;5;4", text),
        ("38;5;4;1", text | bold),
        ("38;2;1;4;48", text),
        ("38;2;1;4;48;1", text | bold),
        ("38:5:4;1", text | bold),
        ("38:2::1:4:48;48;5;1", text | ground),
        ("38;1;4", text | underlined),
        ("38", text),
        ("38;5", text),
        ("1;38;5;1;39", bold),
        ("99", other),
        ("1;70000", 0),
        ("1;<4", 0),
    ] {
        assert_eq!(bits(params), on, "{params}");
    }
}

proptest! {
    #[test]
    fn styles_are_read_quickly_as_they_are_read_one_by_one(style: u16, params in "([0-9]{0,3}|38;[25]|48;[25]|58|[0-9;:<?]{0,4})(;([0-9]{0,3}|38;[25]|48;2|[0-9;:<?]{0,4})){0,6}") {
        prop_assert_eq!(restyle(style, params.as_bytes()), restyle_oddly(style, params.as_bytes()), "{}", params);
    }
}
