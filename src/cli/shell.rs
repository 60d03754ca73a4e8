//! `cckw shell-init` and `cckw completions`: code for the user's shell.

use clap::CommandFactory;
use clap_complete::{Generator, shells};

use super::definition::{Cli, Shell};

/// The functions and the completions, to be evaluated by the shell.
pub fn init(shell: Shell) -> String {
    let completions = completions(shell);
    match shell {
        // Only an interactive shell completes.
        Shell::Bash => {
            format!(
                "{}\nif [[ $- == *i* ]]; then\n{completions}\nfi\n",
                include_str!("../../shell/cckw.bash")
            )
        }
        // `compdef` is there once the user's `compinit` ran.
        Shell::Zsh => format!(
            "{}\nif (( $+functions[compdef] )); then\n{completions}\nfi\n",
            include_str!("../../shell/cckw.zsh")
        ),
        Shell::Fish => format!(
            "{}\nif status is-interactive\n{completions}\nend\n",
            include_str!("../../shell/cckw.fish")
        ),
    }
}

/// The completions of cckw's own verbs and options, and of the names of sessions.
pub fn completions(shell: Shell) -> String {
    match shell {
        Shell::Bash => generated(shells::Bash) + include_str!("../../shell/complete.bash"),
        Shell::Zsh => in_zsh(&generated(shells::Zsh)),
        Shell::Fish => generated(shells::Fish) + include_str!("../../shell/complete.fish"),
    }
}

/// What follows from the definition of the command line alone.
fn generated(shell: impl Generator) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "cckw", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// The script for zsh, in which every argument that is a session is completed by a function of our own. That
/// goes to the beginning, behind the line `#compdef`: where the file is loaded on demand, its end already
/// completes something.
fn in_zsh(script: &str) -> String {
    let mut lines = script.lines();
    let mut changed =
        format!("{}\n{}", lines.next().unwrap_or_default(), include_str!("../../shell/complete.zsh"));
    let mut verb = "";
    for line in lines {
        if let Some(name) = line.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
            verb = name;
        }
        let names_a_session = ["::session -- ", "::sessions -- ", ":session -- ", "]:SESSION:"]
            .iter()
            .any(|mark| line.contains(mark));
        let names_machines = ["::machines -- ", "]:MACHINE:"].iter().any(|mark| line.contains(mark));
        let machines = if line.contains("]:MACHINE:") { "all-machines" } else { "machines" };
        match line.strip_suffix(":_default' \\") {
            Some(start) if names_a_session => changed += &format!("{start}:_cckw_sessions {verb}' \\\n"),
            Some(start) if names_machines => changed += &format!("{start}:_cckw_machines {machines}' \\\n"),
            _ => changed += &format!("{line}\n"),
        }
    }
    changed
}
