use std::fs;

use super::*;

/// A watcher that was asked for something, and whoever has asked is told.
type Watch = FileWatch<u8>;

fn directory(path: &Path) {
    fs::create_dir(path).expect("makes it");
}

fn name(name: &str) -> OsString {
    OsString::from(name)
}

/// What this one is told.
fn told(watch: &mut Watch, who: u8) -> Vec<Change> {
    watch.take().into_iter().filter(|change| change.who == who).map(|change| change.what).collect()
}

#[test]
fn what_leaves_a_directory_and_what_is_written_in_it_is_told() {
    let scratch = tempfile::tempdir().expect("a directory");
    let watched = scratch.path().join("watched");
    directory(&watched);
    let mut watch = Watch::open();
    watch.watch(1, &watched, Told::Entries).expect("watches");
    fs::write(watched.join("a"), "1").expect("writes");
    assert_eq!(told(&mut watch, 1), [Change::Written(name("a"))]);
    fs::rename(watched.join("a"), watched.join("b")).expect("renames");
    fs::remove_file(watched.join("b")).expect("removes");
    assert_eq!(
        told(&mut watch, 1),
        [Change::Left(name("a")), Change::Came(name("b")), Change::Left(name("b"))]
    );
    fs::rename(&watched, scratch.path().join("moved")).expect("renames");
    assert_eq!(told(&mut watch, 1), [Change::Itself]);
    fs::remove_dir(scratch.path().join("moved")).expect("removes");
    assert!(told(&mut watch, 1).contains(&Change::Itself));
}

#[test]
fn of_a_path_each_part_is_watched_for_itself_alone() {
    let scratch = tempfile::tempdir().expect("a directory");
    let above = scratch.path().join("above");
    directory(&above);
    directory(&above.join("below"));
    let mut watch = Watch::open();
    watch.watch_path(1, &above.join("below"));
    fs::write(above.join("a"), "").expect("writes");
    fs::remove_file(above.join("a")).expect("removes");
    assert_eq!(told(&mut watch, 1), []);
    fs::rename(&above, scratch.path().join("moved")).expect("renames");
    assert_eq!(told(&mut watch, 1), [Change::Itself]);
}

/// A home directory is on the way to each session, and other programs change modes and times in it.
#[cfg(target_os = "linux")]
#[test]
fn nobody_wakes_for_the_entries_of_a_directory_on_the_way() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = tempfile::tempdir().expect("a directory");
    let (way, other) = (scratch.path().join("way"), scratch.path().join("other"));
    directory(&way);
    directory(&other);
    let mut watch = Watch::open();
    watch.watch_path(1, &way);
    let change_entry =
        |mode| fs::set_permissions(&other, fs::Permissions::from_mode(mode)).expect("changes the mode");
    let wakes = |watch: &Watch| {
        let mut poll = [nix::poll::PollFd::new(watch.fd().expect("a watcher"), nix::poll::PollFlags::POLLIN)];
        nix::poll::poll(&mut poll, nix::poll::PollTimeout::ZERO).expect("polls") > 0
    };
    change_entry(0o750);
    assert!(!wakes(&watch));
    // Whoever else wants to know of that directory leaves no more behind.
    watch.watch(2, scratch.path(), Told::Contents).expect("watches");
    change_entry(0o700);
    assert!(wakes(&watch) && told(&mut watch, 1).is_empty());
    watch.unwatch_all(2);
    watch.take();
    change_entry(0o750);
    assert!(!wakes(&watch));
    // Where something is missing, the mode of the directory above may be what it is missing for.
    watch.watch_path(3, &way.join("missing"));
    fs::set_permissions(&way, fs::Permissions::from_mode(0o755)).expect("changes the mode");
    assert!(told(&mut watch, 3).contains(&Change::Itself));
}

#[test]
fn a_link_in_a_path_that_is_replaced_is_told() {
    use std::os::unix::fs::symlink;
    let scratch = tempfile::tempdir().expect("a directory");
    let path = |name: &str| scratch.path().join(name);
    for name in ["one", "two", "one/below", "two/below"] {
        directory(&path(name));
    }
    symlink("one", path("link")).expect("links");
    let mut watch = Watch::open();
    watch.watch_path(1, &path("link/below"));
    assert_eq!(told(&mut watch, 1), []);
    symlink(path("two"), path("new")).expect("links");
    assert_eq!(told(&mut watch, 1), []);
    fs::rename(path("new"), path("link")).expect("replaces");
    assert!(told(&mut watch, 1).contains(&Change::Itself));
    assert!(parts_of(&path("link/below")).ends_with(&[path("two"), path("two/below")]));
}

#[test]
fn a_part_that_is_missing_is_told_when_it_comes() {
    let scratch = tempfile::tempdir().expect("a directory");
    let mut watch = Watch::open();
    watch.watch_path(1, &scratch.path().join("missing/below"));
    directory(&scratch.path().join("another"));
    assert_eq!(told(&mut watch, 1), []);
    directory(&scratch.path().join("missing"));
    assert_eq!(told(&mut watch, 1), [Change::Itself]);
}

#[test]
fn what_is_in_a_file_or_directory_is_told() {
    let scratch = tempfile::tempdir().expect("a directory");
    let file = scratch.path().join("file");
    fs::write(&file, "1").expect("writes");
    let mut watch = Watch::open();
    watch.watch(1, &file, Told::Contents).expect("watches");
    // Whoever reads it changes nothing.
    fs::read(&file).expect("reads");
    assert_eq!(told(&mut watch, 1), []);
    fs::write(&file, "2").expect("writes");
    assert_eq!(told(&mut watch, 1), [Change::Contents]);
    watch.watch(2, scratch.path(), Told::Contents).expect("watches");
    fs::write(&file, "3").expect("writes");
    let both = watch.take();
    let has = |who, what| both.iter().any(|change| change.who == who && change.what == what);
    assert!(has(1, Change::Contents) && has(2, Change::Written(name("file"))), "{both:?}");
    fs::remove_file(&file).expect("removes");
    assert!(told(&mut watch, 1).contains(&Change::Itself));
    // What has its name now is another file.
    fs::write(&file, "4").expect("writes");
    assert_eq!(told(&mut watch, 1), []);
}

/// The system has one watch for a file. Who wants less is not told more, and nobody loses what they want.
#[test]
fn several_watch_the_same_file() {
    let scratch = tempfile::tempdir().expect("a directory");
    let mut watch = Watch::open();
    let write = |text: &str| fs::write(scratch.path().join("a"), text).expect("writes");
    watch.watch(1, scratch.path(), Told::Itself).expect("watches");
    watch.watch(2, scratch.path(), Told::Contents).expect("watches");
    watch.watch(3, scratch.path(), Told::Arrival(name("b"))).expect("watches");
    write("1");
    let found = watch.take();
    assert!(!found.is_empty() && found.iter().all(|change| change.who == 2), "{found:?}");
    watch.unwatch_all(2);
    // What was told before that is nobody's.
    watch.take();
    write("2");
    assert_eq!(watch.take(), []);
    write("3");
    // The system does not even wake for it any more.
    let fd = watch.fd().expect("a watcher");
    let mut poll = [nix::poll::PollFd::new(fd, nix::poll::PollFlags::POLLIN)];
    assert_eq!(nix::poll::poll(&mut poll, nix::poll::PollTimeout::ZERO), Ok(0));
    fs::write(scratch.path().join("b"), "").expect("writes");
    assert_eq!(told(&mut watch, 3), [Change::Itself]);
    watch.unwatch(3, scratch.path());
    fs::rename(scratch.path(), scratch.path().with_extension("moved")).expect("renames");
    let found = watch.take();
    assert!(found.iter().any(|change| change.who == 1 && change.what == Change::Itself), "{found:?}");
    assert!(found.iter().all(|change| change.who == 1), "{found:?}");
    fs::rename(scratch.path().with_extension("moved"), scratch.path()).expect("renames");
}

#[test]
fn what_a_path_leads_to_by_now_is_not_watched_for_somebody_else() {
    let scratch = tempfile::tempdir().expect("a directory");
    let (old, moved) = (scratch.path().join("a"), scratch.path().join("b"));
    directory(&old);
    let mut watch = Watch::open();
    watch.watch(1, &old, Told::Itself).expect("watches");
    watch.watch(2, &old, Told::Contents).expect("watches");
    fs::rename(&old, &moved).expect("renames");
    directory(&old);
    watch.unwatch_all(2);
    watch.take();
    fs::write(old.join("x"), "").expect("writes");
    assert_eq!(watch.take(), []);
    fs::remove_dir(&moved).expect("removes");
    assert!(told(&mut watch, 1).contains(&Change::Itself));
}
