//! `cckw shell-init` in the real bash, zsh and fish. A shell that is not installed is a failure, not a reason
//! to pass.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{Sandbox, Terminal, cckw_program};

#[derive(Clone, Copy, Debug)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

use Shell::{Bash, Fish, Zsh};

const ALL: [Shell; 3] = [Bash, Zsh, Fish];

impl Shell {
    /// The shell without its start-up files.
    fn command(self, sandbox: &Sandbox) -> Command {
        let (program, options): (&str, &[&str]) = match self {
            Bash => ("bash", &["--noprofile", "--norc"]),
            Zsh => ("zsh", &["-f"]),
            Fish => ("fish", &["--no-config"]),
        };
        let found =
            std::env::split_paths("/usr/local/bin:/usr/bin:/bin").any(|dir| dir.join(program).exists());
        assert!(found, "this test needs {program}: install it");
        let mut command = sandbox.command(program);
        command.args(options).env("PS1", "$ ");
        command
    }

    /// The line that a user puts into the start-up file.
    fn init(self) -> String {
        match self {
            Bash => format!("eval \"$({} shell-init bash)\"", cckw_program()),
            Zsh => format!("eval \"$({} shell-init zsh)\"", cckw_program()),
            Fish => format!("{} shell-init fish | source", cckw_program()),
        }
    }
}

/// A sandbox with programs of these names on PATH, each a script in `tests/programs`.
fn with(programs: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::new();
    for (name, script) in programs {
        sandbox.link(name, Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(script));
    }
    sandbox
}

/// Runs a script in a shell that is not interactive; what it wrote to stdout. Nothing may be on stderr.
#[track_caller]
fn run(sandbox: &Sandbox, shell: Shell, script: &str) -> String {
    let output = shell.command(sandbox).arg("-c").arg(script).output().expect("the shell runs");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && err.is_empty(), "{shell:?}: {}\n{out}{err}", output.status);
    out.into_owned()
}

#[test]
fn claude_goes_through_cckw() {
    let sandbox = with(&[("cckw", "say.sh"), ("claude", "say.sh")]);
    for shell in ALL {
        let script = format!("{}\nclaude -p 'two words' ''\nclaude-plain --help", shell.init());
        let said = run(&sandbox, shell, &script);
        assert_eq!(said, "cckw [claude] [-p] [two words] []\nclaude [--help]\n", "{shell:?}");
    }
}

#[test]
fn without_cckw_claude_is_claude() {
    let sandbox = with(&[("claude", "say.sh")]);
    for shell in ALL {
        // The machine that runs this test may have a cckw in /usr/local/bin.
        let narrow = match shell {
            Fish => format!("set -x PATH {} /usr/bin /bin", sandbox.path("bin").display()),
            _ => format!("PATH={}:/usr/bin:/bin", sandbox.path("bin").display()),
        };
        let said = run(&sandbox, shell, &format!("{narrow}\n{}\nclaude -p x", shell.init()));
        assert_eq!(said, "claude [-p] [x]\n", "{shell:?}");
    }
}

#[test]
fn strict_scripts_stay_alive() {
    let sandbox = with(&[("cckw", "say.sh")]);
    for (shell, options) in [(Bash, "set -euo pipefail"), (Zsh, "setopt err_exit no_unset pipe_fail")] {
        let said = run(&sandbox, shell, &format!("{options}\n{}\nclaude x", shell.init()));
        assert_eq!(said, "cckw [claude] [x]\n", "{shell:?}");
    }
}

#[test]
fn bash_as_posix_shell_takes_it_too() {
    let sandbox = with(&[("cckw", "say.sh")]);
    let said = run(&sandbox, Bash, &format!("set -o posix\n{}\nclaude x", Bash.init()));
    assert_eq!(said, "cckw [claude] [x]\n");
}

#[test]
fn aliases_that_go_past_the_function_are_replaced_and_others_kept() {
    let sandbox = with(&[("cckw", "say.sh"), ("claude", "say.sh")]);
    for (shell, allow) in [(Bash, "shopt -s expand_aliases"), (Zsh, "setopt aliases")] {
        for (alias, said) in [
            ("/opt/claude --verbose", "cckw [claude] [x]\n"),
            ("cckw claude", "cckw [claude] [x]\n"),
            ("claude", "cckw [claude] [x]\n"),
            ("claude --verbose", "cckw [claude] [--verbose] [x]\n"),
        ] {
            let script = format!("{allow}\nalias claude='{alias}'\n{}\neval 'claude x'", shell.init());
            assert_eq!(run(&sandbox, shell, &script), said, "{shell:?}, {alias}");
        }
    }
}

#[test]
fn it_can_be_evaluated_again() {
    let sandbox = with(&[("cckw", "say.sh")]);
    for shell in ALL {
        let said = run(&sandbox, shell, &format!("{0}\n{0}\nclaude x", shell.init()));
        assert_eq!(said, "cckw [claude] [x]\n", "{shell:?}");
    }
}

#[test]
fn at_a_zsh_prompt_an_alias_of_the_user_is_kept_too() {
    let sandbox = with(&[("cckw", "say.sh")]);
    for (alias, said) in [
        ("/opt/claude --verbose", "cckw [claude] [x]"),
        ("cckw claude --model y", "cckw [claude] [--model] [y] [x]"),
        ("claude --verbose", "cckw [claude] [--verbose] [x]"),
    ] {
        let mut terminal = interactive(Zsh, &sandbox);
        type_line(&mut terminal, "unalias claude");
        type_line(&mut terminal, &format!("alias claude='{alias}'"));
        type_line(&mut terminal, &Zsh.init());
        type_line(&mut terminal, "claude x");
        terminal.wait_for_text(said);
    }
}

/// A shell at a prompt, with the functions in place.
fn interactive(shell: Shell, sandbox: &Sandbox) -> Terminal {
    let mut command = shell.command(sandbox);
    command.arg("-i");
    let mut terminal = Terminal::builder().size(30, 120).spawn(command);
    if let Fish = shell {
        // It says nothing of a job that was stopped in a function, so the prompt does.
        type_line(&mut terminal, "function fish_prompt; jobs -q; and echo -n stop''ped; echo -n '> '; end");
    }
    type_line(&mut terminal, &shell.init());
    type_line(&mut terminal, "echo in''it done");
    terminal.wait_for_text("init done");
    terminal
}

fn type_line(terminal: &mut Terminal, line: &str) {
    terminal.type_text(&format!("{line}\r"));
}

#[test]
fn ctrl_z_and_fg_work_through_the_function() {
    let sandbox = with(&[("cckw", "ask.sh")]);
    for shell in ALL {
        let mut terminal = interactive(shell, &sandbox);
        type_line(&mut terminal, "claude one");
        terminal.wait_for_text("ready: claude one");
        terminal.type_text("\x1a");
        terminal.wait_for_text(if let Zsh = shell { "suspended" } else { "topped" });
        type_line(&mut terminal, "echo the shell''s turn");
        terminal.wait_for_text("the shells turn");
        type_line(&mut terminal, "fg");
        // Some shells throw away what was typed before this.
        terminal.wait_for_text("going on");
        type_line(&mut terminal, "a line");
        terminal.wait_for_text("read: a line");
        // After fish's fg the status is 0, whatever the job and however it was started.
        if !matches!(shell, Fish) {
            type_line(&mut terminal, "echo status $?");
            terminal.wait_for_text("status 3");
        }
    }
}

#[test]
fn cckw_completes_its_verbs() {
    let sandbox = with(&[("cckw", "say.sh")]);
    for shell in ALL {
        let mut terminal = interactive(shell, &sandbox);
        if let Zsh = shell {
            type_line(&mut terminal, "autoload -Uz compinit && compinit -u");
            type_line(&mut terminal, &shell.init());
        }
        terminal.type_text("cckw doct\t");
        // What is completed is on the prompt's own line, behind which nothing was typed yet.
        terminal.wait_for_text("cckw doctor");
    }
}

#[test]
fn the_completions_are_the_shells_own_language() {
    for (shell, name, mark) in [
        (Bash, "bash", "complete -F _cckw"),
        (Zsh, "zsh", "#compdef cckw"),
        (Fish, "fish", "complete -c cckw"),
    ] {
        let output = Command::new(cckw_program()).args(["completions", name]).output().expect("cckw runs");
        let script = String::from_utf8(output.stdout).expect("text");
        assert!(output.status.success() && script.contains(mark), "{shell:?}");
        // Parsed and not run.
        let sandbox = with(&[]);
        let file = sandbox.path("completions");
        fs::write(&file, script).expect("written");
        let checked = shell.command(&sandbox).arg("-n").arg(file).status().expect("the shell runs");
        assert!(checked.success(), "{shell:?} cannot parse its completions");
    }
}
