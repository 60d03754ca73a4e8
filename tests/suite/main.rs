//! The black-box tests: the built program on a real PTY, one module a subject.
//!
//! One process runs them all, some at the same time. So a test changes nothing that belongs to the process
//! (working directory, environment, umask, limits, signals): it changes that in a child before it executes
//! its program (`support::before_exec`), and whatever it opens is close-on-exec. What cannot keep to that
//! runs in a process of its own (`support::own_process`).

#[path = "../support/mod.rs"]
mod support;

#[path = "../programs/random.rs"]
mod random;

mod alerts;
mod attach;
mod claude;
mod commands;
mod conversation;
mod environment;
mod files;
mod handover;
mod harness;
mod host;
mod jobs;
mod names;
mod remote;
mod restart;
mod scripting;
mod security;
mod sending;
mod service;
mod stop;
mod surroundings;
mod terminal;
mod update;
