//! Other machines: what cckw does over real OpenSSH, when everything is well and when the link is not.
//!
//! Each test has a near side and far hosts of its own ([`bed::Bed`]), in namespaces. On a machine where these cannot be
//! made the tests fail and say why. With `TESTS_WITHOUT_NAMESPACES=1` they do not count: then each says `NOT RUN`, and
//! passes.

#[path = "../support/mod.rs"]
mod support;

#[path = "../programs/random.rs"]
mod random;

mod attach;
mod back;
mod bed;
mod copy;
mod doctor;
mod hosts;
mod jobs;
mod keys;
mod known;
mod loss;
mod pipelines;
mod places;
mod reasons;
mod scene;
mod top;
mod watch;
mod words;
