//! The command line: which verb was asked for, and one file for each.

use std::process::ExitCode;

/// Runs the command line of this process and returns the status to exit with.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
