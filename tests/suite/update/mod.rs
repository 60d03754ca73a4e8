//! `cckw update`: what is installed and what is refused, a bad network, a full disk, and a kill at every step.

mod boot_guard;
mod by_itself;
mod disk;
mod killed;
mod managed;
mod network;
mod place;
mod refused;
mod release;
mod server;
mod taken;
