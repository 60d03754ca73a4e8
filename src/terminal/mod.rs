//! The client: the user's terminal, and the job that the shell sees.

pub mod run;
