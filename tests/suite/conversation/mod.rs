//! A session's conversation: which one is open, who owns it, whether it is saved.

mod background_job;
mod concurrent_open;
mod ownership;
mod ownership_lock;
mod record;
mod turns;
mod unsaved_turns;
