//! Putting a cckw on a machine that has none, or an older one. `copier` has the steps.

pub mod copier;
mod elf;
pub mod offer;
pub mod plan;
mod script;
mod shell;
pub mod transfer;
