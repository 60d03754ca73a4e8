//! cckw with the real Claude Code, offline: the pinned version, a home of its own, a mock of the Messages
//! API.
//!
//! `install` beside this file brings the program (node and npm are needed); the suite runs it by itself. No
//! test passes without it.

#[path = "../support/mod.rs"]
mod support;

#[allow(dead_code)] // A part of it is for the programs in `benches`.
mod driver;
mod install;
mod mock;
mod versions;
mod view;

mod adopt;
mod any_version;
mod attach;
mod background_job;
mod broken_turn;
mod dialogue;
mod fleet_view;
mod handover;
mod help;
mod hygiene;
mod jobs;
mod keep;
mod markers;
mod names;
mod new;
mod newer;
mod panes;
mod paste;
mod pinning;
mod reboot;
mod relaunch;
mod remote;
mod restart;
mod restart_verb;
mod send;
mod signals;
mod slow;
mod straight;
mod surroundings;
mod suspend;
mod taken;
mod turns;

mod typing;
mod wait;
