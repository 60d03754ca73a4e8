//! The threads behind a terminal: one that reads, shows, answers and sends, one that waits for the child.

use std::collections::VecDeque;
use std::io::{PipeReader, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{read, write};

use super::display::Display;

/// All that the threads and the test share.
pub struct State {
    pub display: Display,
    pub output: Vec<u8>,
    /// Bytes of output that the test has taken.
    pub taken: usize,
    pub reading: bool,
    /// The terminal is being hung up.
    pub closing: bool,
    /// Nobody has the slave any more, and all output has been read.
    pub ended: bool,
    pub waiting: VecDeque<Chunk>,
    /// How many chunks there have been.
    pub queued: u64,
    /// How the session leader ended.
    pub exit: Option<ExitStatus>,
}

/// Input on its way to the program.
pub struct Chunk {
    pub number: u64,
    pub bytes: Vec<u8>,
    pub sent: usize,
}

impl State {
    /// A terminal that was just opened.
    pub fn new(display: Display) -> Self {
        Self {
            display,
            output: Vec::new(),
            taken: 0,
            reading: true,
            closing: false,
            ended: false,
            waiting: VecDeque::new(),
            queued: 0,
            exit: None,
        }
    }

    /// Puts `bytes` behind the input that waits, and returns the number of this chunk.
    pub fn queue(&mut self, bytes: Vec<u8>) -> u64 {
        self.queued += 1;
        self.waiting.push_back(Chunk { number: self.queued, bytes, sent: 0 });
        self.queued
    }

    /// Whether a part of that chunk has not been sent.
    pub fn waits(&self, number: u64) -> bool {
        self.waiting.iter().any(|chunk| chunk.number == number)
    }
}

/// The state, and a bell for each change of it.
pub struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    pub fn new(state: State) -> Self {
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        // A test that panicked while it looked is no reason for the terminal to stop.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `done`, but not beyond `end`.
    pub fn wait(&self, end: Instant, mut done: impl FnMut(&mut State) -> bool) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if done(&mut state) || left.is_zero() {
                return state;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Waits for the child in a thread of its own, so that a wait for its end is one for a condition.
pub fn watch(mut child: Child, shared: Arc<Shared>) {
    thread::spawn(move || {
        let exit = child.wait().expect("the end of the child");
        shared.lock().exit = Some(exit);
        shared.changed.notify_all();
    });
}

/// The terminal's own loop: until it is hung up, or nobody has the slave any more.
pub fn run(shared: &Shared, master: &OwnedFd, mut woken: PipeReader) {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let mut interest = PollFlags::empty();
        {
            let state = shared.lock();
            if state.closing {
                return;
            }
            interest.set(PollFlags::POLLIN, state.reading && !state.ended);
            interest.set(PollFlags::POLLOUT, !state.waiting.is_empty() && !state.ended);
        }
        let mut events =
            [PollFd::new(woken.as_fd(), PollFlags::POLLIN), PollFd::new(master.as_fd(), interest)];
        // POLLHUP cannot be masked, so a terminal that is not read is not polled either.
        let watched = if interest.is_empty() { 1 } else { 2 };
        match poll(&mut events[..watched], PollTimeout::NONE) {
            Err(Errno::EINTR) => continue,
            result => result.expect("poll"),
        };
        let [wake, terminal] = events.map(|event| event.revents().unwrap_or(PollFlags::empty()));
        if wake.contains(PollFlags::POLLIN) {
            let _ = woken.read(&mut buffer);
        }
        if watched == 1 {
            continue;
        }
        if terminal.contains(PollFlags::POLLOUT) {
            send(shared, master);
        }
        if interest.contains(PollFlags::POLLIN)
            && terminal.intersects(PollFlags::POLLIN | PollFlags::POLLHUP | PollFlags::POLLERR)
        {
            receive(shared, master, &mut buffer);
        }
    }
}

fn send(shared: &Shared, master: &OwnedFd) {
    let mut state = shared.lock();
    let Some(chunk) = state.waiting.front_mut() else { return };
    if let Ok(count) = write(master, &chunk.bytes[chunk.sent..]) {
        chunk.sent += count;
    }
    if chunk.sent == chunk.bytes.len() {
        state.waiting.pop_front();
        shared.changed.notify_all();
    }
}

fn receive(shared: &Shared, master: &OwnedFd, buffer: &mut [u8]) {
    let result = read(master, buffer);
    let mut state = shared.lock();
    match result {
        Ok(0) | Err(Errno::EIO) => state.ended = true,
        Ok(count) => {
            state.output.extend_from_slice(&buffer[..count]);
            for reply in state.display.feed(&buffer[..count]) {
                state.queue(reply);
            }
        }
        Err(Errno::EAGAIN | Errno::EINTR) => return,
        Err(error) => panic!("reading the terminal: {error}"),
    }
    shared.changed.notify_all();
}
