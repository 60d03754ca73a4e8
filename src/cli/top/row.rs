//! One row of the fleet view: a session, wherever it runs and whoever started it.

/// Where a row comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The sessions of this machine.
    Here,
    /// Claudes of this machine that cckw does not run.
    Unwrapped,
    /// Claude's own background jobs on this machine.
    Jobs,
    /// The sessions of another machine, by its name.
    Machine(String),
}

/// Which row: it stays the same as long as the session lives, whatever its name and its place in the list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId {
    /// Where it comes from.
    pub source: Source,
    /// The session's id; of what cckw does not run the pid or the job's id.
    pub id: String,
}

impl RowId {
    /// The word by which verbs of cckw know it: `box:ID` for a session of another machine.
    pub fn word(&self) -> String {
        match &self.source {
            Source::Machine(machine) => format!("{machine}:{}", self.id),
            Source::Here | Source::Unwrapped | Source::Jobs => self.id.clone(),
        }
    }
}

/// What a row's session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A session of cckw's, whose host runs or can be brought back.
    Session,
    /// A claude that somebody started without cckw; it can be adopted.
    Unwrapped,
    /// A background job of claude's.
    Job,
}

/// What comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// It asks something, has failed, has crashed, or waits for its user otherwise.
    NeedsYou,
    /// It works.
    Busy,
    /// It rests.
    Idle,
    /// It has ended, or its machine does not answer.
    Gone,
}

/// One session as the view shows it. Texts are as they came: `draw` escapes them.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Which one.
    pub id: RowId,
    /// What it is.
    pub kind: Kind,
    /// What comes first.
    pub urgency: Urgency,
    /// Its name, without the machine's.
    pub name: String,
    /// The state in a word, as in `cckw list`.
    pub state: String,
    /// The state with what belongs to it: `limited until 15:00`.
    pub shown_state: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// What it is about.
    pub title: Option<String>,
    /// Where it works, below `~` where that is possible.
    pub directory: String,
    /// Whether a terminal is attached; nothing where that is not known.
    pub attached: Option<bool>,
    /// Whether its host runs, so that it has a screen.
    pub running: bool,
    /// The state of its Remote Control link, if that is known.
    pub remote: Option<String>,
    /// When something last happened in it, in seconds since 1970.
    pub active_at: Option<u64>,
    /// When it was started, in seconds since 1970.
    pub started_at: Option<u64>,
    /// The model of the last turn.
    pub model: Option<String>,
    /// Tokens in the context.
    pub context_tokens: Option<u64>,
    /// What it was asked last.
    pub last_prompt: Option<String>,
    /// The first line of its last answer.
    pub last_answer: Option<String>,
}

impl Row {
    /// The name as it stands before people: `box:api`.
    pub fn full_name(&self) -> String {
        match &self.id.source {
            Source::Machine(machine) => format!("{machine}:{}", self.name),
            Source::Here | Source::Unwrapped | Source::Jobs => self.name.clone(),
        }
    }
}
