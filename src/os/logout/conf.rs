//! `logind.conf` and its drop-ins: which files count, in which order, and the few settings that matter here.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::{text, without_root};

/// The folders of systemd's configuration below the root directory. An earlier one goes before a later one.
pub const SYSTEMD_FOLDERS: [&str; 4] =
    ["etc/systemd", "run/systemd", "usr/local/lib/systemd", "usr/lib/systemd"];

/// A value, and the file that it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    pub value: T,
    pub file: PathBuf,
}

/// What the files say. A setting that none of them has is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conf {
    pub kill_user_processes: Option<Setting<bool>>,
    /// What a comment of a shipped file says the default is: those files list all defaults in comments.
    pub kill_default: Option<Setting<bool>>,
    pub kill_only_users: Option<Setting<Vec<String>>>,
    pub kill_exclude_users: Option<Setting<Vec<String>>>,
    pub user_stop_delay: Option<Setting<String>>,
}

impl Conf {
    /// Reads the first `logind.conf` of these folders, and the drop-ins of all: in the order of their names,
    /// whatever folder they are in; of two with the same name the one in the earlier folder.
    pub fn read(root: &Path, folders: &[&str]) -> Self {
        let mut conf = Self::default();
        let main = |folder: &&str| root.join(folder).join("logind.conf");
        // A link to /dev/null counts as an empty file; it is there.
        if let Some(first) = folders.iter().map(main).find(|path| path.symlink_metadata().is_ok()) {
            conf.take(root, &first);
        }
        for folder in folders {
            conf.take_default(root, &main(folder));
        }
        let mut drop_ins: BTreeMap<OsString, PathBuf> = BTreeMap::new();
        for folder in folders {
            let entries = fs::read_dir(root.join(folder).join("logind.conf.d")).into_iter().flatten();
            for path in entries.flatten().map(|entry| entry.path()) {
                if let Some(name) = path.file_name()
                    && path.extension().is_some_and(|extension| extension == "conf")
                {
                    drop_ins.entry(name.to_owned()).or_insert(path);
                }
            }
        }
        for path in drop_ins.values() {
            conf.take(root, path);
        }
        conf
    }

    /// Takes the settings of a file over those of earlier ones.
    fn take(&mut self, root: &Path, path: &Path) {
        let text = text(path).unwrap_or_default();
        let file = without_root(root, path);
        for (name, value) in settings(&text) {
            match name {
                "KillUserProcesses" => {
                    if let Some(value) = boolean(value) {
                        self.kill_user_processes = Some(Setting { value, file: file.clone() });
                    }
                }
                "KillOnlyUsers" => add(&mut self.kill_only_users, value, &file),
                "KillExcludeUsers" => add(&mut self.kill_exclude_users, value, &file),
                "UserStopDelaySec" if !value.is_empty() => {
                    self.user_stop_delay = Some(Setting { value: value.into(), file: file.clone() });
                }
                _ => {}
            }
        }
    }

    /// Takes the default that a file shows, if none was seen before.
    fn take_default(&mut self, root: &Path, path: &Path) {
        if self.kill_default.is_some() {
            return;
        }
        let text = text(path).unwrap_or_default();
        let comments = text.lines().filter_map(|line| line.trim().strip_prefix('#'));
        let value = comments
            .filter_map(setting)
            .find_map(|(name, value)| if name == "KillUserProcesses" { boolean(value) } else { None });
        self.kill_default = value.map(|value| Setting { value, file: without_root(root, path) });
    }
}

/// The settings in the section `[Login]` of a text, as they follow each other.
fn settings(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut in_section = false;
    text.lines().map(str::trim).filter_map(move |line| {
        if line.starts_with('[') {
            in_section = line == "[Login]";
        }
        // Comments begin with one of two characters; a name with them is none that is looked for.
        if in_section { setting(line) } else { None }
    })
}

fn setting(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    Some((name.trim(), value.trim()))
}

/// A boolean as systemd reads it.
fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "yes" | "y" | "true" | "t" | "on" => Some(true),
        "0" | "no" | "n" | "false" | "f" | "off" => Some(false),
        _ => None,
    }
}

/// Adds words to a list. An empty value takes away what was there before.
fn add(list: &mut Option<Setting<Vec<String>>>, value: &str, file: &Path) {
    let list = list.get_or_insert_with(|| Setting { value: Vec::new(), file: file.into() });
    if value.is_empty() {
        list.value.clear();
    }
    list.value.extend(value.split_whitespace().map(|word| word.trim_matches(['"', '\'']).to_owned()));
    list.file = file.into();
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// Whether processes are killed, and the file that says so, with these files.
    fn kills(files: &[(&str, &str)]) -> Option<(bool, String)> {
        let root = tempfile::tempdir().expect("a directory");
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a directory");
            if *text == "→ /dev/null" {
                symlink("/dev/null", path).expect("a link");
            } else {
                fs::write(path, text).expect("a file");
            }
        }
        let found = Conf::read(root.path(), &SYSTEMD_FOLDERS).kill_user_processes?;
        Some((found.value, found.file.display().to_string()))
    }

    const YES: &str = "[Login]\nKillUserProcesses=yes\n";
    const NO: &str = "[Login]\nKillUserProcesses=no\n";

    #[test]
    fn the_first_file_counts_and_drop_ins_follow_by_name() {
        let said = |value: bool, file: &str| Some((value, file.to_owned()));
        let (etc, lib) = ("etc/systemd/logind.conf", "usr/lib/systemd/logind.conf");
        assert_eq!(kills(&[(etc, NO), (lib, YES)]), said(false, "/etc/systemd/logind.conf"));
        assert_eq!(kills(&[(lib, YES)]), said(true, "/usr/lib/systemd/logind.conf"));
        // Whatever folder it is in, the last name is read last.
        let late = ("usr/lib/systemd/logind.conf.d/90-late.conf", YES);
        let early = ("etc/systemd/logind.conf.d/10-early.conf", NO);
        let last = "/usr/lib/systemd/logind.conf.d/90-late.conf";
        assert_eq!(kills(&[late, early, (etc, NO)]), said(true, last));
        // The same name in /etc takes its place, also as nothing at all.
        let same = "etc/systemd/logind.conf.d/90-late.conf";
        assert_eq!(kills(&[late, (same, NO)]), said(false, "/etc/systemd/logind.conf.d/90-late.conf"));
        assert_eq!(kills(&[late, (same, "→ /dev/null")]), None);
        assert_eq!(kills(&[(lib, YES), (etc, "→ /dev/null")]), None);
        // Other names are no drop-ins.
        assert_eq!(kills(&[("etc/systemd/logind.conf.d/90-late.conf.bak", YES)]), None);
    }

    #[test]
    fn other_sections_comments_and_nonsense_are_left_out() {
        let etc = |text: &str| kills(&[("etc/systemd/logind.conf", text)]).map(|(value, _)| value);
        assert_eq!(etc("KillUserProcesses=yes\n[Manager]\nKillUserProcesses=yes\n"), None);
        assert_eq!(etc("[Login]\n#KillUserProcesses=yes\n;KillUserProcesses=yes\n"), None);
        assert_eq!(etc("[Login]\nKillUserProcesses=perhaps\nKillUserProcesses\n\0\n"), None);
        assert_eq!(etc("[Login]\r\n  KillUserProcesses = on  \r\nKillUserProcesses=x\n"), Some(true));
        assert_eq!(etc("[Login]\nKillUserProcesses=no\nKillUserProcesses=yes\n"), Some(true));
        assert_eq!(etc(&format!("{YES}{}", "#".repeat(100_000))), None, "too long");
    }

    #[test]
    fn lists_grow_and_an_empty_value_clears_them() {
        let mut list = None;
        for value in ["a 'b'", "", "c", "d"] {
            add(&mut list, value, Path::new("/x"));
        }
        assert_eq!(list.expect("a list").value, ["c", "d"]);
    }
}
