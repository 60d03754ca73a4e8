//! The name under which other programs list this process.

/// Has other programs see other arguments of this process than `args`, those that it was started with: what
/// was started as `cckw claude -c` is listed as `claude -c`. Some terminals and multiplexers name a window so
/// after the program in its foreground (tmux, with `automatic-rename`).
///
/// The name that `ps -e` and `killall` know stays what it was. Where the system keeps other bytes there than
/// `args`, or does not let them be written, or has no room for `words`, nothing happens. After this,
/// `std::env::args_os` gives rubbish.
///
/// On macOS programs ask for the name that stays, so there is nothing to do.
pub fn be_listed_as(words: &[std::ffi::OsString], args: &[std::ffi::OsString]) {
    #[cfg(target_os = "linux")]
    let _ = linux::be_listed_as(words, args);
    #[cfg(not(target_os = "linux"))]
    let _ = (words, args);
}

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::OsString;
    use std::fs::{File, read_to_string};
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::FileExt;

    /// Where the arguments begin, among the fields of `/proc/PID/stat` that stand behind the name.
    const ARG_START: usize = 48 - 3;

    /// The way through `/proc/self/mem` needs no pointer: what it does not know it refuses.
    pub(super) fn be_listed_as(words: &[OsString], args: &[OsString]) -> Option<()> {
        let bytes = |words: &[OsString]| -> Vec<u8> {
            words.iter().flat_map(|word| [word.as_bytes(), b"\0"].concat()).collect()
        };
        let (mut wanted, args) = (bytes(words), bytes(args));
        let stat = read_to_string("/proc/self/stat").ok()?;
        let start: u64 = stat.rsplit_once(") ")?.1.split(' ').nth(ARG_START)?.parse().ok()?;
        let memory = File::options().read(true).write(true).open("/proc/self/mem").ok()?;
        let mut there = vec![0; args.len()];
        memory.read_exact_at(&mut there, start).ok()?;
        if there != args || wanted.len() > args.len() {
            return None;
        }
        wanted.resize(args.len(), 0);
        memory.write_all_at(&wanted, start).ok()
    }
}
