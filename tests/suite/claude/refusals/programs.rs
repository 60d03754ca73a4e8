//! A claude that is not there, or cannot be run.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{nothing_left, refused, runs_without_session, sandbox, says};
use crate::support::{DEADLINE, Sandbox, Terminal, cckw_program, process, wait_until};

#[test]
fn claude_is_not_found() {
    let sandbox = Sandbox::new();
    let said = refused(&sandbox, sandbox.cckw_claude());
    says(&said, 127, &["`claude`", "PATH", "npm install -g @anthropic-ai/claude-code"]);
}

#[test]
fn claude_is_not_found_where_it_was_named() {
    let mut sandbox = sandbox();
    sandbox.set("CCKW_CLAUDE", "/nowhere/cl\u{1b}[31maude");
    says(
        &refused(&sandbox, sandbox.cckw_claude()),
        127,
        &["CCKW_CLAUDE", "/nowhere/cl\\u{1b}[31maude", "exist"],
    );
}

#[test]
fn the_configuration_is_wrong() {
    let sandbox = sandbox();
    fs::create_dir(sandbox.path("config/cckw")).expect("a folder");
    let file = sandbox.path("config/cckw/config.toml");
    fs::write(&file, "# mine\ncluade = \"x\"\n").expect("a file");
    let place = format!("{}:2:1: ", file.display());
    says(&refused(&sandbox, sandbox.cckw_claude()), 1, &[&place, "cluade", "docs/user/configuration.md"]);
    // Also where claude would be run straight.
    let mut command = sandbox.cckw_claude();
    command.arg("--version");
    says(&refused(&sandbox, command), 1, &[&place]);
}

#[test]
fn the_program_cannot_be_executed() {
    let sandbox = sandbox();
    fs::write(sandbox.path("interpreter"), "").expect("a file");
    let path = sandbox.script("claude", "#!../interpreter\n");
    let said = refused(&sandbox, sandbox.cckw_claude());
    says(&said, 126, &[path.to_str().expect("UTF-8"), "Permission denied", "CCKW_CLAUDE"]);
    let mut command = sandbox.cckw_claude();
    command.arg("--version");
    assert_eq!(refused(&sandbox, command).line, said.line);
}

#[test]
fn the_interpreter_is_not_there() {
    let sandbox = sandbox();
    sandbox.script("claude", "#!/nowhere/node\n");
    says(&refused(&sandbox, sandbox.cckw_claude()), 127, &["interpreter", "bin/claude"]);
}

#[test]
fn the_program_is_not_executable() {
    let mut sandbox = sandbox();
    let path = sandbox.path("bin/claude");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("a mode");
    says(&refused(&sandbox, sandbox.cckw_claude()), 127, &["is not executable", "npm install"]);
    sandbox.set("CCKW_CLAUDE", path);
    says(&refused(&sandbox, sandbox.cckw_claude()), 127, &["is not executable"]);
}

#[test]
fn the_program_is_deleted_before_it_is_started() {
    let sandbox = sandbox();
    let cckw = cckw_program();
    let mut terminal = Terminal::shell("dash", &sandbox);
    terminal.run("stty -g >before");
    // In the background it has found claude when it stops for the terminal.
    terminal.run(&format!("{cckw} claude &"));
    wait_until("a client that waits for the terminal", DEADLINE, || {
        sandbox.processes().into_iter().any(|pid| {
            process::is_stopped(pid) && process::executable(pid).is_some_and(|path| path.ends_with("cckw"))
        })
    });
    fs::remove_file(sandbox.path("bin/claude")).expect("removed");
    terminal.run("clear; fg; echo status=$?");
    let screen = terminal.wait_for_text("status=127");
    assert!(screen.contains("cannot be executed") && screen.contains("claude"), "{}", terminal.report());
    terminal.wait_for_prompt();
    terminal.run("stty -g >after");
    terminal.run("exit");
    terminal.finish();
    let read = |name: &str| fs::read(sandbox.work().join(name)).expect("a file of the shell");
    assert_eq!(read("before"), read("after"));
    nothing_left(&sandbox);
}

#[test]
fn the_working_directory_is_deleted() {
    let sandbox = sandbox();
    fs::create_dir(sandbox.path("gone")).expect("a folder");
    let mut command = sandbox.command("/bin/sh");
    command.arg("-c").arg("cd ../gone && rmdir ../gone && exec \"$0\" claude").arg(cckw_program());
    says(&refused(&sandbox, command), 1, &["working directory", "cd "]);
}

#[test]
fn what_is_printed_of_a_directory_s_name_is_harmless() {
    let mut sandbox = sandbox();
    let directory = sandbox.path("evil\u{1b}]0;title\u{7}\n\u{202e}");
    fs::create_dir(&directory).expect("a folder");
    fs::write(directory.join("claude"), "#!/nowhere/node\n").expect("a file");
    fs::set_permissions(directory.join("claude"), fs::Permissions::from_mode(0o755)).expect("a mode");
    sandbox.set("CCKW_CLAUDE", "./claude");
    let mut command = sandbox.command("/bin/sh");
    command.arg("-c").arg("cd \"$1\" && exec \"$0\" claude").arg(cckw_program()).arg(&directory);
    says(&refused(&sandbox, command), 127, &["evil\\u{1b}]0;title\\u{7}\\n\\u{202e}"]);
    let mut sandbox = super::sandbox();
    let directory = sandbox.path("evil\u{1b}[31m");
    fs::create_dir(&directory).expect("a folder");
    fs::write(directory.join("cckw"), "in the way").expect("a file");
    sandbox.set("XDG_STATE_HOME", &directory);
    says(&runs_without_session(&sandbox, |_| {}), 0, &["evil\\u{1b}[31m/cckw"]);
}

#[cfg(target_os = "linux")]
#[test]
fn no_pty_can_be_opened() {
    use crate::support::{before_exec, refused_calls};
    let sandbox = sandbox();
    let said = runs_without_session(&sandbox, |shell| before_exec(shell, refused_calls::refuse_ptys));
    says(&said, 0, &["PTY", "No space left", "kernel.pty.max"]);
}
