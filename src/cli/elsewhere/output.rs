//! Where the output of other machines goes.

use std::io::{self, Write};

use crate::machines::call::Sink;

/// This process's own stdout and stderr.
pub struct Passed;

impl Sink for Passed {
    fn stdout(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes)?;
        stdout.flush()
    }

    fn stderr(&mut self, bytes: &[u8]) -> io::Result<()> {
        // With stderr gone there is nobody to tell, and no reason to end for it.
        let _ = io::stderr().lock().write_all(bytes);
        Ok(())
    }
}
