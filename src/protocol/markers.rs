//! Markers: what the two ends of `cckw attach MACHINE:SESSION` say to each other inside the stream of the
//! terminal.
//!
//! There is one stream each way: ssh's terminal. So a word from one cckw to the other travels between what
//! the user types, or between what claude draws. It begins with a number that nobody else knows, the nonce of
//! this link. The other end takes the word out, and passes everything else untouched.

use serde::{Deserialize, Serialize};

/// The longest marker, in bytes. What is longer is none.
pub const MAX_LEN: usize = 4096;

/// What the near side says to the far side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToFar {
    /// The near side is there. The far side answers with the same number.
    Ping(u64),
    /// The user has pressed the detach key.
    Detach,
    /// The near side was stopped, and has its terminal again. Everything is to be drawn anew.
    Resumed(u64),
}

/// What the far side says to the near side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToNear {
    /// The first words. From here on keys are for the session.
    Hello(Hello),
    /// The answer to [`ToFar::Ping`] or to [`ToFar::Resumed`].
    Pong(u64),
    /// Claude was stopped by this signal, as by ctrl-z. The shell is to have the terminal.
    Stopped(i32),
    /// Something that the user is to know.
    Note(String),
    /// The last words.
    Bye(Bye),
}

/// What the far side is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The version of the far cckw.
    pub version: String,
    /// Which protocol of machines it speaks: major and minor.
    pub protocol: (u32, u32),
    /// The id of the session.
    pub session: String,
    /// Its name.
    pub name: String,
}

/// How the far side has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bye {
    /// The status to exit with.
    pub status: u8,
    /// The far side has heard nothing of the near side for too long, and has left for this. The session is to
    /// be attached again.
    #[serde(default)]
    pub lost: bool,
}

/// Which way a marker goes. It is framed differently in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Among the user's keys: behind a byte that no terminal sends. An Esc would not do. It is a key, and
    /// would have to be held back until it is known what follows.
    ToFar,
    /// Among claude's output: an APC string, which a terminal ignores should it ever see one.
    ToNear,
}

impl Direction {
    fn begin(self, nonce: &str) -> Vec<u8> {
        let lead: &[u8] = match self {
            Self::ToFar => b"\xff",
            Self::ToNear => b"\x1b_",
        };
        [lead, b"cckw:", nonce.as_bytes(), b":"].concat()
    }

    fn end(self) -> &'static [u8] {
        match self {
            Self::ToFar => b"\xfe",
            Self::ToNear => b"\x1b\\",
        }
    }

    /// A marker with this content, to be written in one write.
    fn frame(self, nonce: &str, content: &impl Serialize) -> Vec<u8> {
        // Plain structs of numbers and strings: that cannot fail. A control character is spelt out in JSON.
        let content = serde_json::to_vec(content).unwrap_or_default();
        [&self.begin(nonce)[..], &content, self.end()].concat()
    }
}

impl ToFar {
    /// The bytes to write.
    pub fn bytes(&self, nonce: &str) -> Vec<u8> {
        Direction::ToFar.frame(nonce, self)
    }
}

impl ToNear {
    /// The bytes to write.
    pub fn bytes(&self, nonce: &str) -> Vec<u8> {
        Direction::ToNear.frame(nonce, self)
    }
}

/// A piece of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// What is to be passed on, in one write.
    Bytes(&'a [u8]),
    /// The content of a marker.
    Marker(&'a [u8]),
}

/// Takes the markers out of a stream that is cut anywhere.
///
/// The beginning of a marker at the end of a read is held until more comes. Nothing else is.
#[derive(Debug)]
pub struct MarkerScanner {
    begin: Vec<u8>,
    end: &'static [u8],
    held: Vec<u8>,
}

impl MarkerScanner {
    /// One for the markers of this link.
    pub fn new(direction: Direction, nonce: &str) -> Self {
        Self { begin: direction.begin(nonce), end: direction.end(), held: Vec::new() }
    }

    /// Whether something is held.
    pub fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// What is held, which turned out to be no marker: nothing has followed it.
    pub fn flush(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    /// Takes a read, and gives its pieces in order.
    pub fn feed(&mut self, bytes: &[u8], mut found: impl FnMut(Piece<'_>)) {
        if self.held.is_empty() && !bytes.contains(&self.begin[0]) {
            if !bytes.is_empty() {
                found(Piece::Bytes(bytes));
            }
            return;
        }
        let joined;
        let mut left = if self.held.is_empty() {
            bytes
        } else {
            joined = [&std::mem::take(&mut self.held)[..], bytes].concat();
            &joined[..]
        };
        while let Some(at) = self.next_begin(left) {
            let inside = &left[at..];
            if inside.len() < self.begin.len() {
                self.held = inside.to_vec();
                left = &left[..at];
                break;
            }
            let content = &inside[self.begin.len()..];
            match self.end_of(content) {
                End::At(len) => {
                    give(&left[..at], &mut found);
                    found(Piece::Marker(&content[..len]));
                    left = &content[len + self.end.len()..];
                }
                // Somebody else has written in the middle of it: the rest of it is not known.
                End::Never(len) => {
                    give(&left[..at], &mut found);
                    left = &content[len..];
                }
                End::Later => {
                    self.held = inside.to_vec();
                    left = &left[..at];
                    break;
                }
            }
        }
        give(left, &mut found);
    }

    /// Where the next marker begins, or may begin.
    fn next_begin(&self, bytes: &[u8]) -> Option<usize> {
        let begins = |rest: &[u8]| {
            let len = rest.len().min(self.begin.len());
            rest[..len] == self.begin[..len]
        };
        let first = self.begin[0];
        bytes.iter().enumerate().find(|(at, byte)| **byte == first && begins(&bytes[*at..])).map(|(at, _)| at)
    }

    fn end_of(&self, content: &[u8]) -> End {
        for (at, byte) in content.iter().enumerate() {
            if *byte == self.end[0] {
                let rest = &content[at..];
                return match () {
                    () if rest.starts_with(self.end) => End::At(at),
                    () if rest.len() < self.end.len() => End::Later,
                    () => End::Never(at),
                };
            }
            // JSON has none of these.
            if *byte < 0x20 || at >= MAX_LEN {
                return End::Never(at);
            }
        }
        End::Later
    }
}

/// Where the content of a marker ends.
enum End {
    At(usize),
    /// It has not come yet.
    Later,
    /// This is no content, from here on.
    Never(usize),
}

fn give(bytes: &[u8], found: &mut impl FnMut(Piece<'_>)) {
    if !bytes.is_empty() {
        found(Piece::Bytes(bytes));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NONCE: &str = "0123456789abcdef";

    /// What comes out of these reads: the bytes that are passed on, and the markers.
    fn scan<'a>(direction: Direction, reads: impl IntoIterator<Item = &'a [u8]>) -> (Vec<u8>, Vec<Vec<u8>>) {
        let mut scanner = MarkerScanner::new(direction, NONCE);
        let (mut plain, mut markers) = (Vec::new(), Vec::new());
        for read in reads {
            scanner.feed(read, |piece| match piece {
                Piece::Bytes(bytes) => plain.extend_from_slice(bytes),
                Piece::Marker(content) => markers.push(content.to_vec()),
            });
            assert!(scanner.held.len() <= MAX_LEN + 64 + read.len());
        }
        plain.extend(scanner.flush());
        (plain, markers)
    }

    fn marker(direction: Direction, number: u64) -> Vec<u8> {
        match direction {
            Direction::ToFar => ToFar::Ping(number).bytes(NONCE),
            Direction::ToNear => ToNear::Pong(number).bytes(NONCE),
        }
    }

    #[test]
    fn a_marker_inside_another_sequence_is_taken_out_and_the_sequence_stays_whole() {
        let pong = marker(Direction::ToNear, 7);
        let stream =
            [&b"\x1b[3"[..], &pong, b"8;5;1mred\x1b]0;ti", &pong, b"tle\x07\x1b_other\x1b\\"].concat();
        let (plain, markers) = scan(Direction::ToNear, [&stream[..]]);
        assert_eq!(plain, b"\x1b[38;5;1mred\x1b]0;title\x07\x1b_other\x1b\\");
        assert_eq!(markers, [b"{\"pong\":7}", b"{\"pong\":7}"]);
    }

    #[test]
    fn a_marker_of_another_link_is_passed_on() {
        for direction in [Direction::ToFar, Direction::ToNear] {
            let other = [&direction.begin("fedcba9876543210")[..], b"{}", direction.end()].concat();
            assert_eq!(scan(direction, [&other[..]]), (other.clone(), vec![]));
        }
    }

    #[test]
    fn a_lone_esc_key_is_never_held() {
        let mut scanner = MarkerScanner::new(Direction::ToFar, NONCE);
        let mut seen = Vec::new();
        scanner.feed(b"\x1b", |piece| seen.push(format!("{piece:?}")));
        assert_eq!((seen.len(), scanner.is_holding()), (1, false));
    }

    #[test]
    fn a_read_without_a_marker_is_one_piece_also_where_something_was_held() {
        let mut scanner = MarkerScanner::new(Direction::ToNear, NONCE);
        let mut pieces = Vec::new();
        for read in [&b"text\x1b"[..], b"[1mbold\x1b[m"] {
            scanner.feed(read, |piece| pieces.push(format!("{piece:?}")));
        }
        assert_eq!(pieces.len(), 2);
    }

    #[test]
    fn a_marker_that_was_torn_swallows_nothing_behind_it() {
        let pong = marker(Direction::ToNear, 7);
        let torn = [&pong[..pong.len() - 5], b"\x1b[2Jdrawn"].concat();
        assert_eq!(scan(Direction::ToNear, [&torn[..]]).0, b"\x1b[2Jdrawn");
        let endless = [&Direction::ToNear.begin(NONCE)[..], &vec![b'x'; MAX_LEN + 10]].concat();
        assert_eq!(scan(Direction::ToNear, endless.chunks(100)).0.len(), 10);
    }

    #[test]
    fn words_come_back_as_they_were() {
        let hello = Hello {
            version: "1.2.3".into(),
            protocol: (1, 0),
            session: "id".into(),
            name: "\u{1b}ü\"".into(),
        };
        for word in [
            ToNear::Hello(hello),
            ToNear::Stopped(20),
            ToNear::Bye(Bye { status: 143, lost: true }),
            ToNear::Pong(u64::MAX),
        ] {
            let (plain, markers) = scan(Direction::ToNear, [&word.bytes(NONCE)[..]]);
            assert_eq!((plain.len(), markers.len()), (0, 1));
            assert_eq!(serde_json::from_slice::<ToNear>(&markers[0]).expect("JSON"), word);
        }
        for word in [ToFar::Ping(1), ToFar::Detach, ToFar::Resumed(2)] {
            let (_, markers) = scan(Direction::ToFar, [&word.bytes(NONCE)[..]]);
            assert_eq!(serde_json::from_slice::<ToFar>(&markers[0]).expect("JSON"), word);
        }
    }

    /// A stream: pieces of text and sequences, some of which look like the beginning of a marker.
    fn stream() -> impl Strategy<Value = Vec<Option<Vec<u8>>>> {
        let begin = |direction: Direction| {
            let begin = direction.begin(NONCE);
            (0..begin.len()).prop_map(move |len| Some(begin[..len].to_vec()))
        };
        let piece = prop_oneof![
            Just(None),
            prop::collection::vec(any::<u8>(), 0..6).prop_map(Some),
            Just(Some(b"\x1b[1;31m".to_vec())),
            begin(Direction::ToNear),
            begin(Direction::ToFar),
        ];
        prop::collection::vec(piece, 0..12)
    }

    proptest! {
        /// However the stream is cut: the markers come out in order, and all else as it was.
        #[test]
        fn markers_are_found_and_all_else_is_untouched_however_it_is_cut(
            pieces in stream(), cuts in prop::collection::vec(1_usize..9, 1..60), to_far in any::<bool>(),
        ) {
            let direction = if to_far { Direction::ToFar } else { Direction::ToNear };
            let (mut all, mut plain, mut count) = (Vec::<u8>::new(), Vec::<u8>::new(), 0);
            for piece in &pieces {
                match piece {
                    None => { all.extend(marker(direction, count)); count += 1; }
                    Some(bytes) => { all.extend(bytes); plain.extend(bytes); }
                }
            }
            let mut reads = Vec::new();
            let (mut rest, mut cuts) = (&all[..], cuts.iter().cycle());
            while !rest.is_empty() {
                let (read, after) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
                reads.push(read);
                rest = after;
            }
            let (passed, markers) = scan(direction, reads);
            prop_assert_eq!(passed, plain);
            prop_assert_eq!(markers.len() as u64, count);
        }

        #[test]
        fn nothing_that_comes_makes_it_hold_more_than_a_marker(reads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20)) {
            let all: Vec<&[u8]> = reads.iter().map(|read| &read[..]).collect();
            scan(Direction::ToNear, all.iter().copied());
            scan(Direction::ToFar, all);
        }
    }
}
