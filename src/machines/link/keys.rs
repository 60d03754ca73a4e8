//! What the user types while there is no session for it: Enter, ctrl-c and the detach key are for cckw.

use super::state::LinkEvent;
use super::words::count_keys;
use crate::config::DetachKey;

const CTRL_C: u8 = 0x03;
const CTRL_Z: u8 = 0x1a;
const CTRL_BACKSLASH: u8 = 0x1c;

/// The first key for cckw in what was typed, and how many other keys are among it that nobody gets.
pub fn for_cckw(typed: &[u8], detach_key: DetachKey) -> Vec<LinkEvent> {
    let meaning = |byte: &u8| match *byte {
        CTRL_C => Some(LinkEvent::Interrupt),
        CTRL_BACKSLASH if detach_key == DetachKey::Backslash => Some(LinkEvent::DetachKey),
        b'\r' | b'\n' => Some(LinkEvent::Enter),
        CTRL_Z => Some(LinkEvent::Stopped(libc::SIGTSTP)),
        _ => None,
    };
    let found = typed.iter().find_map(meaning);
    let others = count_keys(typed) - u64::from(found.is_some());
    let others = (others > 0).then_some(LinkEvent::Typed(others));
    others.into_iter().chain(found).collect()
}

/// Whether the user wants to leave by what was typed, before there is a session.
pub fn leaves(typed: &[u8], detach_key: DetachKey) -> Option<LinkEvent> {
    let of = |event: &LinkEvent| matches!(event, LinkEvent::Interrupt | LinkEvent::DetachKey);
    let keys = typed.iter().flat_map(|byte| for_cckw(std::slice::from_ref(byte), detach_key));
    keys.into_iter().find(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_for_cckw_are_found_and_the_others_counted() {
        let found = |typed: &str| for_cckw(typed.as_bytes(), DetachKey::Backslash);
        assert_eq!(found("\r"), [LinkEvent::Enter]);
        assert_eq!(found("ab\x03"), [LinkEvent::Typed(2), LinkEvent::Interrupt]);
        assert_eq!(found("\x1b[A"), [LinkEvent::Typed(1)]);
        assert_eq!(found("\x1c"), [LinkEvent::DetachKey]);
        assert_eq!(for_cckw(b"\x1c", DetachKey::None), [LinkEvent::Typed(1)]);
        assert_eq!(leaves(b"ab\r\x1a\x03", DetachKey::None), Some(LinkEvent::Interrupt));
        assert_eq!(leaves(b"ab\r", DetachKey::Backslash), None);
    }
}
