//! What cckw does under a real systemd: logins over ssh and their ends, the user manager, a boot.
//!
//! Each test boots a machine of its own ([`bed::Bed`]), with the built program in it. On a machine where none
//! can be booted the tests fail and say why. With `TESTS_WITHOUT_SYSTEMD=1` they do not count: then each
//! says `NOT RUN`, and passes.

#[path = "../support/mod.rs"]
mod support;

mod bed;
mod boot;
mod doctor;
mod logout;
mod machine;
mod own_scope;
mod scene;
mod service;
