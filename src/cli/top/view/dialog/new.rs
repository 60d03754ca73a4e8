//! Starts a session.

mod candidates;

use crossterm::event::KeyEvent;

use super::Answer;
use crate::cli::top::event::VerbLine;
use crate::cli::top::keys::{self, Command};
use crate::cli::top::row::Row;
use crate::cli::top::view::input::TextInput;
use crate::cli::top::view::list::Place;
use crate::machines::name::split;
use crate::registry::names;
use candidates::Candidates;

/// A field of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The name of the session.
    Name,
    /// What claude is told first.
    Prompt,
    /// The directory that claude works in. It is the last one, because Tab completes it.
    Directory,
}

impl Field {
    /// All of them, from the top.
    pub const ALL: [Self; 3] = [Self::Name, Self::Prompt, Self::Directory];
}

/// The form.
#[derive(Debug)]
pub struct NewForm {
    /// What is typed, in the order of [`Field::ALL`].
    fields: [TextInput; 3],
    /// Where the cursor is.
    field: Field,
    candidates: Candidates,
    /// The directory that it began with.
    offered_first: String,
    /// Where `~` leads to on this machine.
    home: Option<String>,
    /// What is wrong with it.
    pub trouble: Option<String>,
}

impl NewForm {
    /// Begins with a directory. The directories of these rows are offered first. With a machine the name begins with it.
    pub fn new<'a>(
        rows: impl IntoIterator<Item = &'a Row>,
        place: Option<&Place>,
        directory: &str,
        home: Option<&str>,
    ) -> Self {
        let (name, directory) = match place {
            Some(Place::Machine(machine)) => (format!("{machine}:"), "~"),
            Some(Place::Here) | None => (String::new(), directory),
        };
        Self {
            fields: [TextInput::with(name), TextInput::default(), TextInput::with(directory)],
            field: Field::Name,
            candidates: Candidates::of(rows),
            offered_first: directory.to_owned(),
            home: home.map(str::to_owned),
            trouble: None,
        }
    }

    /// What is typed into a field.
    pub fn input(&self, field: Field) -> &TextInput {
        &self.fields[field as usize]
    }

    /// Where the cursor is.
    pub fn field(&self) -> Field {
        self.field
    }

    /// The machine on which it will run, if it is another one.
    pub fn machine(&self) -> Option<&str> {
        split(self.input(Field::Name).text().trim()).map(|(machine, _)| machine)
    }

    /// The directories that are offered, and which of them is chosen.
    pub fn offered(&self) -> (Vec<&str>, Option<usize>) {
        (self.candidates.of_place(self.machine(), self.typed_directory()), self.candidates.chosen())
    }

    /// What was typed of a directory: nothing as long as it is the one that the form began with.
    fn typed_directory(&self) -> &str {
        let typed = self.input(Field::Directory).text();
        if typed == self.offered_first { "" } else { typed }
    }

    /// These directories begin as what was typed.
    pub fn set_directories(&mut self, found: Vec<String>) {
        self.candidates.set_found(self.fields[Field::Directory as usize].text(), found);
    }

    /// Puts a text in.
    pub fn paste(&mut self, text: &str) -> Answer {
        self.trouble = None;
        match self.field {
            Field::Prompt => self.fields[Field::Prompt as usize].insert(text),
            Field::Name | Field::Directory => self.fields[self.field as usize].insert_line(text),
        }
        self.changed()
    }

    /// Takes a key.
    pub fn key(&mut self, key: KeyEvent) -> Answer {
        self.trouble = None;
        if self.fields[self.field as usize].type_key(key) {
            return self.changed();
        }
        match keys::EDITOR.command(key) {
            Some(Command::Submit) => self.submit(),
            Some(Command::Back) => Answer::Left,
            Some(Command::Up) => self.go(-1),
            Some(Command::Down) => self.go(1),
            Some(Command::Complete) if self.field == Field::Directory => self.complete(true),
            Some(Command::CompleteBack) if self.field == Field::Directory => self.complete(false),
            Some(Command::Complete) => self.go(1),
            Some(Command::CompleteBack) => self.go(-1),
            Some(Command::NewLine) if self.field == Field::Prompt => {
                self.fields[Field::Prompt as usize].insert("\n");
                Answer::Stays
            }
            Some(other @ (Command::Redraw | Command::Suspend)) => Answer::Other(other),
            Some(other) if self.fields[self.field as usize].edit(other) => self.changed(),
            Some(_) | None => Answer::Stays,
        }
    }

    /// Goes to another field. The directories are looked for where they are needed.
    fn go(&mut self, by: isize) -> Answer {
        let at = (self.field as usize).saturating_add_signed(by).min(Field::ALL.len() - 1);
        self.field = Field::ALL[at];
        if self.field == Field::Directory { self.look_up() } else { Answer::Stays }
    }

    /// What was typed may be the beginning of other directories now.
    fn changed(&mut self) -> Answer {
        if self.field != Field::Directory {
            return Answer::Stays;
        }
        self.candidates.forget_choice();
        self.look_up()
    }

    /// Asks for the directories that begin as what was typed. Those of other machines are not known here.
    fn look_up(&mut self) -> Answer {
        match self.machine() {
            Some(_) => Answer::Stays,
            None => Answer::Complete(self.input(Field::Directory).text().to_owned()),
        }
    }

    /// Completes the directory, or takes the next one that is offered.
    fn complete(&mut self, forward: bool) -> Answer {
        let machine = self.machine().map(str::to_owned);
        let typed = self.typed_directory().to_owned();
        let Some((text, is_final)) = self.candidates.complete(machine.as_deref(), &typed, forward) else {
            return Answer::Stays;
        };
        self.fields[Field::Directory as usize] = TextInput::with(text);
        if is_final { Answer::Stays } else { self.look_up() }
    }

    fn submit(&mut self) -> Answer {
        let directory = self.input(Field::Directory).text().trim().to_owned();
        let word = self.word(&directory);
        let name = split(&word).map_or(word.as_str(), |(_, name)| name);
        if let Some(why) = names::unfit(name) {
            self.field = Field::Name;
            self.trouble = Some(if name.is_empty() {
                "it needs a name".into()
            } else {
                format!("that is no name: {why}")
            });
            return Answer::Stays;
        }
        let mut words = vec!["new".to_owned(), word.clone()];
        match self.machine() {
            Some(_) if directory == "~" => {}
            Some(_) => words.push(directory),
            None => words.extend((!directory.is_empty()).then(|| self.expanded(&directory))),
        }
        // One that begins with `-` would be an option.
        if words.get(2).is_some_and(|directory| directory.starts_with('-')) {
            words[2].insert_str(0, "./");
        }
        let prompt = self.input(Field::Prompt).text();
        let stdin = (!prompt.trim().is_empty()).then(|| prompt.to_owned());
        if stdin.is_some() {
            words.extend(["--prompt".to_owned(), "-".to_owned()]);
        }
        Answer::Run(None, VerbLine { words, stdin, label: format!("starting {word}") })
    }

    /// The name that was typed; without one that of the directory.
    fn word(&self, directory: &str) -> String {
        let typed = self.input(Field::Name).text().trim();
        if !typed.is_empty() && !typed.ends_with(':') {
            return typed.to_owned();
        }
        let last = directory.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let last = if matches!(last, "~" | "." | "..") { "" } else { last };
        format!("{typed}{last}")
    }

    /// A directory as no shell has to read it any more.
    fn expanded(&self, directory: &str) -> String {
        match (directory.strip_prefix('~'), &self.home) {
            (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => format!("{home}{rest}"),
            _ => directory.to_owned(),
        }
    }
}
