//! The steps of copying a cckw to a machine, in their order.
//!
//! One shell on the machine is told them, and removes what was not installed when it ends, however it ends. The
//! program comes beside the one that is there, its hash is compared before it is run, it is tried there, and only then
//! it takes the place.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use semver::Version;
use tokio::runtime::Runtime;

use super::super::failure::Failure;
use super::super::ssh::{self, Mode, Purpose, Settings};
use super::super::store::Machine;
use super::offer::{Offer, Ready};
use super::plan::{FarSide, Target, Unwanted};
use super::script::{Answers, SHELL, Script};
use super::shell::{FarShell, ShellError};
use super::transfer::{Way, run, scp_arguments};
use crate::update::run::Step;
use crate::user_error::{UserError, copy as error, machine as machine_error};

/// How long the machine may take for its first answer where somebody may be asked for a password meanwhile. sshd
/// waits for two minutes.
const ATTENDED_TIMEOUT: Duration = Duration::from_secs(150);
/// How long the machine may take for each of the other answers: it runs the copy twice for one of them.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// How long the copy itself may take.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(20 * 60);

/// A connection to a machine that may get a cckw.
pub struct Copier {
    shell: FarShell,
    runtime: Runtime,
    script: Script,
    machine: Machine,
    words: Vec<std::ffi::OsString>,
    home: String,
    /// What is there.
    pub far: FarSide,
}

/// What is being done, for somebody who waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyStep {
    /// The program is downloaded first.
    Bring(Step),
    /// It is on its way.
    Copy,
    /// It is tried there.
    Trial,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The program is installed.
    Installed {
        /// Its version.
        version: Version,
        /// The version of the program before it, which is kept as `cckw.old`.
        before: Option<Version>,
        /// How it was copied.
        way: Way,
        /// What has told its hash there.
        hashed_by: String,
    },
    /// Nothing was copied: this one is there, and is not older.
    NotOlder(Version),
}

impl Copier {
    /// Connects to a machine, and looks what is there.
    ///
    /// # Errors
    /// When it is not reached: the inner result. When nothing can be asked at all: the outer one.
    pub fn connect(machine: &Machine, mode: Mode) -> Result<Result<Self, Failure>, UserError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(machine_error::cannot_run)?;
        let begun = Instant::now();
        let settings = Settings::of(machine);
        let directory = ssh::runtime_directory();
        let words = ssh::arguments(machine, &settings, mode, Purpose::Short, directory.as_deref());
        let mut command = Command::new(ssh::program());
        command.args(&words).arg(SHELL);
        let script = Script::new(rand_nonce());
        let patience = match mode {
            Mode::Unattended(within) | Mode::UnattendedTerminal(within) => within + ANSWER_TIMEOUT,
            Mode::Attended | Mode::Terminal => ATTENDED_TIMEOUT,
        };
        let looked = runtime.block_on(async {
            let mut shell = FarShell::start(command).map_err(|why| Failure::NoSsh(why.to_string()))?;
            let look = shell.tell(&script, &script.look(), patience).await;
            look.map(|look| (shell, look)).map_err(|why| failure(why, begun.elapsed()))
        });
        let (shell, look) = match looked {
            Ok(looked) => looked,
            Err(failure) => return Ok(Err(failure)),
        };
        let Some(far) = look.far_side() else {
            return Ok(Err(Failure::NotUnderstood("its shell says too little".into())));
        };
        let home = look.get("home").unwrap_or_default().to_owned();
        Ok(Ok(Self { shell, runtime, script, machine: machine.clone(), words, home, far }))
    }

    /// Copies the program and installs it, unless what is there is not older.
    ///
    /// # Errors
    /// Why it is not installed. What was there is there then, and nothing is left of the copy.
    pub fn copy(mut self, offer: &Offer, say: &mut dyn FnMut(CopyStep)) -> Result<Outcome, UserError> {
        let outcome = self.steps(offer, say);
        // What was not installed is gone when this returns, if the machine can still be reached.
        self.runtime.block_on(self.shell.end());
        outcome
    }

    fn steps(&mut self, offer: &Offer, say: &mut dyn FnMut(CopyStep)) -> Result<Outcome, UserError> {
        let name = self.machine.name.to_string();
        if let Some(there) = may_be_taken(&self.far, offer.version.as_ref(), &name)? {
            return Ok(Outcome::NotOlder(there));
        }
        let ready = offer.bring(&mut |step| say(CopyStep::Bring(step)))?;
        say(CopyStep::Copy);
        let text = self.script.make_ready();
        let made = self.ask(&text)?;
        if !made.is_yes("ready") {
            return Err(self.not_copied(made.get("why").unwrap_or("~/.local/bin cannot be written")));
        }
        let way = self.transfer(&ready.path)?;
        say(CopyStep::Trial);
        let text = self.script.check(&ready.sha256);
        let checked = self.ask(&text)?;
        let version = self.tried(&checked, &ready, offer.version.as_ref())?;
        if let Some(there) = may_be_taken(&self.far, Some(&version), &name)? {
            return Ok(Outcome::NotOlder(there));
        }
        let is_replacing = matches!(self.far.target, Target::Cckw(_));
        let text = self.script.install(is_replacing);
        let installed = self.ask(&text)?;
        if !installed.is_yes("installed") {
            return Err(self.not_copied(installed.get("why").unwrap_or("it cannot be put there")));
        }
        let before = match &self.far.target {
            Target::Cckw(before) => Some(before.clone()),
            _ => None,
        };
        let hashed_by = checked.get("by").unwrap_or_default().to_owned();
        Ok(Outcome::Installed { version, before, way, hashed_by })
    }

    /// The version of the copy, which was run there. It must be the one that was promised.
    fn tried(
        &self,
        checked: &Answers,
        ready: &Ready,
        promised: Option<&Version>,
    ) -> Result<Version, UserError> {
        let hash = checked.get("hash").unwrap_or_default();
        if hash != ready.sha256 {
            let by = checked.get("by").unwrap_or("nothing");
            return Err(self.not_copied(&format!(
                "what has come there has another SHA-256 than what was sent ({by} says \"{hash}\")"
            )));
        }
        let said = checked.get("version").unwrap_or_default();
        let version = checked.version("version").filter(|_| checked.get("status") == Some("0"));
        let version = version.ok_or_else(|| self.not_copied(&format!("it does not run there: {said}")))?;
        if promised.is_some_and(|promised| *promised != version) {
            return Err(self.not_copied(&format!("it says that it is version {version}")));
        }
        if checked.get("self-check") != Some("0") {
            let complaint = checked.get("complaint").unwrap_or_default();
            return Err(self.not_copied(&format!("its check of itself fails there: {complaint}")));
        }
        Ok(version)
    }

    fn transfer(&mut self, file: &Path) -> Result<Way, UserError> {
        let own = Some(ssh::program()).filter(|program| program != "ssh");
        if let Some(path) = self.script.path_for_scp(&self.home) {
            let words = scp_arguments(&self.words, own, file, &self.machine.destination, &path);
            match self.runtime.block_on(run("scp".into(), words, None, TRANSFER_TIMEOUT)) {
                Ok(()) => return Ok(Way::Scp),
                Err(why) if why.kind() == std::io::ErrorKind::TimedOut => {
                    return Err(self.not_copied("it takes too long"));
                }
                // There may be no scp here, no sftp there, or a shell that says something where scp reads.
                Err(_) => {}
            }
        }
        let mut words = self.words.clone();
        words.push(self.script.take().into());
        let copied = self.runtime.block_on(run(ssh::program(), words, Some(file), TRANSFER_TIMEOUT));
        copied.map(|()| Way::Ssh).map_err(|why| self.not_copied(&why.to_string()))
    }

    fn ask(&mut self, text: &str) -> Result<Answers, UserError> {
        let begun = Instant::now();
        let answered = self.runtime.block_on(self.shell.tell(&self.script, text, ANSWER_TIMEOUT));
        answered.map_err(|why| match failure(why, begun.elapsed()) {
            Failure::Other(said) if said.is_empty() => self.not_copied("the connection was lost"),
            failure => self.not_copied(&failure.short()),
        })
    }

    fn not_copied(&self, why: &str) -> UserError {
        error::not_copied(self.machine.name.as_str(), why)
    }
}

/// The version that is there, if it need not be replaced.
///
/// # Errors
/// When what is there may not be replaced.
pub fn may_be_taken(
    far: &FarSide,
    offered: Option<&Version>,
    machine: &str,
) -> Result<Option<Version>, UserError> {
    match far.takes(offered) {
        Ok(()) => Ok(None),
        Err(Unwanted::Same(there) | Unwanted::Newer(there)) => Ok(Some(there)),
        Err(unwanted) => Err(error::unwanted(machine, unwanted_words(&unwanted))),
    }
}

/// Why, and what to do.
fn unwanted_words(unwanted: &Unwanted) -> (String, &'static str) {
    match unwanted {
        Unwanted::Same(_) | Unwanted::Newer(_) => (String::new(), ""),
        Unwanted::Link(to) => (
            format!("~/.local/bin/cckw is a link there, to {to}"),
            "update that program there; whoever made the link leads it to another one",
        ),
        Unwanted::OfCargo => {
            ("cargo has installed the cckw in ~/.local there".into(), "update it there, with cargo")
        }
        Unwanted::Other => (
            "~/.local/bin/cckw is something else there, or does not run".into(),
            "look at it there, and move it away",
        ),
        Unwanted::Hidden(path, version) => (
            match version {
                Some(version) => format!("{path} is found first there, which is cckw {version}"),
                None => format!("{path} is found first there, and does not say its version"),
            },
            "update that program there, in the way in which it was installed",
        ),
    }
}

fn failure(why: ShellError, took: Duration) -> Failure {
    match why {
        ShellError::Ended(status, said) => Failure::of(status, &said, took),
        ShellError::TooLate(within) => Failure::TimedOut(within),
    }
}

/// A number that tells one copy from another.
fn rand_nonce() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().0
}
