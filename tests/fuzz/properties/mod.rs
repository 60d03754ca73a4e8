//! What has to hold whatever comes in: a property for each part of cckw that reads what others wrote.
//!
//! Each `check` takes any bytes and panics if its property does not hold. The fuzz targets give them bytes
//! that a fuzzer made up, `tests/fuzz_seeds.rs` those that are checked in. `docs/reports/fuzzing.md` says
//! what each of them promises.

pub mod answers;
pub mod arguments;
pub mod config;
pub mod control;
pub mod keys;
pub mod modes;
pub mod repaint;
pub mod screen;
pub mod state_file;
pub mod transcript;
pub mod work;

/// A property.
pub type Check = fn(&[u8]);

/// All of them, by the names of their targets.
pub const TARGETS: [(&str, Check); 11] = [
    ("answers", answers::check),
    ("arguments", arguments::check),
    ("config", config::check),
    ("control", control::check),
    ("keys", keys::check),
    ("modes", modes::check),
    ("repaint", repaint::check),
    ("screen", screen::check),
    ("state_file", state_file::check),
    ("transcript", transcript::check),
    ("work", work::check),
];

/// Cuts a stream into reads of one to eight bytes, always the same for the same `seed`; for 0 each has one
/// byte.
pub fn cut(bytes: &[u8], seed: u8) -> Vec<&[u8]> {
    let (mut rest, mut pieces, mut state) = (bytes, Vec::new(), u32::from(seed));
    while !rest.is_empty() {
        state = state.wrapping_mul(1_664_525).wrapping_add(u32::from(seed) * 1_013_904);
        let length = 1 + (state >> 16) as usize % 8;
        let (now, later) = rest.split_at(length.min(rest.len()));
        pieces.push(now);
        rest = later;
    }
    pieces
}
