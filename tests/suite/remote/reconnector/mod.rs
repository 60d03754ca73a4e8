//! Remote control is kept: a link that goes down comes back, and nothing else is ever typed.

#[path = "../support/mod.rs"]
mod support;

mod asked;
mod comes_back;
mod drawn;
mod left_alone;
mod session;
