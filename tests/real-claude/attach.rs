//! A session outlives its terminal.
