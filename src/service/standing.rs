//! How a session stands, for the service: what its files and the process table say.

use std::path::Path;

use nix::unistd::Pid;

use super::healer::{Process, Standing};
use crate::config::OnHangup;
use crate::os::process;
use crate::registry::lock::Lock;
use crate::registry::lost::is_lost;
use crate::registry::record::Record;
use crate::registry::service_state::ServiceState;
use crate::registry::stop_marker::StopRequest;
use crate::registry::{misplaced, recovery_marker, session_of, stop_marker};

/// How the session of this directory stands. One whose record cannot be read is left to its user.
pub fn of(directory: &Path, service: &ServiceState, on_hangup: OnHangup) -> Standing {
    let Ok(record) = Record::read(directory) else { return Standing::Over };
    if session_of(directory) != Some(record.session) || misplaced::is_elsewhere(directory, &record) {
        return Standing::Over;
    }
    let same_boot = record.boot.is_some() && record.boot == process::boot();
    let living = |pid: i32, start: &Option<String>| {
        let start = start.clone().filter(|_| same_boot && pid > 0)?;
        let found = process::look_up(Pid::from_raw(pid))?;
        (found.start == start).then_some(Process { pid, start })
    };
    // Also one that is just ending: its end is told.
    if let Some(host) = living(record.host_pid, &record.host_start) {
        return Standing::Hosted(host);
    }
    if Lock::is_held(directory) {
        return Standing::Coming;
    }
    if recovery_marker::is_given_up(directory) {
        return Standing::Over;
    }
    let told = stop_marker::read(directory);
    let client = record.client_pid.filter(|_| record.ended_at.is_none());
    if let Some(client) = client.and_then(|pid| living(pid, &record.client_start)) {
        return if told.is_some() { Standing::Over } else { Standing::LeftToClient(client) };
    }
    if service.is_to_come_back(&record, on_hangup) && record.missing.is_none() {
        return match told {
            Some(StopRequest::User) => Standing::Over,
            _ if recovery_marker::is_of_this_boot(directory) => Standing::Unproven,
            _ => Standing::Due,
        };
    }
    match told {
        None if !is_lost(&record, on_hangup) => Standing::Over,
        None if recovery_marker::is_set(directory) => Standing::Unproven,
        None => Standing::Lost,
        Some(_) => Standing::Over,
    }
}
