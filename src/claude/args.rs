//! Reading a command line of claude as claude itself reads it.
//!
//! The rules are those of its parser, tried on 2.1.329: flags stand before the subcommand; `--flag=value`;
//! short flags may be combined (`-cp`, `-nName`); `--` ends the flags but not the search for a subcommand.
//!
//! A flag that the table does not know configures (a newer claude has it). It owns the next word, unless that
//! word looks like a flag, holds white space (then it is a prompt) or names a subcommand. So a word that
//! starts with `-` is never swallowed, and a `-p` behind an unknown flag is still seen.

mod begin;
mod choice;
mod name;
mod relaunch;
mod table;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use uuid::Uuid;

pub use begin::{MAX_PROMPT_BYTES, NoBeginning, begin};
pub use choice::{ConversationChoice, choice, forks, name_newest};
pub use name::{give_name, rename};
pub use relaunch::{Resume, relaunch, worktree};
pub use table::{Arity, FLAGS, Flag, Role, SUBCOMMANDS, Subcommand, WordPosition};

/// What kind of run a command line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// No session in this terminal: exec claude.
    Straight,
    /// The Remote Control server, `claude remote-control`.
    Server,
    /// A session in this terminal.
    Interactive,
}

/// What a command line says, as far as cckw cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The kind of run.
    pub run: Run,
    /// Whether the user chose the conversation, so that nothing may be pinned.
    pub chosen: bool,
    /// The value of `-n` or `--name`, with what is not UTF-8 replaced. The last one counts.
    pub name: Option<String>,
    /// The prompt that the session starts with.
    pub prompt: Option<OsString>,
}

/// One thing that a command line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What it is.
    pub what: What,
    /// The words that say it, with combined short flags taken apart: given to claude, they mean the same.
    pub words: Vec<OsString>,
    /// The first value of a flag that has one.
    pub value: Option<OsString>,
}

/// What an [`Item`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A flag of the table, with its values.
    Flag(&'static Flag),
    /// A flag that the table does not know, perhaps with a value.
    Unknown,
    /// `--`.
    End,
    /// The prompt: the first word that is neither a flag nor a value.
    Prompt,
    /// A subcommand and everything behind it.
    Subcommand(&'static Subcommand),
    /// A word behind the prompt, which claude ignores or refuses.
    Excess,
}

/// Reads the arguments of claude (without its own name).
pub fn parse(args: &[OsString]) -> Parsed {
    let mut parsed = Parsed { run: Run::Interactive, chosen: false, name: None, prompt: None };
    for item in items(args) {
        match item.what {
            What::Flag(flag) => match flag.role {
                Role::Straight => parsed.run = Run::Straight,
                Role::Conversation => parsed.chosen = true,
                Role::Mode | Role::Configure => {
                    if flag.names.contains(&"--name") {
                        parsed.name = item.value.map(|name| name.to_string_lossy().into_owned());
                    }
                }
            },
            What::Subcommand(subcommand) if parsed.run == Run::Interactive => {
                let asks_help = item.words[1..].iter().any(|word| word == "-h" || word == "--help");
                parsed.run = if subcommand.server && !asks_help { Run::Server } else { Run::Straight };
            }
            What::Prompt => {
                // A link into a session that another program holds open: there is nothing to pin.
                if [&b"cc://"[..], b"cc+unix://"]
                    .iter()
                    .any(|link| item.words[0].as_bytes().starts_with(link))
                {
                    parsed.run = Run::Straight;
                }
                parsed.prompt = item.words.into_iter().next();
            }
            What::Subcommand(_) | What::Unknown | What::End | What::Excess => {}
        }
    }
    parsed
}

/// The same arguments with the conversation pinned to `id`. For a [`Run::Interactive`] whose user did not
/// choose.
///
/// The flag goes first: behind the user's words a `--` or a flag of many values could swallow it.
pub fn pin(args: &[OsString], id: &Uuid) -> Vec<OsString> {
    let mut pinned = Vec::with_capacity(args.len() + 2);
    pinned.push("--session-id".into());
    pinned.push(id.to_string().into());
    pinned.extend_from_slice(args);
    pinned
}

/// Takes the arguments of claude apart, in order and without losing a word.
pub fn items(args: &[OsString]) -> Vec<Item> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut flags_ended = false;
    let mut prompted = false;
    while at < args.len() {
        let word = &args[at];
        if !flags_ended && word == "--" {
            flags_ended = true;
            found.push(Item { what: What::End, words: vec![word.clone()], value: None });
            at += 1;
        } else if !flags_ended && looks_like_flag(word) {
            let (items, used) = flag_items(&args[at..]);
            found.extend(items);
            at += used;
        } else if let Some(subcommand) = subcommand_at(args, at).filter(|_| !prompted) {
            found.push(Item { what: What::Subcommand(subcommand), words: args[at..].to_vec(), value: None });
            return found;
        } else {
            let what = if prompted { What::Excess } else { What::Prompt };
            found.push(Item { what, words: vec![word.clone()], value: None });
            prompted = true;
            at += 1;
        }
    }
    found
}

/// A word that claude never takes for an optional value.
fn looks_like_flag(word: &OsStr) -> bool {
    word.len() > 1 && word.as_bytes()[0] == b'-'
}

/// The flag of the table that has this name, with its dashes.
pub fn flag_named(name: &[u8]) -> Option<&'static Flag> {
    FLAGS.iter().find(|flag| flag.names.iter().any(|known| known.as_bytes() == name))
}

fn subcommand_named(name: &OsStr) -> Option<&'static Subcommand> {
    SUBCOMMANDS.iter().find(|known| known.names.iter().any(|known| *known == name))
}

/// The subcommand that the word at `at` is, from where it stands.
fn subcommand_at(args: &[OsString], at: usize) -> Option<&'static Subcommand> {
    let subcommand = subcommand_named(&args[at])?;
    let stands = match subcommand.place {
        WordPosition::Anywhere => true,
        WordPosition::First => at == 0,
        WordPosition::FirstOrWithId => at == 0 || args.get(at + 1).is_some_and(|word| is_background_id(word)),
    };
    stands.then_some(subcommand)
}

/// What `claude --bg` prints: eight hexadecimal digits. (`respawn` also takes `--all`.)
fn is_background_id(word: &OsStr) -> bool {
    word == "--all" || word.len() == 8 && word.as_bytes().iter().all(u8::is_ascii_hexdigit)
}

/// Reads the flag, or the combined short flags, at the start of `rest`, and says how many words they use.
fn flag_items(rest: &[OsString]) -> (Vec<Item>, usize) {
    let word = rest[0].as_bytes();
    if let Some(flag) = flag_named(word) {
        let used = 1 + values_of(flag.arity, &rest[1..]);
        return (vec![flag_item(flag, rest[..used].to_vec(), rest[1..used].first())], used);
    }
    if word.starts_with(b"--") {
        if let Some(equals) = memchr::memchr(b'=', word) {
            let value = OsString::from_vec(word[equals + 1..].to_vec());
            return match flag_named(&word[..equals]) {
                Some(flag) => (vec![flag_item(flag, vec![rest[0].clone()], Some(&value))], 1),
                None => (vec![unknown(&rest[..1])], 1),
            };
        }
    } else if word.len() > 2 && word[1].is_ascii() && word[2] != b'-' {
        return combined(rest);
    }
    let used = 1 + usize::from(rest.get(1).is_some_and(|word| may_be_value_of_unknown(word)));
    (vec![unknown(&rest[..used])], used)
}

/// `-cp` is `-c -p`; `-nName` is `-n Name`; `-cnName` is both.
fn combined(rest: &[OsString]) -> (Vec<Item>, usize) {
    let word = rest[0].as_bytes();
    let Some(first) = flag_named(&word[..2]) else {
        return (vec![unknown(&rest[..1])], 1);
    };
    if first.arity != Arity::None {
        let value = OsString::from_vec(word[2..].to_vec());
        return (vec![flag_item(first, vec![rest[0].clone()], Some(&value))], 1);
    }
    // Taking the rest for a word of its own, as claude does, gives the last flag its values.
    let mut taken_apart = vec![OsString::from_vec([b"-", &word[2..]].concat())];
    taken_apart.extend_from_slice(&rest[1..]);
    let (others, used) = flag_items(&taken_apart);
    let mut items = vec![flag_item(first, vec![OsStr::from_bytes(&word[..2]).to_owned()], None)];
    items.extend(others);
    (items, used)
}

fn flag_item(flag: &'static Flag, words: Vec<OsString>, value: Option<&OsString>) -> Item {
    Item { what: What::Flag(flag), words, value: value.cloned() }
}

fn unknown(words: &[OsString]) -> Item {
    Item { what: What::Unknown, words: words.to_vec(), value: words.get(1).cloned() }
}

/// How many of the words behind a flag are its values.
fn values_of(arity: Arity, behind: &[OsString]) -> usize {
    let plain = |words: &[OsString]| words.iter().take_while(|word| !looks_like_flag(word)).count();
    match arity {
        Arity::None => 0,
        Arity::Optional => plain(behind).min(1),
        Arity::One => behind.len().min(1),
        Arity::Many if behind.is_empty() => 0,
        Arity::Many => 1 + plain(&behind[1..]),
    }
}

fn may_be_value_of_unknown(word: &OsStr) -> bool {
    !looks_like_flag(word)
        && !word.as_bytes().iter().any(u8::is_ascii_whitespace)
        && subcommand_named(word).is_none()
}

#[cfg(test)]
mod tests;
