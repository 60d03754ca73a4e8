//! Who runs this process: the user's home and name, also where the C library does not know the user.
//!
//! The C library looks into the user database. glibc asks all name services that the machine has. musl, to which the
//! static program is linked, reads `/etc/passwd`, and asks nscd where one runs: so it does not know the users of LDAP
//! and sssd. No C library knows a number that stands nowhere, as in some containers.
//!
//! The rules are functions that read nothing; what reads is at the end.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use nix::unistd::{Uid, User, geteuid};

use super::command::{PendingCommand, answer};

/// The variables that hold the user's name, the first one that counts first.
const NAME_VARIABLES: [&str; 2] = ["LOGNAME", "USER"];

/// How long `getent` may take: it asks a directory server, which may not answer.
const GETENT_TIMEOUT: Duration = Duration::from_secs(3);

/// The longest name of a user, in bytes (`LOGIN_NAME_MAX` of Linux).
const MAX_NAME_LEN: usize = 256;

/// What is known of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The name.
    pub name: String,
    /// The home directory.
    pub home: PathBuf,
}

/// Where the user's home is looked up, in this order. The variable `HOME` comes before all of them, and is the caller's.
///
/// `getent` is asked only where the user database says nothing.
fn home_of(database: Option<Account>, getent: impl FnOnce() -> Option<Account>) -> Option<PathBuf> {
    let known = |account: Account| Some(account.home).filter(|home| home.is_absolute());
    database.and_then(known).or_else(|| getent().and_then(known))
}

/// The user's name: what the user database says, else the first variable that can be believed, else what `getent` says.
///
/// `belongs_to_another` says whether the user database knows a name as that of another user. After some ways to become
/// another user, the variables still name the one before.
fn name_of(
    database: Option<Account>,
    variables: impl IntoIterator<Item = OsString>,
    belongs_to_another: impl Fn(&str) -> bool,
    getent: impl FnOnce() -> Option<Account>,
) -> Option<String> {
    let said = || {
        let usable = variables.into_iter().filter_map(|value| value.into_string().ok());
        usable.filter(|name| is_name(name)).find(|name| !belongs_to_another(name))
    };
    database.map(|account| account.name).or_else(said).or_else(|| Some(getent()?.name))
}

/// Whether a text can be the name of a user. It becomes a part of paths.
fn is_name(text: &str) -> bool {
    let is_plain = |c: char| !c.is_control() && !matches!(c, '/' | ':');
    !text.is_empty()
        && text.len() <= MAX_NAME_LEN
        && !text.starts_with(['-', '.'])
        && text.chars().all(is_plain)
}

/// The account in a line of `getent passwd`: `NAME:PASSWORD:UID:GID:GECOS:HOME:SHELL`. Nothing where the line is about
/// another user, or is no such line.
fn parsed(said: &[u8], user: Uid) -> Option<Account> {
    let line = said.split(|byte| *byte == b'\n').next()?;
    let fields: Vec<&[u8]> = line.split(|byte| *byte == b':').collect();
    let [name, _, number, _, _, home, _] = fields[..] else { return None };
    let number: u32 = std::str::from_utf8(number).ok()?.parse().ok()?;
    let name = std::str::from_utf8(name).ok().filter(|name| is_name(name))?;
    let home = PathBuf::from(OsStr::from_bytes(home));
    (number == user.as_raw()).then(|| Account { name: name.to_owned(), home })
}

/// The home of the user who runs this process, whatever `HOME` says.
pub fn home() -> Option<PathBuf> {
    home_of(in_database(geteuid()), in_name_services)
}

/// The name of the user who runs this process; nothing where nobody knows it.
pub fn name() -> Option<String> {
    let variables = NAME_VARIABLES.into_iter().filter_map(std::env::var_os);
    let belongs_to_another =
        |name: &str| User::from_name(name).ok().flatten().is_some_and(|user| user.uid != geteuid());
    name_of(in_database(geteuid()), variables, belongs_to_another, in_name_services)
}

/// What the C library finds.
fn in_database(user: Uid) -> Option<Account> {
    let found = User::from_uid(user).ok()??;
    Some(Account { name: found.name, home: found.dir })
}

/// What glibc's `getent` finds, which asks all name services of the machine. It is asked once in the life of a process, as
/// it may take its time.
fn in_name_services() -> Option<Account> {
    static FOUND: OnceLock<Option<Account>> = OnceLock::new();
    FOUND.get_or_init(|| ask_getent(geteuid())).clone()
}

/// Whatever goes wrong, nothing was found.
fn ask_getent(user: Uid) -> Option<Account> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let mut getent = Command::new("getent");
    getent.arg("passwd").arg(user.to_string());
    let output = PendingCommand::start_untrusted(&mut getent, GETENT_TIMEOUT).ok()?.finish().ok()?;
    parsed(&answer(output).ok()?, user)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn account(name: &str, home: &str) -> Option<Account> {
        Some(Account { name: name.into(), home: home.into() })
    }

    #[test]
    fn a_home_is_that_of_the_database_and_getent_is_asked_only_without_one() {
        let asked = Cell::new(0);
        let getent = || {
            asked.set(asked.get() + 1);
            account("ann", "/net/ann")
        };
        assert_eq!(home_of(account("ann", "/home/ann"), getent), Some("/home/ann".into()));
        assert_eq!(asked.get(), 0);
        assert_eq!(home_of(None, getent), Some("/net/ann".into()));
        // A home that is no absolute path is none.
        assert_eq!(home_of(account("ann", ""), getent), Some("/net/ann".into()));
        assert_eq!(asked.get(), 2);
        assert_eq!(home_of(None, || account("ann", "home")), None);
        assert_eq!(home_of(None, || None), None);
    }

    #[test]
    fn a_name_is_that_of_the_database_then_of_a_variable_then_of_getent() {
        let name = |database: Option<Account>, variables: &[&str], getent: Option<Account>| {
            let values = variables.iter().map(OsString::from).collect::<Vec<_>>();
            name_of(database, values, |name| name == "root", || getent)
        };
        let (ann, bob) = (account("ann", "/home/ann"), account("bob", "/home/bob"));
        assert_eq!(name(ann.clone(), &["bob"], bob.clone()).as_deref(), Some("ann"));
        assert_eq!(name(None, &["carl", "dora"], bob.clone()).as_deref(), Some("carl"));
        // What can be no name, and the name of another user.
        assert_eq!(name(None, &["root", "carl"], bob.clone()).as_deref(), Some("carl"));
        for wrong in ["", "../ann", "a:b", "-ann", "a\nb", "root"] {
            assert_eq!(name(None, &[wrong], bob.clone()).as_deref(), Some("bob"), "{wrong:?}");
            assert_eq!(name(None, &[wrong], None), None, "{wrong:?}");
        }
    }

    #[test]
    fn of_the_variables_getent_is_spared() {
        let never = || unreachable!("getent is asked");
        assert_eq!(name_of(None, ["ann".into()], |_| false, never).as_deref(), Some("ann"));
        assert_eq!(name_of(account("ann", "/"), [], |_| false, never).as_deref(), Some("ann"));
    }

    #[test]
    fn a_line_of_getent_is_believed_only_if_it_is_about_this_user() {
        let of = |line: &str| parsed(line.as_bytes(), Uid::from_raw(54_321));
        let line = "ann:*:54321:100:Ann, of the directory:/net/ann:/bin/zsh";
        assert_eq!(of(&format!("{line}\n")), account("ann", "/net/ann"));
        assert_eq!(of(&format!("{line}\nbob:*:54321:1::/home/bob:/bin/sh\n")), account("ann", "/net/ann"));
        for wrong in [
            "",
            "\n",
            "ann",
            "ann:*:54322:100::/net/ann:/bin/zsh",
            "ann:*:x:100::/net/ann:/bin/zsh",
            "ann:*:54321:100::/net/ann",
            "ann:*:54321:100::/net/ann:/bin/zsh:more",
            ":*:54321:100::/net/ann:/bin/zsh",
            "../ann:*:54321:100::/net/ann:/bin/zsh",
        ] {
            assert_eq!(of(wrong), None, "{wrong:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_answer_is_read(said: Vec<u8>) {
            let found = parsed(&said, Uid::from_raw(0));
            proptest::prop_assert!(found.is_none_or(|account| is_name(&account.name)));
        }
    }
}
