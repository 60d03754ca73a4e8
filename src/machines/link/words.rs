//! What the near side of a link says on the user's terminal.

use std::time::Duration;

use super::state::Loss;
use crate::escape::escape;

/// That the link was lost. `last` is what ssh has said last. It is not known whether the `open` keys that were typed
/// last have arrived.
pub fn lost(machine: &str, loss: Loss, last: Option<&str>, open: u64) -> String {
    let why = match (loss, last) {
        (Loss::Silence(time), _) => format!("no answer for {}", in_words(time)),
        (Loss::Asleep(time), _) => format!("this side was stopped or asleep for {}", in_words(time)),
        (Loss::Unheard, _) => "it has heard nothing from here for too long".into(),
        (Loss::Ended, Some(last)) => format!("ssh: {}", escape(last)),
        (Loss::Ended, None) => "the connection has ended".into(),
    };
    let open = match open {
        0 => String::new(),
        1 => "; the last key may not have arrived".into(),
        count => format!("; the last {count} keys may not have arrived"),
    };
    format!("\r\n\x1b[J[cckw: the link to {} was lost ({why}){open}]\r\n", escape(machine))
}

/// Why it could not be connected to, in a line of its own.
pub fn not_connected(machine: &str, why: &str) -> String {
    format!("\r\x1b[K[cckw: {}: {}]\r\n", escape(machine), escape(why))
}

/// The line that counts, without the end of a line. `seconds` are those until the next attempt; nothing where it
/// waits for the user.
pub fn countdown(seconds: Option<u64>, discarded: u64, columns: u16) -> String {
    let when = match seconds {
        Some(seconds) => format!("connecting again in {seconds} s; Enter: now, ctrl-c: leave"),
        None => "Enter: connect, and be asked; ctrl-c: leave".into(),
    };
    in_place(&format!("[cckw: {when}{}]", keys(discarded)), columns)
}

/// The same while it is being connected to.
pub fn connecting(machine: &str, discarded: u64, columns: u16) -> String {
    in_place(&format!("[cckw: connecting to {}; ctrl-c: leave{}]", escape(machine), keys(discarded)), columns)
}

/// Something that the far side has to say.
pub fn note(text: &str) -> String {
    format!("\r\x1b[K[cckw: {}]\r\n", escape(text))
}

/// That the link is there again.
pub fn back(machine: &str, discarded: u64) -> String {
    format!("\r\x1b[K[cckw: connected to {} again{}]\r\n", escape(machine), keys(discarded))
}

/// The last words where the far side has not said any. `word` is what to attach; `unsent` is how much was typed and
/// not sent.
pub fn left(word: &str, unsent: usize) -> String {
    let unsent = match unsent {
        0 => String::new(),
        1 => "; the last key that was typed was not sent".into(),
        count => format!("; the last {count} bytes that were typed were not sent"),
    };
    format!("\r\x1b[J[cckw: detached{unsent}; return with: cckw attach {}]\r\n", escape(word))
}

fn keys(count: u64) -> String {
    match count {
        0 => String::new(),
        1 => "; 1 key discarded".into(),
        count => format!("; {count} keys discarded"),
    }
}

fn in_words(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

/// A line that is written over itself: it never reaches the last column, where a terminal would begin another one.
fn in_place(text: &str, columns: u16) -> String {
    let room = if columns == 0 { 79 } else { usize::from(columns) - 1 };
    let shown: String = text.chars().take(room).collect();
    format!("\r\x1b[K{shown}")
}

/// How many keys these bytes are: characters, and sequences.
pub fn count_keys(bytes: &[u8]) -> u64 {
    use crate::vt::tokenizer::Position;
    let mut position = Position::Text;
    let mut count = 0;
    for byte in bytes {
        let before = position;
        position = position.next(*byte);
        let is_continuation = before == Position::Text && (0x80..0xc0).contains(byte);
        count += u64::from(position == Position::Text && !is_continuation);
    }
    // An Esc by itself.
    count + u64::from(position != Position::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_counted_as_a_user_counts_them() {
        for (bytes, count) in
            [("", 0), ("abc", 3), ("é", 1), ("\x1b[A", 1), ("a\x1b[1;5Cb", 3), ("\x1b", 1), ("日本", 2)]
        {
            assert_eq!(count_keys(bytes.as_bytes()), count, "{bytes:?}");
        }
    }

    #[test]
    fn the_line_that_counts_never_fills_a_row() {
        for columns in 1..120 {
            let line = countdown(Some(30), 1_000_000, columns);
            let shown = line.trim_start_matches("\r\x1b[K").chars().count();
            assert!(shown < usize::from(columns), "{columns}: {line:?}");
        }
        assert!(countdown(None, 0, 0).contains("Enter: connect"));
    }

    #[test]
    fn nothing_that_comes_from_elsewhere_is_a_command_for_the_terminal() {
        for line in [
            lost("b\x1b[2J", Loss::Ended, Some("x\x1b[2J"), 2),
            not_connected("b", "\x1b[2J"),
            left("b:\x1b[2J", 2),
            back("\x1b[2J", 1),
        ] {
            assert!(!line.contains("\x1b[2J"), "{line:?}");
        }
    }
}
