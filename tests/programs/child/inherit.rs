//! The `inherit` mode: everything a program takes over from the one that started it.

use std::collections::BTreeMap;
use std::os::fd::AsFd;

use nix::sys::stat::{Mode, umask};
use nix::sys::termios::tcgetattr;
use serde_json::{Value, json};

use super::tty;

/// Limits in the order of their numbers on Linux.
const LIMITS: [&str; 16] = [
    "CPU",
    "FSIZE",
    "DATA",
    "STACK",
    "CORE",
    "RSS",
    "NPROC",
    "NOFILE",
    "MEMLOCK",
    "AS",
    "LOCKS",
    "SIGPENDING",
    "MSGQUEUE",
    "NICE",
    "RTPRIO",
    "RTTIME",
];

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn file(path: &str) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| tty::give_up(&format!("{path}: {error}")))
}

fn zero_separated(path: &str) -> Vec<String> {
    let bytes = file(path);
    let bytes = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
    if bytes.is_empty() { Vec::new() } else { bytes.split(|byte| *byte == 0).map(lossy).collect() }
}

/// Open descriptors and what they lead to.
fn descriptors() -> BTreeMap<String, String> {
    let mut open = BTreeMap::new();
    for number in 0..4096 {
        if let Ok(target) = std::fs::read_link(format!("/proc/self/fd/{number}")) {
            open.insert(number.to_string(), target.to_string_lossy().into_owned());
        }
    }
    open
}

fn status() -> BTreeMap<String, String> {
    let text = lossy(&file("/proc/self/status"));
    let wanted = ["SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt", "NoNewPrivs", "Seccomp"];
    let lines = text.lines().filter_map(|line| line.split_once(":\t"));
    lines.filter(|(key, _)| wanted.contains(key)).map(|(key, value)| (key.into(), value.into())).collect()
}

fn limits() -> BTreeMap<&'static str, [u64; 2]> {
    let mut found = BTreeMap::new();
    for (number, name) in LIMITS.iter().enumerate() {
        let mut limit = libc::rlimit64 { rlim_cur: 0, rlim_max: 0 };
        let resource = number as libc::__rlimit_resource_t;
        // SAFETY: getrlimit64 fills the struct that the pointer leads to, which lives on this stack.
        if unsafe { libc::getrlimit64(resource, &raw mut limit) } == 0 {
            found.insert(*name, [limit.rlim_cur, limit.rlim_max]);
        }
    }
    found
}

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
    let fds = descriptors();
    let mask = umask(Mode::empty());
    umask(mask);
    let environment: BTreeMap<String, String> = zero_separated("/proc/self/environ")
        .iter()
        .map(|entry| entry.split_once('=').unwrap_or((entry, "")))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let sid = nix::unistd::getsid(None).map_or(-1, nix::unistd::Pid::as_raw);
    let foreground = nix::unistd::tcgetpgrp(std::io::stdin().as_fd()).map_or(-1, nix::unistd::Pid::as_raw);
    // SAFETY: getpriority only reads; for a living process of our own it cannot fail.
    let nice = unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
    vec![
        ("argv", json!(zero_separated("/proc/self/cmdline"))),
        ("env", json!(environment)),
        ("cwd", json!(std::env::current_dir().ok())),
        ("umask", json!(format!("{:04o}", mask.bits()))),
        ("fds", json!(fds)),
        ("status", json!(status())),
        ("rlimits", json!(limits())),
        ("termios", terminal()),
        ("size", json!(tty::size())),
        ("nice", json!(nice)),
        ("ppid", json!(nix::unistd::getppid().as_raw())),
        ("pgrp", json!(nix::unistd::getpgrp().as_raw())),
        ("sid", json!(sid)),
        ("tpgid", json!(foreground)),
    ]
}
