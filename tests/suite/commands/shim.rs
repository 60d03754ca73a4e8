//! `cckw shell-init --shim`: a program `claude` that goes through cckw, for whoever does not ask a shell's
//! function.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Output, Stdio};

use crate::support::verb::{cckw, well_said};
use crate::support::{Sandbox, Terminal, cckw_program};

/// A claude that says whether it is in a session, and what it was given, and ends with 7.
const CLAUDE: &str = r#"#!/bin/sh
[ "${CCKW_SESSION-}" ] && echo kept || echo bare
echo "X=${X-} steps=${CCKW_EXEC-}"
for word; do printf '%s\n' "$word"; done
[ -t 0 ] || cat
exit 7
"#;

/// A sandbox in which these folders come first on PATH, with claude in `real`, and cckw in `bin`.
fn place(folders: &[&str]) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.link("cckw", cckw_program());
    program(&sandbox, "real/claude", CLAUDE);
    search(&mut sandbox, folders);
    sandbox
}

fn search(sandbox: &mut Sandbox, folders: &[&str]) {
    let mut path = OsString::new();
    for folder in folders.iter().chain(&["bin"]) {
        fs::create_dir_all(sandbox.path(folder)).expect("a folder");
        path.push(sandbox.path(folder));
        path.push(":");
    }
    path.push("/usr/bin:/bin");
    sandbox.set("PATH", path);
}

fn program(sandbox: &Sandbox, name: &str, text: &str) {
    // A script that mentions cckw, as in the path of the sandbox, would be passed over.
    let made = sandbox.script("made", text);
    let path = sandbox.path(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::rename(made, path).expect("moves");
}

fn dir(sandbox: &Sandbox, folder: &str) -> String {
    sandbox.path(folder).to_str().expect("UTF-8").to_owned()
}

fn install(sandbox: &Sandbox, folder: &str) -> String {
    well_said(sandbox, &["shell-init", "--shim", &dir(sandbox, folder)])
}

fn shell(sandbox: &Sandbox, line: &str) -> Output {
    let mut command = sandbox.command("/bin/sh");
    command.arg("-c").arg(line).stdin(Stdio::null()).output().expect("a shell")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What `cckw doctor` says of shims.
fn diagnosis(sandbox: &Sandbox) -> Vec<String> {
    let output = cckw(sandbox, &["doctor"]).output().expect("runs");
    text(&output.stdout)
        .lines()
        .filter(|line| line.split_whitespace().nth(1) == Some("shim"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn what_asks_no_function_goes_through_cckw() {
    let sandbox = place(&["shims", "real"]);
    let said = install(&sandbox, "shims");
    assert!(said.contains("It is the first claude on PATH."), "{said}");
    // By the name on PATH, behind which an update puts another program.
    assert_eq!(fs::read_link(sandbox.path("shims/claude")).expect("a link"), sandbox.path("bin/cckw"));
    let mut terminal = Terminal::shell("bash", &sandbox);
    for (number, line) in ["env X=1 claude one", "timeout 1h claude two"].into_iter().enumerate() {
        terminal.run(&format!("clear; {line}; echo status $?"));
        terminal.wait_for_text("status 7");
        let screen = terminal.wait_for_prompt();
        assert!(screen.contains("kept") && !screen.contains("bare"), "{}", terminal.report());
        assert!(screen.contains(["X=1 steps=", "X= steps="][number]), "{}", terminal.report());
    }
    let said = diagnosis(&sandbox);
    assert!(
        said.len() == 1 && said[0].starts_with("ok ") && said[0].contains("first claude on PATH"),
        "{said:?}"
    );
    // A second time it is the same.
    assert!(install(&sandbox, "shims").contains("It is the first claude on PATH."));
    let said = well_said(&sandbox, &["shell-init", "--shim", &dir(&sandbox, "shims"), "--remove"]);
    assert!(said.contains("shims/claude is removed."), "{said}");
    assert_eq!(diagnosis(&sandbox), Vec::<String>::new());
    assert!(!sandbox.path("shims/claude").exists());
    terminal.run("hash -r; env X=1 claude three");
    terminal.wait_for_text("bare");
    terminal.run("exit");
    terminal.finish();
    sandbox.wait_for_silence();
}

#[test]
fn straight_through_it_is_claude_with_every_byte() {
    let sandbox = place(&["shims", "real"]);
    install(&sandbox, "shims");
    let run = |program: &str| {
        let mut command = sandbox.command(sandbox.path(program));
        command.args(["-p", "", "a\nb"]).arg(OsStr::from_bytes(b"\xff\x1b *")).env("X", "1");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("runs");
        child.stdin.take().expect("a pipe").write_all(b"in\0put").expect("writes");
        let output = child.wait_with_output().expect("ends");
        (output.status.code(), output.stdout, output.stderr)
    };
    let (plain, shim) = (run("real/claude"), run("shims/claude"));
    assert_eq!(plain.0, Some(7));
    assert!(plain.1.ends_with(b"\xff\x1b *\nin\0put"), "{}", text(&plain.1));
    // That this claude is a script is counted, as without a shim.
    assert_eq!(text(&shim.1).replace("steps=1", "steps="), text(&plain.1));
    assert_eq!((shim.0, shim.2), (plain.0, plain.2));
}

/// However cckw is called `claude`, it is passed over; and so often as it likes.
#[test]
fn other_shims_on_path_are_passed_over() {
    let sandbox = place(&["shims", "over", "script", "copy", "gone", "real"]);
    install(&sandbox, "shims");
    symlink("../shims/claude", sandbox.path("over/claude")).expect("a link");
    symlink("/nowhere/cckw", sandbox.path("gone/claude")).expect("a link");
    program(&sandbox, "script/claude", "#!/bin/sh\nexec cckw claude \"$@\"\n");
    fs::copy(cckw_program(), sandbox.path("copy/claude")).expect("a copy");
    for start in ["claude", "cckw claude", "over/claude", "script/claude", "copy/claude"] {
        let output = shell(&sandbox, &format!("cd ..; exec {start} -p hello"));
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(7), String::new()), "{start}");
        assert!(
            text(&output.stdout).starts_with("bare\n") && text(&output.stdout).contains("hello\n"),
            "{start}"
        );
    }
    fs::remove_file(sandbox.path("real/claude")).expect("removed");
    for start in ["claude", "copy/claude"] {
        let output = shell(&sandbox, &format!("cd ..; exec {start} -p hello"));
        assert_eq!(output.status.code(), Some(127), "{start}");
        assert!(
            text(&output.stderr).contains("no program `claude` was found on PATH"),
            "{}",
            text(&output.stderr)
        );
    }
}

/// Copies of other versions do not know each other. They do not go round for ever.
#[test]
fn copies_that_do_not_know_each_other_go_round_for_a_while_only() {
    let sandbox = place(&["one", "two"]);
    for (folder, more) in [("one", "x"), ("two", "xx")] {
        let path = sandbox.path(folder).join("claude");
        fs::copy(cckw_program(), &path).expect("a copy");
        fs::File::options()
            .append(true)
            .open(path)
            .expect("opens")
            .write_all(more.as_bytes())
            .expect("writes");
    }
    let output = shell(&sandbox, "exec claude -p hello");
    assert_eq!(output.status.code(), Some(127));
    assert!(text(&output.stderr).contains("starts cckw again"), "{}", text(&output.stderr));
}

#[test]
fn what_is_not_cckw_s_is_neither_replaced_nor_removed() {
    let mut sandbox = place(&["npm", "own", "folder/claude", "free"]);
    symlink("../lib/node_modules/@anthropic-ai/claude-code/cli.js", sandbox.path("npm/claude"))
        .expect("a link");
    program(&sandbox, "own/claude", CLAUDE);
    for (folder, what) in
        [("npm", "a link to ../lib/node_modules"), ("own", "a program"), ("folder", "a directory")]
    {
        for remove in [&[][..], &["--remove"]] {
            let directory = dir(&sandbox, folder);
            let words = ["shell-init", "--shim", &directory];
            let output = cckw(&sandbox, &words).args(remove).output().expect("runs");
            let said = text(&output.stderr);
            assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
            assert!(said.contains(&format!("{folder}/claude")) && said.contains(what), "{said}");
        }
    }
    assert!(fs::read_link(sandbox.path("npm/claude")).is_ok_and(|to| to.ends_with("cli.js")));
    assert_eq!(fs::read_to_string(sandbox.path("own/claude")).expect("a program"), CLAUDE);
    assert!(sandbox.path("folder/claude").is_dir());
    // Where it would not stay, or others could replace it.
    let open = sandbox.path("open");
    fs::create_dir(&open).expect("a folder");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).expect("open");
    fs::write(sandbox.path("file"), "").expect("a file");
    for (folder, why) in [
        ("home/.local/bin", "installer"),
        ("home/.claude/local", "installer"),
        ("open", "everybody can write"),
        ("file", "cannot be used"),
    ] {
        let output =
            cckw(&sandbox, &["shell-init", "--shim", &dir(&sandbox, folder)]).output().expect("runs");
        assert_eq!(output.status.code(), Some(1), "{folder}");
        assert!(text(&output.stderr).contains(why), "{}", text(&output.stderr));
        assert!(!sandbox.path(folder).join("claude").exists(), "{folder}");
    }
    let output =
        cckw(&sandbox, &["shell-init", "--shim", &dir(&sandbox, "free"), "--remove"]).output().expect("runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("there is no "), "{}", text(&output.stderr));
    // The advice is followed: it names a place of its own.
    search(&mut sandbox, &["home/.local/share/cckw/bin", "own"]);
    let output = shell(&sandbox, "cckw shell-init --shim ~/.local/share/cckw/bin && exec claude -p x");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(7), String::new()));
}

/// The next claude on PATH runs where cckw is removed; it leads here again where that is asked for.
#[test]
fn a_shim_whose_cckw_is_gone_lets_claude_run() {
    let sandbox = place(&["shims", "real"]);
    symlink(sandbox.path("removed/cckw"), sandbox.path("shims/claude")).expect("a link");
    for line in ["exec claude -p x", "exec env claude -p x"] {
        let output = shell(&sandbox, line);
        assert_eq!(output.status.code(), Some(7), "{line}");
        assert!(text(&output.stdout).contains("steps=\n"), "{line}");
    }
    let said = diagnosis(&sandbox).join("\n");
    assert!(said.starts_with("warn ") && said.contains("which is not there"), "{said}");
    let advice = said.split("to let it lead here: ").nth(1).and_then(|rest| rest.split(';').next());
    assert!(shell(&sandbox, advice.expect("advice")).status.success(), "{said}");
    assert!(text(&shell(&sandbox, "exec claude -p x").stdout).contains("steps=1\n"));
    assert!(diagnosis(&sandbox)[0].starts_with("ok "));
}

#[test]
fn doctor_tells_one_that_is_not_reached_and_one_of_another_version() {
    let mut sandbox = place(&["real", "shims"]);
    install(&sandbox, "shims");
    let said = diagnosis(&sandbox).join("\n");
    assert!(said.starts_with("warn ") && said.contains("real/claude comes before it on PATH"), "{said}");
    let remove = said.split("remove the shim: ").nth(1).expect("advice");
    assert!(shell(&sandbox, remove).status.success(), "{said}");
    program(&sandbox, "other/cckw", "#!/bin/sh\n[ \"$*\" = --version ] && echo cckw 99.0.0\n");
    symlink(sandbox.path("other/cckw"), sandbox.path("shims/claude")).expect("a link");
    search(&mut sandbox, &["shims", "real"]);
    let said = diagnosis(&sandbox).join("\n");
    assert!(said.starts_with("warn ") && said.contains("which is cckw 99.0.0; this is cckw"), "{said}");
    let renew = said.split("to let it lead here: ").nth(1).expect("advice");
    assert!(shell(&sandbox, renew).status.success(), "{said}");
    assert!(diagnosis(&sandbox)[0].starts_with("ok "));
}

/// What is printed for the start-up file puts the directory first, and what is printed last undoes it.
#[test]
fn the_advice_works_in_each_shell() {
    for (name, options) in [("bash", "--norc"), ("zsh", "-f"), ("fish", "--no-config")] {
        let mut sandbox = place(&["real"]);
        sandbox.set("SHELL", format!("/usr/bin/{name}"));
        let said = install(&sandbox, "my shims");
        assert!(said.contains("my shims is not on PATH"), "{said}");
        let line = said.lines().find_map(|line| line.strip_prefix("  ")).expect("a line");
        let undo = said.lines().find_map(|line| line.strip_prefix("To undo it: ")).expect("how to undo it");
        let mut command = sandbox.command(name);
        command.arg(options).arg("-c").arg(format!("{line}\nclaude -p x\n{undo}"));
        let output = command.stdin(Stdio::null()).output().expect("runs");
        let out = text(&output.stdout);
        assert!(output.status.success() && output.stderr.is_empty(), "{name}: {output:?}");
        assert!(out.contains("steps=1\n") && out.contains("is removed"), "{name}: {out}");
        assert!(!sandbox.path("my shims/claude").exists());
    }
}

/// A wrapper of the user's that calls the next claude by its name finds the shim. It is in a session already.
#[test]
fn a_wrapper_that_finds_the_shim_is_no_circle() {
    for call in ["exec claude", "claude"] {
        let mut sandbox = place(&["shims", "wrapper", "real"]);
        install(&sandbox, "shims");
        program(
            &sandbox,
            "wrapper/claude",
            &format!("#!/bin/sh\nPATH=$INNER_PATH\n{call} --wrapped \"$@\"\n"),
        );
        let inner = format!("{}:{}:/usr/bin:/bin", dir(&sandbox, "shims"), dir(&sandbox, "real"));
        sandbox.set("INNER_PATH", inner);
        let mut terminal = Terminal::spawn(sandbox.command(sandbox.path("shims/claude")));
        assert_eq!(terminal.finish().code(), Some(7), "{call}: {}", terminal.report());
        let screen = terminal.screen();
        assert!(screen.contains("kept") && screen.contains("--wrapped"), "{}", terminal.report());
        sandbox.wait_for_silence();
    }
}

/// As with the function: what claude runs in its shell is no session of its own.
#[test]
fn inside_a_session_claude_without_a_terminal_is_claude() {
    let sandbox = place(&["shims", "real"]);
    install(&sandbox, "shims");
    program(
        &sandbox,
        "real/claude",
        "#!/bin/sh\n[ \"$1\" = -p ] && { echo inner; exit 7; }\nclaude -p x </dev/null | cat\nexit 0\n",
    );
    let mut terminal = Terminal::spawn(sandbox.command(sandbox.path("shims/claude")));
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    assert!(terminal.screen().contains("inner"), "{}", terminal.report());
    assert_eq!(sandbox.records().len(), 1);
    sandbox.wait_for_silence();
}

#[test]
fn a_claude_that_is_named_is_taken_unless_it_is_the_shim() {
    let mut sandbox = place(&["shims", "real"]);
    install(&sandbox, "shims");
    program(&sandbox, "named/other", "#!/bin/sh\necho the named one\n");
    sandbox.set("CCKW_CLAUDE", sandbox.path("named/other"));
    assert_eq!(text(&shell(&sandbox, "claude -p x").stdout), "the named one\n");
    sandbox.set("CCKW_CLAUDE", sandbox.path("shims/claude"));
    let output = shell(&sandbox, "claude -p x");
    assert_eq!(output.status.code(), Some(127));
    assert!(text(&output.stderr).contains("which is cckw itself"), "{}", text(&output.stderr));
}

/// `claude-plain` stays what it says.
#[test]
fn the_function_that_goes_past_cckw_goes_past_the_shim() {
    let sandbox = place(&["shims", "real"]);
    install(&sandbox, "shims");
    for (name, options, load) in [
        ("bash", "--norc", "eval \"$(cckw shell-init bash)\""),
        ("zsh", "-f", "eval \"$(cckw shell-init zsh)\""),
        ("fish", "--no-config", "cckw shell-init fish | source"),
    ] {
        let mut command = sandbox.command(name);
        command.arg(options).arg("-c").arg(format!("{load}\nclaude-plain 'two words'\n"));
        // On a terminal, where `claude` would be a session.
        let mut terminal = Terminal::spawn(command);
        terminal.finish();
        let screen = terminal.screen();
        assert!(screen.contains("bare") && screen.contains("two words"), "{name}: {}", terminal.report());
        assert_eq!(sandbox.records().len(), 0, "{name}");
    }
}
