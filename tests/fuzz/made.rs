//! What the fuzz targets begin with: pieces of recorded streams and screens, and what was written by hand.
//! Inputs that once found something are not made here; their names begin with `found-`.

use std::fs;
use std::path::Path;

/// A seed: its target, its name, its bytes.
pub type Seed = (&'static str, String, Vec<u8>);

/// No seed is longer, in bytes, so that none is cut by the fuzzer.
const LONGEST: usize = 4000;

/// All of them; `top` is the repository.
pub fn seeds(top: &Path) -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (target, texts) in
        [("arguments", ARGUMENTS), ("config", CONFIG), ("state_file", STATE_FILE), ("transcript", TRANSCRIPT)]
    {
        seeds.extend(texts.iter().map(|(name, text)| (target, (*name).to_owned(), text.as_bytes().to_vec())));
    }
    for (name, text) in KEYS {
        seeds.push(("keys", (*name).to_owned(), [b"\x01\x03", text.as_bytes()].concat()));
    }
    for (name, who, text) in CONTROL {
        seeds.push(("control", (*name).to_owned(), [&[*who, 5], text.as_bytes()].concat()));
    }
    for (name, text) in OUTPUT {
        seeds.push(("modes", (*name).to_owned(), [b"\x07", text.as_bytes()].concat()));
        seeds.push(("repaint", (*name).to_owned(), [b"\x09\x1d\x80", text.as_bytes()].concat()));
    }
    for (name, piece) in COSTLY {
        let (rows, columns) = if *name == "reset" { (200, 120) } else { (24, 20) };
        seeds.push(("work", (*name).to_owned(), [&[rows, columns, 14], piece.as_bytes()].concat()));
    }
    for (name, replies, output) in ANSWERS {
        let mut terminal = replies.as_bytes().to_vec();
        terminal.resize(terminal.len().next_multiple_of(8), b' ');
        let eighths = u8::try_from(terminal.len() / 8).expect("short");
        seeds.push((
            "answers",
            (*name).to_owned(),
            [&[eighths, 3][..], &terminal, output.as_bytes()].concat(),
        ));
    }
    for stream in ["alternate-screen", "main-screen"] {
        let bytes = fs::read(top.join("tests/streams").join(stream).with_extension("bin")).expect("a stream");
        for (number, piece) in pieces(&bytes).into_iter().enumerate() {
            let name = format!("{stream}-{number}");
            seeds.push(("modes", name.clone(), [b"\x07", piece].concat()));
            seeds.push(("repaint", name.clone(), [&[23, 79, 0x80], piece].concat()));
            if number == 0 {
                seeds.push(("answers", name, [&[0, 3], piece].concat()));
            }
        }
    }
    for name in SCREENS {
        let file = fs::read_to_string(top.join("tests/screens/recorded").join(name).with_extension("screen"));
        seeds.push(("screen", (*name).to_owned(), screen(&file.expect("a screen"))));
    }
    for (_, name, bytes) in &seeds {
        assert!(bytes.len() <= LONGEST, "{name} is too long");
    }
    seeds
}

/// The beginning of a stream, and a piece from its middle.
fn pieces(bytes: &[u8]) -> [&[u8]; 2] {
    let middle = &bytes[bytes.len() / 2..];
    let start = middle.iter().position(|byte| *byte == 0x1b).expect("a sequence");
    [&bytes[..2500], &middle[start..start + 2500]]
}

/// The bytes that draw a recorded screen; `tests/screens/README.md` says how it is written.
fn screen(file: &str) -> Vec<u8> {
    let (head, body) = file.split_once("---\n").expect("a head");
    let value = |key: &str| head.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
    let numbers = |key: &str| -> Vec<u8> {
        value(key).expect("a value").split(' ').map_while(|word| word.parse().ok()).collect()
    };
    let (size, cursor) = (numbers("size"), numbers("cursor"));
    let mut bytes = vec![size[0] - 1, size[1] - 1];
    if value("screen") == Some("alternate") {
        bytes.extend(b"\x1b[?1049h");
    }
    for (row, line) in body.lines().enumerate() {
        bytes.extend(format!("\x1b[{};1H{line}", row + 1).into_bytes());
    }
    bytes.extend(format!("\x1b[{};{}H\x1b[?25l", cursor[0] + 1, cursor[1] + 1).into_bytes());
    bytes
}

const SCREENS: &[&str] = &[
    "agents-40x10",
    "classic-20x5",
    "classic-40x10-command",
    "classic-40x10-dialog",
    "classic-40x10-draft",
    "classic-40x10-empty",
    "classic-60x15-draft",
    "classic-menu-exact",
    "classic-named-40x10",
    "classic-permission",
];

/// What asks for much with few bytes.
const COSTLY: &[(&str, &str)] = &[
    ("alternate", "\x1b[?1049h\x1b[?1049;1049;1049l"),
    ("characters", "e\u{301}\u{301}\u{1f980}\u{fe0f}"),
    ("clear", "\x1b[2J\x1b[H\x1b[J"),
    ("lines", "\x1b[65535L\x1b[65535S\x1bM\n"),
    (
        "numbers",
        "\x1b[1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18;19;20;21;22;23;24;25;26;27;28;29;30;31;32;33m",
    ),
    ("questions", "\x1b[6n\x1b[c\x1b[5n\x1b]11;?\x07"),
    ("repeat", "x\x1b[65535b"),
    ("reset", "\x1bc"),
    ("stacks", "\x1b[>1u\x1b[22;0t\x1b]8;id=1;x\x07\x1b]0;title\x07"),
    ("text", "hello\r\n"),
    ("without-end", "\x1b]0;\x1bP\x1b_"),
];

const KEYS: &[(&str, &str)] = &[
    ("arrows", "\x1b[A\x1b[1;5D\x1bOP\x1b[[A\x1b[3~"),
    ("detach-csi-u", "a\x1b[92;5ub\x1b[92;5:3u\x1b[92:124;5:1u\x1b[92;133u\x1b[47::92;5u"),
    ("detach-legacy", "ab\x1ccd\x1b\x1c\x1b[\x1c"),
    ("detach-modify-other-keys", "\x1b[27;5;92~\x1b[27;6;92~\x1b[27;5;91~"),
    ("escape", "\x1b\x1b\x1bx\x1b"),
    ("mouse", "\x1b[<0;1;2M\x1b[<0;1;2m\x1b[M !!\x1b[32;10;20M\x1b[I\x1b[O"),
    ("paste", "\x1b[200~two\nlines \x1c \x1b[92;5u\x1b[201\x1b[201~after"),
    (
        "replies",
        "\x1b[?62;22c\x1bP>|kitty(0.40)\x1b\\\x1b]11;rgb:1/2/3\x07\x1b[?0u\x1b[12;40R\x1b[1;2R\x1b[?2026;2$y",
    ),
    ("string-without-end", "\x1b]11;rgb\x1b[92;5u\x1b]0;x\x1bz\x1bP\x18"),
    ("text", "hello, w\u{f6}rld \u{65e5}\u{672c}\r\x03\x04\x1a"),
];

const OUTPUT: &[(&str, &str)] = &[
    (
        "claude-start",
        "\x1b[?2004h\x1b[?1004h\x1b[?2031h\x1b[>1u\x1b[>4;2m\x1b[?25l\x1b]0;\u{2733} Claude Code\x07\x1b[>0q\x1b[?u\x1b[c",
    ),
    ("alternate", "a\x1b[?1049h\x1b[>1u\x1b[2J\x1b[Hb\x1b[3;5r\x1b[?1049lc\x1b[<u"),
    ("charsets", "\x1b(0lqk\x0e\x1b)0x\x0f\x1b(B\x1b[!p"),
    (
        "links",
        "\x1b]8;;https://example.org\x1b\\x\x1b]8;;\x07\x1b]9;4;1;50\x07\x1b]11;#000000\x07\x1b]52;c;aGk=\x07",
    ),
    ("margins", "\x1b[2;4r\x1b[?6h1\r\n2\r\n3\r\n4\x1b7\x1b[5;5H\x1b8\x1bM\x1bD\x1b[2S\x1b[1T\x1b[L\x1b[2M"),
    ("mouse", "\x1b[?1000;1002;1003;1006h\x1b[?9h\x1b[?1016h\x1b[?1003l\x1b[?2026h\x1b[?45;66;5h"),
    ("reset", "\x1b[1;31m\x1b[?25l\x1bc\x1b[4h\x1b=\x1b[5 q\x1b[22t\x1b]2;t\x07\x1b[23t\x1b[=5;2u"),
    (
        "styles",
        "\x1b[1;2;3;4;5;7;9mx\x1b[38;5;123;48;2;1;2;3my\x1b[4:3;58:2::1:2:3mz\x1b[22;23;24m\x1b[K\x1b[mq",
    ),
    (
        "wide",
        "\u{65e5}\u{672c}\u{8a9e}\u{1f980}e\u{301}\u{2764}\u{fe0f}\x1b[1;29H\u{65e5}\u{65e5}\x1b[2;30Hx\u{fe0f}y\x1b[3@\x1b[2P\x1b[X",
    ),
    (
        "scroll",
        "1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n7\r\n8\r\n9\r\n10\r\n11\r\n12\r\n\x1b[2J\x1b[3J\x1b[H\x1b[?7labcdefghijklmnopqrstuvwxyzabcdefghijklmn",
    ),
];

const ANSWERS: &[(&str, &str, &str)] = &[
    ("claude-start", "", "\x1b[>0q\x1b[?u\x1b]7501;?\x07\x1b[c"),
    (
        "colours",
        "\x1b]10;rgb:d/d/d\x1b\\\x1b]11;rgb:1/1/1\x07\x1b[?997;1n",
        "\x1b]10;?\x07\x1b]11;?\x1b\\\x1b]12;?\x07\x1b[?996n",
    ),
    (
        "kitty",
        "\x1b[?64;1;2c\x1b[>1;4000;12c\x1bP>|kitty(0.40.0)\x1b\\\x1b[?0u",
        "\x1b[>5u\x1b[?u\x1b[c\x1b[>c\x1b[>q",
    ),
    ("modes", "\x1b[?2026;0$y\x1b[?2004;3$y", "\x1b[?2004h\x1b[?2004$p\x1b[?1004$p\x1b[?2026$p\x1b[?9999$p"),
    ("position", "\x1b[24;80R", "abc\x1b[6n\x1b[?6n\x1b[5n\x1b[0c\x1b[>0c"),
];

const ARGUMENTS: &[(&str, &str)] = &[
    ("combined", "-cdnName\n-cp\n-d2e\n-rabc"),
    ("conversation", "--resume\n0f0e0d0c-1111-4111-8111-0123456789ab\n--fork-session\n-c\n--session-id=x"),
    ("end", "--model\nopus\n--\n-p\n--the-prompt\nmcp"),
    ("many", "--add-dir\na\nb\n--allowedTools\nBash(git:*)\nEdit\n-n\nName\nhello there"),
    ("server", "--debug-file\nf\nremote-control\n-c\n--name\nx\n--session-id=s"),
    ("straight", "--settings\n./x.json\n-p\nhello"),
    ("subcommand", "mcp\nadd\n-s\nuser"),
    ("unknown", "--not-known-yet\nvalue\n--other=x\n-z\nlogs\n0123abcd"),
    ("worktree", "-w\n--worktree=mine\n-w\nname\nhello"),
];

const CONFIG: &[(&str, &str)] = &[
    (
        "all",
        "claude = \"/opt/claude\"\non_hangup = \"exit\"\nssh_agent = \"keep\"\ndetach_key = \"none\"\nstall_after = \"3s\"\nlinger = \"0s\"\nnotify = \"osc777\"\n[restart]\ninitial_delay = \"250ms\"\nmax_delay = \"5m\"\nfactor = 3\njitter = 0.5\nstable_after = \"10s\"\ncrash_limit = 3\ncrash_window = \"1h\"\n",
    ),
    ("home", "claude = \"~/bin/claude\" # mine\n"),
    ("inline", "restart = { max_delay = \"10ms\" }\nremote_control.keep = \"always\"\n"),
    (
        "remote-control",
        "[remote_control]\nkeep = \"if-used\"\ndisconnected_for = \"15s\"\nrest = \"3s\"\ncooldown = \"10s\"\nmax_cooldown = \"10m\"\nmax_tries = 8\ncommand = \"/rc\"\nname = \"my box\"\ncycle_after_sleep = \"60s\"\ncycle_after_outage = \"off\"\ncycle_after_idle = \"6h\"\n",
    ),
    ("syntax", "claude = \"/opt\n[x\n= 1\n"),
    ("types", "linger = 8\nclaude = 7\n[restart]\nfactor = nan\njitter = 1e9\ncrash_limit = 5000000000\n"),
    ("unknown", "\u{e9} = 1\n\"\\u001b\" = 2\ncluade = \"/x\"\n"),
];

const CONTROL: &[(&str, u8, &str)] = &[
    (
        "answers",
        3,
        "{\"v\":1,\"op\":\"status\",\"record\":{\"a\":[1,2.5,null]},\"screen\":[\"x\"],\"formatted\":\"\",\"stale\":false}\n{\"v\":1,\"op\":\"done\"}\n{\"v\":1,\"op\":\"reconnect\",\"begun\":true,\"against\":null,\"remote\":{}}\n{\"v\":1,\"op\":\"refused\",\"reason\":\"no\"}\n{\"v\":1,\"op\":\"restart\",\"waits_for\":\"busy\"}\n",
    ),
    (
        "attach",
        2,
        "{\"v\":1,\"fds\":0,\"op\":\"attach\",\"client\":7,\"size\":{\"rows\":24,\"columns\":80,\"width\":0,\"height\":0},\"attributes\":{\"input\":0,\"output\":0,\"control\":0,\"local\":0,\"characters\":[0],\"input_speed\":15,\"output_speed\":15},\"terminal\":\"/dev/pts/1\"}\n",
    ),
    (
        "client",
        0,
        "{\"v\":1,\"op\":\"resized\",\"size\":{\"rows\":1,\"columns\":2}}\n{\"v\":1,\"op\":\"signal\",\"number\":15}\n{\"v\":1,\"op\":\"reply\",\"bytes\":[27,91]}\n{\"v\":1,\"op\":\"held\",\"typed_ago_ms\":5,\"in_paste\":false,\"in_sequence\":true,\"unsent\":0}\n{\"v\":1,\"op\":\"hung-up\"}\n",
    ),
    ("descriptors", 1, "{\"v\":1,\"fds\":1,\"op\":\"started\"}\n"),
    (
        "host",
        1,
        "{\"v\":1,\"op\":\"started\"}\n{\"v\":1,\"op\":\"undo\",\"bytes\":\"\\u001b[m\",\"extended_keys\":true,\"later\":[1]}\n{\"v\":1,\"op\":\"ended\",\"status\":3}\n{\"v\":1,\"op\":\"failed\",\"reason\":\"why\",\"status\":127}\n{\"v\":1,\"op\":\"stopped\",\"signal\":20}\n",
    ),
    (
        "requests",
        2,
        "{\"v\":1,\"op\":\"status\"}\n{\"v\":1,\"op\":\"reconnect\",\"apply\":true,\"cycle\":true}\n{\"v\":1,\"op\":\"restart\",\"now\":false,\"program\":\"/x\"}\n{\"v\":1,\"op\":\"stop\"}\n",
    ),
    ("version", 1, "{\"v\":2,\"op\":\"ended\",\"status\":3}\n"),
];

const STATE_FILE: &[(&str, &str)] = &[
    (
        "bridge",
        "{\"pid\":7,\"procStart\":\"@START@\",\"status\":\"busy\",\"bridgeSessionId\":\"cse_1\",\"kind\":\"interactive\",\"entrypoint\":\"cli\"}",
    ),
    ("foreign", "{\"pid\":1,\"sessionId\":\"0b0e\",\"procStart\":\"1\",\"status\":\"idle\"}"),
    (
        "idle",
        "{\"pid\":7,\"sessionId\":\"0f0e0d0c-1111-4111-8111-0123456789ab\",\"cwd\":\"/w\",\"startedAt\":1763700000000,\"procStart\":\"@START@\",\"version\":\"2.1.329\",\"kind\":\"interactive\",\"entrypoint\":\"cli\",\"status\":\"waiting\",\"waitingFor\":\"dialog open\",\"updatedAt\":1}",
    ),
    (
        "odd",
        "{\"sessionId\":7,\"procStart\":4711,\"status\":\"\",\"cwd\":null,\"bridgeSessionId\":[],\"parkedJobId\":0}",
    ),
    (
        "surrogates",
        "{\"name\":\"caf\\ud83d\",\"x\":1e999,\"bridgeSessionId\":\"\\ud800\",\"status\":\"idle\"}",
    ),
    (
        "twice",
        "{\"status\":\"busy\",\"status\":\"idle\",\"bridgeSessionId\":\"a\",\"bridgeSessionId\":null,\"parkedJobId\":\"j\"}",
    ),
];

const TRANSCRIPT: &[(&str, &str)] = &[
    ("broken", "/w\n{\"half\n{\"type\":\"user\",\"uuid\":\"x\"}"),
    (
        "conversation",
        "/home/me/a b.c\n{\"type\":\"mode\"}\n{\"parentUuid\":null,\"type\":\"user\",\"uuid\":\"x\",\"timestamp\":\"t\",\"message\":{\"role\":\"user\",\"content\":\"hi\"}}\n",
    ),
    ("empty", "/w\u{fc}/\u{65e5}\u{1f600}\n"),
    ("id", "0f0e0d0c-1111-4111-8111-0123456789ab\n\n"),
    ("none", "/w\n{\"type\":\"mode\"}\n{\"uuid\":7}\n[\"uuid\"]\n\"uuid\"\n{\"message\":{\"uuid\":\"x\"}}\n"),
    ("twice", "relative\n{\"uuid\":1,\"uuid\":\"x\"}\n{\"uu\\u0069d\":\"x\"}\n"),
];
