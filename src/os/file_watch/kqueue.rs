//! The events of kqueue. Never run on a Mac: see `docs/user/platforms.md`.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::sys::event::{EvFlags, EventFilter, FilterFlag, KEvent, Kqueue};

use super::by_looking::{ByLooking, EventQueue};

/// The watcher of a system that has kqueue.
pub type FileWatch<W> = ByLooking<W, Kqueue>;

/// No time to wait.
const NOTHING: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 0 };
/// How often is read in one call. What is left then is there to read again.
const MAX_READS: usize = 64;

/// For events alone: a volume with such a file can be unmounted.
#[cfg(target_os = "macos")]
const FOR_EVENTS: libc::c_int = libc::O_EVTONLY;
#[cfg(not(target_os = "macos"))]
const FOR_EVENTS: libc::c_int = 0;
#[cfg(target_os = "macos")]
const LINK_ITSELF: libc::c_int = libc::O_SYMLINK;
#[cfg(not(target_os = "macos"))]
const LINK_ITSELF: libc::c_int = libc::O_NOFOLLOW;

impl EventQueue for Kqueue {
    fn open() -> io::Result<Self> {
        if crate::fault::is_set("no-watcher") {
            return Err(io::Error::from_raw_os_error(libc::EMFILE));
        }
        Ok(Self::new()?)
    }

    fn open_file(path: &Path, is_followed: bool) -> io::Result<File> {
        // Somebody may have put a pipe there, which would keep its reader waiting.
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY | FOR_EVENTS;
        let flags = if is_followed { flags } else { flags | LINK_ITSELF };
        OpenOptions::new().read(true).custom_flags(flags).open(path)
    }

    fn add(&self, file: &File, with_contents: bool) -> io::Result<()> {
        let mut what = FilterFlag::NOTE_DELETE | FilterFlag::NOTE_RENAME | FilterFlag::NOTE_ATTRIB;
        if with_contents {
            what |= FilterFlag::NOTE_WRITE | FilterFlag::NOTE_EXTEND;
        }
        let flags = EvFlags::EV_ADD | EvFlags::EV_CLEAR;
        let place = file.as_raw_fd() as usize;
        let change = KEvent::new(place, EventFilter::EVFILT_VNODE, flags, what, 0, 0);
        self.kevent(&[change], &mut [], Some(NOTHING))?;
        Ok(())
    }

    fn take(&self) -> BTreeSet<RawFd> {
        let none = KEvent::new(0, EventFilter::EVFILT_VNODE, EvFlags::empty(), FilterFlag::empty(), 0, 0);
        let (mut events, mut found) = ([none; 32], BTreeSet::new());
        for _ in 0..MAX_READS {
            let Ok(count @ 1..) = self.kevent(&[], &mut events, Some(NOTHING)) else { break };
            found.extend(events[..count].iter().filter_map(|event| RawFd::try_from(event.ident()).ok()));
        }
        found
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.as_fd()
    }
}
