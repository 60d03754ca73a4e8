//! Starting a program in a session of its own, without the copy of this process that fork(2) makes first.

use std::ffi::{CString, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

unsafe extern "C" {
    static environ: *const *mut libc::c_char;
}

/// Starts `program` as the leader of a new session, with this process's environment. Its stdin is `stdin`, its stdout
/// and stderr are nowhere; no signal is blocked. `words` are its arguments, the name it is called by first.
///
/// Not by `Command`: that has no way to say "a new session" before exec but a closure, and with one it forks. Measured
/// with a start of cckw, a fork and what has to be copied after it cost about a tenth of a millisecond.
///
/// # Errors
/// When the program cannot be executed, or a word holds a zero byte.
pub fn in_own_session(program: &Path, words: &[OsString], stdin: impl AsFd) -> io::Result<()> {
    let program = CString::new(program.as_os_str().as_bytes())?;
    let words: Vec<CString> =
        words.iter().map(|word| CString::new(word.as_bytes())).collect::<Result<_, _>>()?;
    let mut argv: Vec<*mut libc::c_char> = words.iter().map(|word| word.as_ptr().cast_mut()).collect();
    argv.push(std::ptr::null_mut());
    let mut actions = Actions::new()?;
    actions.take(stdin.as_fd().as_raw_fd(), 0)?;
    for stream in [1, 2] {
        actions.open_nothing(stream)?;
    }
    let attributes = Attributes::new()?;
    let mut pid = 0;
    // SAFETY: the C library's list, which nothing changes meanwhile: of the threads here only this one could.
    let environment = unsafe { environ };
    // SAFETY: everything lives until the call is over, and both lists end with a null.
    let result = unsafe {
        libc::posix_spawn(
            &mut pid,
            program.as_ptr(),
            &actions.0,
            &attributes.0,
            argv.as_ptr(),
            environment.cast(),
        )
    };
    check(result)
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(result)) }
}

/// What is done to descriptors between the two programs.
struct Actions(libc::posix_spawn_file_actions_t);

impl Actions {
    fn new() -> io::Result<Self> {
        let mut new = MaybeUninit::uninit();
        // SAFETY: it is made for memory that holds nothing yet.
        check(unsafe { libc::posix_spawn_file_actions_init(new.as_mut_ptr()) })?;
        // SAFETY: filled by the call.
        Ok(Self(unsafe { new.assume_init() }))
    }

    fn take(&mut self, from: i32, to: i32) -> io::Result<()> {
        // SAFETY: initialised; the numbers are looked at by the new process.
        check(unsafe { libc::posix_spawn_file_actions_adddup2(&mut self.0, from, to) })
    }

    fn open_nothing(&mut self, to: i32) -> io::Result<()> {
        let nothing = c"/dev/null".as_ptr();
        // SAFETY: initialised; the path is copied.
        check(unsafe { libc::posix_spawn_file_actions_addopen(&mut self.0, to, nothing, libc::O_RDWR, 0) })
    }
}

impl Drop for Actions {
    fn drop(&mut self) {
        // SAFETY: initialised, and not used any more.
        unsafe { libc::posix_spawn_file_actions_destroy(&mut self.0) };
    }
}

/// What the new process is: the leader of a session, with no signal blocked.
struct Attributes(libc::posix_spawnattr_t);

impl Attributes {
    fn new() -> io::Result<Self> {
        let mut new = MaybeUninit::uninit();
        // SAFETY: it is made for memory that holds nothing yet.
        check(unsafe { libc::posix_spawnattr_init(new.as_mut_ptr()) })?;
        // SAFETY: filled by the call.
        let mut new = Self(unsafe { new.assume_init() });
        // The systems differ in the types of these, and so does one flag from the other.
        #[allow(clippy::unnecessary_cast)]
        let flags = libc::POSIX_SPAWN_SETSID as libc::c_short | libc::POSIX_SPAWN_SETSIGMASK as libc::c_short;
        // SAFETY: initialised.
        check(unsafe { libc::posix_spawnattr_setflags(&mut new.0, flags) })?;
        let none = nix::sys::signal::SigSet::empty();
        // SAFETY: initialised, and so is the set, which is copied.
        check(unsafe { libc::posix_spawnattr_setsigmask(&mut new.0, none.as_ref()) })?;
        Ok(new)
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: initialised, and not used any more.
        unsafe { libc::posix_spawnattr_destroy(&mut self.0) };
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn it_leads_a_session_and_has_the_environment() {
        let (mut ours, theirs) = UnixStream::pair().expect("a socket pair");
        // stdin is the socket, so that what is found out can be said there.
        let script = r#"[ "$(ps -o sid= -p $$ | tr -d ' ')" = $$ ] && printf '%s' "$1 $PATH" >&0"#;
        let words = ["sh", "-c", script, "sh", "two words"].map(OsString::from);
        in_own_session(Path::new("/bin/sh"), &words, &theirs).expect("starts");
        drop(theirs);
        let mut said = String::new();
        ours.read_to_string(&mut said).expect("reads");
        assert_eq!(said, format!("two words {}", std::env::var("PATH").expect("a path")));
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        let null = std::fs::File::open("/dev/null").expect("opens");
        let error = in_own_session(Path::new("/nonexistent"), &["x".into()], &null).expect_err("fails");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(in_own_session(Path::new("/bin/sh"), &["a\0b".into()], &null).is_err());
    }
}
