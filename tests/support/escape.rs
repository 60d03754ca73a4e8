//! Finds the escape sequences in a stream of output, wherever the reads cut it.

/// One complete sequence, as far as the tests care for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sequence {
    /// `CSI prefix params intermediates final`, e.g. `CSI ? 25 h`: prefix `?`, params `25`, final `h`.
    Csi { prefix: u8, params: String, intermediates: String, last: u8 },
    /// `ESC intermediates final`, e.g. `ESC 7`.
    Esc { intermediates: String, last: u8 },
    /// The text of an operating system command, without its end.
    Osc(String),
    /// The text of a device control string, without its end.
    Dcs(String),
    /// Shift out (true) or in (false): the alternate character set.
    Shift(bool),
}

/// Longest text of an OSC or DCS that is kept; the rest is dropped.
const LONGEST: usize = 4096;

#[derive(Default)]
enum State {
    #[default]
    Ground,
    Esc(String),
    Csi {
        prefix: u8,
        params: String,
        intermediates: String,
    },
    Text {
        dcs: bool,
        other: bool,
        text: Vec<u8>,
        escape: bool,
    },
}

/// The scanner; keeps what a read cut off until the next one.
#[derive(Default)]
pub struct Scanner {
    state: State,
}

impl Scanner {
    /// Takes one byte; returns the sequence that it completes.
    pub fn push(&mut self, byte: u8) -> Option<Sequence> {
        let state = std::mem::take(&mut self.state);
        let (next, found) = step(state, byte);
        self.state = next;
        found
    }
}

fn step(state: State, byte: u8) -> (State, Option<Sequence>) {
    if let State::Text { dcs, other, text, escape } = state {
        return step_text(dcs, other, text, escape, byte);
    }
    match (state, byte) {
        (_, 0x1b) => (State::Esc(String::new()), None),
        (_, 0x18 | 0x1a) => (State::Ground, None),
        (State::Ground, 0x0e) => (State::Ground, Some(Sequence::Shift(true))),
        (State::Ground, 0x0f) => (State::Ground, Some(Sequence::Shift(false))),
        (State::Esc(text), b'[') if text.is_empty() => {
            (State::Csi { prefix: 0, params: String::new(), intermediates: String::new() }, None)
        }
        (State::Esc(text), b']' | b'P' | b'X' | b'^' | b'_') if text.is_empty() => (
            State::Text {
                dcs: byte == b'P',
                other: !matches!(byte, b']' | b'P'),
                text: Vec::new(),
                escape: false,
            },
            None,
        ),
        (State::Esc(mut text), 0x20..=0x2f) => {
            text.push(byte.into());
            (State::Esc(text), None)
        }
        (State::Esc(intermediates), 0x30..=0x7e) => {
            (State::Ground, Some(Sequence::Esc { intermediates, last: byte }))
        }
        (State::Csi { params, intermediates, .. }, b'<'..=b'?') if params.is_empty() => {
            (State::Csi { prefix: byte, params, intermediates }, None)
        }
        (State::Csi { prefix, mut params, intermediates }, 0x30..=0x3b) => {
            params.push(byte.into());
            (State::Csi { prefix, params, intermediates }, None)
        }
        (State::Csi { prefix, params, mut intermediates }, 0x20..=0x2f) => {
            intermediates.push(byte.into());
            (State::Csi { prefix, params, intermediates }, None)
        }
        (State::Csi { prefix, params, intermediates }, 0x40..=0x7e) => {
            (State::Ground, Some(Sequence::Csi { prefix, params, intermediates, last: byte }))
        }
        // Control characters inside a sequence act and do not end it.
        (state @ (State::Csi { .. } | State::Esc(_)), 0x00..=0x1f | 0x7f) => (state, None),
        _ => (State::Ground, None),
    }
}

fn step_text(dcs: bool, other: bool, mut text: Vec<u8>, escape: bool, byte: u8) -> (State, Option<Sequence>) {
    let ended = byte == 0x07 || (escape && byte == b'\\');
    if ended {
        let text = String::from_utf8_lossy(&text).into_owned();
        let found = match (other, dcs) {
            (true, _) => None,
            (_, true) => Some(Sequence::Dcs(text)),
            (_, false) => Some(Sequence::Osc(text)),
        };
        return (State::Ground, found);
    }
    if escape {
        // Not the end after all: the text is abandoned and another sequence begins.
        return step(State::Esc(String::new()), byte);
    }
    if byte == 0x18 || byte == 0x1a {
        return (State::Ground, None);
    }
    if byte != 0x1b && text.len() < LONGEST {
        text.push(byte);
    }
    (State::Text { dcs, other, text, escape: byte == 0x1b }, None)
}
