//! Executes another program in this process. Its pid, its start time, its children and its terminal stay.

use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::sys::signal::{SigSet, SigmaskHow, pthread_sigmask};

use super::fd_store::set_inherited;

/// Which program.
pub enum NextProgram<'a> {
    /// The one at this path.
    At(&'a Path),
    /// The one behind this descriptor, which may have no path any more.
    Open(&'a OwnedFd),
}

/// All signals wait, until this is dropped: none meets a program without handlers. They also wait in a program
/// that is executed meanwhile, until it calls [`unblock_signals`].
pub struct BlockedSignals(SigSet);

impl BlockedSignals {
    /// # Errors
    /// What sigprocmask(2) says.
    pub fn all() -> io::Result<Self> {
        let mut before = SigSet::empty();
        pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), Some(&mut before))?;
        Ok(Self(before))
    }

    /// Executes a program with these arguments (the first is its name), the environment of this one, and the
    /// descriptors with these numbers. Returns only why that was not possible.
    pub fn replace(&self, program: &NextProgram<'_>, arguments: &[OsString], kept: &[RawFd]) -> io::Error {
        set_inherited(kept, true);
        let error = execute(program, arguments);
        set_inherited(kept, false);
        error
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        let _ = self.0.thread_set_mask();
    }
}

fn execute(program: &NextProgram<'_>, arguments: &[OsString]) -> io::Error {
    let text = |text: &std::ffi::OsStr| CString::new(text.as_bytes()).map_err(io::Error::from);
    let prepared = || -> io::Result<(Vec<CString>, Vec<CString>)> {
        let arguments = arguments.iter().map(|argument| text(argument)).collect::<io::Result<_>>()?;
        let environment = super::environ::current().into_iter().map(|(name, value)| {
            let mut variable = name;
            variable.push("=");
            variable.push(value);
            text(&variable)
        });
        Ok((arguments, environment.collect::<io::Result<_>>()?))
    };
    let (arguments, environment) = match prepared() {
        Ok(prepared) => prepared,
        Err(error) => return error,
    };
    let path = match program {
        NextProgram::At(path) => path.as_os_str().to_owned(),
        NextProgram::Open(file) => path_of(file),
    };
    let path = match text(&path) {
        Ok(path) => path,
        Err(error) => return error,
    };
    match nix::unistd::execve(&path, &arguments, &environment) {
        Ok(never) => match never {},
        Err(error) => error.into(),
    }
}

/// A path that leads to an open file.
fn path_of(file: &OwnedFd) -> OsString {
    use std::os::fd::AsRawFd;
    let folder = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
    format!("{folder}/{}", file.as_raw_fd()).into()
}

/// Lets signals come again that a program before has blocked ([`BlockedSignals`]). A host blocks none.
pub fn unblock_signals() {
    let _ = SigSet::empty().thread_set_mask();
}
