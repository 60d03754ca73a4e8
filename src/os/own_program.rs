//! Where this program is on disk.

use std::io;
use std::path::PathBuf;

/// This program, also after an upgrade has replaced it on disk.
///
/// # Errors
/// When the system cannot say it.
pub fn own_program() -> io::Result<PathBuf> {
    let path = std::env::current_exe()?;
    if cfg!(target_os = "linux") && !path.exists() { Ok("/proc/self/exe".into()) } else { Ok(path) }
}
