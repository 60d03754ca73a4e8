//! The process table of macOS. Never run.

use std::collections::BTreeMap;
use std::ffi::{CStr, OsString, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::resource::Resource;

use super::Stat;

/// A struct that proc_pidinfo(3) fills whole; nothing when it does not.
///
/// # Safety
/// `T` has to be what the kernel writes for this flavour, and all bits have to be valid for it.
unsafe fn info<T>(pid: i32, flavour: libc::c_int, argument: u64) -> Option<T> {
    let mut info = MaybeUninit::<T>::zeroed();
    let size = libc::c_int::try_from(size_of::<T>()).ok()?;
    // SAFETY: the buffer is as large as its size says.
    let got = unsafe { libc::proc_pidinfo(pid, flavour, argument, info.as_mut_ptr().cast(), size) };
    // SAFETY: zeroed before, and filled by the call; the caller says that all bits are valid.
    (got == size).then(|| unsafe { info.assume_init() })
}

fn threads(pid: i32) -> Option<libc::proc_taskinfo> {
    // SAFETY: the struct of this flavour: plain numbers.
    unsafe { info(pid, libc::PROC_PIDTASKINFO, 0) }
}

/// Reads the state of `pid`; none when there is no such process.
pub fn stat(pid: i32) -> Option<Stat> {
    /// Has zombies found too.
    const WITH_ZOMBIES: u64 = 1;
    // SAFETY: the struct of this flavour: plain numbers.
    let found: libc::proc_bsdinfo = unsafe { info(pid, libc::PROC_PIDTBSDINFO, WITH_ZOMBIES) }?;
    let state = match found.pbi_status {
        libc::SZOMB => 'Z',
        libc::SSTOP => 'T',
        _ if threads(pid).is_some_and(|threads| threads.pti_numrunning > 0) => 'R',
        _ => 'S',
    };
    let name = found.pbi_comm.iter().map(|byte| byte.cast_unsigned()).take_while(|byte| *byte != 0);
    let session = nix::unistd::getsid(Some(nix::unistd::Pid::from_raw(pid)));
    Some(Stat {
        name: String::from_utf8_lossy(&name.collect::<Vec<u8>>()).into_owned(),
        state,
        parent: found.pbi_ppid.cast_signed(),
        group: found.pbi_pgid.cast_signed(),
        session: session.map_or(0, nix::unistd::Pid::as_raw),
        // No terminal is written as all ones.
        terminal: if found.e_tdev == u32::MAX { 0 } else { found.e_tdev.cast_signed() },
        foreground: found.e_tpgid.cast_signed(),
        threads: threads(pid).map_or(0, |threads| u64::from(threads.pti_threadnum.cast_unsigned())),
        started: found.pbi_start_tvsec * 1_000_000 + found.pbi_start_tvusec,
    })
}

/// Not told here.
pub fn signal_mask(_pid: i32, _name: &str) -> Option<u64> {
    None
}

/// The open descriptors of `pid`, and the path of each that has one.
pub fn descriptors(pid: i32) -> BTreeMap<i32, PathBuf> {
    const ROOM: usize = 4096;
    let mut open = [const { MaybeUninit::<libc::proc_fdinfo>::zeroed() }; ROOM];
    let size = size_of_val(&open) as libc::c_int;
    // SAFETY: the buffer is as large as its size says.
    let filled = unsafe { libc::proc_pidinfo(pid, libc::PROC_PIDLISTFDS, 0, open.as_mut_ptr().cast(), size) };
    let count = usize::try_from(filled).unwrap_or(0) / size_of::<libc::proc_fdinfo>();
    // SAFETY: zeroed before, and filled by the call: plain numbers, for which all bits are valid.
    let open = open.iter().take(count).map(|one| unsafe { one.assume_init_ref() });
    open.map(|one| (one.proc_fd, path_of(pid, one).unwrap_or_default())).collect()
}

fn path_of(pid: i32, descriptor: &libc::proc_fdinfo) -> Option<PathBuf> {
    /// From sys/proc_info.h: `PROC_PIDFDVNODEPATHINFO`, and what stands before the path in its answer.
    const WITH_PATH: libc::c_int = 2;
    #[repr(C)]
    struct Found {
        flags: [u32; 2],
        offset: i64,
        kind: i32,
        guard: u32,
        file: libc::vnode_info_path,
    }
    if descriptor.proc_fdtype != libc::PROX_FDTYPE_VNODE as u32 {
        return None;
    }
    let mut found = MaybeUninit::<Found>::zeroed();
    let size = size_of::<Found>() as libc::c_int;
    // SAFETY: the buffer is as large as its size says.
    let got = unsafe {
        libc::proc_pidfdinfo(pid, descriptor.proc_fd, WITH_PATH, found.as_mut_ptr().cast::<c_void>(), size)
    };
    // SAFETY: zeroed before, and filled by the call: plain numbers, for which all bits are valid.
    let found = unsafe { found.assume_init() };
    let path = found.file.vip_path.as_flattened().iter().map(|byte| byte.cast_unsigned());
    (got == size).then(|| OsString::from_vec(path.take_while(|byte| *byte != 0).collect()).into())
}

/// The program file that `pid` runs.
pub fn executable(pid: i32) -> Option<PathBuf> {
    let mut path = vec![0_u8; libc::PROC_PIDPATHINFO_MAXSIZE as usize];
    // SAFETY: the buffer is as large as its size says.
    let length = unsafe { libc::proc_pidpath(pid, path.as_mut_ptr().cast(), path.len() as u32) };
    path.truncate(usize::try_from(length).ok().filter(|length| *length > 0)?);
    Some(OsString::from_vec(path).into())
}

/// The arguments of `pid`, its name first.
pub fn arguments(pid: i32) -> Vec<String> {
    let (arguments, _) = words(pid).unwrap_or_default();
    arguments.into_iter().map(|word| word.to_string_lossy().into_owned()).collect()
}

/// The environment that `pid` was started with, as `NAME=value`.
pub fn environment(pid: i32) -> Vec<OsString> {
    words(pid).unwrap_or_default().1
}

/// Arguments and environment. The kernel gives the number of the arguments, the path of the program, some zero
/// bytes, and then the words, each with a zero byte behind it.
fn words(pid: i32) -> Option<(Vec<OsString>, Vec<OsString>)> {
    let mut bytes = vec![0_u8; 1 << 20];
    let mut length = bytes.len();
    let mut name = [libc::CTL_KERN, libc::KERN_PROCARGS2, pid];
    // SAFETY: the name has three numbers, the buffer is as large as `length` says, and nothing is set.
    let failed = unsafe {
        libc::sysctl(
            name.as_mut_ptr(),
            3,
            bytes.as_mut_ptr().cast(),
            &raw mut length,
            std::ptr::null_mut(),
            0,
        )
    };
    if failed != 0 {
        return None;
    }
    let (count, rest) = bytes[..length].split_first_chunk()?;
    let path = CStr::from_bytes_until_nul(rest).ok()?;
    let rest = &rest[path.to_bytes().len()..];
    let rest = &rest[rest.iter().position(|byte| *byte != 0)?..];
    let mut words = rest.split(|byte| *byte == 0).map(|word| OsString::from_vec(word.to_vec()));
    let arguments = words.by_ref().take(usize::try_from(i32::from_ne_bytes(*count)).ok()?).collect();
    Some((arguments, words.take_while(|word| !word.is_empty()).collect()))
}

/// Every process there is.
pub fn all() -> Vec<i32> {
    let mut pids = vec![0_i32; 1 << 16];
    let size = size_of_val(&pids[..]) as libc::c_int;
    // SAFETY: the buffer is as large as its size says.
    let count = unsafe { libc::proc_listallpids(pids.as_mut_ptr().cast(), size) };
    pids.truncate(usize::try_from(count).expect("the process table"));
    pids
}

/// How long the threads of a process have run on a processor.
pub fn processor_time(pid: i32) -> Duration {
    /// From mach/mach_time.h.
    #[repr(C)]
    struct Timebase {
        numerator: u32,
        denominator: u32,
    }
    unsafe extern "C" {
        fn mach_timebase_info(info: *mut Timebase) -> libc::c_int;
    }
    let found = threads(pid).expect("a process");
    let mut unit = Timebase { numerator: 1, denominator: 1 };
    // SAFETY: fills the struct that it is given.
    unsafe { mach_timebase_info(&raw mut unit) };
    let ticks = u128::from(found.pti_total_user) + u128::from(found.pti_total_system);
    let nanoseconds = ticks * u128::from(unit.numerator) / u128::from(unit.denominator);
    Duration::from_nanos(u64::try_from(nanoseconds).expect("less than five hundred years"))
}

/// How often another thread got the processor of one of a process.
pub fn sleeps(pid: i32) -> u64 {
    u64::from(threads(pid).expect("a process").pti_csw.cast_unsigned())
}

/// Only Linux can do that.
///
/// # Errors
/// Always.
pub fn limit(_pid: i32, _resource: Resource, _soft: u64) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}
