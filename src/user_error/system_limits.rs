//! What helps where a limit of the system is reached. Commands and settings that one system has and another has not
//! are named here alone, so that nobody on macOS is told to set what only Linux knows.
//!
//! Those of macOS are from Apple's sources (`bsd/kern/kern_resource.c`) and getrlimit(2); nobody has tried them on a
//! Mac.

/// A system that the texts know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// Linux, and what else has no texts of its own.
    Linux,
    /// macOS.
    MacOs,
}

impl System {
    /// The one that this program runs on.
    pub const HERE: Self = if cfg!(target_os = "macos") { Self::MacOs } else { Self::Linux };

    /// The limits that decide how many files can be watched.
    pub const fn names_of_watches(self) -> &'static str {
        match self {
            Self::Linux => "fs.inotify.max_user_instances, fs.inotify.max_user_watches",
            // kqueue needs open what it watches.
            Self::MacOs => "ulimit -n",
        }
    }

    /// What helps where no more files can be watched.
    pub const fn for_watches(self) -> &'static str {
        match self {
            Self::Linux => {
                "end some programs that watch files, or raise fs.inotify.max_user_instances and fs.inotify.max_user_watches"
            }
            Self::MacOs => "raise the limit of open files, as with ulimit -n 1024",
        }
    }

    /// What helps where no more processes can be started.
    pub const fn for_processes(self) -> &'static str {
        match self {
            Self::Linux => "end some programs, or raise it (ulimit -u, or pids.max of the cgroup)",
            Self::MacOs => "end some programs, or raise it (ulimit -u, or kern.maxprocperuid with sysctl)",
        }
    }

    /// What helps where a host may open no more files.
    pub fn for_open_files_of(self, pid: impl std::fmt::Display) -> String {
        match self {
            Self::Linux => format!("to raise its limit: prlimit --nofile=1024 --pid {pid}"),
            // There is no call for the limits of another process.
            Self::MacOs => {
                format!(
                    "to start it with a higher limit: kill {pid}, then ulimit -n 1024, then cckw start with the session"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_on_one_system_is_of_that_system() {
        let all = |system: System| {
            [
                system.names_of_watches().to_owned(),
                system.for_watches().to_owned(),
                system.for_processes().to_owned(),
                system.for_open_files_of(7),
            ]
            .join("\n")
        };
        for of_linux in ["inotify", "cgroup", "pids.max", "prlimit", "systemd", "loginctl", "/proc"] {
            assert!(!all(System::MacOs).contains(of_linux), "{of_linux}");
        }
        for of_macos in ["kern.", "launchctl"] {
            assert!(!all(System::Linux).contains(of_macos), "{of_macos}");
        }
    }
}
