//! `cckw shell-init` and `cckw completions`: code for the user's shell.

use clap::CommandFactory;
use clap_complete::shells;

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

/// The completions of cckw's own verbs and options.
pub fn completions(shell: Shell) -> String {
    let mut command = Cli::command();
    let mut script = Vec::new();
    match shell {
        Shell::Bash => clap_complete::generate(shells::Bash, &mut command, "cckw", &mut script),
        Shell::Zsh => clap_complete::generate(shells::Zsh, &mut command, "cckw", &mut script),
        Shell::Fish => clap_complete::generate(shells::Fish, &mut command, "cckw", &mut script),
    }
    String::from_utf8_lossy(&script).into_owned()
}
