use super::*;

fn read(text: &str) -> Result<Config, String> {
    parse(Path::new("/c/config.toml"), text.as_bytes()).map_err(|e| e.to_string())
}

#[test]
fn nothing_is_required() {
    assert_eq!(read(""), Ok(Config::default()));
    assert_eq!(read("# only a comment\n"), Ok(Config::default()));
}

#[test]
fn the_program_is_read() {
    let program = |text: &str| read(text).unwrap().claude.program;
    assert_eq!(program("claude = \"/opt/claude\""), Some("/opt/claude".into()));
    assert_eq!(program("[claude]\nprogram = \"/opt/claude\""), Some("/opt/claude".into()));
    assert_eq!(program("[claude]\n"), None);
    assert_eq!(program_path("~/bin/claude".into(), Some("/home/u".into())), Ok("/home/u/bin/claude".into()));
}

#[test]
fn a_newer_claude_is_taken_where_that_is_set() {
    let policy = |text: &str| read(text).map(|config| config.claude.restart_when_newer);
    assert_eq!(policy("claude = \"/opt/claude\""), Ok(RestartWhenNewer::Never));
    assert_eq!(policy("[claude]\nrestart_when_newer = \"never\""), Ok(RestartWhenNewer::Never));
    assert_eq!(policy("[claude]\nrestart_when_newer = \"idle\""), Ok(RestartWhenNewer::Idle));
    let other = policy("[claude]\nrestart_when_newer = \"now\"").unwrap_err();
    assert!(other.contains(":2:22: ") && other.contains("`never` or `idle`"), "{other}");
    let unknown = policy("[claude]\npath = \"/x\"").unwrap_err();
    assert!(unknown.contains(":2:1: ") && unknown.contains("`program`"), "{unknown}");
    let relative = policy("[claude]\nprogram = \"claude\"").unwrap_err();
    assert!(relative.contains(":2:1: `claude` is not an absolute path"), "{relative}");
}

#[test]
fn errors_name_the_place_and_what_is_allowed() {
    let unknown = read("\n  cluade = \"/opt/claude\"\n").unwrap_err();
    assert!(unknown.starts_with("/c/config.toml:2:3: unknown field `cluade`"), "{unknown}");
    assert!(
        unknown.contains("expected one of `claude`") && unknown.contains("docs/user/configuration.md"),
        "{unknown}"
    );
    let kind = read("claude = 7").unwrap_err();
    assert!(kind.starts_with("/c/config.toml:1:10: invalid type"), "{kind}");
    let syntax = read("claude = \"/opt").unwrap_err();
    assert!(syntax.starts_with("/c/config.toml:1:"), "{syntax}");
    let relative = read("\nclaude = \"claude\"").unwrap_err();
    assert!(relative.starts_with("/c/config.toml:2:1: `claude` is not an absolute path"), "{relative}");
}

#[test]
fn errors_are_one_line_without_control_characters() {
    for text in ["claude = \"\\u001b[31m\"", "\"\\u001b\\n\" = 1", "a = \"\n\"", "= =", "[x"] {
        let error = read(text).unwrap_err();
        assert!(!error.chars().any(char::is_control), "{error:?}");
    }
}

#[test]
fn columns_count_characters() {
    assert_eq!(line_and_column("é = 1\nüx".as_bytes(), 9), (2, 2));
    let error = parse(Path::new("/c"), b"ab\xff").unwrap_err().to_string();
    assert_eq!(error, "/c:1:3: not valid UTF-8; save the file as UTF-8");
}

#[test]
fn relative_directories_are_ignored() {
    let dir = |xdg: &str, home: &str| config_dir_of(Some(xdg.into()), Some(home.into()));
    assert_eq!(dir("/x", "/h"), Some("/x/cckw".into()));
    assert_eq!(dir("x", "/h"), Some("/h/.config/cckw".into()));
    assert_eq!(dir("", "/h"), Some("/h/.config/cckw".into()));
    assert_eq!(config_dir_of(None, None), None);
}

#[test]
fn files_that_cannot_be_read_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(load_from(&dir.path().join("none.toml")), Ok(Config::default()));
    let error = load_from(dir.path()).unwrap_err().to_string();
    assert!(error.contains("not a regular file"), "{error}");
    let error = load_from(&dir.path().join("x\0y")).unwrap_err().to_string();
    assert!(!error.chars().any(char::is_control), "{error:?}");
}

#[test]
fn the_numbers_are_read() {
    let read = read(
        "on_hangup = \"exit\"\nlinger = \"0s\"\n[restart]\ninitial_delay = \"250ms\"\nearly_delay = \"0s\"\nmax_delay = \"5m\"\nfactor = 3\n\
         jitter = 0\nstable_after = \"10s\"\ncrash_limit = 3\ncrash_window = \"1h\"\n\
         on_sigterm = \"end\"\n",
    );
    let restart = Restart {
        initial_delay: Duration::from_millis(250),
        early_delay: Duration::ZERO,
        max_delay: Duration::from_secs(300),
        factor: 3.0,
        jitter: 0.0,
        stable_after: Duration::from_secs(10),
        crash_limit: 3,
        crash_window: Duration::from_secs(3600),
        on_sigterm: OnSigterm::End,
    };
    assert_eq!(
        read,
        Ok(Config { on_hangup: OnHangup::Exit, linger: Duration::ZERO, restart, ..Config::default() })
    );
    assert_eq!(Restart::default().check(), Ok(()));
}

#[test]
fn numbers_that_make_no_sense_name_their_place_and_what_is_allowed() {
    for (text, place, said) in [
        ("linger = \"8 h\"", "1:10", "whole number and ms, s, m, h or d"),
        ("linger = 8", "1:10", "expected a duration such as \"250ms\""),
        ("detach_key = \"ctrl-a\"", "1:14", "expected `ctrl-\\` or `none`"),
        ("ssh_agent = \"none\"", "1:13", "expected `follow` or `keep`"),
        ("notify = \"osc8\"", "1:10", "expected one of `off`, `title`, `osc9`, `osc777`"),
        ("notify = 1", "1:10", "or a table [notify]"),
        ("[notify]\nterminal = \"osc8\"", "2:12", "expected one of `off`, `title`, `osc9`, `osc777`"),
        (
            "[notify]\non = [\"ask\"]",
            "2:7",
            "expected one of `asks`, `done`, `failed`, `limited`, `crashed`, `link`",
        ),
        ("[notify]\ncommand = \"curl\"", "2:11", "a sequence"),
        ("[notify]\ncommand = [\"./push\"]", "2:1", "a relative path"),
        ("[notify]\ncmd = []", "2:1", "unknown field `cmd`"),
        ("on_hangup = \"stay\"", "1:13", "expected `detach` or `exit`"),
        ("[restart]\ninitial_delay = \"0s\"", "2:17", "longer than zero"),
        ("[restart]\nmax_delay = \"90000h\"", "2:13", "at most \"87600h\""),
        ("[restart]\nfactor = 0.5", "2:10", "from 1 to 100"),
        ("[restart]\nfactor = nan", "2:10", "from 1 to 100"),
        ("[restart]\njitter = 1.01", "2:10", "from 0 to 1"),
        ("[restart]\ncrash_limit = 0", "2:15", "from 1 to 1000"),
        ("[restart]\ncrash_limit = 5000000000", "2:15", "from 1 to 1000"),
        ("[restart]\nfactor = \"2\"", "2:10", "expected a number from 1 to 100"),
        ("[restart]\ncrash_limit = 2.5", "2:15", "expected a whole number from 1 to 1000"),
        ("[environment]\nnever_record = [\"A=B\"]", "2:1", "no name of a variable"),
        ("[environment]\nnever_record = \"A\"", "2:16", "a sequence"),
        ("[turn]\ncrash = \"on\"", "2:9", "expected one of `off`, `ask`, `continue`"),
        ("[turn]\nmax_tries = 0", "2:13", "from 1 to 1000"),
        ("[turn]\nprompt = \" \"", "2:10", "a text of one line, not empty"),
        ("[turn]\nprompt = \"/exit\"", "2:10", "a text of one line"),
        ("[turn]\nprompt = \"a\\nb\"", "2:10", "a text of one line"),
        ("[remote_control]\nkeep = \"yes\"", "2:8", "expected one of `off`, `if-used`, `always`"),
        ("[remote_control]\ncooldown = \"5s\"", "2:1", "shorter than 10s"),
        ("[remote_control]\nmax_cooldown = \"9s\"", "2:1", "shorter than `cooldown` (10s)"),
        ("[remote_control]\nmax_tries = 0", "2:13", "from 1 to 1000"),
        ("[remote_control]\ncommand = \"rc\"", "2:11", "a slash command"),
        ("[remote_control]\ncommand = \"/rc; x\"", "2:11", "a slash command"),
        ("[remote_control]\nname = \"a\\nb\"", "2:8", "letters, digits and signs of ASCII"),
        ("[remote_control]\nrest = \"0s\"", "2:8", "longer than zero"),
        ("[remote_control]\ncycle_after_sleep = \"0s\"", "2:21", "longer than zero"),
        ("[remote_control]\ncycle_after_idle = false", "2:20", "or \"off\""),
        ("[restart]\n delay = \"1s\"", "2:2", "expected one of `initial_delay`, `early_delay`, `max_delay`"),
        ("[restart]\nmax_delay = \"10ms\"", "2:1", "shorter than `initial_delay` (1s)"),
        ("[restart]\n\ninitial_delay = \"2m\"", "1:2", "`max_delay` (60s) is shorter"),
        ("[update]\nurl = \"http://example.org/m.json\"", "2:1", "neither an address with https nor a file"),
        ("[update]\npublic_key = \"key\"", "2:1", "no public key of minisign"),
        ("[update]\nauto = \"apply\"", "2:1", "`url` or `public_key` is not set"),
        ("[update]\nauto = \"on\"", "2:8", "expected one of `off`, `check`, `apply`"),
        ("[update]\nhost = 1", "2:1", "unknown field `host`"),
        ("\nrestart.max_delay = \"10ms\"", "2:9", "shorter than `initial_delay`"),
        ("restart = { max_delay = \"10ms\" }", "1:13", "shorter than `initial_delay`"),
    ] {
        let error = read(text).expect_err(text);
        assert!(error.starts_with(&format!("/c/config.toml:{place}: ")) && error.contains(said), "{error}");
        assert!(!error.chars().any(char::is_control), "{error:?}");
    }
}

#[test]
fn notify_is_a_word_or_a_table() {
    let notify = |text: &str| read(text).map(|config| config.notify);
    let osc9 = Notify { terminal: TerminalNotice::Osc9, ..Notify::default() };
    assert_eq!(notify("notify = \"osc9\""), Ok(osc9.clone()));
    assert_eq!(notify("[notify]\nterminal = \"osc9\""), Ok(osc9));
    let asks = Notify { command: vec!["push".into()], on: vec![AlertKind::Asks], ..Notify::default() };
    assert_eq!(notify("[notify]\ncommand = [\"push\"]\non = [\"asks\"]"), Ok(asks));
}

#[test]
fn what_is_typed_for_remote_control_is_one_line() {
    let line = |text: &str| read(text).map(|config| config.remote_control.line());
    assert_eq!(line("").as_deref(), Ok("/remote-control"));
    let named = "[remote_control]\nkeep = \"always\"\ncommand = \"/rc\"\nname = \"my box\"";
    assert_eq!(line(named).as_deref(), Ok("/rc my box"));
}

/// The last column of the tables in the documentation makes a configuration that changes nothing.
#[test]
fn the_documented_defaults_are_the_defaults() {
    let page = include_str!("../../docs/user/configuration.md");
    let tables = page.split("\n| key | value | default |\n| --- | --- | --- |\n").skip(1);
    let (mut text, mut count) = (String::new(), 0);
    for (head, table) in [
        "",
        "[claude]\n",
        "[notify]\n",
        "[start]\n",
        "[environment]\n",
        "[records]\n",
        "[restart]\n",
        "[turn]\n",
        "[remote_control]\n",
        "[update]\n",
    ]
    .iter()
    .zip(tables)
    {
        text += head;
        for row in table.lines().take_while(|line| line.starts_with('|')) {
            let key = row.split('`').nth(1).expect("a key");
            let default = row.trim_end_matches(" |").rsplit(" | ").next().expect("a cell");
            // Where the default is no value, it is told in words.
            if let Some((value, _)) = default.strip_prefix('`').and_then(|rest| rest.split_once('`')) {
                text += &format!("{key} = {value}\n");
                count += 1;
            }
        }
    }
    assert!(count > 20, "{text}");
    assert_eq!(read(&text), Ok(Config::default()), "{text}");
}
