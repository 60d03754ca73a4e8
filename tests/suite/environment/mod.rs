//! The environment variables of a session.

mod after_login;
mod after_restart;
