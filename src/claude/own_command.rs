//! Commands and skills of the user's own that have the name of a built-in one.
//!
//! Where the built-in command is missing, claude takes the user's own one for it, and submits that to the
//! model (seen with 2.1.332). The list of suggestions says what a command is: the built-in one has a text of
//! its own, the user's ends with `(user)` or `(project)`. The folders tell the same, where the list does not
//! show it.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::screen::Menu;

/// What the list says about the built-in `/remote-control`. The first text stands there while no link is up
/// (2.1.332).
const BUILT_IN_TEXTS: [&str; 3] = [
    "Control this session from your phone or claude.ai/code",
    "Disconnect Remote Control",
    "Connect this terminal for remote-control sessions",
];

/// How the text of a command ends that comes from the user's or the project's folders.
const OWN_SOURCES: [&str; 3] = ["(user)", "(project)", "(local)"];

/// The shortest beginning of a text that counts as that text.
const MIN_TEXT: usize = 12;

/// The most files that are looked at below one folder, and how deep.
const MAX_FILES: usize = 500;
const MAX_DEPTH: usize = 3;
/// How much of a skill's description is read, in bytes.
const MAX_HEAD: u64 = 4096;

/// What the selected command of a list is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The built-in command.
    BuiltIn,
    /// A command or a skill of the user's.
    Own,
    /// The list does not say.
    Unknown,
}

/// What the list of suggestions says about the command that it has selected.
pub fn origin(menu: Option<&Menu>) -> Origin {
    let Some(Menu { selected: Some(_), about }) = menu else { return Origin::Unknown };
    let cut = about.trim_end_matches('…').trim_end();
    let is = |text: &&str| cut == *text || cut.len() >= MIN_TEXT && cut != about && text.starts_with(cut);
    if BUILT_IN_TEXTS.iter().any(is) {
        Origin::BuiltIn
    } else if OWN_SOURCES.iter().any(|source| about.ends_with(source)) || about.contains("(plugin:") {
        Origin::Own
    } else {
        Origin::Unknown
    }
}

/// A file that defines a command or a skill of this name (without the slash), in the user's folders or those
/// of the directory `cwd` and the ones above it.
pub fn find(name: &str, config: Option<&Path>, cwd: Option<&Path>) -> Option<PathBuf> {
    let project = cwd.into_iter().flat_map(Path::ancestors).map(|folder| folder.join(".claude"));
    config.map(Path::to_owned).into_iter().chain(project).find_map(|folder| {
        let command = below(&folder.join("commands"), &mut |path| {
            path.file_stem().is_some_and(|stem| stem == name)
                && path.extension().is_some_and(|ext| ext == "md")
        });
        command.or_else(|| {
            below(&folder.join("skills"), &mut |path| {
                path.file_name().is_some_and(|file| file == "SKILL.md")
                    && (path.parent().and_then(Path::file_name).is_some_and(|folder| folder == name)
                        || named(path).is_some_and(|named| named == name))
            })
        })
    })
}

/// The first file below a folder that is wanted.
fn below(folder: &Path, wanted: &mut dyn FnMut(&Path) -> bool) -> Option<PathBuf> {
    let mut folders = vec![(folder.to_owned(), 0)];
    let mut left = MAX_FILES;
    while let Some((folder, depth)) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            left = left.checked_sub(1)?;
            let path = entry.path();
            // Through a link too: a folder of skills is often one.
            match fs::metadata(&path) {
                Ok(about) if about.is_dir() && depth < MAX_DEPTH => folders.push((path, depth + 1)),
                Ok(about) if about.is_file() && wanted(&path) => return Some(path),
                _ => {}
            }
        }
    }
    None
}

/// The name that a skill gives itself in its first lines.
fn named(path: &Path) -> Option<String> {
    let mut head = String::new();
    fs::File::open(path).ok()?.take(MAX_HEAD).read_to_string(&mut head).ok()?;
    let name = head.lines().take(40).find_map(|line| line.strip_prefix("name:"))?;
    Some(name.trim().trim_matches(['"', '\'']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn menu(about: &str) -> Menu {
        Menu { selected: Some("/remote-control".into()), about: about.into() }
    }

    #[test]
    fn the_list_says_whose_a_command_is() {
        for (about, expected) in [
            ("Control this session from your phone or claude.ai/code", Origin::BuiltIn),
            ("Control this session from your pho…", Origin::BuiltIn),
            ("Disconnect Remote Control", Origin::BuiltIn),
            ("Control…", Origin::Unknown),
            ("Control this session", Origin::Unknown),
            ("A skill of my own (user)", Origin::Own),
            ("Control this session from your phone or claude.ai/code (project)", Origin::Own),
            ("A skill (plugin:mine)", Origin::Own),
            ("A text of another version", Origin::Unknown),
            ("", Origin::Unknown),
        ] {
            assert_eq!(origin(Some(&menu(about))), expected, "{about}");
        }
        assert_eq!(origin(None), Origin::Unknown);
        assert_eq!(origin(Some(&Menu { selected: None, about: String::new() })), Origin::Unknown);
    }

    #[test]
    fn a_command_or_a_skill_is_found_wherever_claude_looks() {
        let home = tempfile::tempdir().expect("a directory");
        let config = home.path().join("config");
        let cwd = home.path().join("work/deep");
        let look = || find("remote-control", Some(&config), Some(&cwd));
        for file in [
            config.join("commands/remote-control.md"),
            config.join("commands/more/remote-control.md"),
            config.join("skills/remote-control/SKILL.md"),
            cwd.join(".claude/commands/remote-control.md"),
            home.path().join("work/.claude/skills/remote-control/SKILL.md"),
        ] {
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            assert_eq!(look(), None, "{}", file.display());
            fs::write(&file, "---\ndescription: mine\n---\n").expect("a file");
            assert_eq!(look(), Some(file.clone()));
            fs::remove_file(file).expect("removes");
        }
        let named = config.join("skills/another/SKILL.md");
        fs::create_dir_all(named.parent().expect("a folder")).expect("a folder");
        fs::write(&named, "---\nname: 'remote-control'\n---\n").expect("a file");
        assert_eq!(look(), Some(named));
        assert_eq!(find("remote-control", None, None), None);
    }
}
