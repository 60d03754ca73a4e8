//! Another program in the place of this one: a new release, or the one before.
//!
//! `run` has the steps. Nothing here talks to a user; what can go wrong is said by `user_error::update`.

pub mod auto;
pub mod candidate;
mod download;
pub mod foreign;
pub mod guard;
pub mod hash;
mod install;
mod managed;
pub mod manifest;
pub mod marker;
mod pace;
pub mod run;
pub mod scheduler;
mod signature;
mod source;
pub mod trial;

pub use managed::Manager;
