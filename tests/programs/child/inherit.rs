//! The `inherit` mode: everything a program takes over from the one that started it.

use std::collections::BTreeMap;
use std::os::fd::AsFd;

use nix::sys::stat::{Mode, umask};
use nix::sys::termios::tcgetattr;
use serde_json::{Value, json};

use super::{system, tty};

fn terminal() -> Value {
    let Ok(attributes) = tcgetattr(tty::input()) else { return Value::Null };
    let raw: libc::termios = attributes.into();
    json!({
        "iflag": raw.c_iflag, "oflag": raw.c_oflag, "cflag": raw.c_cflag, "lflag": raw.c_lflag,
        "cc": raw.c_cc.to_vec(),
    })
}

/// Looks at everything, changes nothing but the umask, which is put back.
pub fn look() -> Vec<(&'static str, Value)> {
    // First of all: what follows opens files.
    let fds = system::descriptors();
    let mask = umask(Mode::empty());
    umask(mask);
    let environment: BTreeMap<String, String> = system::environment()
        .iter()
        .map(|entry| entry.split_once('=').unwrap_or((entry, "")))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let sid = nix::unistd::getsid(None).map_or(-1, nix::unistd::Pid::as_raw);
    let foreground = nix::unistd::tcgetpgrp(std::io::stdin().as_fd()).map_or(-1, nix::unistd::Pid::as_raw);
    // SAFETY: getpriority only reads; for a living process of our own it cannot fail.
    let nice = unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
    vec![
        ("argv", json!(system::arguments())),
        ("env", json!(environment)),
        ("cwd", json!(std::env::current_dir().ok())),
        ("umask", json!(format!("{:04o}", mask.bits()))),
        ("fds", json!(fds)),
        ("status", json!(system::status())),
        ("rlimits", json!(system::limits())),
        ("termios", terminal()),
        ("size", json!(tty::size())),
        ("nice", json!(nice)),
        ("ppid", json!(nix::unistd::getppid().as_raw())),
        ("pgrp", json!(nix::unistd::getpgrp().as_raw())),
        ("sid", json!(sid)),
        ("tpgid", json!(foreground)),
    ]
}
