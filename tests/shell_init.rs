//! `cckw shell-init` in the real bash, zsh and fish. A shell that is not installed is a failure, not a reason to pass.

use std::fs;
use std::num::NonZero;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use cckw::cli::demo::stage::Stage;

const CCKW: &str = env!("CARGO_BIN_EXE_cckw");
const DEADLINE: Duration = Duration::from_secs(60);

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
    fn command(self) -> Command {
        let (program, options): (&str, &[&str]) = match self {
            Bash => ("bash", &["--noprofile", "--norc"]),
            Zsh => ("zsh", &["-f"]),
            Fish => ("fish", &["--no-config"]),
        };
        let mut command = Command::new(program);
        command.args(options);
        command
    }

    /// The line that a user puts into the start-up file.
    fn init(self) -> String {
        match self {
            Bash => format!("eval \"$({CCKW} shell-init bash)\""),
            Zsh => format!("eval \"$({CCKW} shell-init zsh)\""),
            Fish => format!("{CCKW} shell-init fish | source"),
        }
    }
}

/// A home and a directory on PATH with programs of the given names.
struct Home(tempfile::TempDir);

impl Home {
    fn with(programs: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let bin = home.path().join("bin");
        fs::create_dir(&bin).expect("a directory");
        for (name, script) in programs {
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(script);
            symlink(script, bin.join(name)).expect("a link");
        }
        Self(home)
    }

    fn prepare(&self, command: &mut Command) {
        let path = std::env::var("PATH").expect("PATH");
        command
            .env("HOME", self.0.path())
            .env("PATH", format!("{}/bin:{path}", self.0.path().display()))
            .env("TERM", "xterm-256color")
            .env("PS1", "$ ")
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_DATA_HOME")
            .env_remove("CCKW_CLAUDE")
            .current_dir(self.0.path());
    }

    /// Runs a script in a shell that is not interactive; what it wrote to stdout. Nothing may be on stderr.
    fn run(&self, shell: Shell, script: &str) -> String {
        let mut command = shell.command();
        self.prepare(&mut command);
        let output = command.arg("-c").arg(script).output();
        let output = output.unwrap_or_else(|error| panic!("{shell:?} is needed by this test: {error}"));
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && err.is_empty(), "{shell:?}: {}\n{out}{err}", output.status);
        out.into_owned()
    }
}

#[test]
fn claude_goes_through_cckw() {
    let home = Home::with(&[("cckw", "say.sh"), ("claude", "say.sh")]);
    for shell in ALL {
        let script = format!("{}\nclaude -p 'two words' ''\nclaude-plain --help", shell.init());
        let said = home.run(shell, &script);
        assert_eq!(said, "cckw [claude] [-p] [two words] []\nclaude [--help]\n", "{shell:?}");
    }
}

#[test]
fn without_cckw_claude_is_claude() {
    let home = Home::with(&[("claude", "say.sh")]);
    for shell in ALL {
        // The machine that runs this test may have a cckw installed.
        let narrow = match shell {
            Fish => "set -x PATH $HOME/bin /usr/bin /bin",
            _ => "PATH=$HOME/bin:/usr/bin:/bin",
        };
        let said = home.run(shell, &format!("{narrow}\n{}\nclaude -p x", shell.init()));
        assert_eq!(said, "claude [-p] [x]\n", "{shell:?}");
    }
}

#[test]
fn strict_scripts_stay_alive() {
    let home = Home::with(&[("cckw", "say.sh")]);
    for (shell, options) in [(Bash, "set -euo pipefail"), (Zsh, "setopt err_exit no_unset pipe_fail")] {
        let said = home.run(shell, &format!("{options}\n{}\nclaude x", shell.init()));
        assert_eq!(said, "cckw [claude] [x]\n", "{shell:?}");
    }
}

#[test]
fn bash_as_posix_shell_takes_it_too() {
    let home = Home::with(&[("cckw", "say.sh")]);
    let said = home.run(Bash, &format!("set -o posix\n{}\nclaude x", Bash.init()));
    assert_eq!(said, "cckw [claude] [x]\n");
}

#[test]
fn aliases_that_go_past_the_function_are_replaced_and_others_kept() {
    let home = Home::with(&[("cckw", "say.sh"), ("claude", "say.sh")]);
    for (shell, allow) in [(Bash, "shopt -s expand_aliases"), (Zsh, "setopt aliases")] {
        for (alias, said) in [
            ("/opt/claude --verbose", "cckw [claude] [x]\n"),
            ("cckw claude", "cckw [claude] [x]\n"),
            ("claude", "cckw [claude] [x]\n"),
            ("claude --verbose", "cckw [claude] [--verbose] [x]\n"),
        ] {
            let script = format!("{allow}\nalias claude='{alias}'\n{}\neval 'claude x'", shell.init());
            assert_eq!(home.run(shell, &script), said, "{shell:?}, {alias}");
        }
    }
}

#[test]
fn it_can_be_evaluated_again() {
    let home = Home::with(&[("cckw", "say.sh")]);
    for shell in ALL {
        let said = home.run(shell, &format!("{0}\n{0}\nclaude x", shell.init()));
        assert_eq!(said, "cckw [claude] [x]\n", "{shell:?}");
    }
}

#[test]
fn at_a_zsh_prompt_an_alias_of_the_user_is_kept_too() {
    let home = Home::with(&[("cckw", "say.sh")]);
    for (alias, said) in [
        ("/opt/claude --verbose", "cckw [claude] [x]"),
        ("cckw claude --model y", "cckw [claude] [--model] [y] [x]"),
        ("claude --verbose", "cckw [claude] [--verbose] [x]"),
    ] {
        let mut stage = interactive(Zsh, &home);
        type_line(&mut stage, "unalias claude");
        type_line(&mut stage, &format!("alias claude='{alias}'"));
        type_line(&mut stage, &Zsh.init());
        type_line(&mut stage, "claude x");
        wait(Zsh, &mut stage, said);
    }
}

/// A shell at a prompt, with the functions in place.
fn interactive(shell: Shell, home: &Home) -> Stage {
    let mut command = shell.command();
    home.prepare(&mut command);
    if let Fish = shell {
        // It would wait for a terminal that answers.
        command.args(["--features", "no-query-term"]);
    }
    command.arg("-i");
    let [rows, columns] = [24, 100].map(|cells| NonZero::new(cells).expect("some"));
    let stage = Stage::start(command, rows, columns);
    let mut stage = stage.unwrap_or_else(|error| panic!("{shell:?} is needed by this test: {error}"));
    if let Fish = shell {
        // It says nothing of a job that was stopped in a function, so the prompt does.
        type_line(&mut stage, "function fish_prompt; jobs -q; and echo -n stop''ped; echo -n '> '; end");
    }
    type_line(&mut stage, &shell.init());
    type_line(&mut stage, "echo in''it done");
    wait(shell, &mut stage, "init done");
    stage
}

fn type_line(stage: &mut Stage, line: &str) {
    stage.send(&format!("{line}\r")).expect("the terminal takes it");
}

fn wait(shell: Shell, stage: &mut Stage, text: &str) {
    if let Err(missed) = stage.wait_for_text(text, DEADLINE) {
        panic!("{shell:?}: {missed}\n{}", missed.screen);
    }
}

#[test]
fn ctrl_z_and_fg_work_through_the_function() {
    let home = Home::with(&[("cckw", "ask.sh")]);
    for shell in ALL {
        let mut stage = interactive(shell, &home);
        type_line(&mut stage, "claude one");
        wait(shell, &mut stage, "ready: claude one");
        stage.send("\x1a").expect("the terminal takes it");
        wait(shell, &mut stage, if let Zsh = shell { "suspended" } else { "topped" });
        type_line(&mut stage, "echo the shell''s turn");
        wait(shell, &mut stage, "the shells turn");
        type_line(&mut stage, "fg");
        // Some shells throw away what was typed before this.
        wait(shell, &mut stage, "\ncontinued");
        type_line(&mut stage, "a line");
        wait(shell, &mut stage, "read: a line");
        // After fish's fg the status is 0, whatever the job and however it was started.
        if !matches!(shell, Fish) {
            type_line(&mut stage, "echo status $?");
            wait(shell, &mut stage, "status 3");
        }
    }
}

#[test]
fn cckw_completes_its_verbs() {
    let home = Home::with(&[("cckw", "say.sh")]);
    for shell in ALL {
        let mut stage = interactive(shell, &home);
        if let Zsh = shell {
            type_line(&mut stage, "autoload -Uz compinit && compinit -u");
            type_line(&mut stage, &shell.init());
        }
        stage.send("cckw doct\t").expect("the terminal takes it");
        // What is completed is on the prompt's own line, behind which nothing was typed yet.
        wait(shell, &mut stage, "cckw doctor");
    }
}

#[test]
fn the_completions_are_the_shells_own_language() {
    for (shell, name, mark) in [
        (Bash, "bash", "complete -F _cckw"),
        (Zsh, "zsh", "#compdef cckw"),
        (Fish, "fish", "complete -c cckw"),
    ] {
        let output = Command::new(CCKW).args(["completions", name]).output().expect("cckw runs");
        let script = String::from_utf8(output.stdout).expect("text");
        assert!(output.status.success() && script.contains(mark), "{shell:?}");
        // Parsed and not run.
        let mut command = shell.command();
        command.arg("-n").arg("/dev/stdin");
        let home = Home::with(&[]);
        let file = home.0.path().join("completions");
        fs::write(&file, script).expect("written");
        let checked = command.stdin(fs::File::open(file).expect("a file")).status();
        assert!(checked.is_ok_and(|status| status.success()), "{shell:?} cannot parse its completions");
    }
}
