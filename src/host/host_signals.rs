//! The signals that a host waits for.

/// What the host waits for besides its descriptors.
pub(super) const HOST_SIGNALS: [i32; 4] = [libc::SIGCHLD, libc::SIGTERM, libc::SIGINT, libc::SIGQUIT];

/// Whether a signal asks the host to end. The host has no keyboard, so SIGINT and SIGQUIT come from somebody
/// who wants that.
pub(super) fn ends_host(number: i32) -> bool {
    matches!(number, libc::SIGTERM | libc::SIGINT | libc::SIGQUIT)
}
