//! The command line of the stand-in, with the rules and the error texts of Claude Code 2.1.329.

use std::ffi::OsString;

use uuid::Uuid;

use super::transcript::Store;

/// What the command line asked for.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Options {
    pub session_id: Option<String>,
    /// `--resume`, with the conversation where one was named.
    pub resume: Option<Option<String>>,
    pub continue_last: bool,
    /// `--fork-session`.
    pub fork: bool,
    pub name: Option<String>,
    pub permission_mode: Option<String>,
    pub model: Option<String>,
    pub print: bool,
    pub version: bool,
    pub help: bool,
    /// The prompt to begin with.
    pub prompt: Option<String>,
}

/// The conversation that a run begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conversation {
    /// A fresh one under this id.
    New(String),
    /// The stored one with this id.
    Resume(String),
    /// A fresh one under the first id, with what the second holds.
    Fork(String, String),
    /// A fresh one under this id, behind a list of the stored ones to choose from.
    Choose(String),
}

/// A command line that is refused: one line for stderr, and exit status 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRefusal(pub String);

const PERMISSION_MODES: &str = "acceptEdits, auto, bypassPermissions, manual, dontAsk, plan";

impl Options {
    /// Reads the arguments (without `argv[0]`).
    ///
    /// # Errors
    /// An option that is unknown, lacks its value, or has one that is not allowed.
    pub fn parse(args: Vec<OsString>) -> Result<Self, UsageRefusal> {
        let mut options = Self::default();
        let mut args = args.into_iter().map(|a| a.to_string_lossy().into_owned()).peekable();
        let mut only_words = false;
        while let Some(argument) = args.next() {
            if only_words || !argument.starts_with('-') || argument == "-" {
                options.prompt.get_or_insert(argument);
                continue;
            }
            let (flag, inline) = match argument.split_once('=') {
                Some((flag, value)) if flag.starts_with("--") => (flag.to_owned(), Some(value.to_owned())),
                _ => (argument, None),
            };
            let mut optional = || inline.clone().or_else(|| args.next_if(|next| !next.starts_with('-')));
            match flag.as_str() {
                "--" => only_words = true,
                "-r" | "--resume" => options.resume = Some(optional()),
                "-w" | "--worktree" => drop(optional()),
                "--add-dir" => {
                    optional();
                    while args.next_if(|next| !next.starts_with('-')).is_some() {}
                }
                "-c" | "--continue" => options.continue_last = true,
                "--fork-session" => options.fork = true,
                "-p" | "--print" => options.print = true,
                "-v" | "--version" => options.version = true,
                "-h" | "--help" => options.help = true,
                "--verbose" | "--dangerously-skip-permissions" | "--ide" => {}
                _ => {
                    let (long, kind) = match flag.as_str() {
                        "--session-id" => ("--session-id", "<uuid>"),
                        "-n" | "--name" => ("-n, --name", "<name>"),
                        "--model" => ("--model", "<model>"),
                        "--permission-mode" => ("--permission-mode", "<mode>"),
                        "--settings" => ("--settings", "<file-or-json>"),
                        _ => return Err(UsageRefusal(format!("error: unknown option '{flag}'"))),
                    };
                    let Some(value) = inline.or_else(|| args.next()) else {
                        return Err(UsageRefusal(format!("error: option '{long} {kind}' argument missing")));
                    };
                    match long {
                        "--session-id" => options.session_id = Some(value),
                        "-n, --name" => options.name = Some(value),
                        "--model" => options.model = Some(value),
                        "--permission-mode" => {
                            if !PERMISSION_MODES.split(", ").any(|mode| mode == value) {
                                return Err(UsageRefusal(format!(
                                    "error: option '{long} {kind}' argument '{value}' is invalid. Allowed choices \
                                     are {PERMISSION_MODES}."
                                )));
                            }
                            options.permission_mode = Some(value);
                        }
                        _ => {}
                    }
                }
            }
        }
        Ok(options)
    }

    /// Which conversation to open, by the rules that Claude Code has for ids.
    ///
    /// # Errors
    /// An id that is not a UUID, that is taken, or that no stored conversation has.
    pub fn conversation(&self, store: &Store) -> Result<Conversation, UsageRefusal> {
        let chooses = self.resume.is_some() || self.continue_last;
        if self.session_id.is_some() && chooses && !self.fork {
            return Err(UsageRefusal(
                "Error: --session-id with --continue or --resume also needs --fork-session.".into(),
            ));
        }
        let fresh = match &self.session_id {
            Some(id) if Uuid::try_parse(id).is_err() => {
                return Err(UsageRefusal("Error: Invalid session ID. Must be a valid UUID.".into()));
            }
            Some(id) if store.find(id).is_some() => {
                return Err(UsageRefusal(format!("Error: Session ID {id} is already in use.")));
            }
            Some(id) => id.clone(),
            None => Uuid::new_v4().to_string(),
        };
        let titled = self.resume.as_ref().and_then(|resume| store.with_title(resume.as_deref()?));
        let stored = match &self.resume {
            Some(Some(id)) if Uuid::try_parse(id).is_ok() => {
                if store.find(id).is_none() {
                    return Err(UsageRefusal(format!("No conversation found with session ID: {id}")));
                }
                id.clone()
            }
            Some(Some(_)) if titled.is_some() => titled.unwrap_or_default(),
            Some(Some(id)) if self.print => {
                return Err(UsageRefusal(format!(
                    "Error: --resume requires a valid session ID or session title when used with --print. Usage: \
                     claude -p --resume <session-id|title>. Provided value \"{id}\" is not a UUID and does not match \
                     any session title."
                )));
            }
            Some(_) => return Ok(Conversation::Choose(fresh)),
            None if self.continue_last => match store.newest() {
                Some(id) => id,
                None => return Err(UsageRefusal("No conversation found to continue".into())),
            },
            None => return Ok(Conversation::New(fresh)),
        };
        Ok(if self.fork { Conversation::Fork(fresh, stored) } else { Conversation::Resume(stored) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "6f1c7f5e-6a43-4a0e-9d5f-0d3f9c0b7a11";
    const OTHER: &str = "0a0a0a0a-6a43-4a0e-9d5f-0d3f9c0b7a11";

    fn parse(line: &str) -> Result<Options, UsageRefusal> {
        Options::parse(line.split_whitespace().map(OsString::from).collect())
    }

    fn open(store: &Store, line: &str) -> Result<Conversation, String> {
        parse(line).and_then(|o| o.conversation(store)).map_err(|refusal| refusal.0)
    }

    #[test]
    fn options_take_their_values_in_every_form() {
        let options = parse(&format!("--resume={ID} -n work --add-dir a b --model opus -p hello")).unwrap();
        assert_eq!(options.resume, Some(Some(ID.into())));
        assert_eq!(options.name.as_deref(), Some("work"));
        assert_eq!(options.prompt.as_deref(), Some("hello"));
        assert!(options.print);
        assert_eq!(parse("-r --print").unwrap().resume, Some(None));
        assert_eq!(parse("-- --version").unwrap().prompt.as_deref(), Some("--version"));
    }

    #[test]
    fn refusals_say_what_claude_says() {
        let refusal = |line: &str| parse(line).unwrap_err().0;
        assert_eq!(refusal("--bogus"), "error: unknown option '--bogus'");
        assert_eq!(refusal("--session-id"), "error: option '--session-id <uuid>' argument missing");
        assert!(
            refusal("--permission-mode bad")
                .ends_with("acceptEdits, auto, bypassPermissions, manual, dontAsk, plan.")
        );
    }

    #[test]
    fn an_id_is_fresh_or_stored_never_both() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::new(home.path().to_owned(), "/w".into());
        assert_eq!(open(&store, &format!("--session-id {ID}")), Ok(Conversation::New(ID.into())));
        assert_eq!(
            open(&store, &format!("--resume {ID}")).unwrap_err(),
            format!("No conversation found with session ID: {ID}")
        );
        assert_eq!(open(&store, "-c").unwrap_err(), "No conversation found to continue");

        store.open(ID).turn("prompt", "reply").unwrap();
        assert_eq!(
            open(&store, &format!("--session-id {ID}")).unwrap_err(),
            format!("Error: Session ID {ID} is already in use.")
        );
        assert_eq!(open(&store, &format!("--resume {ID}")), Ok(Conversation::Resume(ID.into())));
        assert_eq!(open(&store, "-c"), Ok(Conversation::Resume(ID.into())));
        assert!(open(&store, &format!("--resume {ID} --session-id {OTHER}")).is_err());
        assert_eq!(
            open(&store, &format!("--resume {ID} --fork-session --session-id {OTHER}")),
            Ok(Conversation::Fork(OTHER.into(), ID.into()))
        );
        assert!(matches!(open(&store, "--resume title"), Ok(Conversation::Choose(_))));
        store.open(ID).retitle("An older one").unwrap();
        store.open(ID).retitle("Title").unwrap();
        assert_eq!(open(&store, "--resume title"), Ok(Conversation::Resume(ID.into())));
        assert!(open(&store, "--session-id nonsense").unwrap_err().contains("Must be a valid UUID"));
    }
}
