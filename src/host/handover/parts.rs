//! The parts of a host's state, and their names.

use serde::Serialize;
use uuid::Uuid;

use super::document::Document;
use crate::host::Host;
use crate::host::alerts::AlertsState;
use crate::host::attachment_state::AttachmentState;
use crate::host::broken_turn::Continuation;
use crate::host::claude::ClaudeState;
use crate::host::claude_name::ClaudeName;
use crate::host::control_server::{ControlServer, ServerState};
use crate::host::files::FilesState;
use crate::host::notifications::Notices;
use crate::host::output::OutputState;
use crate::host::remote::RemoteState;
use crate::host::sending::SendingState;
use crate::host::start_question::StartQuestion;
use crate::host::stopping::SystemStop;
use crate::host::timers::{Timer, Timers};
use crate::host::transcript::TranscriptWatch;
use crate::host::turn_check::TurnCheck;
use crate::host::turn_retry::FailedTurnState;
use crate::host::typing::HostTyping;
use crate::os::fd_store::FdStore;
use crate::os::text::LosslessText;
use crate::registry::record::Record;
use crate::vt::modes::ModeTracker;
use crate::vt::screen::Screen;

/// A whole state, as it was read.
pub struct Parts {
    pub record: Record,
    pub directory: LosslessText,
    pub claude: ClaudeState,
    pub attachment: AttachmentState,
    pub output: OutputState,
    pub modes: ModeTracker,
    pub screen: Screen,
    pub files: FilesState,
    pub server: Option<ServerState>,
    pub timers: Timers<Timer>,
    /// The state file was there, and was removed.
    pub state_file_was_removed: bool,
    pub transcript: TranscriptWatch,
    pub turn: TurnCheck,
    pub typing: HostTyping,
    pub start_question: StartQuestion,
    pub remote: RemoteState,
    pub sending: SendingState,
    pub system_stop: SystemStop,
    pub notices: Notices,
    pub claude_name: ClaudeName,
    pub alerts: AlertsState,
    pub continuation: Continuation,
    pub failed_turn: FailedTurnState,
    /// Those who have asked for the hand-over, and wait.
    pub waiting: Vec<Uuid>,
    /// The path of the program that goes on.
    pub program: Option<LosslessText>,
    /// The path of the program that has written this.
    pub own_program: Option<LosslessText>,
}

impl Parts {
    /// What a document says. It is only read: nothing is opened, watched or changed.
    ///
    /// # Errors
    /// When a part is missing that nothing can go on without, or is not understood.
    pub fn of(document: &Document) -> Result<Self, String> {
        let screen = document.part::<Screen>("screen")?.handed_over();
        Ok(Self {
            record: document.part("record")?,
            directory: document.part("directory")?,
            claude: document.part("claude")?,
            attachment: document.part("attachment")?,
            output: document.part("output")?,
            modes: document.part("modes")?,
            screen: screen.ok_or("screen: it is of another size than it says")?,
            files: document.part("files")?,
            server: document.part("server")?,
            timers: document.part("timers")?,
            state_file_was_removed: document.part_or_new("state-file-was-removed")?,
            transcript: document.part_or_new("transcript")?,
            turn: document.part_or_new("turn")?,
            typing: document.part_or_new("typing")?,
            start_question: document.part_or_new("start-question")?,
            remote: document.part_or_new("remote")?,
            sending: document.part_or_new("sending")?,
            system_stop: document.part_or_new("system-stop")?,
            notices: document.part_or_new("notices")?,
            claude_name: document.part_or_new("claude-name")?,
            alerts: document.part_or_new("alerts")?,
            continuation: document.part_or_new("continuation")?,
            failed_turn: document.part_or_new("failed-turn")?,
            waiting: document.part_or_new("waiting")?,
            program: document.part_or_new("program")?,
            own_program: document.part_or_new("own-program")?,
        })
    }
}

impl Host {
    /// Writes down all that the program needs which goes on in this process. One that is only tried needs no
    /// control server.
    ///
    /// # Errors
    /// When something cannot be written as JSON.
    pub(super) fn write_state(
        &self,
        server: Option<&ControlServer>,
        fds: &FdStore,
        document: &mut Document,
    ) -> Result<(), String> {
        let directory = LosslessText::from(self.directory.as_path());
        let parts: [(&str, &dyn Part); 26] = [
            ("record", &self.record),
            ("directory", &directory),
            ("claude", &self.claude.hand_over(fds)),
            ("attachment", &self.attachment.hand_over(fds)),
            ("output", &self.output.hand_over(fds)),
            ("modes", &self.output.modes),
            ("screen", &self.output.screen),
            ("files", &self.files.hand_over(fds)),
            ("server", &server.map(|server| server.hand_over(fds))),
            ("timers", &self.timers),
            ("state-file-was-removed", &self.watch.is_removed()),
            ("transcript", &self.transcript),
            ("turn", self.turn.hand_over()),
            ("typing", &self.typing),
            ("start-question", &self.start_question),
            ("remote", &self.remote.hand_over()),
            ("sending", &self.sending.hand_over()),
            ("system-stop", &self.system_stop),
            ("notices", &self.notices),
            ("claude-name", &self.claude_name),
            ("alerts", &self.alerts.hand_over()),
            ("continuation", &self.continuation),
            ("failed-turn", &self.failed_turn.hand_over()),
            ("waiting", &self.handover.waiting()),
            ("program", &self.handover.known_path()),
            ("own-program", &self.handover.own_path()),
        ];
        parts.iter().try_for_each(|(name, part)| part.put(name, document))
    }
}

/// Something that can be a part.
trait Part {
    fn put(&self, name: &str, document: &mut Document) -> Result<(), String>;
}

impl<T: Serialize> Part for T {
    fn put(&self, name: &str, document: &mut Document) -> Result<(), String> {
        document.put(name, self)
    }
}
