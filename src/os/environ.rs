//! The environment that a program is executed with, entry for entry.
//!
//! `Command::env` sorts the variables, and keeps one of two that have the same name. A program that is run
//! under cckw is to get what it would get without cckw, so the list is handed to exec(3) as it is.

use std::ffi::{CString, OsStr, OsString, c_char};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Entries for exec(3). The pointers lead into the strings, which live as long.
struct Entries {
    _strings: Vec<CString>,
    pointers: Vec<*const c_char>,
}

// SAFETY: nobody writes to the strings, and each pointer leads into a string that this value owns.
unsafe impl Send for Entries {}
// SAFETY: as above; there is no interior mutability.
unsafe impl Sync for Entries {}

impl Entries {
    fn new<'a>(variables: impl Iterator<Item = (&'a OsStr, &'a OsStr)>) -> Self {
        let entry = |(name, value): (&OsStr, &OsStr)| {
            // An entry with a zero byte cannot come from an environment. It could not be passed on either.
            CString::new([name.as_bytes(), b"=", value.as_bytes()].concat()).ok()
        };
        let strings: Vec<CString> = variables.filter_map(entry).collect();
        let pointers = strings.iter().map(|entry| entry.as_ptr()).chain([std::ptr::null()]).collect();
        Self { _strings: strings, pointers }
    }
}

/// Gives `command` exactly these variables, in this order. The last one to change the command's environment
/// must be this.
pub fn execute_with<'a>(command: &mut Command, variables: impl Iterator<Item = (&'a OsStr, &'a OsStr)>) {
    let entries = Entries::new(variables);
    let set = move || {
        set_environ(&entries);
        Ok(())
    };
    // SAFETY: the closure assigns one pointer; it takes no lock and allocates nothing.
    unsafe { command.pre_exec(set) };
}

/// Sets a variable of this process. Called at its beginning, while it has one thread.
pub fn set(name: &str, value: &OsStr) {
    // SAFETY: there is no other thread that could read the environment meanwhile.
    unsafe { std::env::set_var(name, value) };
}

/// The variables of this process, in their order, two of one name both.
pub fn current() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}

/// Lets exec(3) take its environment from here. Between fork and exec only: there is no other thread, and
/// nothing reads the environment through the standard library any more.
fn set_environ(entries: &Entries) {
    let environ = environ();
    // SAFETY: the pointer leads to the C library's variable, and this process has one thread.
    unsafe { *environ = entries.pointers.as_ptr() };
}

#[cfg(not(target_os = "macos"))]
fn environ() -> *mut *const *const c_char {
    unsafe extern "C" {
        static mut environ: *const *const c_char;
    }
    &raw mut environ
}

/// Never run: see `docs/user/platforms.md`.
#[cfg(target_os = "macos")]
fn environ() -> *mut *const *const c_char {
    unsafe extern "C" {
        fn _NSGetEnviron() -> *mut *const *const c_char;
    }
    // SAFETY: it takes nothing, and gives the address of the variable.
    unsafe { _NSGetEnviron() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_gets_the_list_as_it_is() {
        let variables: Vec<(&OsStr, &OsStr)> = [
            ("B", &b"2"[..]),
            ("A", b"1"),
            ("B", b"3"),
            ("EMPTY", b""),
            ("LINES", b"a\nb="),
            ("RAW", b"\xff\xfe"),
        ]
        .map(|(name, value)| (OsStr::new(name), OsStr::from_bytes(value)))
        .to_vec();
        let mut command = Command::new("/usr/bin/env");
        command.arg("-0");
        execute_with(&mut command, variables.into_iter());
        let output = command.output().expect("env runs");
        assert_eq!(output.stdout, b"B=2\0A=1\0B=3\0EMPTY=\0LINES=a\nb=\0RAW=\xff\xfe\0");
    }
}
