//! One look at the prompt, and what it has against typing there.

use super::block::SendBlock;
use crate::claude::pasted::{PastedKind, PastedText};
use crate::claude::screen::{Prompt, Reading, Vim};

/// The rows that the box, its rules and what stands below and above it need beside the text, and those of a
/// list of commands (seen with 2.1.332).
const ROWS_BESIDE: usize = 6;
const ROWS_OF_LIST: usize = 4;
/// The rows of the alternate screen that are enough for any text: a tall one scrolls in its box.
const ROWS_ALTERNATE: usize = 12;
/// The columns beside the text.
const COLUMNS_BESIDE: usize = 4;
/// What a mark for a long text takes: `[Pasted text #123 +12345 lines]`.
const MARK_COLUMNS: usize = 32;

/// One look at the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptLook {
    /// What was found.
    pub reading: Reading,
    /// Whether the model has read all output, and no frame is half drawn.
    pub settled: bool,
    /// Whether claude has read all that was sent to it, and rests.
    pub rested: bool,
    /// Whether claude has asked for bracketed pastes.
    pub pastes: bool,
}

impl PromptLook {
    /// What stands against typing anything at all here. `queues` is whether a turn may run.
    pub fn obstacle(&self, queues: bool) -> Option<SendBlock> {
        if !self.settled {
            return Some(SendBlock::Unsettled);
        }
        if self.reading.panel.is_some() {
            return Some(SendBlock::screen("the panel of remote control is open"));
        }
        if let (Prompt::Elsewhere(why), None) = (&self.reading.prompt, &self.reading.tail) {
            return Some(SendBlock::screen(why));
        }
        if self.reading.busy && !queues {
            return Some(SendBlock::Busy);
        }
        if self.reading.vim == Some(Vim::Visual) {
            return Some(SendBlock::screen("vim's visual mode is on"));
        }
        // Without them, keys in vim's normal mode are commands, and that mode is not to be seen.
        (!self.pastes).then(|| SendBlock::screen("claude has not asked for bracketed pastes"))
    }

    /// What stands against typing this text, at a prompt where typing is safe.
    pub fn against_text(&self, text: &PastedText) -> Option<SendBlock> {
        if self.has_draft() && self.reading.stashed {
            return Some(SendBlock::screen("a draft is stashed, and another one stands at the prompt"));
        }
        // The draft that claude brings back would look like a text that Enter did not take.
        if self.still_holds(text) {
            return Some(SendBlock::screen("the same text stands at the prompt already (Enter submits it)"));
        }
        // ctrl-s does nothing there.
        if matches!(&self.reading.prompt, Prompt::Draft(draft) if draft.text.trim().is_empty()) {
            return Some(SendBlock::screen("nothing but blanks stands at the prompt"));
        }
        (!self.has_room_for(text)).then_some(SendBlock::Window)
    }

    fn has_room_for(&self, text: &PastedText) -> bool {
        let (rows, _) = self.reading.room.size();
        let list = if text.kind() == PastedKind::Command { ROWS_OF_LIST } else { 0 };
        let needed = text.rows(self.inner_columns()).saturating_add(ROWS_BESIDE + list);
        let is_enough = self.reading.room.is_alternate() && rows >= ROWS_ALTERNATE;
        self.inner_columns() >= MARK_COLUMNS && (is_enough || rows >= needed)
    }

    /// How many columns the prompt has for text.
    fn inner_columns(&self) -> usize {
        self.reading.room.size().1.saturating_sub(COLUMNS_BESIDE)
    }

    /// Whether the prompt holds this text alone, and Enter would submit it.
    pub fn shows_alone(&self, text: &PastedText) -> bool {
        let is_alone = match (&self.reading.prompt, &self.reading.tail) {
            (Prompt::Draft(draft), _) => text.is_alone_in(draft),
            (_, Some(tail)) => text.is_alone_in_tail(tail, self.inner_columns()),
            _ => false,
        };
        is_alone
            && self.settled
            && self.reading.panel.is_none()
            && text.other_command(&self.reading).is_none()
    }

    /// Whether this text is to be seen at the prompt, alone or with something else.
    pub fn holds(&self, text: &PastedText) -> bool {
        match (&self.reading.prompt, &self.reading.tail) {
            (Prompt::Draft(draft), _) => text.is_part_of(draft),
            (_, Some(tail)) => text.ends_with(tail),
            (prompt, None) => prompt.is_tall(),
        }
    }

    /// Whether nothing but this text is to be seen at the prompt, wherever the cursor is.
    pub fn still_holds(&self, text: &PastedText) -> bool {
        match (&self.reading.prompt, &self.reading.tail) {
            (Prompt::Draft(draft), _) => text.stands_in(draft),
            (_, Some(tail)) => text.ends_with(tail),
            _ => false,
        }
    }

    /// Whether a draft stands at the prompt.
    pub fn has_draft(&self) -> bool {
        matches!(self.reading.prompt, Prompt::Draft(_)) || self.reading.prompt.is_tall()
    }

    /// Whether the main prompt is to be seen.
    pub fn is_at_prompt(&self) -> bool {
        self.settled && (self.has_draft() || self.reading.prompt == Prompt::Empty)
    }
}
