//! The differences between Linux and macOS, in one place.
