//! What is to be done about the files of a session, from what was seen of them. No I/O.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FilesSeen {
    pub(super) directory: At,
    pub(super) lock: bool,
    pub(super) socket: bool,
    pub(super) record: bool,
}

/// What the path of the session's directory leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// The directory that the host knows.
    Same,
    /// The same, and the host has gone on under another path meanwhile: the directory was moved away, and is
    /// back.
    Back,
    /// Something else, or nothing.
    Gone,
}

/// What is to be done, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repair {
    /// Go on under the path by which others find the session.
    GoBack,
    MakeDirectory,
    TakeLock,
    WriteRecord,
    MakeSocket,
}

/// What mends what was seen.
pub(super) fn repairs(seen: &FilesSeen) -> Vec<Repair> {
    use Repair::{GoBack, MakeDirectory, MakeSocket, TakeLock, WriteRecord};
    if seen.directory == At::Gone {
        return vec![MakeDirectory, TakeLock, WriteRecord, MakeSocket];
    }
    let is_back = seen.directory == At::Back;
    let wanted = [
        (is_back, GoBack),
        (!seen.lock, TakeLock),
        // It names the path of the socket.
        (is_back || !seen.record || !seen.lock, WriteRecord),
        (is_back || !seen.socket, MakeSocket),
    ];
    wanted.into_iter().filter(|(wanted, _)| *wanted).map(|(_, repair)| repair).collect()
}

/// What was made anew, for the log.
pub(super) fn words(repairs: &[Repair]) -> String {
    let words = repairs.iter().map(|repair| match repair {
        Repair::GoBack => "path",
        Repair::MakeDirectory => "directory",
        Repair::TakeLock => "lock",
        Repair::WriteRecord => "record",
        Repair::MakeSocket => "socket",
    });
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(directory: At, lock: bool, socket: bool, record: bool) -> FilesSeen {
        FilesSeen { directory, lock, socket, record }
    }

    #[test]
    fn what_is_missing_is_made_and_nothing_else() {
        use Repair::{GoBack, MakeDirectory, MakeSocket, TakeLock, WriteRecord};
        assert_eq!(repairs(&seen(At::Same, true, true, true)), []);
        assert_eq!(repairs(&seen(At::Same, true, false, true)), [MakeSocket]);
        assert_eq!(repairs(&seen(At::Same, true, true, false)), [WriteRecord]);
        assert_eq!(repairs(&seen(At::Same, false, true, true)), [TakeLock, WriteRecord]);
        assert_eq!(repairs(&seen(At::Same, false, false, false)), [TakeLock, WriteRecord, MakeSocket]);
        assert_eq!(repairs(&seen(At::Back, true, true, true)), [GoBack, WriteRecord, MakeSocket]);
        let all = [MakeDirectory, TakeLock, WriteRecord, MakeSocket];
        assert_eq!(repairs(&seen(At::Gone, false, false, false)), all);
        // What stands at the path is somebody else's.
        assert_eq!(repairs(&seen(At::Gone, true, true, true)), all);
    }
}
