//! Terminals of every size and kind, and what stands between them and cckw: tmux, GNU screen, script, shells.

#[path = "terminals/kinds.rs"]
mod kinds;
#[path = "terminals/multiplexers.rs"]
mod multiplexers;
#[path = "terminals/shells.rs"]
mod shells;
#[path = "terminals/sizes.rs"]
mod sizes;
mod support;
