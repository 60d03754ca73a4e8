//! Clocks that jump, without touching the machine's: a library that is loaded before the C library and adds
//! to what its `clock_gettime` says. What the kernel itself reckons with (timers, times of files) does not
//! jump.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs};

/// In Rust without any crate, and built when it is first needed.
const SOURCE: &str = r#"
use std::sync::atomic::{AtomicPtr, Ordering};
#[repr(C)]
pub struct Timespec { seconds: i64, nanoseconds: i64 }
unsafe extern "C" {
    fn syscall(number: i64, ...) -> i64;
    fn getenv(name: *const u8) -> *const u8;
    fn open(path: *const u8, flags: i32, ...) -> i32;
    fn mmap(at: *mut u8, size: usize, protection: i32, flags: i32, fd: i32, offset: i64) -> *mut u8;
    fn close(fd: i32) -> i32;
}
static OFFSETS: AtomicPtr<i64> = AtomicPtr::new(std::ptr::null_mut());
/// Seconds to add: to the time of day, to the clock that stands while the machine sleeps, to the one that
/// does not.
fn offset(at: usize) -> i64 {
    let mut offsets = OFFSETS.load(Ordering::Relaxed);
    if offsets.is_null() {
        unsafe {
            let name = getenv(c"CCKW_CHAOS_CLOCK".as_ptr().cast());
            if name.is_null() { return 0; }
            let fd = open(name, 0);
            if fd < 0 { return 0; }
            offsets = mmap(std::ptr::null_mut(), 4096, 1, 1, fd, 0).cast();
            close(fd);
        }
        if offsets as isize == -1 { return 0; }
        OFFSETS.store(offsets, Ordering::Relaxed);
    }
    unsafe { offsets.add(at).read_volatile() }
}
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: i32, time: *mut Timespec) -> i32 {
    let result = unsafe { syscall(CALL, clock as i64, time) };
    let at = match clock { 0 | 5 => 0, 1 | 4 | 6 => 1, 7 => 2, _ => return result as i32 };
    if result == 0 { unsafe { (*time).seconds += offset(at) }; }
    result as i32
}
"#;

/// The library, once it is built.
static LIBRARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();

/// Clocks of one session.
pub struct Clocks {
    library: PathBuf,
    offsets: PathBuf,
}

impl Clocks {
    /// Clocks that go right, kept in this directory.
    ///
    /// # Errors
    /// Why it is not possible here.
    pub fn new(directory: &Path) -> Result<Self, String> {
        let library = LIBRARY.get_or_init(build).clone()?;
        let clocks = Self { library, offsets: directory.join("clocks") };
        fs::write(&clocks.offsets, [0; 4096]).map_err(|error| error.to_string())?;
        Ok(clocks)
    }

    /// What to write before a command for it to live by these clocks.
    pub fn prefix(&self) -> String {
        format!("CCKW_CHAOS_CLOCK={} LD_PRELOAD={}", self.offsets.display(), self.library.display())
    }

    /// Has them jump by so many seconds: the time of day, and what counts sleep and what does not.
    pub fn jump(&self, day: i64, awake: i64, all: i64) {
        use std::os::unix::fs::FileExt;
        let file = fs::OpenOptions::new().write(true).open(&self.offsets).expect("the clocks");
        let bytes: Vec<u8> = [day, awake, all].iter().flat_map(|offset| offset.to_ne_bytes()).collect();
        // In place, for it is mapped everywhere.
        file.write_all_at(&bytes, 0).expect("another time");
    }
}

/// The number of the system call that reads a clock, where [`SOURCE`] fits to the C library.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn number_of_the_call() -> Option<libc::c_long> {
    Some(libc::SYS_clock_gettime)
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn number_of_the_call() -> Option<libc::c_long> {
    None
}

fn build() -> Result<PathBuf, String> {
    let call = number_of_the_call().ok_or("the C library is not one that a library can be loaded before")?;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (source, library) =
        (folder.join("clock.rs"), folder.join(format!("clock-{}.so", std::process::id())));
    let text = SOURCE.replace("CALL", &call.to_string());
    fs::write(&source, text).map_err(|error| error.to_string())?;
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let built = Command::new(rustc)
        .args(["--edition", "2024", "--crate-type", "cdylib", "-O", "-C", "panic=abort", "-o"])
        .args([&library, &source])
        .output();
    match built {
        Ok(output) if output.status.success() => Ok(library),
        Ok(output) => Err(format!("rustc: {}", String::from_utf8_lossy(&output.stderr))),
        Err(error) => Err(format!("rustc: {error}")),
    }
}
