//! The service as the systems that start programs know it: one description, from which a unit of systemd, an
//! agent of launchd and a line for cron are made.

use std::fmt::Write;
use std::path::PathBuf;

use crate::user_error::service::RUNS_ALREADY;

#[cfg(test)]
mod tests;

/// The name of the unit of systemd.
pub const UNIT_NAME: &str = "cckw.service";
/// The name of the agent of launchd.
pub const AGENT_NAME: &str = "cckw.service";

/// What a file of ours begins with or holds: another one is not replaced.
pub const MARK: &str = "Written by `cckw service install`";

/// How soon, in seconds, a service is started again that has ended.
const RESTART_DELAY: u32 = 1;
/// So many starts in so many seconds are the most.
const MOST_STARTS: u32 = 10;
const STARTS_WITHIN: u32 = 300;

/// What is to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The program, by an absolute path.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// What it needs of the environment of whoever installs it.
    pub environment: Vec<(String, String)>,
}

/// A path or a value that cannot stand in such a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit(pub PathBuf);

impl Definition {
    /// The service of this program, with these variables.
    ///
    /// # Errors
    /// When the path or a value is no text of one line.
    pub fn new(
        program: PathBuf,
        environment: impl IntoIterator<Item = (&'static str, PathBuf)>,
    ) -> Result<Self, Unfit> {
        let text = |path: PathBuf| {
            let text = path.to_str().filter(|text| !text.chars().any(char::is_control)).map(str::to_owned);
            text.ok_or(Unfit(path))
        };
        let environment = environment.into_iter().map(|(name, value)| Ok((name.to_owned(), text(value)?)));
        let environment = environment.collect::<Result<_, Unfit>>()?;
        let program = text(program)?;
        // systemd takes no program with these in its path.
        if program.contains(['"', '\'', '\\']) {
            return Err(Unfit(program.into()));
        }
        Ok(Self { program, arguments: vec!["service".into(), "run".into()], environment })
    }

    /// The unit for systemd's user manager.
    ///
    /// Hosts that it has started are not ended with it (`KillMode=process`), and if the kernel ends one of their
    /// claudes for want of memory, the unit goes on (`OOMPolicy=continue`).
    pub fn unit(&self) -> String {
        let mut unit = format!(
            "# {MARK}; `cckw service uninstall` removes it.\n\
             [Unit]\n\
             Description=Sessions of Claude Code come back (cckw)\n\
             StartLimitIntervalSec={STARTS_WITHIN}\n\
             StartLimitBurst={MOST_STARTS}\n\
             \n\
             [Service]\n\
             Type=exec\n\
             ExecStart=:{}\n\
             Restart=always\n\
             RestartSec={RESTART_DELAY}\n\
             RestartPreventExitStatus={RUNS_ALREADY}\n\
             KillMode=process\n\
             OOMPolicy=continue\n\
             TasksMax=infinity\n",
            self.words().map(systemd_word).collect::<Vec<_>>().join(" ")
        );
        for (name, value) in &self.environment {
            let _ = writeln!(unit, "Environment={}", systemd_word(&format!("{name}={value}")));
        }
        unit + "\n[Install]\nWantedBy=default.target\n"
    }

    /// The agent for launchd. Never run.
    pub fn agent(&self) -> String {
        let mut agent = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <!-- {MARK}; `cckw service uninstall` removes it. -->\n\
             <plist version=\"1.0\">\n\
             <dict>\n\
             \t<key>Label</key>\n\
             \t<string>{AGENT_NAME}</string>\n\
             \t<key>ProgramArguments</key>\n\
             \t<array>\n"
        );
        for word in self.words() {
            let _ = writeln!(agent, "\t\t<string>{}</string>", xml(word));
        }
        agent += "\t</array>\n";
        if !self.environment.is_empty() {
            agent += "\t<key>EnvironmentVariables</key>\n\t<dict>\n";
            for (name, value) in &self.environment {
                let _ = writeln!(agent, "\t\t<key>{name}</key>\n\t\t<string>{}</string>", xml(value));
            }
            agent += "\t</dict>\n";
        }
        for key in ["RunAtLoad", "KeepAlive", "AbandonProcessGroup"] {
            let _ = writeln!(agent, "\t<key>{key}</key>\n\t<true/>");
        }
        let pause = STARTS_WITHIN / MOST_STARTS;
        let _ = writeln!(agent, "\t<key>ThrottleInterval</key>\n\t<integer>{pause}</integer>");
        agent + "</dict>\n</plist>\n"
    }

    /// The line for crontab(5).
    pub fn cron_line(&self) -> String {
        let variables = self.environment.iter().map(|(name, value)| format!("{name}={} ", shell_word(value)));
        let words: Vec<String> = self.words().map(shell_word).collect();
        let command = format!("{}{}", variables.collect::<String>(), words.join(" "));
        // cron takes a percent sign for the end of the command.
        format!("@reboot {}", command.replace('%', "\\%"))
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.program.as_str()).chain(self.arguments.iter().map(String::as_str))
    }
}

/// A word as systemd.syntax(7) has it.
fn systemd_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@,".contains(c);
    if word.chars().all(plain) {
        return word.to_owned();
    }
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%"))
}

/// A word for sh(1).
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@,".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// A text in XML.
fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
