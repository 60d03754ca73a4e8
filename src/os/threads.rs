//! Whether a thread, or a process, can be started. A limit of processes counts both: `ulimit -u`, `pids.max`
//! of a cgroup.

use std::io;

use crate::user_error::{UserError, shortage};

/// What to say of an error that means that no process can be started, whatever its program is; nothing where
/// it means something else.
pub fn no_process(error: &io::Error) -> Option<UserError> {
    match error.raw_os_error()? {
        libc::EAGAIN => Some(shortage::no_process_left(error)),
        libc::ENOMEM => Some(shortage::no_memory(error)),
        _ => None,
    }
}

/// Whether an error means that the system, or a limit, is out of something that may be there again in a
/// while: processes, memory, descriptors, room on a disk, terminals.
pub fn is_shortage(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE | libc::ENOSPC)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_processes_is_not_the_program_s_fault() {
        let error = |number| io::Error::from_raw_os_error(number);
        let said = no_process(&error(libc::EAGAIN)).expect("a shortage").to_string();
        assert!(said.contains("ulimit -u") && said.contains("no process can be started"), "{said}");
        assert!(no_process(&error(libc::ENOMEM)).is_some_and(|said| said.to_string().contains("memory")));
        assert_eq!(no_process(&error(libc::ENOENT)), None);
        assert!(is_shortage(&error(libc::EMFILE)) && !is_shortage(&error(libc::EACCES)));
    }
}
