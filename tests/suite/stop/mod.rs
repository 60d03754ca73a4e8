//! How a session ends: by claude, by a signal, by the system.

mod any_order;
mod exit_status;
mod system_stop;
