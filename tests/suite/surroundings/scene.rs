//! One run of claude through cckw in some surroundings, and a look at all that is left of it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::stand_in::{at_prompt, submit};
use crate::support::{Builder, Sandbox, Terminal};

/// Where the shell below leaves its notes.
const NOTES: &str = "notes";

/// What a leader does that stays until all is said: it looks at the terminal before and after.
const SCRIPT: &str = r#"stty -g >"$0/before"; "$@" 2>"$0/said"; echo $? >"$0/status"; stty -g >"$0/after""#;

/// Every file and folder below the sandbox.
pub fn files(sandbox: &Sandbox) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![sandbox.root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            }
            found.insert(entry.path().strip_prefix(sandbox.root()).expect("below it").to_owned());
        }
    }
    found
}

/// A terminal in which a command runs below a shell that notes what it has said on stderr, its status, and
/// the terminal's attributes before and after.
pub struct Scene<'a> {
    sandbox: &'a Sandbox,
    before: BTreeSet<PathBuf>,
    pub terminal: Terminal,
}

impl<'a> Scene<'a> {
    /// Starts the command, with what `prepare` does first to the shell that starts it.
    pub fn prepared(
        sandbox: &'a Sandbox,
        builder: Builder,
        command: &Command,
        prepare: impl FnOnce(&mut Command),
    ) -> Self {
        let notes = sandbox.path(NOTES);
        let _ = fs::create_dir(&notes);
        let before = files(sandbox);
        let mut shell = sandbox.command("/bin/sh");
        // Not by what the command sets: one may have no PATH and no environment at all.
        shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.arg("-c").arg(SCRIPT).arg(&notes).arg(command.get_program()).args(command.get_args());
        shell.arg0("sh");
        if let Some(directory) = command.get_current_dir() {
            shell.current_dir(directory);
        }
        prepare(&mut shell);
        Self { sandbox, before, terminal: builder.fork(shell) }
    }

    /// Starts the command.
    pub fn new(sandbox: &'a Sandbox, command: &Command) -> Self {
        Self::prepared(sandbox, Terminal::builder(), command, |_| {})
    }

    /// What a user does with claude: says something, reads the answer, leaves.
    #[track_caller]
    pub fn converses(&mut self) {
        at_prompt(&mut self.terminal);
        submit(&mut self.terminal, "words");
        self.terminal.wait_for_text("You said: words");
        at_prompt(&mut self.terminal);
        submit(&mut self.terminal, "/exit");
    }

    /// Waits for these words on the terminal.
    #[track_caller]
    pub fn terminal_says(mut self, words: &str) -> Self {
        self.terminal.wait_for_text(words);
        self
    }

    /// The end of the shell. The terminal must be as it was; new files may be in these places only.
    #[track_caller]
    pub fn ends(mut self, places: &[impl AsRef<Path>]) -> Ended {
        assert!(self.terminal.finish().success(), "{}", self.terminal.report());
        assert_eq!(self.terminal.modes().left_on(), Vec::<String>::new(), "{}", self.terminal.report());
        self.sandbox.wait_for_silence();
        let note = |name: &str| {
            String::from_utf8_lossy(&fs::read(self.sandbox.path(NOTES).join(name)).expect("a note"))
                .into_owned()
        };
        assert_eq!(note("after"), note("before"));
        let expected = |path: &&PathBuf| {
            path.starts_with(NOTES) || places.iter().any(|place| is_on_the_way(path, place.as_ref()))
        };
        let now = files(self.sandbox);
        let unexpected: Vec<&PathBuf> = now.difference(&self.before).filter(|path| !expected(path)).collect();
        assert!(unexpected.is_empty(), "{unexpected:?}");
        Ended { status: note("status").trim().parse().expect("a status"), said: note("said") }
    }
}

/// Whether a path is in a place, or a folder above it.
fn is_on_the_way(path: &Path, place: &Path) -> bool {
    path.starts_with(place) || place.starts_with(path)
}

/// What is left to look at.
#[derive(Debug)]
pub struct Ended {
    pub status: i32,
    /// On stderr.
    pub said: String,
}

impl Ended {
    /// Claude has run, and cckw had nothing to say.
    #[track_caller]
    pub fn well(&self) {
        assert_eq!((self.status, self.said.as_str()), (0, ""));
    }

    /// Claude has run, and cckw has said in one line with all of these words that there is no session.
    #[track_caller]
    pub fn without_session(&self, words: &[&str]) {
        assert_eq!(self.status, 0, "{self:?}");
        let line = self.said.lines().find(|line| line.starts_with("cckw: "));
        let line = line.unwrap_or_else(|| panic!("nothing was said: {self:?}"));
        assert!(line.starts_with("cckw: claude runs without cckw, "), "{self:?}");
        for word in words {
            assert!(line.contains(word), "no {word:?} in {self:?}");
        }
    }

    /// cckw has refused, in one line with all of these words.
    #[track_caller]
    pub fn refused(&self, words: &[&str]) {
        assert_eq!(self.status, 1, "{self:?}");
        let line = self.said.strip_suffix('\n').unwrap_or(&self.said);
        assert!(line.starts_with("cckw: ") && !line.contains(char::is_control), "{self:?}");
        for word in words {
            assert!(line.contains(word), "no {word:?} in {self:?}");
        }
    }
}

/// Where files of cckw and of claude belong in a sandbox that nobody has changed.
pub const USUAL: [&str; 2] = ["state/cckw", "home/.claude"];

/// A whole run of `cckw claude` that goes well, with files in the usual places.
#[track_caller]
pub fn goes_well(sandbox: &Sandbox, prepare: impl FnOnce(&mut Command)) {
    goes_well_in(sandbox, &USUAL, prepare);
}

/// The same with files in these places.
#[track_caller]
pub fn goes_well_in(sandbox: &Sandbox, places: &[&str], prepare: impl FnOnce(&mut Command)) {
    let mut scene = Scene::prepared(sandbox, Terminal::builder(), &sandbox.cckw_claude(), prepare);
    scene.converses();
    scene.ends(places).well();
}
