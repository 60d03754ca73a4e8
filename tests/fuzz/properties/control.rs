//! The control protocol: lines are understood or refused the same however they are cut on their way, and what
//! is understood is read back as it is when it is sent on.
//!
//! Input: who speaks to whom, how the bytes are cut, and the lines.

use std::fmt::Debug;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use cckw::protocol::{Channel, FromClient, FromHost, ReceivedMessage, Request, Response};
use serde_json::Value;

/// What a socket takes at once without anybody reading, in bytes.
const AT_ONCE: usize = 16 << 10;

/// A message that can be told from others.
trait Message: serde::Serialize + serde::de::DeserializeOwned + Debug + PartialEq {}

impl<M: serde::Serialize + serde::de::DeserializeOwned + Debug + PartialEq> Message for M {}

pub fn check(data: &[u8]) {
    let Some((&[who, seed], bytes)) = data.split_first_chunk() else { return };
    let bytes = &bytes[..bytes.len().min(AT_ONCE)];
    match who % 4 {
        0 => lines::<FromClient>(bytes, seed),
        1 => lines::<FromHost>(bytes, seed),
        2 => lines::<Request>(bytes, seed),
        _ => lines::<Response>(bytes, seed),
    }
}

fn lines<M: Message>(bytes: &[u8], seed: u8) {
    let whole = received::<M>(&[bytes]);
    // A system call each: the first lines of a long stream are enough.
    if bytes.len() < 1024 {
        let pieces = received::<M>(&super::cut(bytes, seed));
        assert_eq!(whole, pieces, "cut, it is another stream");
    }
    let (one, other) = UnixStream::pair().expect("a socket pair");
    let (mut one, mut other) =
        (Channel::new(one).expect("a channel"), Channel::new(other).expect("a channel"));
    for message in whole.0 {
        assert!(one.send(&message, vec![]), "too long to be sent, and was received");
        let again =
            other.wait_for::<M>(Some(Duration::from_secs(30))).expect("is understood").expect("arrives");
        assert_eq!((again.0, again.1.len()), (message, 0));
    }
}

/// What is understood of the bytes, and what is said of the first line that is not.
fn received<M: Message>(pieces: &[&[u8]]) -> (Vec<M>, Option<String>) {
    let (ours, mut theirs) = UnixStream::pair().expect("a socket pair");
    let mut channel = Channel::new(ours).expect("a channel");
    let mut messages = Vec::new();
    for piece in pieces {
        theirs.write_all(piece).expect("there is room");
        loop {
            match channel.receive::<M>() {
                Ok(ReceivedMessage::Message(message, fds)) => {
                    assert!(fds.is_empty(), "none was sent");
                    messages.push(message);
                }
                Ok(ReceivedMessage::Nothing) => break,
                Ok(ReceivedMessage::Closed) => panic!("nobody has closed it"),
                Err(error) => return (messages, Some(error.to_string())),
            }
        }
    }
    drop(theirs);
    assert!(matches!(channel.receive::<Value>(), Ok(ReceivedMessage::Closed)));
    (messages, None)
}
