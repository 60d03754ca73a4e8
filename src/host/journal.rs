//! The journal: what the host writes to its session's directory, off the path of the bytes.
//!
//! A disk can take long, and one on the network can hang. So a thread of its own owns the directory: it gets
//! the newest record (an older one that was not written yet is skipped) and every line of the log in order,
//! and writes them. The host never waits for it, but for a bounded time at the end of the session. What came
//! of it is told through a descriptor in the host's poll.
//!
//! A record is on the disk, and not only in memory, before it counts as written
//! ([`paths::write_atomically`]); the log is not.
//!
//! The thread has a table of descriptors of its own, with the session's lock and what wakes the host: while a
//! killed host waits for the disk its sockets, its terminal and its PTY are closed already, and nobody else
//! gets the lock. So no descriptor comes from the thread or goes to it.
//!
//! Where no thread can be started (a limit of processes), the host writes in line.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use crate::escape::escape;
use crate::fault;
use crate::os::descriptors;
use crate::registry::event_log;
use crate::registry::event_log::{EventLog, LineQueue, LogFile};
use crate::registry::log_event::LogEvent;
use crate::registry::record;
use crate::registry::record::Record;
use crate::registry::recovery;

/// How long after a failed write of the record it is tried again. Only then does an idle session wake up for
/// it.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);

/// How long a message that promises something of the record waits for that record.
pub const PROMISE_TIMEOUT: Duration = Duration::from_secs(1);

/// The most that waits to be written to the log, in bytes. What comes beyond it is counted and dropped.
const MAX_QUEUED_BYTES: usize = 256 * 1024;

/// Writes the record and the log of one session.
pub struct Journal {
    shared: Arc<Shared>,
    /// Has something to read when there is news or a promise can be kept.
    woken: UnixStream,
    /// Writes in line, where no thread could be started.
    inline: Option<Writer>,
}

/// The way into the journal's log.
struct Queued(Arc<Shared>);

/// A record that a message promises: it is sent when that record was written, or when the time is over.
#[derive(Debug, Clone, Copy)]
pub struct Promise {
    generation: u64,
    until: Instant,
}

impl Promise {
    /// When the message is sent although the record is not written.
    pub fn until(&self) -> Instant {
        self.until
    }
}

/// What has changed about the writing of the record.
#[derive(Debug, PartialEq, Eq)]
pub enum News {
    /// It cannot be written, for this reason; it is tried again.
    Failed(String),
    /// It was written again after it could not be.
    Written,
}

struct Shared {
    queue: Mutex<Queue>,
    /// There is something to write.
    work: Condvar,
    /// Something was written.
    done: Condvar,
    wake: UnixStream,
}

#[derive(Default)]
struct Queue {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    /// Lines that found no room.
    dropped: u64,
    record: Option<Box<Record>>,
    chores: Vec<Chore>,
    /// The session's directory has another path now.
    moved: Option<PathBuf>,
    /// The host holds another lock now.
    lock_is_old: bool,
    /// How many records were handed over.
    queued: u64,
    /// The newest of these that is on disk.
    written: u64,
    /// The newest that a promise waits for.
    promised: u64,
    /// The record as it was written last.
    version: Option<FileVersion>,
    /// The writer has taken something, and is writing it.
    is_busy: bool,
    retry_at: Option<Instant>,
    failure: Option<String>,
    news: Option<News>,
}

impl Queue {
    fn has_work(&self, now: Instant) -> bool {
        let record = self.record.is_some() && self.retry_at.is_none_or(|at| at <= now);
        record || !self.lines.is_empty() || !self.chores.is_empty() || self.lock_is_old
    }

    fn is_settled(&self) -> bool {
        self.lines.is_empty() && self.chores.is_empty() && !self.is_busy && self.written == self.queued
    }
}

/// Something else that is done in the directory, and may take as long. It owns no descriptor: the thread has
/// its own.
type Chore = Box<dyn FnOnce() + Send>;

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_host(&self) {
        // Full, it says already what it would say.
        let _ = (&self.wake).write(&[0]);
    }

    /// Notes what came of a record.
    fn note(&self, generation: u64, record: Box<Record>, result: io::Result<FileVersion>) {
        let mut queue = self.lock();
        match result {
            Ok(version) => {
                queue.version = Some(version);
                queue.written = generation;
                queue.retry_at = None;
                if queue.failure.take().is_some() {
                    queue.news = Some(News::Written);
                }
            }
            Err(error) => {
                let why = error.to_string();
                if queue.failure.is_none() {
                    queue.news = Some(News::Failed(why.clone()));
                }
                queue.failure = Some(why);
                if queue.queued == generation {
                    queue.record = Some(record);
                    queue.retry_at = Some(Instant::now() + RETRY_INTERVAL);
                }
            }
        }
        let is_kept = queue.promised > 0 && queue.promised <= queue.written;
        if queue.news.is_some() || is_kept {
            queue.promised = 0;
            self.wake_host();
        }
        self.done.notify_all();
    }
}

impl LineQueue for Queued {
    fn append(&self, line: Vec<u8>) {
        let mut queue = self.0.lock();
        if queue.bytes + line.len() > MAX_QUEUED_BYTES {
            queue.dropped += 1;
            return;
        }
        queue.bytes += line.len();
        queue.lines.push_back(line);
        self.0.work.notify_one();
    }
}

/// What knows the files.
struct Writer {
    directory: PathBuf,
    log: LogFile,
    /// The record as this has written it last, by which one is told that somebody else has written.
    written: Option<FileVersion>,
    /// The session's lock, where the thread has descriptors of its own.
    lock: Option<OwnedFd>,
}

/// Inode, size and time of a file's last change: another one after each change.
type FileVersion = (u64, u64, i64, i64);

fn version(path: &Path) -> Option<FileVersion> {
    std::fs::symlink_metadata(path).ok().map(|found| version_of(&found))
}

fn version_of(file: &std::fs::Metadata) -> FileVersion {
    (file.ino(), file.size(), file.mtime(), file.mtime_nsec())
}

impl Writer {
    fn new(directory: &Path) -> Self {
        Self { directory: directory.into(), log: LogFile::in_directory(directory), written: None, lock: None }
    }

    /// Runs in the thread, until the process ends.
    fn run(mut self, shared: &Shared) {
        loop {
            let mut queue = shared.lock();
            queue.is_busy = false;
            shared.done.notify_all();
            while !queue.has_work(Instant::now()) {
                let left = queue.retry_at.map(|at| at.saturating_duration_since(Instant::now()));
                queue = match left.filter(|_| queue.record.is_some()) {
                    Some(left) => {
                        shared.work.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0
                    }
                    None => shared.work.wait(queue).unwrap_or_else(PoisonError::into_inner),
                };
            }
            queue.is_busy = true;
            drop(queue);
            self.work(shared);
        }
    }

    /// Writes what waits: the log first, for who reads that a session has ended finds its log complete.
    fn work(&mut self, shared: &Shared) {
        let mut queue = shared.lock();
        let now = Instant::now();
        let (lines, dropped) = (std::mem::take(&mut queue.lines), std::mem::take(&mut queue.dropped));
        queue.bytes = 0;
        let is_due = queue.retry_at.is_none_or(|at| at <= now);
        let record = if is_due { queue.record.take() } else { None };
        let (generation, chores) = (queue.queued, std::mem::take(&mut queue.chores));
        let moved = queue.moved.take();
        let lock_is_old = std::mem::take(&mut queue.lock_is_old);
        drop(queue);
        if lock_is_old {
            self.lock = None;
        }
        if let Some(directory) = moved {
            *self = Self { lock: self.lock.take(), ..Self::new(&directory) };
        }
        let mut dropped = dropped;
        for line in lines {
            self.log.append(&line, std::mem::take(&mut dropped));
        }
        if dropped > 0 {
            shared.lock().dropped += dropped;
        }
        if let Some(record) = record {
            fault::gate("record-write");
            let path = record::path(&self.directory);
            if self.written.is_some() && self.written != version(&path) {
                self.keep_damaged();
            }
            let result = record.write_and_identify(&self.directory).map(|file| version_of(&file));
            if let Ok(version) = &result {
                self.written = Some(*version);
            }
            shared.note(generation, record, result);
        }
        for chore in chores {
            chore();
        }
    }
}

impl Writer {
    /// Keeps what somebody else has put in the place of the record, if that cannot be read.
    fn keep_damaged(&mut self) {
        if let Some(damage) = recovery::read(&self.directory).ok().and_then(|found| found.damage) {
            let kept = recovery::keep_copy(&self.directory);
            let kept = kept.as_deref().map(|kept| escape(kept).to_string());
            self.log.append(&event_log::line(&LogEvent::RecordWrittenAgain { why: damage, kept }), 0);
        }
    }
}

impl Journal {
    /// Begins to write to a session's directory, and gives the log. Without a thread it writes in line, and
    /// says so in the log.
    ///
    /// The session's lock is held until the last write is over, whatever becomes of the host.
    ///
    /// # Errors
    /// When the process is out of descriptors.
    pub fn new(directory: &Path, lock: Option<BorrowedFd<'_>>) -> io::Result<(Self, EventLog)> {
        let (woken, wake) = UnixStream::pair()?;
        woken.set_nonblocking(true)?;
        wake.set_nonblocking(true)?;
        let (work, done) = (Condvar::new(), Condvar::new());
        let shared = Arc::new(Shared { queue: Mutex::default(), work, done, wake });
        let (inline, events) = match start_thread(Writer::new(directory), Arc::clone(&shared), lock) {
            Ok(()) => (None, EventLog::queued(Box::new(Queued(Arc::clone(&shared))))),
            Err(error) => {
                let events = EventLog::in_directory(directory);
                events.write(LogEvent::NoJournalThread { error: error.to_string() });
                (Some(Writer::new(directory)), events)
            }
        };
        Ok((Self { shared, woken, inline }, events))
    }

    /// Has the record written. One that was handed over before and is not written yet is given up for this
    /// one.
    pub fn save(&mut self, record: &Record) {
        let mut queue = self.shared.lock();
        queue.queued += 1;
        queue.record = Some(Box::new(record.clone()));
        // Whatever kept the last one from being written may be over.
        queue.retry_at = None;
        self.shared.work.notify_one();
        drop(queue);
        self.write_in_line();
    }

    /// Has something else done in the session's directory, after what was handed over before.
    pub fn run(&mut self, chore: impl FnOnce() + Send + 'static) {
        self.shared.lock().chores.push(Box::new(chore));
        self.shared.work.notify_one();
        self.write_in_line();
    }

    /// From now on the session's directory has this path. Gives another log where that is not written by the
    /// journal.
    pub fn moved_to(&mut self, directory: &Path) -> Option<EventLog> {
        self.shared.lock().moved = Some(directory.into());
        self.inline.as_ref().map(|_| EventLog::in_directory(directory))
    }

    /// The host has taken another lock, because the one that it had was removed. The thread lets go of that.
    pub fn lock_is_old(&mut self) {
        self.shared.lock().lock_is_old = true;
        self.shared.work.notify_one();
    }

    fn write_in_line(&mut self) {
        if let Some(writer) = &mut self.inline {
            writer.work(&self.shared);
        }
    }

    /// When the host has to call [`Self::retry`]: nothing where a thread does the work.
    pub fn retry_at(&self) -> Option<Instant> {
        self.inline.as_ref().and_then(|_| self.shared.lock().retry_at)
    }

    /// Tries again to write a record that could not be written, where there is no thread for it.
    pub fn retry(&mut self) {
        if self.retry_at().is_some_and(|at| at <= Instant::now()) {
            self.write_in_line();
        }
    }

    /// Whether what stands at this path is the record as it was written last. While another one waits or is
    /// being written it counts as that.
    pub fn has_written(&self, path: &Path) -> bool {
        let queue = self.shared.lock();
        let is_under_way = queue.is_busy || queue.written != queue.queued;
        is_under_way || queue.version.is_none() || queue.version == version(path)
    }

    /// What has changed since the last call.
    pub fn news(&mut self) -> Option<News> {
        let mut wakes = [0; 64];
        while (&self.woken).read(&mut wakes).is_ok_and(|count| count == wakes.len()) {}
        self.shared.lock().news.take()
    }

    /// For a message that promises what the record says: what it has to wait for. Nothing where that is on
    /// disk.
    pub fn promise(&self) -> Option<Promise> {
        let mut queue = self.shared.lock();
        // One that cannot be written is not waited for: its reason is known, and told elsewhere.
        if queue.written == queue.queued || queue.failure.is_some() {
            return None;
        }
        queue.promised = queue.queued;
        Some(Promise { generation: queue.queued, until: Instant::now() + PROMISE_TIMEOUT })
    }

    /// Whether a message need not wait any longer.
    pub fn is_kept(&self, promise: &Promise) -> bool {
        let queue = self.shared.lock();
        let is_over = queue.written >= promise.generation || queue.failure.is_some();
        is_over || promise.until <= Instant::now()
    }

    /// Whether nothing is being written, and all that can be written is.
    pub fn is_at_rest(&self) -> bool {
        let queue = self.shared.lock();
        let is_failing = queue.failure.is_some() && queue.retry_at.is_some() && !queue.is_busy;
        queue.is_settled() || is_failing && queue.lines.is_empty() && queue.chores.is_empty()
    }

    /// Waits until everything is written, but not longer than this.
    ///
    /// # Errors
    /// Why the record that was handed over last is not written.
    pub fn finish(&mut self, time: Duration) -> Result<(), String> {
        let until = Instant::now() + time;
        let mut queue = self.shared.lock();
        while !queue.is_settled() {
            let is_tried = queue.failure.is_some() && queue.retry_at.is_some() && !queue.is_busy;
            let is_all = queue.lines.is_empty() && queue.chores.is_empty();
            let left = until.saturating_duration_since(Instant::now());
            if is_tried && is_all || left.is_zero() {
                let slow = || format!("the disk has not taken it for {} s", time.as_secs());
                return if queue.written == queue.queued {
                    Ok(())
                } else {
                    Err(queue.failure.clone().unwrap_or_else(slow))
                };
            }
            queue = self.shared.done.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(())
    }
}

/// Starts the thread that writes, and waits until it has its own descriptors, the lock among them.
fn start_thread(mut writer: Writer, shared: Arc<Shared>, lock: Option<BorrowedFd<'_>>) -> io::Result<()> {
    if fault::is_set("no-journal-thread") {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    let lock = lock.map(|lock| lock.as_raw_fd());
    let (ready, is_ready) = mpsc::channel();
    std::thread::Builder::new().name("journal".into()).spawn(move || {
        // Where there is no such thing it shares those of the host, and only delays the end of a host that is
        // killed.
        let kept = lock.into_iter().chain([shared.wake.as_raw_fd()]);
        writer.lock = descriptors::unshare_in_this_thread(&kept.collect::<Vec<_>>()).ok().and_then(|()| {
            // SAFETY: the number was open when the table was copied, and nothing else in this thread's table
            // owns the copy.
            lock.map(|lock| unsafe { OwnedFd::from_raw_fd(lock) })
        });
        let _ = ready.send(());
        writer.run(&shared);
    })?;
    let _ = is_ready.recv();
    Ok(())
}

impl AsFd for Journal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.woken.as_fd()
    }
}

#[cfg(test)]
mod tests;
