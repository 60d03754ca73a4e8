//! A hint, in the words of the view: where a key does what a command in it would do, the key is named.

/// What Enter, or a letter, does for the selected session.
const KEYS: [(&str, &str); 3] =
    [("cckw attach ", "press enter"), ("cckw start ", "press enter"), ("cckw continue ", "press c")];

/// The hint with keys in the place of commands for one session. Commands with options, or for several, stay.
pub fn with_keys(hint: &str) -> String {
    let mut text = hint.to_owned();
    for (command, key) in KEYS {
        text = replaced(&text, command, key);
    }
    // Enter brings back what has ended and goes in: two commands, one key.
    text.replace("press enter; press enter", "press enter")
        .replace("press enter; then: press enter", "press enter")
}

fn replaced(text: &str, command: &str, key: &str) -> String {
    let mut pieces = text.split(command);
    let mut new = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece.find([' ', ';', ',', ')']).unwrap_or(piece.len());
        let (word, rest) = piece.split_at(end);
        let is_name = !word.is_empty() && !word.starts_with(['-', '\'', '"', '$']);
        if is_name && (rest.is_empty() || rest.starts_with([';', ',', ')']) || rest.starts_with(" (")) {
            new.push_str(key);
            new.push_str(rest);
        } else {
            new.push_str(command);
            new.push_str(piece);
        }
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stands_for_the_command_that_it_replaces() {
        for (hint, wanted) in [
            ("it waits for you: cckw attach api", "it waits for you: press enter"),
            ("it waits for you: cckw attach box:api", "it waits for you: press enter"),
            (
                "its last turn broke off; to go on with it: cckw continue api",
                "its last turn broke off; to go on with it: press c",
            ),
            (
                "the machine went down: cckw start old (or forget it: cckw rm old)",
                "the machine went down: press enter (or forget it: cckw rm old)",
            ),
            (
                "it, in a turn: cckw start a (to go on with the turn as well: cckw continue a; or forget it: cckw rm a)",
                "it, in a turn: press enter (to go on with the turn as well: press c; or forget it: cckw rm a)",
            ),
            (
                "fg brings it back (or, to have it elsewhere: cckw start a; cckw attach a)",
                "fg brings it back (or, to have it elsewhere: press enter)",
            ),
            ("to bring a back: cckw start a; then: cckw attach a", "to bring a back: press enter"),
        ] {
            assert_eq!(with_keys(hint), wanted);
        }
    }

    #[test]
    fn what_no_key_does_stays_a_command() {
        for hint in [
            "to repair this: cckw restart --now api",
            "to start it with the environment of this shell: cckw start --env current api",
            "its name: cckw attach 'a b'",
            "cckw attach ",
            "cckw attach a b",
            "",
        ] {
            assert_eq!(with_keys(hint), hint);
        }
    }
}
