//! The language of terminals: what programs write to one, and what one sends.

pub mod emulator;
pub mod input_parser;
pub mod modes;
pub mod query_responder;
pub mod screen;
pub mod title_hold;
pub mod tokenizer;
