//! `claude`: which program is run as claude, and what becomes of a session when a newer one is installed.

use std::fmt;
use std::path::PathBuf;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// What is set about claude's program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaudeProgram {
    /// The program to run instead of the first `claude` on `PATH`. Absolute; a leading `~/` was replaced by
    /// `$HOME`.
    pub program: Option<PathBuf>,
    /// Whether a session is restarted when a newer claude is installed.
    pub restart_when_newer: RestartWhenNewer,
}

/// Whether a session is restarted when a newer claude is installed, or its own was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RestartWhenNewer {
    /// Its user does it.
    #[default]
    Never,
    /// As soon as it is idle.
    Idle,
}

/// The table as it is written.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct ClaudeTable {
    program: Option<PathBuf>,
    restart_when_newer: RestartWhenNewer,
}

/// `claude = "/opt/claude"` is short for a table with nothing but `program`.
impl<'de> Deserialize<'de> for ClaudeProgram {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PathOrTable;
        impl<'de> Visitor<'de> for PathOrTable {
            type Value = ClaudeProgram;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the path of a program, or a table with `program` and `restart_when_newer`")
            }

            fn visit_str<E: Error>(self, path: &str) -> Result<ClaudeProgram, E> {
                Ok(ClaudeProgram { program: Some(path.into()), ..ClaudeProgram::default() })
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<ClaudeProgram, M::Error> {
                let ClaudeTable { program, restart_when_newer } =
                    ClaudeTable::deserialize(MapAccessDeserializer::new(map))?;
                Ok(ClaudeProgram { program, restart_when_newer })
            }
        }
        deserializer.deserialize_any(PathOrTable)
    }
}
