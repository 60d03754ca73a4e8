//! The command line: which verb was asked for, and one file for each.

use std::process::ExitCode;

/// Runs the command line of this process and returns the status to exit with.
pub fn main() -> ExitCode {
    let mut args = std::env::args_os();
    if args.next().is_some_and(|program| crate::standin::is_meant_by(&program)) {
        return crate::standin::main(args.collect());
    }
    ExitCode::SUCCESS
}
