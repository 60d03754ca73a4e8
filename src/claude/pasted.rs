//! How claude takes a text that is pasted at its main prompt: what the prompt shows, what Enter makes of it,
//! and which lines of the transcript say that it was submitted.
//!
//! All of it was seen with 2.1.332; `docs/internals/claude-code.md` ("What is pasted") has the list.

use serde::{Deserialize, Serialize};

use serde_json::Value;
use unicode_width::UnicodeWidthChar;

use super::screen::{Draft, DraftTail, Prompt, Reading};

/// A text with more UTF-16 units, or more line ends, is shown as a mark: `[Pasted text #1 +3 lines]`.
const MAX_SHOWN_UNITS: usize = 800;
const MAX_SHOWN_LINE_ENDS: usize = 2;
/// The most characters of a mark: `[Pasted text #1234 +123456 lines]`.
const MAX_MARK_CHARACTERS: usize = 40;
/// A tab is shown, and sent, as so many blanks.
const TAB_COLUMNS: usize = 4;
/// What claude writes in front of an error about a command that it does not have.
const UNKNOWN_COMMAND: &str = "Unknown command: ";

/// What Enter makes of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PastedKind {
    /// It goes to the model.
    Prompt,
    /// It begins with a slash. Claude runs it as a command if its first word looks like one, and else it goes
    /// to the model: `/home/me/file is broken`.
    Command,
}

/// How a text was submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubmittedAs {
    /// Its turn has begun.
    Prompt,
    /// It waits in claude's queue until the turn that runs has ended.
    Queued,
    /// It ran as a command.
    Command,
    /// Claude has no command of that name, and says so in these words.
    UnknownCommand(String),
}

/// A text on its way to the main prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub struct PastedText {
    text: String,
    /// The same without blanks, with emoji of several parts whole, and with only their first part.
    forms: [String; 2],
    /// Claude may show it in another order (text from right to left), or with other characters (letters with
    /// their marks behind them, which it joins).
    is_redrawn: bool,
}

impl From<String> for PastedText {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<PastedText> for String {
    fn from(pasted: PastedText) -> Self {
        pasted.text
    }
}

impl PastedText {
    /// A text without control characters other than newline and tab.
    pub fn new(text: String) -> Self {
        let forms = [squash(&text), squash(&first_parts(&text))];
        let is_redrawn = text.chars().any(|c| is_right_to_left(c) || is_combining(c));
        Self { text, forms, is_redrawn }
    }

    /// What Enter makes of it.
    pub fn kind(&self) -> PastedKind {
        if self.text.trim_start().starts_with('/') { PastedKind::Command } else { PastedKind::Prompt }
    }

    /// Whether the prompt would go to shell mode with it: what is pasted is a command for the shell then.
    pub fn is_for_shell(&self) -> bool {
        self.text.starts_with('!')
    }

    /// What is pasted. Behind a backslash Enter makes a new line, and it may take a file from the list that
    /// opens for an `@`: a blank prevents both, and claude cuts it off.
    pub fn to_paste(&self) -> String {
        let last = self.text.split_whitespace().next_back().unwrap_or_default();
        let blank = if last.ends_with('\\') || last.starts_with('@') { " " } else { "" };
        format!("{}{blank}", self.text)
    }

    /// How many backspaces delete it, at most.
    pub fn characters(&self) -> usize {
        if self.has_mark() { MAX_MARK_CHARACTERS } else { self.to_paste().chars().count() }
    }

    /// Whether the prompt shows a mark in the place of the text.
    fn has_mark(&self) -> bool {
        self.to_paste().encode_utf16().count() > MAX_SHOWN_UNITS || self.line_ends() > MAX_SHOWN_LINE_ENDS
    }

    fn line_ends(&self) -> usize {
        self.text.matches('\n').count()
    }

    /// How many rows it takes at the prompt, in a window with so many columns for text. Words are not broken
    /// where they fit into a row.
    pub fn rows(&self, columns: usize) -> usize {
        if self.has_mark() {
            1
        } else {
            self.text.split('\n').map(|line| wrapped(line, columns.max(1))).sum()
        }
    }

    /// Whether the prompt holds this text and nothing else, with the cursor behind it.
    pub fn is_alone_in(&self, draft: &Draft) -> bool {
        draft.cursor_at_end && self.stands_in(draft)
    }

    /// Whether this is the end of this text alone, in a window with so many columns for text: what is to be
    /// seen is its end, and it has as many rows as are said not to be seen.
    pub fn is_alone_in_tail(&self, tail: &DraftTail, columns: usize) -> bool {
        let rows = self.rows(columns);
        // A row may be left for the cursor.
        let fits = (rows..=rows + 1).contains(&(tail.rows + tail.hidden_rows));
        fits && tail.cursor_at_end && self.ends_with(tail)
    }

    /// Whether this text ends as a tall draft does.
    pub fn ends_with(&self, tail: &DraftTail) -> bool {
        let shown = squash(&tail.text);
        !shown.is_empty() && self.forms.iter().any(|form| form.ends_with(&shown))
    }

    /// Whether the prompt holds this text and nothing else.
    pub fn stands_in(&self, draft: &Draft) -> bool {
        self.is_mark(draft.text.trim()) || self.is_same(&draft.text)
    }

    /// Whether this text, or its mark, is among what the prompt holds.
    pub fn is_part_of(&self, draft: &Draft) -> bool {
        let shown = squash(&draft.text);
        self.stands_in(draft)
            || self.is_redrawn
            || draft.text.contains("[Pasted text #")
            || self.forms.iter().any(|form| shown.contains(form))
    }

    /// `[Pasted text #3 +12 lines]`, with the number of its line ends, or `[Pasted text #3]`.
    fn is_mark(&self, shown: &str) -> bool {
        let inner = shown.strip_prefix("[Pasted text #").and_then(|rest| rest.strip_suffix(']'));
        let Some(inner) = inner else { return false };
        let digits = inner.chars().take_while(char::is_ascii_digit).count();
        let lines = match self.line_ends() {
            0 => String::new(),
            count => format!(" +{count} lines"),
        };
        digits > 0 && squash(&inner[digits..]) == squash(&lines)
    }

    /// Whether claude shows or writes this text so.
    fn is_same(&self, shown: &str) -> bool {
        let shown = squash(shown);
        let is_form = |form: &String| *form == shown;
        match () {
            () if self.forms.iter().any(is_form) => true,
            () if !self.is_redrawn => false,
            () if self.text.chars().any(is_combining) => ascii(&shown) == ascii(&self.text),
            () => self.forms.iter().any(|form| sorted(form) == sorted(&shown)),
        }
    }

    /// Whether Enter would take something else from a list that is open: a command whose name begins with
    /// what was pasted. The name of that command.
    pub fn other_command(&self, reading: &Reading) -> Option<String> {
        let selected = reading.menu.as_ref()?.selected.as_deref()?;
        let name = self.text.split_whitespace().next().unwrap_or_default();
        let is_name = match selected.strip_prefix('…') {
            Some(end) => name.ends_with(end),
            None => name == selected,
        };
        (!is_name && reading.prompt != Prompt::Empty).then(|| selected.to_owned())
    }

    /// How a line of the transcript says that this text was submitted, if it does.
    pub fn submitted_in(&self, line: &[u8]) -> Option<SubmittedAs> {
        let entry: Value = serde_json::from_slice(line).ok()?;
        let field = |name: &str| entry.get(name).and_then(Value::as_str);
        match field("type")? {
            "queue-operation" if field("operation") == Some("enqueue") => {
                self.is_content(field("content")?).then_some(SubmittedAs::Queued)
            }
            "user" if entry.get("isMeta").and_then(Value::as_bool) != Some(true) => {
                let content = entry.get("message")?.get("content")?;
                self.in_content(content)
            }
            "system" if field("subtype") == Some("local_command") => self.as_command(field("content")?),
            "system" => {
                let said = field("content")?;
                let name = said.strip_prefix(UNKNOWN_COMMAND)?;
                let is_ours = self.text.split_whitespace().next() == Some(name.trim());
                is_ours.then(|| SubmittedAs::UnknownCommand(said.to_owned()))
            }
            _ => None,
        }
    }

    fn in_content(&self, content: &Value) -> Option<SubmittedAs> {
        let texts: Vec<&str> = match content {
            Value::String(text) => vec![text],
            Value::Array(blocks) => {
                blocks.iter().filter_map(|block| block.get("text").and_then(Value::as_str)).collect()
            }
            _ => vec![],
        };
        let found = |text: &&str| self.is_content(text).then_some(SubmittedAs::Prompt);
        texts.iter().find_map(found).or_else(|| texts.iter().find_map(|text| self.as_command(text)))
    }

    /// Whether this is the text as claude has it: tabs are blanks, and a long one is in a tag of its own.
    fn is_content(&self, content: &str) -> bool {
        let mut content = content.trim();
        if let Some((tag, rest)) =
            content.strip_prefix("<pasted_content").and_then(|rest| rest.split_once('>'))
        {
            let end = format!("</pasted_content{tag}>");
            content = rest.trim().strip_suffix(end.as_str()).unwrap_or(rest);
        }
        self.is_same(content)
    }

    /// `<command-name>/effort</command-name> … <command-args>high</command-args>`.
    fn as_command(&self, content: &str) -> Option<SubmittedAs> {
        let part = |tag: &str| {
            let rest = content.split_once(&format!("<{tag}>"))?.1;
            Some(rest.split_once(&format!("</{tag}>"))?.0)
        };
        let name = part("command-name")?;
        let whole =
            format!("/{}{}", name.trim().trim_start_matches('/'), part("command-args").unwrap_or_default());
        self.is_same(&whole).then_some(SubmittedAs::Command)
    }
}

/// Without blanks and line ends, which a prompt breaks and cuts, and without characters that take no room of
/// their own on a screen.
fn squash(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && c.width().unwrap_or(0) > 0).collect()
}

/// Of an emoji that is joined of several, or has a colour of skin, the first part: that is what is left of it
/// on a screen that gives it two columns.
fn first_parts(text: &str) -> String {
    const JOINER: char = '\u{200d}';
    let mut joined = false;
    let mut first = String::with_capacity(text.len());
    for c in text.chars() {
        if c != JOINER && !joined && !matches!(c, '\u{1f3fb}'..='\u{1f3ff}') {
            first.push(c);
        }
        joined = c == JOINER;
    }
    first
}

/// How many rows a line takes, broken between words.
fn wrapped(line: &str, columns: usize) -> usize {
    let width = |text: &str| -> usize {
        text.chars().map(|c| if c == '\t' { TAB_COLUMNS } else { c.width().unwrap_or(0) }).sum()
    };
    let (mut rows, mut used) = (1, 0);
    for word in line.split_inclusive([' ', '\t']) {
        let wide = width(word);
        if used + wide > columns && used > 0 {
            (rows, used) = (rows + 1, 0);
        }
        rows += wide / (columns + 1);
        used = (used + wide) % (columns + 1);
    }
    rows
}

/// The letters of ASCII that bear no mark.
fn ascii(text: &str) -> String {
    let following = text.chars().skip(1).map(Some).chain([None]);
    let plain = text
        .chars()
        .zip(following)
        .filter(|(c, next)| c.is_ascii_graphic() && !next.is_some_and(is_combining));
    plain.map(|(c, _)| c).collect()
}

/// A mark that belongs to the character before it, and that claude joins with it.
fn is_combining(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{3099}' | '\u{309a}' | '\u{1161}'..='\u{11ff}')
}

fn sorted(text: &str) -> Vec<char> {
    let mut all: Vec<char> = text.chars().collect();
    all.sort_unstable();
    all
}

/// Hebrew, Arabic and their neighbours.
fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}')
}

#[cfg(test)]
mod tests;
