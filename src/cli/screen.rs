//! `cckw screen`.

mod follow;

use std::process::ExitCode;

use super::inside;
use super::output::{fail, finish, print};
use super::target::pick_running;
use crate::protocol::{Request, Response};
use crate::user_error::host;
use crate::{client, registry};
use follow::Form;

/// Prints what is on a session's screen.
pub fn main(word: Option<&str>, with_colours: bool) -> ExitCode {
    let inside = inside();
    pick_running(word.or(inside.as_deref()), |session| match registry::ask(session, &Request::Status) {
        Ok(Response::Status { screen, formatted, stale, .. }) => {
            if stale {
                client::complain(format_args!(
                    "more was written at once than could be followed: parts of this may be old until claude \
                     repaints"
                ));
            }
            let is_coloured = with_colours && !formatted.is_empty();
            print(&if is_coloured {
                trimmed(formatted.lines())
            } else {
                trimmed(screen.iter().map(String::as_str))
            })
        }
        Ok(Response::Refused { reason }) => fail(&host::refused(&reason)),
        Ok(_) => fail(&host::wrong_answer()),
        Err(error) => fail(&error.into()),
    })
}

/// Prints what is on a session's screen, and what comes, until it ends.
pub fn follow(word: Option<&str>, has_colours: bool, as_json: bool) -> ExitCode {
    let form = if as_json { Form::Json } else { Form::Text { has_colours } };
    let inside = inside();
    pick_running(word.or(inside.as_deref()), |session| match follow::main(session, form) {
        Ok(written) => finish(written),
        Err(error) => fail(&error),
    })
}

/// The lines without the blank ones at the end.
fn trimmed<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    let mut blank = 0;
    for line in lines {
        if line.trim_end().is_empty() {
            blank += 1;
            continue;
        }
        text.push_str(&"\n".repeat(std::mem::take(&mut blank)));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_at_the_end_are_no_text() {
        assert_eq!(trimmed(["", "a  ", "", "b", "", " "].into_iter()), "\na\n\nb\n");
        assert_eq!(trimmed(["", ""].into_iter()), "");
    }
}
