//! The watcher by looking, with a queue that knows as little as kqueue does. inotify plays it: what it says of names
//! is thrown away.

use std::cell::RefCell;
use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, symlink};

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};

use super::*;
use crate::os::file_watch::watch_parts;

/// Says of open files that they have changed, and nothing more.
struct Nameless {
    inotify: Inotify,
    watched: RefCell<Vec<(WatchDescriptor, RawFd, FileId)>>,
}

impl EventQueue for Nameless {
    fn open() -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        Ok(Self { inotify, watched: RefCell::default() })
    }

    fn open_file(path: &Path, is_followed: bool) -> io::Result<File> {
        let flags = if is_followed { libc::O_PATH } else { libc::O_PATH | libc::O_NOFOLLOW };
        fs::OpenOptions::new().read(true).custom_flags(flags).open(path)
    }

    fn add(&self, file: &File, with_contents: bool) -> io::Result<()> {
        let mut what = AddWatchFlags::IN_ATTRIB
            | AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_MOVE_SELF
            | AddWatchFlags::from_bits_retain(libc::IN_MASK_ADD);
        if with_contents {
            let entries = AddWatchFlags::IN_CREATE | AddWatchFlags::IN_DELETE | AddWatchFlags::IN_MOVE;
            what |= if file.metadata()?.is_dir() { entries } else { AddWatchFlags::IN_MODIFY };
        }
        let number = file.as_raw_fd();
        let descriptor = self.inotify.add_watch(format!("/proc/self/fd/{number}").as_str(), what)?;
        self.watched.borrow_mut().push((descriptor, number, id_of(file).expect("open")));
        Ok(())
    }

    fn take(&self) -> BTreeSet<RawFd> {
        let (mut found, watched) = (BTreeSet::new(), self.watched.borrow());
        while let Ok(events) = self.inotify.read_events() {
            // kqueue does not tell of a directory that the mode of an entry has changed.
            let is_own = |flags: AddWatchFlags| !flags.contains(AddWatchFlags::IN_ATTRIB);
            for event in events.into_iter().filter(|event| event.name.is_none() || is_own(event.mask)) {
                let of_it = watched.iter().filter(|(descriptor, ..)| *descriptor == event.wd);
                // It knows no file that is closed.
                found
                    .extend(of_it.filter(|(_, fd, id)| id_of_number(*fd) == Some(*id)).map(|(_, fd, _)| *fd));
            }
        }
        found
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}

fn id_of(file: &File) -> Option<FileId> {
    file.metadata().ok().map(|found| (found.dev(), found.ino()))
}

fn id_of_number(fd: RawFd) -> Option<FileId> {
    let found = fs::metadata(format!("/proc/self/fd/{fd}")).ok()?;
    Some((found.dev(), found.ino()))
}

type Watch = ByLooking<u8, Nameless>;

impl Watch {
    fn watch_path(&mut self, who: u8, path: &Path) {
        watch_parts(path, |part, told| self.watch(who, part, told));
    }

    /// What this one is told.
    fn told(&mut self, who: u8) -> Vec<Change> {
        self.take().into_iter().filter(|change| change.who == who).map(|change| change.what).collect()
    }

    fn wakes(&self) -> bool {
        let mut poll = crate::os::poll::Poll::default();
        let place = poll.add(self.fd().expect("a watcher"), crate::os::poll::Interest::Reading);
        poll.wait(Some(std::time::Duration::ZERO)).expect("polls");
        poll.is_ready(place)
    }
}

struct Scratch(tempfile::TempDir);

impl Scratch {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    fn write(&self, below: &str, text: &str) {
        fs::write(self.path(below), text).expect("writes");
    }

    fn append(&self, below: &str) {
        use std::io::Write;
        let file = fs::OpenOptions::new().append(true).open(self.path(below));
        file.expect("opens").write_all(b"x").expect("writes");
    }

    fn directory(&self, below: &str) {
        fs::create_dir(self.path(below)).expect("makes it");
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).expect("renames");
    }
}

fn came(name: &str) -> Change {
    Change::Came(name.into())
}

fn left(name: &str) -> Change {
    Change::Left(name.into())
}

fn written(name: &str) -> Change {
    Change::Written(name.into())
}

/// The wrong name was told once: that of a file that lay beside it.
#[test]
fn a_file_that_comes_is_told_and_not_those_beside_it() {
    let scratch = Scratch::new();
    scratch.write("1.json", "{}");
    scratch.write("2.json", "{}");
    let mut watch = Watch::open();
    watch.watch(1, scratch.0.path(), Told::Contents).expect("watches");
    assert_eq!(watch.told(1), []);
    scratch.write("3.json", "{");
    assert_eq!(watch.told(1), [came("3.json")]);
    // From then on it is watched itself.
    scratch.append("3.json");
    assert_eq!(watch.told(1), [written("3.json")]);
    scratch.append("1.json");
    assert_eq!(watch.told(1), [written("1.json")]);
    scratch.write("new", "{}");
    scratch.rename("new", "2.json");
    assert_eq!(watch.told(1), [came("2.json")]);
    fs::remove_file(scratch.path("1.json")).expect("removes");
    assert_eq!(watch.told(1), [left("1.json")]);
    assert_eq!(watch.take(), []);
}

/// A home directory is on the way to each session.
#[test]
fn of_a_directory_on_the_way_no_file_is_open_and_nobody_wakes() {
    let scratch = Scratch::new();
    for at in 0..300 {
        scratch.write(&at.to_string(), "");
    }
    scratch.directory("way");
    let mut watch = Watch::open();
    watch.watch(1, scratch.0.path(), Told::Itself).expect("watches");
    scratch.write("another", "");
    scratch.append("7");
    assert!(!watch.wakes());
    watch.watch(2, scratch.0.path(), Told::Arrival("missing".into())).expect("watches");
    watch.watch(3, scratch.0.path(), Told::Names).expect("watches");
    // Two names of one directory: followed and not.
    assert_eq!(watch.open.len(), 2);
    scratch.append("7");
    assert_eq!(watch.take(), []);
    scratch.directory("missing");
    assert_eq!(watch.told(2), [Change::Itself]);
    watch.watch(4, scratch.0.path(), Told::Contents).expect("watches");
    assert!(watch.open.len() <= 40, "{} are open", watch.open.len());
    watch.unwatch_all(4);
    assert_eq!(watch.open.len(), 2);
    watch.unwatch_all(2);
    watch.unwatch_all(3);
    assert_eq!(watch.open.len(), 1);
}

#[test]
fn where_there_are_too_many_files_the_others_are_told_when_an_entry_comes() {
    let scratch = Scratch::new();
    for at in 0..100 {
        scratch.write(&at.to_string(), "");
    }
    let mut watch = Watch::open();
    watch.watch(1, scratch.0.path(), Told::Contents).expect("watches");
    let is_open = |watch: &Watch, name: &str| watch.open.contains_key(&(scratch.path(name), false));
    let closed = (0..100).map(|at| at.to_string()).find(|name| !is_open(&watch, name)).expect("one");
    scratch.append(&closed);
    assert_eq!(watch.told(1), []);
    scratch.write("new", "");
    assert_eq!(watch.told(1), [came("new"), written(&closed)]);
    // It was written last, so it is one of those that are watched.
    scratch.append(&closed);
    assert_eq!(watch.told(1), [written(&closed)]);
}

#[test]
fn of_a_path_each_part_is_watched_for_itself_alone() {
    let scratch = Scratch::new();
    scratch.directory("above");
    scratch.directory("above/below");
    let mut watch = Watch::open();
    watch.watch_path(1, &scratch.path("above/below"));
    scratch.write("above/a", "");
    fs::remove_file(scratch.path("above/a")).expect("removes");
    assert_eq!(watch.told(1), []);
    scratch.rename("above", "moved");
    let told = watch.told(1);
    assert!(!told.is_empty() && told.iter().all(|change| *change == Change::Itself), "{told:?}");
    watch.unwatch_all(1);
    assert!(watch.open.is_empty());
}

#[test]
fn a_link_in_a_path_that_is_replaced_is_told() {
    let scratch = Scratch::new();
    for name in ["one", "two", "one/below", "two/below"] {
        scratch.directory(name);
    }
    symlink("one", scratch.path("link")).expect("links");
    let mut watch = Watch::open();
    watch.watch_path(1, &scratch.path("link/below"));
    assert_eq!(watch.told(1), []);
    symlink(scratch.path("two"), scratch.path("new")).expect("links");
    scratch.rename("new", "link");
    assert!(watch.told(1).contains(&Change::Itself));
}

#[test]
fn a_part_that_is_missing_is_told_when_it_comes() {
    let scratch = Scratch::new();
    let mut watch = Watch::open();
    watch.watch_path(1, &scratch.path("missing/below"));
    scratch.directory("another");
    assert_eq!(watch.told(1), []);
    scratch.directory("missing");
    assert_eq!(watch.told(1), [Change::Itself]);
}

#[test]
fn what_is_in_a_file_is_told_until_another_takes_its_place() {
    let scratch = Scratch::new();
    scratch.write("file", "1");
    let mut watch = Watch::open();
    watch.watch(1, &scratch.path("file"), Told::Contents).expect("watches");
    fs::read(scratch.path("file")).expect("reads");
    assert_eq!(watch.told(1), []);
    scratch.write("file", "2");
    assert_eq!(watch.told(1), [Change::Contents]);
    // The same bytes again, perhaps in the same moment.
    scratch.write("file", "2");
    assert_eq!(watch.told(1), [Change::Contents]);
    fs::set_permissions(scratch.path("file"), fs::Permissions::from_mode(0o400)).expect("a mode");
    assert_eq!(watch.told(1), [Change::Itself]);
    fs::remove_file(scratch.path("file")).expect("removes");
    assert_eq!(watch.told(1), [Change::Itself]);
    scratch.write("file", "4");
    assert_eq!(watch.told(1), []);
    assert!(watch.open.is_empty());
}

#[test]
fn what_is_not_there_or_is_no_directory_is_refused() {
    let scratch = Scratch::new();
    scratch.write("file", "1");
    let mut watch = Watch::open();
    assert!(watch.watch(1, &scratch.path("missing"), Told::Contents).is_err());
    for told in [Told::Names, Told::Entries] {
        assert!(watch.watch(1, &scratch.path("file"), told).is_err());
    }
    assert!(watch.open.is_empty() && watch.take().is_empty());
    // Where no descriptor was left, there is one later.
    watch.queue = None;
    assert!(watch.watch(1, scratch.0.path(), Told::Names).is_err() && watch.fd().is_none());
    watch.try_again();
    assert!(watch.watch(1, scratch.0.path(), Told::Names).is_ok());
}

#[test]
fn several_watch_the_same_file() {
    let scratch = Scratch::new();
    scratch.write("a", "");
    let mut watch = Watch::open();
    watch.watch(1, scratch.0.path(), Told::Itself).expect("watches");
    watch.watch(2, scratch.0.path(), Told::Entries).expect("watches");
    watch.watch(3, scratch.0.path(), Told::Arrival("b".into())).expect("watches");
    scratch.append("a");
    let told = watch.take();
    assert!(told.len() == 1 && told[0].who == 2 && told[0].what == written("a"), "{told:?}");
    watch.unwatch_all(2);
    assert_eq!(watch.open.len(), 1);
    scratch.write("b", "");
    assert_eq!(watch.told(3), [Change::Itself]);
    watch.unwatch(3, scratch.0.path());
    scratch.write("c", "");
    assert_eq!(watch.take(), []);
}

/// Whoever follows what is told has the names that are there, whatever happens in whichever order.
#[test]
fn what_is_told_leads_to_what_is_there() {
    for seed in 1..40_u64 {
        let scratch = Scratch::new();
        let mut watch = Watch::open();
        watch.watch(1, scratch.0.path(), Told::Contents).expect("watches");
        let (mut known, mut state) = (BTreeSet::new(), seed);
        let mut next = |most: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % most
        };
        for _ in 0..30 {
            for _ in 0..=next(3) {
                let (one, other) = (next(6).to_string(), next(6).to_string());
                let (one, other) = (scratch.path(&one), scratch.path(&other));
                let _ = match next(4) {
                    0 => fs::write(one, next(9).to_string()),
                    1 => fs::remove_file(one),
                    2 => fs::rename(one, other),
                    _ => fs::remove_dir(&one).or_else(|_| fs::create_dir(one)),
                };
            }
            for change in watch.told(1) {
                match change {
                    Change::Came(name) => drop(known.insert(name)),
                    Change::Left(name) => drop(known.remove(&name)),
                    Change::Written(name) => assert!(known.contains(&name), "{name:?} was never told of"),
                    other => panic!("{other:?}"),
                }
            }
            let there = fs::read_dir(scratch.0.path()).expect("lists");
            let there: BTreeSet<_> = there.map(|entry| entry.expect("an entry").file_name()).collect();
            assert_eq!(known, there, "seed {seed}");
        }
    }
}
