//! Streams made of what programs write.

use proptest::prelude::*;

/// Everything that the emulator knows.
pub fn everything() -> impl Strategy<Value = String> {
    let text = prop::collection::vec(
        prop::sample::select(vec![
            "a",
            "b",
            " ",
            "x y",
            "日",
            "本",
            "é",
            "e\u{301}",
            "🦀",
            "─",
            "│",
            "❯ ",
            "a\u{200d}",
            "word word word",
            "🇩🇪",
            "👨\u{200d}👩\u{200d}👧",
            "👍🏽",
            "❤\u{fe0f}",
            "qx",
            "x\x1b[3b",
        ]),
        1..30,
    )
    .prop_map(|words| words.concat());
    let number = prop_oneof![1..12u16, Just(200u16)];
    let csi = (
        prop::sample::select("ABCDEFGHJKLMPSTX@daeIZ`".chars().collect::<Vec<_>>()),
        0..4u16,
        number.clone(),
    )
        .prop_map(|(last, small, number)| match last {
            'H' => format!("\x1b[{number};{}H", small * 5 + 1),
            'J' | 'K' => format!("\x1b[{small}{last}"),
            _ => format!("\x1b[{number}{last}"),
        });
    let style = prop::sample::select(vec![
        "\x1b[m",
        "\x1b[1m",
        "\x1b[2m",
        "\x1b[3;4m",
        "\x1b[7m",
        "\x1b[31m",
        "\x1b[97m",
        "\x1b[38;5;123m",
        "\x1b[48;2;1;2;3m",
        "\x1b[49m",
        "\x1b[22;27m",
        "\x1b[5m",
        "\x1b[6m",
        "\x1b[8m",
        "\x1b[9m",
        "\x1b[53m",
        "\x1b[21m",
        "\x1b[4:3m",
        "\x1b[4:0m",
        "\x1b[58:2::1:2:3m",
        "\x1b[58;5;9m",
        "\x1b[59m",
        "\x1b]8;;http://x\x1b\\",
        "\x1b]8;id=1;http://y;z\x07",
        "\x1b]8;;\x1b\\",
    ]);
    let mode = prop::sample::select(vec![
        "\x1b[?25l",
        "\x1b[?25h",
        "\x1b[?2004h",
        "\x1b[?2004l",
        "\x1b[?1000h",
        "\x1b[?1006h",
        "\x1b[?1003l",
        "\x1b[?1004h",
        "\x1b[?2026h",
        "\x1b[?2026l",
        "\x1b[>1u",
        "\x1b[<u",
        "\x1b[>4;2m",
        "\x1b[5 q",
        "\x1b[0 q",
        "\x1b]0;a title\x07",
        "\x1b]2;é\x1b\\",
        "\x1b=",
        "\x1b>",
        "\x1b[?1h",
        "\x1b[?2031h",
        "\x1bP+q\x1b\\",
        "\x1b[c",
        "\x1b]8;;x\x07",
        "\x1b]52;c;AAAA\x07",
    ]);
    let place = prop::sample::select(vec![
        "\r\n",
        "\n",
        "\r",
        "\x08",
        "\t",
        "\x1bM",
        "\x1b7",
        "\x1b8",
        "\x1b[r",
        "\x1b[2;4r",
        "\x1b[1;5r",
        "\x1b[3r",
        "\x1b[?1049h",
        "\x1b[?1049l",
        "\x1b[?47h",
        "\x1b[?47l",
        "\x1b[?1047h",
        "\x1b[?1047l",
        "\x1b(0",
        "\x1b(B",
        "\x1b)0",
        "\x0e",
        "\x0f",
        "\x1b[4h",
        "\x1b[4l",
        "\x1b[?6h",
        "\x1b[?6l",
        "\x1b[?7l",
        "\x1b[?7h",
        "\x1bH",
        "\x1b[3g",
        "\x1bD",
        "\x1bE",
        "\x1b#8",
        "\r\n\r\n\r\n\r\n\r\n",
    ]);
    let piece = prop_oneof![
        6 => text,
        3 => csi,
        2 => style.prop_map(str::to_owned),
        1 => mode.prop_map(str::to_owned),
        3 => place.prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// What cckw's emulator and the crate vt100 take for the same. Where they differ, cckw's does as xterm does; the
/// tests of the emulator say where.
pub fn what_both_know() -> impl Strategy<Value = String> {
    let text = prop::sample::select(vec!["a", "b ", "word word", "日", "x日本", "e\u{301}", "─", "❯ "]);
    let control = (prop::sample::select("CGHX".chars().collect::<Vec<_>>()), 1..12u16)
        .prop_map(|(last, number)| format!("\x1b[{number}{last}"));
    let rest = prop::sample::select(vec![
        "\x1b[K",
        "\x1b[1K",
        "\x1b[2K",
        "\x1b[J",
        "\x1b[2J",
        "\x1b[m",
        "\x1b[22;1m",
        "\x1b[3;4m",
        "\x1b[7m",
        "\x1b[31m",
        "\x1b[38;5;123m",
        "\x1b[39m",
        "\r\n",
        "\r\n\r\n",
        "\n",
        "\r",
        "\t",
        "\x1bM",
        "\x1b7",
        "\x1b8",
        "\x1b[?25l",
        "\x1b[?2004h",
        "\x1b]0;a title\x07",
        "\x1b[c",
    ]);
    let piece = prop_oneof![
        3 => text.prop_map(str::to_owned),
        1 => control,
        3 => rest.prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}
