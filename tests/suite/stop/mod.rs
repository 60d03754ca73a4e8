//! How a session ends: by claude, by a signal, by the system.

mod any_order;
mod exit_status;
mod own_signal;
mod system_stop;
