//! What the service says of itself.

use std::io::{self, Write};

/// For the journal of the system. Where nobody reads that any more, the service goes on.
pub fn say(text: &str) {
    let _ = writeln!(io::stderr(), "cckw: {text}");
}
