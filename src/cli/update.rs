//! `cckw update`.

use std::env;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use semver::Version;
use serde_json::json;

use super::older_host;
use super::output::{fail, print};
use crate::client;
use crate::config;
use crate::config::HostUpdate;
use crate::escape::{escape, json as harmless};
use crate::registry;
use crate::update::auto;
use crate::update::auto::Looked;
use crate::update::run::{Exchanged, Step, apply, check_ours, look, own_version, roll_back};
use crate::user_error::UserError;

/// A newer version is there, and `--check` was asked for.
const NEWER: u8 = 3;

/// How often the sign moves that shows that time goes by.
const TICK_INTERVAL: Duration = Duration::from_millis(200);

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub struct UpdateArgs {
    /// Only look.
    pub check: bool,
    /// Go back to the program before this one.
    pub rollback: bool,
    /// Say it as JSON.
    pub json: bool,
}

/// What came of it.
enum Outcome {
    Newest(Version),
    Available(String),
    Updated(Exchanged, Hosts),
    RolledBack(Exchanged, Hosts),
}

/// The sessions that run a program which is not the installed one any more.
#[derive(Clone, Copy)]
struct Hosts {
    count: usize,
    policy: HostUpdate,
}

impl Hosts {
    /// As they are now.
    fn now(policy: HostUpdate) -> Self {
        let sessions = registry::sessions().unwrap_or_default();
        Self { count: sessions.iter().filter(|session| older_host::is_older(session)).count(), policy }
    }

    /// What becomes of them. Nothing where there are none.
    fn line(self) -> String {
        let (sessions, take, go, they) = match self.count {
            0 => return String::new(),
            1 => ("1 running session".into(), "takes", "goes", "it"),
            count => (format!("{count} running sessions"), "take", "go", "them"),
        };
        match self.policy {
            HostUpdate::Idle => {
                format!(
                    "{sessions} {take} it without being asked, as soon as claude is idle there. At once: cckw restart --hosts\n"
                )
            }
            HostUpdate::Never => {
                format!("{sessions} {go} on as before. To let {they} take it: cckw restart --hosts\n")
            }
        }
    }
}

/// Updates cckw, looks for a new version, or goes back to the one before.
pub fn main(args: UpdateArgs) -> ExitCode {
    match run(args) {
        Err(error) => fail(&error),
        Ok(outcome) => {
            let text = if args.json { outcome.json() } else { outcome.text() };
            let printed = print(&text);
            if matches!(outcome, Outcome::Available(_)) { ExitCode::from(NEWER) } else { printed }
        }
    }
}

/// What the service has a process of its own do. Stderr is the journal of the system.
pub fn by_itself() -> ExitCode {
    let called = env::args_os().next().unwrap_or_default();
    match config::load().and_then(|config| auto::run(&config.update, &called)) {
        Ok(Looked::Nothing) => {}
        Ok(Looked::Available(release)) => client::complain(format_args!("{release} is available")),
        Ok(Looked::Installed(release)) => client::complain(format_args!("{release} is installed")),
        Err(error) => return fail(&error),
    }
    ExitCode::SUCCESS
}

fn run(args: UpdateArgs) -> Result<Outcome, UserError> {
    let place = check_ours(&env::args_os().next().unwrap_or_default())?;
    if args.rollback {
        let policy = config::load().unwrap_or_default().update.hosts;
        return roll_back(&place).map(|done| Outcome::RolledBack(done, Hosts::now(policy)));
    }
    let config = config::load()?.update;
    let mut progress = Progress::new();
    let mut say = |step| progress.say(step);
    let outcome = if args.check {
        look(&config, &mut say).map(|offer| match offer.release > offer.installed {
            true => Outcome::Available(offer.release.to_string()),
            false => Outcome::Newest(offer.installed),
        })
    } else {
        apply(&place, &config, &mut say).map(|done| {
            done.map_or_else(Outcome::Newest, |exchanged| {
                Outcome::Updated(exchanged, Hosts::now(config.hosts))
            })
        })
    };
    progress.end();
    outcome
}

impl Outcome {
    fn text(&self) -> String {
        let installed = own_version();
        match self {
            Self::Newest(installed) => format!("cckw {installed} is the newest\n"),
            Self::Available(release) => {
                format!("cckw {release} is available, {installed} is installed. To take it: cckw update\n")
            }
            Self::Updated(Exchanged { program, from, to }, hosts) => format!(
                "cckw {to} is installed as {}, in the place of {from}. To go back: cckw update --rollback\n{}",
                escape(program),
                hosts.line()
            ),
            Self::RolledBack(Exchanged { program, from, to }, hosts) => format!(
                "cckw {to} is installed again as {}, in the place of {from}. To undo that: cckw update --rollback\n{}",
                escape(program),
                hosts.line()
            ),
        }
    }

    fn json(&self) -> String {
        let installed = own_version();
        let line = match self {
            Self::Newest(installed) => json!({ "outcome": "newest", "installed": installed }),
            Self::Available(release) => {
                json!({ "outcome": "available", "installed": installed, "available": release })
            }
            Self::Updated(Exchanged { program, from, to }, hosts) => {
                json!({ "outcome": "updated", "installed": to, "previous": from, "program": program, "sessions": hosts.count })
            }
            Self::RolledBack(Exchanged { program, from, to }, hosts) => {
                json!({ "outcome": "rolled-back", "installed": to, "previous": from, "program": program, "sessions": hosts.count })
            }
        };
        format!("{}\n", harmless(&line.to_string()))
    }
}

/// The progress, on stderr, where that is a terminal.
pub struct Progress(ProgressBar);

impl Progress {
    /// Nothing yet.
    pub fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(ProgressStyle::default_spinner());
        Self(bar)
    }

    /// Shows what is being done.
    pub fn say(&mut self, step: Step) {
        match step {
            Step::Manifest => self.0.set_message("looking for a new version"),
            Step::Download { got, size } => {
                if self.0.length() != Some(size) {
                    let style =
                        ProgressStyle::with_template("downloading {bar:30} {bytes} of {total_bytes}, {eta}");
                    self.0.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
                    self.0.set_length(size);
                }
                self.0.set_position(got);
            }
            Step::Trial | Step::Install => {
                self.0.set_style(ProgressStyle::default_spinner());
                self.0.set_message(if step == Step::Trial { "trying it" } else { "installing it" });
            }
        }
        self.0.tick();
    }

    /// Shows these words, and that time goes by.
    pub fn wait(&mut self, words: &'static str) {
        self.0.set_style(ProgressStyle::default_spinner());
        self.0.set_message(words);
        self.0.enable_steady_tick(TICK_INTERVAL);
    }

    /// Leaves nothing on the terminal.
    pub fn end(&mut self) {
        self.0.disable_steady_tick();
        self.0.finish_and_clear();
    }
}
