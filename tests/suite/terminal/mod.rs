//! Terminals of every size and kind, and what stands between them and cckw: tmux, GNU screen, script, shells.

mod bytes;
mod dev_tty;
mod kinds;
mod multiplexers;
mod notifications;
mod repaint;
mod resize;
mod restore;
mod shells;
mod sizes;
mod stalled;
