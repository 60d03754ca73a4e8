//! Rows of claudes that cckw does not run, and of claude's background jobs.

use std::path::{Path, PathBuf};

use crate::claude::by_hand::ClaudeByHand;
use crate::claude::job_file::JobFile;
use crate::claude::state_file::{OPENED_DIALOG, StateFile, is_rest};
use crate::claude::topic;
use crate::claude::transcript;
use crate::claude::transcript::TranscriptOnDisk;
use crate::claude::transcript::last_turn;
use crate::claude::transcript::turn::TurnStatus;
use crate::cli::last_turn::{first_line, state as state_of_failure};
use crate::cli::list;
use crate::cli::top::row::{Kind, Row, RowId, Source, Urgency};
use crate::escape::escape;

/// For so long a job that has ended badly is told, in seconds.
const BAD_END_SHOWN: u64 = 24 * 60 * 60;

/// What a transcript says.
#[derive(Debug, Clone, Default)]
pub struct Said {
    title: Option<String>,
    turn: TurnStatus,
}

impl Said {
    /// What this transcript says, of a claude with this state file.
    pub fn of(transcript: Option<PathBuf>, file: &StateFile) -> Self {
        let is_busy = file.status.as_deref() == Some("busy");
        transcript.map_or_else(Self::default, |path| Self {
            title: topic::of_transcript(&path, file.name.as_deref()),
            turn: last_turn::of_file(&path, is_busy).unwrap_or_default(),
        })
    }

    /// What the transcript of a job says that has no process.
    pub fn of_job(job: &JobFile, config: Option<&Path>) -> Self {
        let projects = config.map(|config| config.join("projects"));
        let found = projects.zip(job.conversation.as_deref());
        let found = found.map(|(projects, id)| transcript::find(&projects, id, job.cwd.as_deref()));
        match found {
            Some(TranscriptOnDisk::Conversation(path)) => Self::of(Some(path), &StateFile::default()),
            _ => Self::default(),
        }
    }
}

/// A background job, as far as it is known.
#[derive(Default)]
pub struct JobSeen<'a> {
    /// What is written down about it.
    pub file: Option<&'a JobFile>,
    /// Its process, if it lives.
    pub live: Option<&'a ClaudeByHand>,
    /// What its transcript says.
    pub said: Option<&'a Said>,
}

impl JobSeen<'_> {
    /// Whether it is shown without being asked for: it goes on, waits for its user, or has ended badly not long ago.
    pub fn is_of_interest(&self, now: u64) -> bool {
        let Some(file) = self.file.filter(|_| self.live.is_none()) else { return true };
        let is_new = file.updated_at.is_some_and(|at| now.saturating_sub(at) < BAD_END_SHOWN);
        match file.state_without_process() {
            "waiting" => true,
            "failed" | "crashed" => is_new,
            _ => false,
        }
    }
}

/// The row of a claude in a terminal; nothing where it is none.
pub fn unwrapped_row(claude: &ClaudeByHand, said: &Said, home: Option<&Path>) -> Option<Row> {
    let file = &claude.file;
    let is_in_terminal =
        file.kind.as_deref() == Some("interactive") && file.entrypoint.as_deref() == Some("cli");
    // Of one that has moved to a job, the job is shown.
    if !is_in_terminal || file.job_id.is_some() || file.parked_job_id.is_some() {
        return None;
    }
    let pid = claude.process.pid;
    let (state, urgency) = live_state(file, &said.turn);
    let hint = match claude.obstacle() {
        _ if state == "waiting" => Some(format!("it waits for you{} in its terminal", waiting_for(file))),
        None => Some(format!("cckw does not run it; to take it over: cckw adopt {pid} --takeover")),
        Some(why) => Some(why.into()),
    };
    let name =
        file.name.clone().or_else(|| Some(file.cwd.as_ref()?.file_name()?.to_string_lossy().into_owned()));
    let id = RowId { source: Source::Unwrapped, id: pid.to_string() };
    let row = row(id, Kind::Unwrapped, (state, urgency), said);
    Some(Row {
        name: name.unwrap_or_else(|| pid.to_string()),
        hint,
        directory: directory(file.cwd.as_deref(), home),
        active_at: row.active_at.or(file.started_at.map(|at| at / 1000)),
        started_at: file.started_at.map(|at| at / 1000),
        ..row
    })
}

/// The row of a background job.
pub fn job_row(job: &JobSeen<'_>, home: Option<&Path>) -> Row {
    let (none, nobody) = (Said::default(), JobFile::default());
    let (said, file) = (job.said.unwrap_or(&none), job.file.unwrap_or(&nobody));
    let job_id = job.live.and_then(|live| live.file.job_id.clone()).unwrap_or_else(|| file.id.clone());
    let (state, urgency) = match job.live {
        Some(live) => live_state(&live.file, &said.turn),
        None => {
            let state = file.state_without_process();
            let is_well = matches!(state, "done" | "stopped");
            (state.to_owned(), if is_well { Urgency::Gone } else { Urgency::NeedsYou })
        }
    };
    let hint = match job.live {
        Some(live) if state == "waiting" => {
            Some(format!("it waits for you{}: claude attach {job_id}", waiting_for(&live.file)))
        }
        Some(live) => Some(live.obstacle().map_or_else(
            || format!("a job of claude's; to take it over: cckw adopt {job_id} --takeover"),
            str::to_owned,
        )),
        None => hint_without_process(file, &state, &job_id),
    };
    let cwd = job.live.and_then(|live| live.file.cwd.as_deref()).or(file.cwd.as_deref());
    let live_name = job.live.and_then(|live| live.file.name.clone());
    let row = row(RowId { source: Source::Jobs, id: job_id.clone() }, Kind::Job, (state, urgency), said);
    Row {
        name: live_name.or_else(|| file.name.clone()).unwrap_or(job_id),
        hint,
        directory: directory(cwd, home),
        active_at: row.active_at.or(file.updated_at).or(file.created_at),
        started_at: file.created_at,
        last_prompt: row.last_prompt.clone().or_else(|| file.intent.clone()),
        ..row
    }
}

fn hint_without_process(file: &JobFile, state: &str, id: &str) -> Option<String> {
    let needs = file.needs.as_deref().map(|what| format!(" ({})", escape(what))).unwrap_or_default();
    match state {
        "waiting" => Some(format!("it waits for you{needs}: claude attach {id}")),
        "done" => None,
        _ => Some(format!("to go on with it: claude attach {id}")),
    }
}

/// A row in which the rest is to be filled in.
fn row(id: RowId, kind: Kind, (state, urgency): (String, Urgency), said: &Said) -> Row {
    let turn = &said.turn;
    Row {
        id,
        kind,
        urgency,
        name: String::new(),
        shown_state: state.clone(),
        state,
        hint: None,
        title: said.title.clone(),
        directory: String::new(),
        attached: None,
        running: false,
        remote: None,
        active_at: turn.last_at.map(|at| at / 1000),
        started_at: None,
        model: turn.model.clone(),
        context_tokens: turn.context_tokens,
        last_prompt: turn.last_prompt.clone(),
        last_answer: turn.last_answer.as_deref().and_then(first_line).map(str::to_owned),
    }
}

/// The state of a claude that runs, in a word.
fn live_state(file: &StateFile, turn: &TurnStatus) -> (String, Urgency) {
    let failure = turn.failure().map(state_of_failure);
    match (file.status.as_deref(), failure) {
        (None, _) => ("starting".into(), Urgency::Busy),
        (Some(status), Some(failure)) if is_rest(status) => (failure.into(), Urgency::NeedsYou),
        (Some(status), _) => {
            let urgency = match status {
                "waiting" if file.waiting_for.as_deref() == Some(OPENED_DIALOG) => Urgency::Idle,
                "waiting" => Urgency::NeedsYou,
                "busy" => Urgency::Busy,
                _ => Urgency::Idle,
            };
            (status.to_owned(), urgency)
        }
    }
}

fn waiting_for(file: &StateFile) -> String {
    file.waiting_for.as_deref().map(|what| format!(" ({})", escape(what))).unwrap_or_default()
}

fn directory(cwd: Option<&Path>, home: Option<&Path>) -> String {
    cwd.map(|cwd| escape(&list::below_home(cwd.to_owned(), home)).to_string()).unwrap_or_default()
}
