//! Remote control is kept: a link that goes down comes back, and nothing else is ever typed.

mod asked;
mod comes_back;
mod drawn;
mod handed_over;
mod left_alone;
mod session;
