//! `notify`: how the user is told what happened to a session. In the terminal, and by a command of the user's.

use std::fmt;
use std::path::PathBuf;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// How the user is told what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// In the terminal: what cckw did by itself.
    pub terminal: TerminalNotice,
    /// The command that is run when something happens, and its arguments; empty where there is none.
    pub command: Vec<String>,
    /// What it is run for.
    pub on: Vec<AlertKind>,
}

/// How the user is told, in the terminal but outside claude's screen, what cckw did by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TerminalNotice {
    /// Not at all.
    Off,
    /// In the terminal's title, for a while (OSC 2).
    #[default]
    Title,
    /// As a notification of the desktop, as iTerm2, WezTerm, Windows Terminal and Ghostty know it (OSC 9).
    Osc9,
    /// The same as rxvt-unicode, foot and VTE know it (OSC 777).
    Osc777,
}

/// What can happen that the user's command is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertKind {
    /// Claude waits for an answer of the user's.
    Asks,
    /// A turn has ended.
    Done,
    /// A turn has ended in an error.
    Failed,
    /// A turn has ended at a usage limit.
    Limited,
    /// Claude has crashed, or the host was killed.
    Crashed,
    /// The link of remote control was lost, is back, or is given up.
    Link,
}

impl AlertKind {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 6] =
        [Self::Asks, Self::Done, Self::Failed, Self::Limited, Self::Crashed, Self::Link];

    /// Its name in the configuration, and in what the command is told.
    pub fn name(self) -> &'static str {
        match self {
            Self::Asks => "asks",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Limited => "limited",
            Self::Crashed => "crashed",
            Self::Link => "link",
        }
    }
}

impl Default for Notify {
    fn default() -> Self {
        Self { terminal: TerminalNotice::Title, command: vec![], on: AlertKind::ALL.to_vec() }
    }
}

impl Notify {
    /// Whether the command is run for this.
    pub fn wants(&self, kind: AlertKind) -> bool {
        !self.command.is_empty() && self.on.contains(&kind)
    }

    /// What in the table makes no sense: the key, why, and what to do.
    pub(super) fn check(&self) -> Result<(), (&'static str, String, &'static str)> {
        let advice = "write the program and its arguments, such as [\"notify-send\", \"claude\"]; the program is a whole path, one that starts \
                      with ~/, or a name that is on PATH";
        let Some(program) = self.command.first() else { return Ok(()) };
        let reason = if program.is_empty() {
            "the program of `command` is empty".to_owned()
        } else if self.command.iter().any(|word| word.contains('\0')) {
            "`command` holds a zero byte".to_owned()
        } else if program.contains('/') && !program.starts_with('/') && !program.starts_with("~/") {
            format!("`command` begins with a relative path: \"{}\"", crate::escape::escape(program))
        } else {
            return Ok(());
        };
        Err(("command", reason, advice))
    }

    /// Puts the home in the place of a `~/` that the program begins with.
    pub(super) fn find_program(&mut self, home: Option<PathBuf>) {
        let Some(program) = self.command.first_mut() else { return };
        if let (Some(rest), Some(home)) = (program.strip_prefix("~/"), home)
            && let Ok(path) = home.join(rest).into_os_string().into_string()
        {
            *program = path;
        }
    }
}

/// The table as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct NotifyTable {
    terminal: TerminalNotice,
    command: Vec<String>,
    on: Vec<AlertKind>,
}

impl Default for NotifyTable {
    fn default() -> Self {
        let Notify { terminal, command, on } = Notify::default();
        Self { terminal, command, on }
    }
}

/// `notify = "title"` is short for a table with nothing but `terminal`.
impl<'de> Deserialize<'de> for Notify {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StringOrTable;
        impl<'de> Visitor<'de> for StringOrTable {
            type Value = Notify;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one of \"off\", \"title\", \"osc9\", \"osc777\", or a table [notify]")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Notify, E> {
                let terminal = TerminalNotice::deserialize(StrDeserializer::new(text))?;
                Ok(Notify { terminal, ..Notify::default() })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Notify, A::Error> {
                let NotifyTable { terminal, command, on } =
                    NotifyTable::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Notify { terminal, command, on })
            }
        }
        deserializer.deserialize_any(StringOrTable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(command: &[&str]) -> Notify {
        Notify { command: command.iter().map(|word| (*word).to_owned()).collect(), ..Notify::default() }
    }

    #[test]
    fn a_command_is_wanted_for_what_it_is_configured_for() {
        assert!(AlertKind::ALL.iter().all(|kind| !Notify::default().wants(*kind)));
        assert!(AlertKind::ALL.iter().all(|kind| of(&["x"]).wants(*kind)));
        let one = Notify { on: vec![AlertKind::Asks], ..of(&["x"]) };
        assert!(one.wants(AlertKind::Asks) && !one.wants(AlertKind::Done));
    }

    #[test]
    fn a_name_is_what_the_configuration_calls_it() {
        for kind in AlertKind::ALL {
            assert_eq!(serde_json::to_value(kind).expect("JSON"), kind.name());
        }
    }

    #[test]
    fn the_program_is_a_path_or_a_name() {
        for command in [&[][..], &["curl", "-d", "./x"], &["/bin/sh"], &["~/bin/push"]] {
            assert_eq!(of(command).check(), Ok(()), "{command:?}");
        }
        for command in [&[""][..], &["./push"], &["bin/push"], &["a", "b\0c"]] {
            assert!(of(command).check().is_err(), "{command:?}");
        }
        let mut home = of(&["~/bin/push", "~/x"]);
        home.find_program(Some("/home/you".into()));
        assert_eq!(home.command, ["/home/you/bin/push", "~/x"]);
    }
}
