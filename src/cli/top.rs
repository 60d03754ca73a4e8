//! `cckw top`, the fleet view: every session at a glance, and inside in one key.
//!
//! `view` decides, and does no I/O: events go in, effects come out, and `draw` shows what it knows. The sources bring
//! rows, the preview brings a session's screen, the actions run verbs of cckw, and the loop joins them.

pub mod draw;
pub mod event;
pub mod feed;
pub mod home;
pub mod input;
pub mod keys;
pub mod order;
pub mod pace;
pub mod preview;
pub mod ready;
pub mod row;
pub mod screen_copy;
pub mod sources;
pub mod terminal;
pub mod view;
pub mod visit;
