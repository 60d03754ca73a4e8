//! The user's `config.toml`, parsed strictly.
