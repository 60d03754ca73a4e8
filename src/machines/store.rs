//! The machines that the user has named: `machines.json` in the directory of the configuration.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::name::MachineName;
use crate::config;
use crate::near_side;
use crate::os::files::read_plain;
use crate::paths;
use crate::user_error::{UserError, machine};

/// The version of the file.
const VERSION: u32 = 1;
/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;
/// The longest destination, in bytes.
const MAX_DESTINATION_BYTES: usize = 512;

/// A machine that is reached by ssh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// What it is called here.
    pub name: MachineName,
    /// What ssh is told: a host of its configuration, `user@host`, `ssh://…`.
    pub destination: String,
    /// Where cckw is on it, if that is not to be looked for: a path, which may begin with `~/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
}

impl Machine {
    /// Its name as it stands before a session of it: `box:`.
    pub fn mark(&self) -> String {
        format!("{}:", self.name)
    }

    /// What this machine is called in all that it says: with the machine that has asked this one before it.
    pub fn prefix(&self) -> String {
        near_side::on(self.name.as_str())
    }
}

#[derive(Serialize, Deserialize)]
struct StoreFile {
    version: u32,
    machines: Vec<Machine>,
}

/// All machines, by name.
///
/// # Errors
/// When the file cannot be read or understood.
pub fn load() -> Result<Vec<Machine>, UserError> {
    let Some(path) = path() else { return Ok(Vec::new()) };
    let bytes = match read_plain(&path, MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(machine::store_unreadable(&path, error)),
    };
    let parsed = parse(&bytes).map_err(|why| machine::store_unreadable(&path, why))?;
    Ok(parsed)
}

fn parse(bytes: &[u8]) -> Result<Vec<Machine>, String> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    let Version { version } = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if version != VERSION {
        return Err(format!("it has version {version}, and this cckw knows {VERSION}"));
    }
    let mut machines =
        serde_json::from_slice::<StoreFile>(bytes).map_err(|error| error.to_string())?.machines;
    for machine in &machines {
        let unfit = unfit_destination(&machine.destination)
            .or_else(|| machine.program.as_deref().and_then(unfit_program));
        if let Some(why) = unfit {
            return Err(format!("of the machine {}, {why}", machine.name));
        }
    }
    machines.sort_by(|one, other| one.name.cmp(&other.name));
    machines.dedup_by(|later, first| later.name == first.name);
    Ok(machines)
}

/// Writes all machines down.
///
/// # Errors
/// When the file cannot be written.
pub fn save(machines: &[Machine]) -> Result<(), UserError> {
    let path = path().ok_or_else(machine::no_configuration_directory)?;
    let unwritable = |error: io::Error| machine::store_unwritable(&path, error);
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory).map_err(unwritable)?;
    }
    let file = StoreFile { version: VERSION, machines: machines.to_vec() };
    let mut text = serde_json::to_string_pretty(&file).unwrap_or_default();
    text.push('\n');
    paths::write_atomically(&path, text.as_bytes()).map_err(unwritable)
}

/// The machine of this name.
///
/// # Errors
/// When there is none, or the file cannot be read.
pub fn find(name: &str) -> Result<Machine, UserError> {
    let machines = load()?;
    let found = machines.into_iter().find(|machine| machine.name.as_str() == name);
    found.ok_or_else(|| machine::unknown(name))
}

/// What keeps a text from being what ssh is told, in words.
pub fn unfit_destination(text: &str) -> Option<&'static str> {
    match text {
        "" => Some("its destination is empty"),
        _ if text.starts_with('-') => Some("its destination begins like an option of ssh"),
        _ if text.len() > MAX_DESTINATION_BYTES => Some("its destination is too long"),
        _ if text.chars().any(|c| c.is_control() || c.is_whitespace()) => {
            Some("its destination has a blank or a control character in it")
        }
        _ => None,
    }
}

/// What keeps a text from being the path of cckw on a machine, in words. A far shell reads it, so it may hold
/// nothing that a shell understands.
pub fn unfit_program(text: &str) -> Option<&'static str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._+-".contains(c);
    let rest = text.strip_prefix("~/").or_else(|| text.strip_prefix('/'));
    match rest {
        None | Some("") => Some("the path of its cckw begins neither with `/` nor with `~/`"),
        Some(rest) if !rest.chars().all(is_plain) => {
            Some("the path of its cckw has something other than letters, digits, `/._+-` in it")
        }
        Some(_) => None,
    }
}

/// Where the machines are written down. Nothing without a home.
pub fn path() -> Option<PathBuf> {
    config::config_dir().map(|directory| directory.join("machines.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_strictly_in_what_decides() {
        let file = |machine: &str| format!(r#"{{"version":1,"machines":[{machine}],"later":1}}"#);
        let read = |text: &str| parse(text.as_bytes());
        let two = file(
            r#"{"name":"pi","destination":"pi.lan"},{"name":"box","destination":"me@box","program":"~/bin/cckw","x":1}"#,
        );
        let names: Vec<String> =
            read(&two).expect("is read").into_iter().map(|machine| machine.name.into()).collect();
        assert_eq!(names, ["box", "pi"]);
        for wrong in [
            "",
            "{}",
            r#"{"version":2,"machines":[]}"#,
            &file(r#"{"name":"a b","destination":"x"}"#),
            &file(r#"{"name":"a","destination":"-oProxyCommand=x"}"#),
            &file(r#"{"name":"a","destination":"x","program":"$(x)"}"#),
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nothing_that_a_shell_or_ssh_understands_is_kept() {
        for good in ["box", "me@box.lan", "ssh://me@box:2222", "::1"] {
            assert_eq!(unfit_destination(good), None, "{good}");
        }
        for bad in ["", "-x", "a b", "a\nb", "a\u{1b}"] {
            assert!(unfit_destination(bad).is_some(), "{bad}");
        }
        for good in ["/usr/bin/cckw", "~/.local/bin/cckw"] {
            assert_eq!(unfit_program(good), None, "{good}");
        }
        for bad in ["", "cckw", "/a b", "/a'b", "/a;b", "~x/y", "/$HOME", "/a\nb", "~/", "/"] {
            assert!(unfit_program(bad).is_some(), "{bad}");
        }
    }
}
