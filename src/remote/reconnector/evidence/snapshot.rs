//! One look at the screen, and what stands against typing there.

use super::super::block_reason::BlockReason;
use crate::claude::own_command;
use crate::claude::own_command::Origin;
use crate::claude::remote_log::Written;
use crate::claude::screen::{Prompt, Reading, Vim};

/// One look at the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScreenSnapshot {
    /// What was found.
    pub reading: Reading,
    /// Whether the model has read all output, and no frame is half drawn.
    pub settled: bool,
    /// Whether claude has read all that was sent to it, and rests: what it has to draw, it has drawn.
    pub rested: bool,
    /// Whether claude has asked for bracketed pastes.
    pub pastes: bool,
    /// Whether the line that is typed stands right before the cursor, wherever that is.
    pub line_before_cursor: bool,
    /// Whether the user has a command or a skill of the same name.
    pub own_command: bool,
    /// What claude has last written into the transcript about the link, if that can be read.
    pub written: Option<Written>,
}

impl ScreenSnapshot {
    /// Whether the prompt holds this line and nothing else, with the cursor behind it, and nothing else is
    /// going on.
    pub fn shows_exactly(&self, line: &str) -> bool {
        let alone = matches!(&self.reading.prompt, Prompt::Draft(draft)
            if draft.text == line && draft.lines == 1 && draft.cursor_at_end);
        // Enter takes what is selected in the list of commands.
        let selected = self.reading.menu.as_ref().and_then(|menu| menu.selected.as_deref());
        let name = line.split(' ').next().unwrap_or_default();
        let is_name = |selected: &str| match selected.strip_prefix('…') {
            Some(end) => name.ends_with(end),
            None => name == selected,
        };
        let meant = selected.is_none_or(is_name);
        alone && meant && self.settled && !self.reading.busy && self.reading.panel.is_none()
    }

    /// Whether Enter would submit a command of the user's own to the model. Where the list of commands does
    /// not say what is selected, a file of that name is reason enough.
    pub fn is_own_command(&self) -> bool {
        match own_command::origin(self.reading.menu.as_ref()) {
            Origin::BuiltIn => false,
            Origin::Own => true,
            Origin::Unknown => self.own_command,
        }
    }

    /// What stands against typing this line, at a prompt where typing is safe.
    pub fn against_line(&self, line: &str) -> Option<BlockReason> {
        let screen = |what: &str| Some(BlockReason::Screen(what.into()));
        if self.reading.stashed {
            // Claude brings it back by itself, with the next command that is submitted.
            return screen("a draft of the user's is stashed (ctrl-s at an empty prompt brings it back)");
        }
        if let Prompt::Draft(draft) = &self.reading.prompt {
            if draft.text.trim().is_empty() {
                // ctrl-s does nothing there.
                return screen("nothing but blanks stands at the prompt");
            }
            if draft.text.trim() == line {
                return screen("the command stands at the prompt already (Enter submits it)");
            }
        }
        if !self.reading.room.fits(line) {
            return screen("the window is too small to see the command before Enter");
        }
        None
    }

    /// Whether the footer, with what it says of the link, is to be seen: in other places than the main prompt
    /// it is not, and not where a list of commands is drawn over it.
    pub fn has_footer(&self) -> bool {
        self.settled && self.reading.menu.is_none() && !matches!(self.reading.prompt, Prompt::Elsewhere(_))
    }

    /// What stands against typing here.
    pub fn obstacle(&self) -> Option<BlockReason> {
        let screen = |what: &str| Some(BlockReason::Screen(what.into()));
        if !self.settled {
            return Some(BlockReason::Unsettled);
        }
        if self.reading.panel.is_some() {
            return screen("the panel of remote control is open");
        }
        if let Prompt::Elsewhere(why) = self.reading.prompt {
            return screen(why);
        }
        if self.reading.busy {
            return screen("a turn runs");
        }
        if self.reading.vim == Some(Vim::Visual) {
            return screen("vim's visual mode");
        }
        // Without them, keys in vim's normal mode are commands, and that mode is not to be seen.
        (!self.pastes).then_some(BlockReason::NoPaste)
    }
}
