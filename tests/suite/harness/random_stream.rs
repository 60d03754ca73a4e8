//! The byte stream of the relay tests must be the same for both of its ends, however they cut it, or those
//! tests prove nothing.

use crate::random::{BLOCK, Expected, Hash64, Stream, block};

/// Takes a whole stream in pieces of at most `piece` bytes.
fn collect(seed: u64, total: u64, piece: usize) -> (Vec<u8>, Hash64) {
    let mut stream = Stream::new(seed, total);
    let mut bytes = Vec::new();
    while !stream.is_done() {
        let count = stream.peek().len().min(piece);
        bytes.extend_from_slice(&stream.peek()[..count]);
        stream.advance(count);
    }
    (bytes, stream.hash().clone())
}

#[test]
fn pieces_of_any_size_make_the_same_stream() {
    let total = 3 * BLOCK as u64 + 77;
    let (whole, hash) = collect(5, total, BLOCK);
    assert_eq!(whole.len() as u64, total);
    for piece in [4095, 4096, 65_537] {
        let (bytes, pieces) = collect(5, total, piece);
        assert!(bytes == whole, "pieces of {piece}");
        assert_eq!(pieces.value(), hash.value());
    }
    let (short, _) = collect(5, 1000, 7);
    assert_eq!(short, whole[..1000], "a shorter stream is the beginning of a longer one");
}

#[test]
fn a_block_has_every_value_is_no_utf8_and_repeats_nothing() {
    let mut first = vec![0; BLOCK];
    let mut second = vec![0; BLOCK];
    block(1, 0, &mut first);
    block(1, 1, &mut second);
    assert!(first != second);
    for value in 0..=255u8 {
        assert!(first.contains(&value), "{value:02x} is missing");
    }
    assert!(std::str::from_utf8(&first).is_err());
    let has = |needle: &[u8]| first.windows(needle.len()).any(|window| window == needle);
    assert!(has(b"\x1b[200~pasted") && has(b"\x1b]52;c;") && has(b"\xf0\x9f"), "fragments are missing");
    let mut other = vec![0; BLOCK];
    block(2, 0, &mut other);
    assert!(first != other, "another seed, another stream");
}

#[test]
fn the_hash_sees_values_order_and_length() {
    let of = |bytes: &[u8]| {
        let mut hash = Hash64::new();
        hash.update(bytes);
        hash.value()
    };
    let text: Vec<u8> = (0..100u8).collect();
    for cut in 0..text.len() {
        let mut hash = Hash64::new();
        hash.update(&text[..cut]);
        hash.update(&text[cut..]);
        assert_eq!(hash.value(), of(&text), "cut at {cut}");
    }
    assert_ne!(of(b"ab"), of(b"ba"));
    assert_ne!(of(b"a"), of(b"a\0"));
    assert_ne!(of(b"12345678abcdefgh"), of(b"abcdefgh12345678"));
}

#[test]
fn what_arrives_wrongly_is_found_where_it_is_wrong() {
    let (bytes, _) = collect(9, 5000, BLOCK);
    let mut expected = Expected::new(9, 5000);
    assert_eq!(expected.feed(&bytes[..1234]), Ok(()));
    assert_eq!(expected.feed(&bytes[1234..]), Ok(()));
    assert!(expected.is_complete());
    assert!(expected.feed(b"x").unwrap_err().starts_with("1 bytes too many after 5000"));

    let mut wrong = bytes.clone();
    wrong[4321] ^= 1;
    assert!(Expected::new(9, 5000).feed(&wrong).unwrap_err().starts_with("byte 4321: "));

    let mut lost = Expected::new(9, 5000);
    assert_eq!(lost.feed(&bytes[..4999]), Ok(()));
    assert!(!lost.is_complete());
    assert_eq!(lost.matched(), 4999);
}
