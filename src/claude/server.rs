//! The Remote Control server, `claude remote-control`: what it is started with again, and what it says at its
//! end.
//!
//! The flags are those of its help, the words those of the program's text (2.1.329). Seen with 2.1.332:
//! started again without more, it takes up the session that it has recorded, with all its slots; with
//! `--continue` it serves that one session alone.

use std::ffi::OsString;

use super::args::{What, items};

/// How it says that it stops waiting for the network, in front of the minutes.
const UNREACHABLE: [&str; 2] = ["Server unreachable for", "Persistent errors for"];
/// And behind them.
const GIVING_UP: &str = "giving up.";
/// What it says, and exits with 1, where it starts without a network and has no answer of an earlier start:
/// it cannot know whether the account may have a server. Seen with 2.1.332.
const CANNOT_ASK: &str = "the feature-flag service was unreachable";
/// What stands in front of the number of sessions that it serves, and of those that it can serve.
const CAPACITY: &str = "Capacity:";
/// So many lines at the end of the screen can hold its last words.
const LAST: usize = 12;

/// The server could not reach its service: it gave up (4), or could not even start (69, `EX_UNAVAILABLE`).
/// Seen with 2.1.332.
const OUTAGES: [i32; 2] = [4, 69];

/// Whether a server that exits with this status had no network.
pub fn is_outage(status: i32) -> bool {
    OUTAGES.contains(&status)
}

/// The user's arguments for another launch of the server. Without `goes_on`, a `--continue` of theirs was
/// refused, and is left out.
pub fn relaunch(args: &[OsString], goes_on: bool) -> Vec<OsString> {
    if goes_on {
        return args.to_vec();
    }
    let mut relaunched = Vec::new();
    for item in items(args) {
        let (What::Subcommand(_), [name, behind @ ..]) = (item.what, &item.words[..]) else {
            relaunched.extend(item.words);
            continue;
        };
        relaunched.push(name.clone());
        relaunched.extend(behind.iter().filter(|word| *word != "-c" && *word != "--continue").cloned());
    }
    relaunched
}

/// The name that the user gave the server's session.
pub fn name(args: &[OsString]) -> Option<String> {
    let subcommand = items(args).into_iter().find(|item| matches!(item.what, What::Subcommand(_)))?;
    let mut words = subcommand.words.iter().map(|word| word.to_string_lossy().into_owned());
    while let Some(word) = words.next() {
        if word == "--name" {
            return words.next();
        }
        if let Some(name) = word.strip_prefix("--name=") {
            return Some(name.to_owned());
        }
    }
    None
}

/// Whether the screen says that the server serves no session at the moment. Seen with 2.1.332: `Capacity: 0/32`.
/// One that serves a single session ends with it, and says something else.
pub fn serves_nobody(screen: &[String]) -> bool {
    let shown = screen.iter().rev().find_map(|line| line.split_once(CAPACITY));
    shown.is_some_and(|(_, count)| count.trim_start().starts_with("0/"))
}

/// Whether the end of the screen says that the server gave up because it had no network, for too long or at
/// its start. It exits by itself then, and nobody wanted that.
pub fn gave_up(screen: &[String]) -> bool {
    let lines = screen.iter().rev().filter(|line| !line.trim().is_empty()).take(LAST);
    // A narrow terminal breaks the words anywhere.
    let bare = |text: &str| text.split_whitespace().collect::<String>();
    let end: String = lines.map(|line| bare(line)).collect::<Vec<_>>().into_iter().rev().collect();
    let at_start = end.contains(&bare(CANNOT_ASK));
    at_start
        || UNREACHABLE
            .iter()
            .filter_map(|words| end.rfind(&bare(words)))
            .any(|at| end[at..].contains(&bare(GIVING_UP)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &[&str]) -> Vec<OsString> {
        line.iter().map(OsString::from).collect()
    }

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn it_says_how_many_sessions_it_serves() {
        let serves_nobody = |lines: &[&str]| {
            super::serves_nobody(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>())
        };
        let place = "New sessions will be created in the current directory";
        assert!(serves_nobody(&[&format!("    Capacity: 0/32 · {place}"), ""]));
        assert!(serves_nobody(&["Capacity: 2/32", "Capacity: 0/1"]));
        for lines in [&["Capacity: 0/32", "Capacity: 1/32"][..], &["Capacity: 10/32"], &["Capacity: "], &[]] {
            assert!(!serves_nobody(lines), "{lines:?}");
        }
        assert!(!serves_nobody(&["    Single session · exits when complete"]));
    }

    #[test]
    fn it_gets_the_users_arguments_without_a_continue_that_was_refused() {
        for (line, goes_on, again) in [
            (&["rc"][..], true, &["rc"][..]),
            (&["rc"], false, &["rc"]),
            (&["rc", "-c", "--name", "x"], true, &["rc", "-c", "--name", "x"]),
            (&["rc", "-c", "--name", "x"], false, &["rc", "--name", "x"]),
            (&["remote-control", "--continue"], false, &["remote-control"]),
            (&["--debug-file", "f", "rc", "-v"], true, &["--debug-file", "f", "rc", "-v"]),
            (&["rc", "--session-id", "s"], true, &["rc", "--session-id", "s"]),
            (&["rc", "--session-id=s"], true, &["rc", "--session-id=s"]),
        ] {
            assert_eq!(relaunch(&args(line), goes_on), args(again), "{line:?}");
            assert_eq!(relaunch(&args(again), goes_on), args(again), "{line:?}, again");
        }
    }

    #[test]
    fn its_name_is_behind_the_subcommand() {
        assert_eq!(name(&args(&["rc", "--spawn", "session", "--name", "x"])).as_deref(), Some("x"));
        assert_eq!(name(&args(&["rc", "--name=x y"])).as_deref(), Some("x y"));
        assert_eq!(name(&args(&["rc"])), None);
    }

    #[test]
    fn its_last_words_are_understood_in_any_width() {
        assert!(gave_up(&lines("Ready\nServer unreachable for 10 minutes, giving up.\n\n")));
        assert!(gave_up(&lines("Persistent errors fo\nr 10 minutes, giving\n up.\n")));
        assert!(gave_up(&lines(
            "Error: Couldn't verify Remote Control eligibility — the feature-flag service was unreachable (offlin\n\
             e or blocked). Retry, or run with `--debug` / `claude doctor` for details.\n"
        )));
        for other in [
            "",
            "Error: Remote Control is not enabled for your account.",
            "Server unreachable for 10 minutes; still retrying while a tool helper is running",
            "giving up.",
            "giving up. Server unreachable for 3 minutes",
        ] {
            assert!(!gave_up(&lines(other)), "{other}");
        }
        let scrolled = format!("Server unreachable for 10 minutes, giving up.{}", "\nthen".repeat(20));
        assert!(!gave_up(&lines(&scrolled)));
    }
}
