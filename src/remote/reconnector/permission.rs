//! Whose decision the link is: what the user has done, and what claude has said about it.

use serde::{Deserialize, Serialize};

use super::block_reason::BlockReason;
use crate::claude::remote_notices::Notice;
use crate::config::ReconnectPolicy;

/// What speaks for a link and against it, apart from how it stands now.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Permission {
    /// A link was up in this session.
    used: bool,
    /// The user switched it off.
    turned_off: bool,
    /// Claude's words, if it refuses.
    refused: Option<String>,
    /// Claude's words, if they leave the link to the user.
    left_to_user: Option<String>,
    /// Enter would submit a command of the user's own.
    own_command: bool,
    /// The dialog that is open was opened by the user.
    user_dialog: bool,
}

impl Permission {
    /// What a former host of the session has known.
    pub(super) fn new(used: bool, turned_off: bool) -> Self {
        Self { used, turned_off, ..Self::default() }
    }

    /// Whether a link is to be up under this policy.
    pub(super) fn is_wanted(&self, policy: ReconnectPolicy) -> bool {
        match policy {
            ReconnectPolicy::Off => false,
            ReconnectPolicy::IfUsed => self.used,
            ReconnectPolicy::Always => true,
        }
    }

    /// A link is up: whatever was said before is old.
    pub(super) fn link_came_up(&mut self) {
        *self = Self { used: true, user_dialog: self.user_dialog, ..Self::default() };
    }

    /// The link went down, and it was the user who did that, or it cannot be said that it was not.
    pub(super) fn user_switched_off(&mut self) {
        self.turned_off = true;
    }

    /// The link has failed. Nobody is told so who has switched it off.
    pub(super) fn link_failed(&mut self) {
        self.turned_off = false;
    }

    /// Claude refuses, in these words.
    pub(super) fn refuse(&mut self, said: String) {
        self.refused = Some(said);
    }

    /// Remembers whose decision the link is, as claude's last words have it.
    pub(super) fn heed(&mut self, notice: &Notice) {
        if let Some(said) = notice.refusal() {
            self.refused = Some(said.to_owned());
        } else if let Some(said) = notice.left_to_the_user() {
            self.left_to_user = Some(said.to_owned());
        } else if let Notice::Failed(_) = notice {
            // Newer than what was said before.
            self.left_to_user = None;
        }
    }

    /// The command is one of the user's own.
    pub(super) fn found_own_command(&mut self) {
        self.own_command = true;
    }

    /// A look has told whether the user has a command of that name.
    pub(super) fn saw_own_command(&mut self, is_there: bool) {
        self.own_command &= is_there;
    }

    pub(super) fn dialog_opened(&mut self, is_users: bool) {
        self.user_dialog = is_users;
    }

    /// A dialog was closed. One of the user's may have been `/login` or `/config`: then claude is asked once
    /// more what it has refused. Whether it was one.
    pub(super) fn dialog_closed(&mut self) -> bool {
        let is_users = std::mem::take(&mut self.user_dialog);
        if is_users {
            (self.refused, self.own_command) = (None, false);
        }
        is_users
    }

    /// What speaks against a link that only cckw wants. `line` is the command.
    pub(super) fn objection(&self, line: &str) -> Option<BlockReason> {
        if self.own_command {
            return Some(BlockReason::OwnCommand(line.to_owned()));
        }
        self.withdrawal()
    }

    /// Why only the user can want the link.
    pub(super) fn users_decision(&self, policy: ReconnectPolicy) -> Option<BlockReason> {
        let is_wanted = self.used || policy == ReconnectPolicy::Always;
        self.withdrawal().or_else(|| (!is_wanted).then_some(BlockReason::NeverUsed))
    }

    /// Why the link is not cckw's to bring back.
    pub(super) fn withdrawal(&self) -> Option<BlockReason> {
        let refused = self.refused.clone().map(BlockReason::Refused);
        let left = || self.left_to_user.clone().map(BlockReason::LeftAlone);
        refused.or_else(left).or_else(|| self.turned_off.then_some(BlockReason::TurnedOff))
    }

    pub(super) fn is_used(&self) -> bool {
        self.used
    }

    pub(super) fn is_turned_off(&self) -> bool {
        self.turned_off
    }

    pub(super) fn refused(&self) -> Option<&String> {
        self.refused.as_ref()
    }

    pub(super) fn has_own_command(&self) -> bool {
        self.own_command
    }
}
