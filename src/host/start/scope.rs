//! Where the host belongs, in the words of systemd: its login, or a scope of its own.

use std::path::Path;

use uuid::Uuid;

use crate::os::own_scope;
use crate::registry::event_log::EventLog;
use crate::registry::log_event::LogEvent;
use crate::registry::service_state;

/// The unit of the service.
const SERVICE_UNIT: &str = "cckw.service";

/// Gives this process a scope of its own, before it starts anything: while the service runs, a session is to
/// outlive the login that it was started in, and the service. Without a service, all stays as it is.
pub fn choose(state: &Path, session: &Uuid, events: &EventLog) {
    if !service_state::is_running(state) {
        return;
    }
    match own_scope::enter(SERVICE_UNIT, &session.to_string()) {
        Some(Ok(scope)) => events.write(LogEvent::OwnScope { scope }),
        Some(Err(error)) => events.write(LogEvent::NoOwnScope { error: error.to_string() }),
        None => {}
    }
}
