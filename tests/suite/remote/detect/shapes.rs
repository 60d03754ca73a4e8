//! State files of every shape. `PID` and `START` stand for the process that a file is about, and its
//! start, `LONG` for 64 KiB of text.

/// Where the verdict is the one of `claude-connection-keeper`. The first is connected, the second is not.
pub const SAME: &[(&str, &str)] = &[
    (
        "connected",
        r#"{"pid":PID,"procStart":"START","sessionId":"s","cwd":"/w","version":"2.1.329","kind":"interactive",
            "entrypoint":"cli","status":"idle","bridgeSessionId":"session_01"}"#,
    ),
    (
        "absent",
        r#"{"pid":PID,"procStart":"START","sessionId":"s","cwd":"/w","version":"2.1.329","kind":"interactive",
            "entrypoint":"cli","status":"idle"}"#,
    ),
    ("null", r#"{"kind":"interactive","entrypoint":"cli","status":"idle","bridgeSessionId":null}"#),
    ("empty", r#"{"kind":"interactive","entrypoint":"cli","status":"idle","bridgeSessionId":""}"#),
    ("busy", r#"{"kind":"interactive","entrypoint":"cli","status":"busy","procStart":"START"}"#),
    ("shell", r#"{"kind":"interactive","entrypoint":"cli","status":"shell","procStart":"START"}"#),
    ("waiting", r#"{"kind":"interactive","entrypoint":"cli","status":"waiting","waitingFor":"dialog open"}"#),
    (
        "connected and busy",
        r#"{"kind":"interactive","entrypoint":"cli","status":"busy","bridgeSessionId":"b"}"#,
    ),
    ("connected, later status", r#"{"status":"later","bridgeSessionId":"b"}"#),
    ("connected, no status", r#"{"bridgeSessionId":"b"}"#),
    ("connected, not escaped", "{\"bridgeSessionId\":\"caf\u{e9} \u{1f980}\",\"status\":\"idle\"}"),
    ("later status", r#"{"kind":"interactive","entrypoint":"cli","status":"later"}"#),
    ("status in capitals", r#"{"kind":"interactive","entrypoint":"cli","status":"Idle"}"#),
    ("empty status", r#"{"kind":"interactive","entrypoint":"cli","status":""}"#),
    ("null status", r#"{"kind":"interactive","entrypoint":"cli","status":null}"#),
    ("numeric status", r#"{"kind":"interactive","entrypoint":"cli","status":0}"#),
    ("list of statuses", r#"{"kind":"interactive","entrypoint":"cli","status":["idle"]}"#),
    ("no status", r#"{"kind":"interactive","entrypoint":"cli"}"#),
    ("empty object", "{}"),
    ("nothing", ""),
    ("blank", " \n"),
    ("half of an object", r#"{"pid":PID,"procStart":"START","kind":"inter"#),
    ("all but the last byte", r#"{"kind":"interactive","entrypoint":"cli","status":"idle""#),
    ("half, over the rest of an older one", r#"{"kind":"interactive","status":"idle"},"status":"busy"}"#),
    ("list", r#"[{"status":"idle"}]"#),
    ("number", "7"),
    ("string", r#""idle""#),
    ("true", "true"),
    ("bare null", "null"),
    ("a comma too many", r#"{"status":"idle",}"#),
    ("byte order mark", "\u{feff}{\"status\":\"idle\"}"),
    ("a raw control character", "{\"cwd\":\"\u{1b}[2J\",\"status\":\"idle\"}"),
    ("twice the same key", r#"{"kind":"interactive","entrypoint":"cli","status":"busy","status":"idle"}"#),
    (
        "foreign keys",
        r#"{"kind":"interactive","entrypoint":"cli","status":"idle","later":{"status":"busy","bridgeSessionId":"b"},
            "BridgeSessionId":"b","bridge_session_id":"b","x":1e9,"y":[true,{}],"":null,"pidDomain":"d"}"#,
    ),
    ("half of a pair", r#"{"kind":"interactive","entrypoint":"cli","status":"idle","name":"\ud83d"}"#),
    ("background", r#"{"kind":"background","entrypoint":"cli","status":"idle"}"#),
    ("no kind", r#"{"entrypoint":"cli","status":"idle"}"#),
    ("sdk", r#"{"kind":"interactive","entrypoint":"sdk-ts","status":"idle"}"#),
    ("no entrypoint", r#"{"kind":"interactive","status":"idle"}"#),
    ("numeric start", r#"{"kind":"interactive","entrypoint":"cli","status":"idle","procStart":START}"#),
    ("null job", r#"{"kind":"interactive","entrypoint":"cli","status":"idle","parkedJobId":null}"#),
    ("empty job", r#"{"kind":"interactive","entrypoint":"cli","status":"idle","parkedJobId":""}"#),
    (
        "control characters",
        r#"{"kind":"interactive","entrypoint":"cli","status":"idle","cwd":"/w/\u001b[31m\n\u0007\u009b\u202e","name":"\u0000"}"#,
    ),
    ("long", r#"{"kind":"interactive","entrypoint":"cli","status":"idle","name":"LONG"}"#),
];

/// A shape that is trusted less here than there.
pub struct Stricter {
    /// What it is.
    pub name: &'static str,
    /// What the file holds.
    pub contents: &'static str,
    /// The state here.
    pub ours: &'static str,
    /// The state there.
    pub theirs: &'static str,
    /// What stands in the reasons.
    pub reason: &'static str,
}

/// Where it is stricter than `claude-connection-keeper`; `docs/user/detect.md` lists them.
pub const STRICTER: &[Stricter] = &[
    Stricter {
        name: "recycled pid, connected",
        contents: r#"{"procStart":"1","kind":"interactive","entrypoint":"cli","status":"idle","bridgeSessionId":"b"}"#,
        ours: "unknown",
        theirs: "connected",
        reason: "recycled pid",
    },
    Stricter {
        name: "recycled pid, disconnected",
        contents: r#"{"procStart":"1","kind":"interactive","entrypoint":"cli","status":"idle"}"#,
        ours: "unknown",
        theirs: "disconnected",
        reason: "recycled pid",
    },
    Stricter {
        name: "the file of another process",
        contents: r#"{"pid":1,"kind":"interactive","entrypoint":"cli","status":"idle"}"#,
        ours: "unknown",
        theirs: "disconnected",
        reason: "is about process 1",
    },
    Stricter {
        name: "agents view",
        contents: r#"{"kind":"interactive","entrypoint":"cli","status":"idle","parkedJobId":"j"}"#,
        ours: "disconnected",
        theirs: "disconnected",
        reason: "parkedJobId",
    },
    Stricter {
        name: "agents view, as a later version may say it",
        contents: r#"{"kind":"interactive","entrypoint":"cli","status":"idle","parkedJobId":{"id":7}}"#,
        ours: "disconnected",
        theirs: "disconnected",
        reason: "parkedJobId",
    },
    Stricter {
        name: "a bridge that is no string",
        contents: r#"{"kind":"interactive","entrypoint":"cli","status":"idle","bridgeSessionId":{"id":"b"}}"#,
        ours: "unknown",
        theirs: "disconnected",
        reason: "unknown type",
    },
    Stricter {
        name: "a bridge that is no text",
        contents: r#"{"kind":"interactive","entrypoint":"cli","status":"idle","bridgeSessionId":"\ud800"}"#,
        ours: "unknown",
        theirs: "connected",
        reason: "unknown type",
    },
    Stricter {
        name: "what JSON does not have",
        contents: r#"{"kind":"interactive","entrypoint":"cli","status":"idle","x":NaN}"#,
        ours: "unknown",
        theirs: "disconnected",
        reason: "no whole state file",
    },
];
