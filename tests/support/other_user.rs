//! Being another user for a while.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;
use std::thread;

use super::{own_process, system};

/// Who that is: `nobody`, on most systems.
pub const OTHER: u32 = 65534;

/// Whether this process can become another user, as root can. Where it cannot, the test of this name in this
/// module (`module_path!()`) is run again as the root of a user namespace that has other users too, and has
/// to pass there; then there is nothing left to do here.
#[track_caller]
pub fn can_be_another(module: &str, test: &str) -> bool {
    if nix::unistd::geteuid().is_root() {
        return true;
    }
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--map-auto", "--"]);
    command.arg(std::env::current_exe().expect("this program")).args(own_process::words(module, test));
    let output = command.output().unwrap_or_else(|error| panic!("unshare: {error}; install util-linux"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(
        own_process::has_passed(&output),
        "no second user could be had for this test, or it failed: run it as root, or install uidmap and give this user \
         a range in /etc/subuid and /etc/subgid\n{out}\n{err}"
    );
    false
}

/// Does something as the other user, in a thread of its own: no other thread is that user.
pub fn as_another<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> thread::JoinHandle<T> {
    thread::spawn(move || {
        system::become_another(OTHER).expect("another user");
        act()
    })
}

/// Opens the way to `path` for everybody, as far up as this user's own directories go, and `path` itself with
/// this mode.
pub fn open_to_all(path: &Path, mode: u32) {
    for directory in path.ancestors().skip(1) {
        let metadata = fs::metadata(directory).expect("is there");
        if metadata.uid() == nix::unistd::geteuid().as_raw() && metadata.mode() & 0o005 != 0o005 {
            fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).expect("opens");
        }
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("opens");
}
