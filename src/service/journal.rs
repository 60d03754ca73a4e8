//! What the service says of itself.

/// For the journal of the system.
pub fn say(text: &str) {
    eprintln!("cckw: {text}");
}
