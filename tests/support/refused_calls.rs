//! System calls that fail in a child, by a filter of seccomp(2): Linux only. For `before_exec`.

use std::io;

/// Has flock(2) fail as where the file system has none.
pub fn refuse_locks() -> io::Result<()> {
    let mut steps = [
        NUMBER,
        step(EQUAL, 0, 1, libc::SYS_flock as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOLCK as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    install(&mut steps)
}

/// Has every attempt to unlock a new PTY fail, as the opening does when the system has none left.
pub fn refuse_ptys() -> io::Result<()> {
    // The second argument of ioctl(2), its request, stands at 24.
    let mut steps = [
        NUMBER,
        step(EQUAL, 0, 3, libc::SYS_ioctl as u32),
        step(LOAD, 0, 0, 24),
        step(EQUAL, 0, 1, libc::TIOCSPTLCK as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSPC as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    install(&mut steps)
}

const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

/// The number of the call stands first.
const NUMBER: libc::sock_filter = step(LOAD, 0, 0, 0);

const fn step(code: u16, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter { code, jt, jf, k }
}

fn install(steps: &mut [libc::sock_filter]) -> io::Result<()> {
    let program = libc::sock_fprog { len: steps.len() as u16, filter: steps.as_mut_ptr() };
    nix::sys::prctl::set_no_new_privs()?;
    // SAFETY: the program and its steps live during the call, which copies them.
    let done = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
