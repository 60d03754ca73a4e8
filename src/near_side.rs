//! Where the user sits, if that is another machine: what this one is called there, and how its output is shown there.
//!
//! A cckw that another machine's cckw has started calls its sessions `box:api` in all that it says, because that is what
//! the user types there.

use std::sync::OnceLock;

/// What stands between the name of a machine and that of a session. No session has it in its own name.
pub const MARK: char = ':';

/// The machine where the user sits.
#[derive(Debug, Clone, Default)]
pub struct NearSide {
    /// What this machine is called there.
    pub machine: String,
    /// Whether colours are shown there.
    pub has_colours: bool,
    /// How many columns the terminal has there; nothing where the output goes somewhere else.
    pub columns: Option<usize>,
}

static NEAR_SIDE: OnceLock<NearSide> = OnceLock::new();

/// Has all that is said from now on be for the user of another machine.
pub fn set(near_side: NearSide) {
    let _ = NEAR_SIDE.set(near_side);
}

/// The machine where the user sits; nothing where that is this one.
pub fn get() -> Option<&'static NearSide> {
    NEAR_SIDE.get()
}

/// What this machine is called where the user sits; nothing where that is here.
pub fn machine() -> Option<&'static str> {
    get().map(|near_side| near_side.machine.as_str())
}

/// A word for a session, as it is typed where the user sits.
pub fn on(word: &str) -> String {
    match machine() {
        Some(machine) => format!("{machine}{MARK}{word}"),
        None => word.to_owned(),
    }
}

/// Such a word without the machine.
pub fn off(word: &str) -> &str {
    let rest = machine().and_then(|machine| word.strip_prefix(machine)?.strip_prefix(MARK));
    rest.unwrap_or(word)
}

/// What lists the sessions of this machine, as it is typed where the user sits.
pub fn list() -> String {
    with_machine("list")
}

/// What shows the remote control of this machine, as it is typed where the user sits.
pub fn detect() -> String {
    with_machine("detect")
}

/// What starts a session on this machine, as it is typed where the user sits.
pub fn begin() -> String {
    match machine() {
        Some(_) => format!("cckw new {}", on("NAME")),
        None => "cckw claude".into(),
    }
}

fn with_machine(verb: &str) -> String {
    match machine() {
        Some(machine) => format!("cckw {verb} --on {machine}"),
        None => format!("cckw {verb}"),
    }
}
