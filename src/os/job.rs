//! Which job of which terminal a process is.

use nix::unistd::{Pid, getpgid, getpgrp, getppid, getsid};

use super::process;

/// The most processes of one job that are above one another.
const STEPS: usize = 64;

/// A process's place in job control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobControl {
    /// Its process group.
    pub group: Pid,
    /// The device number of its controlling terminal, as `st_rdev` has it; 0 for none.
    pub terminal: u64,
    /// The process group in the foreground of that terminal; -1 for none.
    pub foreground: Pid,
}

impl JobControl {
    /// Whether the keys of its terminal are for it.
    pub fn has_keyboard(self) -> bool {
        self.terminal != 0 && self.group == self.foreground
    }
}

/// Whether nobody could continue this process's job: there is no shell with job control above it. Then a
/// SIGTSTP does not stop it.
///
/// As the kernel has it (setpgid(2), "orphaned process group"), but for other processes of the group that
/// were started elsewhere.
pub fn is_orphaned() -> bool {
    let own = getpgrp();
    let mut above = getppid();
    // The way out of the group, in which a script may be.
    for _ in 0..STEPS {
        if above.as_raw() <= 0 || getpgid(Some(above)).is_ok_and(|group| group != own) {
            break;
        }
        match process::look_up(above) {
            Some(process) => above = process.parent,
            None => return true,
        }
    }
    getsid(Some(above)).ok() != getsid(None).ok()
}

/// Looks a process up; nothing when there is none.
#[cfg(target_os = "linux")]
pub fn look_up(pid: Pid) -> Option<JobControl> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    parse_stat(&String::from_utf8_lossy(&stat))
}

#[cfg(any(target_os = "linux", test))]
fn parse_stat(stat: &str) -> Option<JobControl> {
    // The second field is the program's name in parentheses, which may hold spaces and parentheses.
    let (_, rest) = stat.rsplit_once(") ")?;
    let number = |at: usize| rest.split_ascii_whitespace().nth(at)?.parse::<i32>().ok();
    Some(JobControl {
        group: Pid::from_raw(number(2)?),
        // The kernel's 32 bits, printed as a signed number.
        terminal: u64::from(number(4)?.cast_unsigned()),
        foreground: Pid::from_raw(number(5)?),
    })
}

/// Looks a process up; nothing when there is none. Never run: see `docs/user/platforms.md`.
#[cfg(target_os = "macos")]
pub fn look_up(pid: Pid) -> Option<JobControl> {
    let info = super::process::bsd_info(pid)?;
    // No terminal is written as all ones.
    let terminal = if info.e_tdev == u32::MAX { 0 } else { u64::from(info.e_tdev) };
    Some(JobControl {
        group: Pid::from_raw(info.pbi_pgid as i32),
        terminal,
        foreground: Pid::from_raw(info.e_tpgid as i32),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_those_of_proc() {
        let stat = "7 (a) b) S 5 70 6 34822 71 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4711 100 2";
        let job = parse_stat(stat).expect("parses");
        assert_eq!(
            job,
            JobControl { group: Pid::from_raw(70), terminal: 0x8806, foreground: Pid::from_raw(71) }
        );
        assert!(!job.has_keyboard() && JobControl { foreground: job.group, ..job }.has_keyboard());
    }

    #[test]
    fn this_process_is_in_its_group() {
        assert_eq!(look_up(Pid::this()).map(|job| job.group), Some(nix::unistd::getpgrp()));
    }
}
