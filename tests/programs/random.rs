//! Repeatable bytes that a relay must carry without looking at them: every value from 0 to 255, invalid
//! UTF-8, and escape sequences that are cut where no sequence may be cut.
//!
//! A stream is a row of 1 MiB blocks, and each block depends only on the seed and its number. Both ends of a
//! test can therefore make the same stream piece by piece, whatever the sizes of their reads and writes, and
//! nobody holds more than one block. Other files take this one with `#[path]`.
#![allow(dead_code, reason = "each program that includes this file uses a part of it")]

/// Bytes in a block.
pub const BLOCK: usize = 1 << 20;

/// Seed of what the test child writes, unless it is told another one.
pub const FROM_CHILD: u64 = 1;

/// Seed of what a test types into the child, unless both agree on another one.
pub const TO_CHILD: u64 = 2;

/// What is strewn over the noise: beginnings, middles and ends of what terminals and keyboards send.
const FRAGMENTS: &[&[u8]] = &[
    b"\x1b",
    b"\x1b[",
    b"\x1b[38;2;255;128;0m",
    b"\x1b[?2004h\x1b[?1049h\x1b[?25l",
    b"\x1b[200~pasted\r\x1b[201~",
    b"\x1b[>1u\x1b[27;5;92~\x1b[92;5u",
    b"\x1b[<0;10;20M\x1b[I\x1b[O",
    b"\x1b]0;a title\x07",
    b"\x1b]8;;http://example.org/\x1b\\",
    b"\x1b]52;c;",
    b"\x1bP>|xterm(390)\x1b\\",
    b"\x1bPq#0;2;0;0;0",
    b"\x1b_G",
    b"\x9b31m\x9d0;",
    b"\x03\x04\x11\x13\x1a\x1c",
    b"\r\n\r\r\n",
    b"\x00\x00\xff\xff",
    "\u{e9}\u{20ac}\u{1f980}\u{200d}\u{301}".as_bytes(),
    b"\xf0\x9f",
    b"\xc3\x28\xed\xa0\x80\xc0\xaf\xfe",
];

/// Marsaglia's xorshift with a multiplied output: quick, and good enough to look like noise.
pub struct Xorshift(u64);

impl Xorshift {
    /// Any seed will do, zero included.
    pub fn new(seed: u64) -> Self {
        // The finaliser of splitmix64: neighbouring seeds give streams that have nothing in common.
        let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self((z ^ (z >> 31)) | 1)
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number from 0 to `end` - 1.
    pub fn below(&mut self, end: usize) -> usize {
        ((self.next() >> 32) as usize) % end
    }
}

/// Fills `out`, which is at most one block long, with the beginning of block `index` of the stream `seed`.
pub fn block(seed: u64, index: u64, out: &mut [u8]) {
    assert!(out.len() <= BLOCK);
    let mut random = Xorshift::new(seed.wrapping_mul(0xd6e8_feb8_6659_fd93) ^ index);
    let mut whole = [0u8; BLOCK / 256];
    // The noise comes in pieces, so that the beginning of a block is the same however long `out` is.
    let mut at = 0;
    while at < out.len() {
        for word in whole.chunks_exact_mut(8) {
            word.copy_from_slice(&random.next().to_le_bytes());
        }
        let mut spot = random.below(300);
        while spot < whole.len() {
            let fragment = FRAGMENTS[random.below(FRAGMENTS.len())];
            // One in four is cut short.
            let keep = if random.below(4) == 0 { random.below(fragment.len()) } else { fragment.len() };
            let keep = keep.min(whole.len() - spot);
            whole[spot..spot + keep].copy_from_slice(&fragment[..keep]);
            spot += fragment.len() + random.below(600);
        }
        let take = whole.len().min(out.len() - at);
        out[at..at + take].copy_from_slice(&whole[..take]);
        at += take;
    }
}

/// A running 64-bit hash. It does not depend on how the bytes were cut into calls; it is no protection
/// against malice.
#[derive(Clone, Default)]
pub struct Hash64 {
    state: u64,
    pending: [u8; 8],
    length: u64,
}

impl Hash64 {
    /// The hash of nothing so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        let filled = (self.length % 8) as usize;
        self.length += bytes.len() as u64;
        if filled > 0 {
            let take = bytes.len().min(8 - filled);
            self.pending[filled..filled + take].copy_from_slice(&bytes[..take]);
            bytes = &bytes[take..];
            if filled + take < 8 {
                return;
            }
            self.state = mix(self.state, u64::from_le_bytes(self.pending));
        }
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            let mut eight = [0; 8];
            eight.copy_from_slice(word);
            self.state = mix(self.state, u64::from_le_bytes(eight));
        }
        self.pending[..words.remainder().len()].copy_from_slice(words.remainder());
    }

    /// How many bytes were added.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The hash of all bytes so far.
    pub fn value(&self) -> u64 {
        let mut last = [0; 8];
        let filled = (self.length % 8) as usize;
        last[..filled].copy_from_slice(&self.pending[..filled]);
        mix(mix(self.state, u64::from_le_bytes(last)), self.length)
    }

    /// The hash as reports write it: 16 hexadecimal digits.
    pub fn hex(&self) -> String {
        format!("{:016x}", self.value())
    }
}

fn mix(state: u64, word: u64) -> u64 {
    let mixed = (state ^ word).wrapping_mul(0x9fb2_1c65_1e98_df25);
    mixed ^ (mixed >> 29)
}

/// The first `total` bytes of the stream `seed`, to be written in pieces of any size.
pub struct Stream {
    seed: u64,
    total: u64,
    at: u64,
    loaded: Option<u64>,
    block: Vec<u8>,
    hash: Hash64,
}

impl Stream {
    /// A stream that ends after `total` bytes.
    pub fn new(seed: u64, total: u64) -> Self {
        let size = usize::try_from(total).unwrap_or(BLOCK).min(BLOCK);
        Self { seed, total, at: 0, loaded: None, block: vec![0; size], hash: Hash64::new() }
    }

    /// What comes next, up to the end of the present block; empty at the end of the stream.
    pub fn peek(&mut self) -> &[u8] {
        let index = self.at / BLOCK as u64;
        if self.loaded != Some(index) && self.at < self.total {
            block(self.seed, index, &mut self.block);
            self.loaded = Some(index);
        }
        let start = (self.at % BLOCK as u64) as usize;
        let rest = self.total - self.at;
        let end = self.block.len().min(start + usize::try_from(rest).unwrap_or(BLOCK).min(BLOCK));
        if rest == 0 { &[] } else { &self.block[start..end] }
    }

    /// Goes on by `count` bytes, at most as many as [`Stream::peek`] showed.
    pub fn advance(&mut self, count: usize) {
        assert!(count <= self.peek().len());
        let start = (self.at % BLOCK as u64) as usize;
        self.hash.update(&self.block[start..start + count]);
        self.at += count as u64;
    }

    /// Whether all bytes were taken.
    pub fn is_done(&self) -> bool {
        self.at == self.total
    }

    /// How many bytes were taken.
    pub fn position(&self) -> u64 {
        self.at
    }

    /// The hash of the bytes that were taken.
    pub fn hash(&self) -> &Hash64 {
        &self.hash
    }
}

/// Compares bytes that arrive with the stream they should be.
pub struct Expected {
    stream: Stream,
    got: Hash64,
}

impl Expected {
    /// Expects the first `total` bytes of the stream `seed`, and nothing after them.
    pub fn new(seed: u64, total: u64) -> Self {
        Self { stream: Stream::new(seed, total), got: Hash64::new() }
    }

    /// Takes the bytes that arrived. The error says where they differ, with a few bytes of both sides; what
    /// comes after a difference only counts for the hash.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.got.update(bytes);
        let mut rest = bytes;
        while !rest.is_empty() {
            let at = self.stream.position();
            let wanted = self.stream.peek();
            if wanted.is_empty() {
                return Err(format!(
                    "{} bytes too many after {at}: {:02x?}",
                    rest.len(),
                    &rest[..rest.len().min(16)]
                ));
            }
            let count = wanted.len().min(rest.len());
            if wanted[..count] != rest[..count] {
                let same = wanted.iter().zip(rest).take_while(|(a, b)| a == b).count();
                let show = |side: &[u8]| format!("{:02x?}", &side[same..side.len().min(same + 16)]);
                return Err(format!("byte {}: got {}, not {}", at + same as u64, show(rest), show(wanted)));
            }
            self.stream.advance(count);
            rest = &rest[count..];
        }
        Ok(())
    }

    /// Whether everything has arrived.
    pub fn is_complete(&self) -> bool {
        self.stream.is_done()
    }

    /// How many bytes were as they should be, counted from the start.
    pub fn matched(&self) -> u64 {
        self.stream.position()
    }

    /// Count and hash of what arrived, right or wrong.
    pub fn got(&self) -> &Hash64 {
        &self.got
    }
}
