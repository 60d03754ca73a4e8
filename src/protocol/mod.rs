//! The control protocol: one JSON object a line, versioned, over a Unix socket.
//!
//! Client and host speak it over the socket pair that the host is born with; every other verb over the
//! session's socket in the session's directory. Descriptors travel beside the line that announces them
//! (SCM_RIGHTS).

mod channel;
pub mod markers;
mod message;

pub use channel::{Channel, ChannelState, ReceivedMessage, lacks_descriptors};
pub use message::{
    Attach, FromClient, FromHost, Held, LastOpen, MINOR, PROTOCOL_VERSION, Request, Response, ScreenFrame,
    Send, Sent, Start,
};
