//! Other machines, which are reached by OpenSSH: what they are called, how one is asked for something, and what
//! this machine answers to another one.
//!
//! The *near side* is the cckw that the user has called; the *far side* is the one that it starts on the machine.
//! `docs/internals/architecture.md` describes both.

pub mod cache;
pub mod call;
pub mod copy;
pub mod failure;
pub mod far;
pub mod link;
pub mod name;
pub mod run;
pub mod ssh;
pub mod store;
pub mod wire;
