//! Descriptors that a program hands to the one that it executes in its own process: by their numbers, which
//! stay.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use serde::{Deserialize, Serialize};

/// A descriptor by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoredFd(RawFd);

/// The descriptors that are handed over.
#[derive(Debug, Default)]
pub struct FdStore(RefCell<BTreeSet<RawFd>>);

impl FdStore {
    /// Notes that this one is handed over. It must stay open until then.
    pub fn add(&self, fd: impl AsFd) -> StoredFd {
        let number = fd.as_fd().as_raw_fd();
        self.0.borrow_mut().insert(number);
        StoredFd(number)
    }

    /// The numbers of all.
    pub fn numbers(&self) -> Vec<RawFd> {
        self.0.borrow().iter().copied().collect()
    }
}

/// Says of each whether the program that is executed next gets it.
pub fn set_inherited(numbers: &[RawFd], inherited: bool) {
    let flag = if inherited { FdFlag::empty() } else { FdFlag::FD_CLOEXEC };
    for number in numbers {
        // SAFETY: used for one fcntl(2) only, which checks the number and fails on a closed one.
        let fd = unsafe { BorrowedFd::borrow_raw(*number) };
        let _ = fcntl(fd, FcntlArg::F_SETFD(flag));
    }
}

/// The descriptors that this program was given. They stay open until [`ReceivedFds::close`], so that they
/// can be handed back.
#[derive(Debug)]
pub struct ReceivedFds(Vec<RawFd>);

impl ReceivedFds {
    /// Those with these numbers. No other program gets them by accident from now on.
    pub fn new(numbers: Vec<RawFd>) -> Self {
        set_inherited(&numbers, false);
        Self(numbers)
    }

    /// A duplicate of one of them.
    ///
    /// # Errors
    /// When it was not given, is not open, or no descriptor is left.
    pub fn get(&self, stored: StoredFd) -> io::Result<OwnedFd> {
        let StoredFd(number) = stored;
        if !self.0.contains(&number) {
            return Err(io::Error::other(format!("descriptor {number} was not handed over")));
        }
        // SAFETY: only duplicated, which fails on a closed one.
        unsafe { BorrowedFd::borrow_raw(number) }.try_clone_to_owned()
    }

    /// The numbers of all.
    pub fn numbers(&self) -> &[RawFd] {
        &self.0
    }

    /// Closes those that were given. The duplicates stay.
    pub fn close(self) {
        for number in self.0 {
            let _ = nix::unistd::close(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_handed_over_is_got() {
        let file = std::fs::File::open("/dev/null").expect("opens");
        let store = FdStore::default();
        let stored = store.add(&file);
        assert_eq!((store.add(&file), store.numbers()), (stored, vec![file.as_raw_fd()]));
        let received = ReceivedFds::new(store.numbers());
        assert!(received.get(stored).is_ok_and(|copy| copy.as_raw_fd() != file.as_raw_fd()));
        assert!(received.get(StoredFd(0)).is_err());
    }

    #[test]
    fn what_is_inherited_is_marked_so() {
        let file = std::fs::File::open("/dev/null").expect("opens");
        let marked = || fcntl(&file, FcntlArg::F_GETFD).expect("is open") & libc::FD_CLOEXEC != 0;
        assert!(marked());
        set_inherited(&[file.as_raw_fd()], true);
        assert!(!marked());
        set_inherited(&[file.as_raw_fd()], false);
        assert!(marked());
    }
}
