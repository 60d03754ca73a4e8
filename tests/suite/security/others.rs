//! What another user can do, who is there and tries.

use std::fs;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use nix::sys::signal::Signal;
use nix::sys::socket::{ControlMessageOwned, recvmsg};

use super::doors::{STATUS, answer, ask, is_answered, session};
use super::hostile::send_with;
use crate::support::other_user::{as_another, can_be_another, open_to_all};
use crate::support::pty::RECEIVE;
use crate::support::stand_in::{at_prompt, sandbox};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Sandbox, Terminal, process, wait_until};

#[test]
fn another_user_gets_no_answer() {
    if !can_be_another(module_path!(), "another_user_gets_no_answer") {
        return;
    }
    let (_sandbox, _terminal, socket) = session();
    open_to_all(&socket, 0o666);
    let other = socket.clone();
    assert_eq!(as_another(move || ask(&other, STATUS)).join().expect("the other user"), b"");
    assert!(is_answered(&ask(&socket, STATUS)));
}

#[test]
fn another_user_neither_attaches_nor_moves_the_agent() {
    if !can_be_another(module_path!(), "another_user_neither_attaches_nor_moves_the_agent") {
        return;
    }
    let mut sandbox = sandbox();
    let agent = sandbox.path("agent");
    let _agent = UnixListener::bind(&agent).expect("binds");
    sandbox.set("SSH_AUTH_SOCK", &agent);
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    at_prompt(&mut terminal);
    let record = sandbox.wait_for_record("a claude", |record| record.pid("claude_pid").is_some());
    let socket = PathBuf::from(record.text("socket"));
    let link = socket.with_file_name("agent.sock");
    open_to_all(&socket, 0o666);
    let attach = |socket: &Path| {
        let mut stream = UnixStream::connect(socket).expect("connects");
        stream.set_read_timeout(Some(DEADLINE)).expect("a deadline");
        let request =
            br#"{"v":1,"fds":1,"op":"attach","client":1,"terminal":"theirs","agent":"/tmp/theirs"}"#;
        send_with(&stream, &[&request[..], b"\n"].concat(), 1);
        answer(&mut stream)
    };
    let theirs = socket.clone();
    assert_eq!(as_another(move || attach(&theirs)).join().expect("the other user"), b"");
    // It is the user that makes the difference.
    assert!(!attach(&socket).is_empty());
    assert_eq!(fs::read_link(&link).expect("a link"), agent);
    assert_eq!(sandbox.wait_for_record("a client", |_| true).json["client_pid"], record.json["client_pid"]);
    // Nor can they put another link in its place.
    let instead = as_another(move || {
        let removed = fs::remove_file(&link);
        (removed, symlink("/tmp/theirs", link.with_extension("new")))
    });
    let (removed, linked) = instead.join().expect("the other user");
    assert!(removed.is_err() && linked.is_err(), "{removed:?} {linked:?}");
}

/// A listener of the other user's, and what it was told.
struct Theirs {
    path: PathBuf,
    told: Arc<Mutex<(Vec<u8>, usize)>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Theirs {
    /// Has the other user make a directory if there is none, and listen in it.
    fn listen(path: &Path) -> Self {
        let (told, over) = (Arc::new(Mutex::new((Vec::new(), 0))), Arc::new(AtomicBool::new(false)));
        let (ready, is_ready) = std::sync::mpsc::channel();
        let thread = {
            let (path, told, over) = (path.to_owned(), Arc::clone(&told), Arc::clone(&over));
            as_another(move || {
                let directory = path.parent().expect("a directory");
                if !directory.exists() {
                    fs::create_dir(directory).expect("a directory of theirs");
                    fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).expect("a mode");
                }
                let listener = UnixListener::bind(&path).expect("binds");
                fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("a mode");
                ready.send(()).expect("somebody waits");
                while let Ok((stream, _)) = listener.accept() {
                    if over.load(Ordering::SeqCst) {
                        return;
                    }
                    hear(&stream, &told);
                }
            })
        };
        is_ready.recv_timeout(DEADLINE).expect("they listen");
        Self { path: path.to_owned(), told, over, thread: Some(thread) }
    }

    /// Bytes, and descriptors.
    fn told(&self) -> (Vec<u8>, usize) {
        self.told.lock().expect("not poisoned").clone()
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // The listener is woken; it is gone where its socket is.
        if UnixStream::connect(&self.path).is_ok() {
            let _ = self.thread.take().map(JoinHandle::join);
        }
    }
}

/// Takes what comes first on a connection, and closes it.
fn hear(stream: &UnixStream, told: &Mutex<(Vec<u8>, usize)>) {
    let mut buffer = [0; 4096];
    let mut slices = [std::io::IoSliceMut::new(&mut buffer)];
    let mut space = nix::cmsg_space!([i32; 8]);
    let Ok(message) = recvmsg::<()>(stream.as_raw_fd(), &mut slices, Some(&mut space), RECEIVE) else {
        return;
    };
    let mut fds = 0;
    for control in message.cmsgs().into_iter().flatten() {
        if let ControlMessageOwned::ScmRights(rights) = control {
            fds += rights.len();
            for fd in rights {
                // SAFETY: the kernel has just made it for this process.
                drop(unsafe { OwnedFd::from_raw_fd(fd) });
            }
        }
    }
    let count = message.bytes;
    let mut told = told.lock().expect("not poisoned");
    told.0.extend_from_slice(&buffer[..count]);
    told.1 += fds;
}

/// A sandbox whose sockets are in a temporary directory for everybody.
fn in_tmp() -> Sandbox {
    let mut sandbox = sandbox();
    sandbox.unset("XDG_RUNTIME_DIR");
    open_to_all(&sandbox.path("tmp"), 0o1777);
    sandbox
}

fn own_directory(sandbox: &Sandbox) -> PathBuf {
    sandbox.path(format!("tmp/cckw-{}", nix::unistd::geteuid()))
}

#[test]
fn who_listens_in_a_host_s_place_is_told_nothing() {
    if !can_be_another(module_path!(), "who_listens_in_a_host_s_place_is_told_nothing") {
        return;
    }
    let sandbox = in_tmp();
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    at_prompt(&mut terminal);
    let record = sandbox.wait_for_record("a claude", |record| record.text("status") == "idle");
    let session = record.text("session").to_owned();
    assert!(cckw(&sandbox, &["detach", &session]).status().expect("runs").success());
    terminal.finish();
    process::signal(record.pid("host_pid").expect("a host"), Signal::SIGKILL);
    sandbox.wait_for_silence();
    // As after a reboot, but for the boot's id: the socket was in a temporary directory, that is gone, and
    // somebody was faster. No new host is tried.
    let socket = own_directory(&sandbox).join(format!("{session}.sock"));
    let mut old = record.json.clone();
    old["socket"] = socket.to_str().expect("UTF-8").into();
    fs::write(&record.path, old.to_string()).expect("the record of an earlier version");
    fs::remove_file(record.text("socket")).expect("the socket that the killed host has left");
    fs::write(record.path.with_file_name("revived"), "").expect("a mark");
    let theirs = Theirs::listen(&socket);

    let said = cckw(&sandbox, &["list", "--json"]).output().expect("runs");
    let line: serde_json::Value = serde_json::from_slice(&said.stdout).expect("one object");
    assert_eq!((&line["running"], &line["state"]), (&false.into(), &"crashed".into()), "{line}");
    let mut attaching = Terminal::spawn(cckw(&sandbox, &["attach", &session]));
    assert_eq!(attaching.finish().code(), Some(1), "{}", attaching.report());
    // For cckw it has ended.
    let stopped = well_said(&sandbox, &["stop", &session]);
    assert!(stopped.starts_with("work: has ended already"), "{stopped}");
    for words in [
        &["restart", &session][..],
        &["screen", &session],
        &["detach", &session],
        &["reconnect", "--cycle", &session, "--apply"],
    ] {
        let said = cckw(&sandbox, words).output().expect("runs");
        assert!(!said.status.success(), "{words:?}: {said:?}");
    }
    assert_eq!(theirs.told(), (vec![], 0));
    // The new host has its socket elsewhere.
    well_said(&sandbox, &["start", &session]);
    well_said(&sandbox, &["stop", &session]);
    assert_eq!(theirs.told(), (vec![], 0));
    sandbox.wait_for_silence();
}

/// They do what they can, as fast as they can, while the directory is made again and again.
#[test]
fn nobody_is_faster_with_something_else_in_its_place() {
    if !can_be_another(module_path!(), "nobody_is_faster_with_something_else_in_its_place") {
        return;
    }
    const ROUNDS: usize = 400;
    let sandbox = in_tmp();
    let path = own_directory(&sandbox);
    let over = Arc::new(AtomicBool::new(false));
    let adversary = {
        let (path, over) = (path.clone(), Arc::clone(&over));
        as_another(move || {
            while !over.load(Ordering::SeqCst) {
                let _ = symlink("/tmp", &path);
                let _ = fs::remove_file(&path);
                let _ = fs::create_dir(&path);
                let _ = fs::set_permissions(&path, fs::Permissions::from_mode(0o777));
                let _ = fs::rename(&path, path.with_extension("away"));
                let _ = fs::remove_dir(path.with_extension("away"));
                let _ = fs::remove_dir(&path);
            }
        })
    };
    let own = nix::unistd::geteuid().as_raw();
    let is_private = || {
        let found = fs::symlink_metadata(&path).expect("is there");
        found.is_dir() && found.uid() == own && found.mode() & 0o7777 == 0o700
    };
    let mut made = 0;
    wait_until("a directory of one's own, made often", DEADLINE, || {
        if cckw::paths::make_private(&path).is_ok() {
            made += 1;
            for _ in 0..20 {
                assert!(is_private(), "it was taken for private");
            }
            fs::remove_dir(&path).expect("removes it");
        }
        made >= ROUNDS
    });
    over.store(true, Ordering::SeqCst);
    adversary.join().expect("the other user");
}

#[test]
fn a_multiplexer_of_another_user_is_told_nothing() {
    if !can_be_another(module_path!(), "a_multiplexer_of_another_user_is_told_nothing") {
        return;
    }
    let mut sandbox = in_tmp();
    let socket = sandbox.path("tmp/tmux-theirs");
    let theirs = Theirs::listen(&socket);
    sandbox.set("TMUX", format!("{},1,0", socket.display()));
    sandbox.set("TMUX_TMPDIR", sandbox.path("tmp"));
    fs::create_dir_all(sandbox.path("home/.claude/sessions")).expect("a directory");
    let said = cckw(&sandbox, &["detect"]).output().expect("runs");
    assert_eq!(said.status.code(), Some(1), "{said:?}");
    assert_eq!(theirs.told(), (vec![], 0));
    // It would have been told: tmux itself tells its environment to whoever listens there.
    let asked = sandbox.command("tmux").arg("-S").arg(&socket).arg("list-panes").output();
    assert!(!asked.expect("install tmux").status.success());
    assert_ne!(theirs.told().0, b"");
}
