//! The sessions of other machines: a call of `cckw list --watch --json` to each, which goes on as long as the view. They
//! are in a thread of their own.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::thread::{Builder, JoinHandle};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc::Sender;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::control::{Command, Commands, Control, pair};
use super::machine::{MachineCalls, Wish};
use crate::cli::top::event::{Event, Update};
use crate::cli::top::row::Source;
use crate::config;
use crate::machines::run;
use crate::machines::store::{self, Machine};
use crate::os::async_fd;
use crate::registry::RegistryWatcher;
use crate::user_error::{UserError, files};

/// What stands in the place of a machine's name where the names themselves cannot be read.
pub const MACHINES: &str = "machines";

/// The thread, and what it is told. Dropping this ends it with all its calls.
pub struct Machines {
    control: Option<Control>,
    thread: Option<JoinHandle<()>>,
}

/// Starts the thread.
///
/// # Errors
/// When no thread or descriptor is left.
pub fn start(sender: Sender<Event>) -> io::Result<Machines> {
    let (control, commands) = pair()?;
    let run = move || {
        let sources = MachineSources { sender: sender.clone(), wish: watch::Sender::new(Wish::default()) };
        let ended = run::block_on(sources.run(commands)).and_then(|ended| ended);
        if let Err(error) = ended {
            let source = Source::Machine(MACHINES.into());
            // Nobody wants it where the view has ended.
            let _ = sender.blocking_send(Event::Update(Update::Trouble(source, error.to_string())));
        }
    };
    let thread = Builder::new().name("machines".into()).spawn(run)?;
    Ok(Machines { control: Some(control), thread: Some(thread) })
}

impl Machines {
    /// What the thread is told.
    pub fn control(&self) -> Option<&Control> {
        self.control.as_ref()
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        self.control.take();
        if let Some(thread) = self.thread.take() {
            // It waits for nothing but what ends it.
            let _ = thread.join();
        }
    }
}

struct MachineSources {
    sender: Sender<Event>,
    /// What the calls are to do.
    wish: watch::Sender<Wish>,
}

/// The calls, by the machines' names.
type Followed = BTreeMap<String, (Machine, tokio::task::AbortHandle)>;

impl MachineSources {
    async fn run(self, commands: Commands) -> Result<(), UserError> {
        // Without it, a machine that is named later comes with a refresh.
        let mut names = NamesWatch::new().ok();
        let bell = readable(&commands)?;
        let mut tasks = JoinSet::new();
        let mut followed = Followed::new();
        self.follow(&mut tasks, &mut followed).await;
        loop {
            tokio::select! {
                ready = bell.readable() => {
                    // Before it is read: what comes from here on is told.
                    ready.map_err(files::cannot_wait)?.clear_ready();
                    let Command::GoOn { refresh, all } = commands.take() else { return Ok(()) };
                    self.wish.send_if_modified(|wish| wish.update(all, refresh));
                    if refresh {
                        self.follow(&mut tasks, &mut followed).await;
                    }
                }
                () = changed(names.as_mut()) => self.follow(&mut tasks, &mut followed).await,
                Some(_) = tasks.join_next() => {}
                () = self.sender.closed() => return Ok(()),
            }
        }
    }

    /// Begins to follow the machines that are new, and leaves those that are not named any more.
    async fn follow(&self, tasks: &mut JoinSet<()>, followed: &mut Followed) {
        let machines = match store::load() {
            Ok(machines) => machines,
            Err(error) => {
                return self.send(Update::Trouble(Source::Machine(MACHINES.into()), error.to_string())).await;
            }
        };
        let is_named = |name: &String, machine: &Machine| {
            machines.iter().any(|named| named.name.as_str() == name && named == machine)
        };
        let gone: Vec<String> = followed
            .iter()
            .filter(|(name, (machine, _))| !is_named(name, machine))
            .map(|(name, _)| name.clone())
            .collect();
        for name in gone {
            if let Some((_, task)) = followed.remove(&name) {
                task.abort();
            }
            self.send(Update::Rows(Source::Machine(name), Vec::new())).await;
        }
        for machine in machines {
            followed.entry(machine.name.to_string()).or_insert_with(|| {
                let calls = MachineCalls::new(machine.clone(), self.sender.clone(), self.wish.subscribe());
                (machine, tasks.spawn(calls.run()))
            });
        }
    }

    async fn send(&self, update: Update) {
        // Nobody wants it where the view has ended, which is seen elsewhere.
        let _ = self.sender.send(Event::Update(update)).await;
    }
}

/// Watches the file in which the machines are named.
struct NamesWatch {
    directories: BTreeSet<PathBuf>,
    changes: RegistryWatcher,
    ready: AsyncFd<OwnedFd>,
}

impl NamesWatch {
    fn new() -> Result<Self, UserError> {
        let mut changes = RegistryWatcher::new()?;
        // Where it is not there, a machine that is named later comes with a refresh.
        let directory: Option<PathBuf> = config::config_dir().filter(|directory| directory.is_dir());
        let directories: BTreeSet<PathBuf> = directory.into_iter().collect();
        changes.watch(directories.clone())?;
        let ready = readable(&changes)?;
        Ok(Self { directories, changes, ready })
    }

    /// Waits until it has changed; for ever where that cannot be seen any more.
    async fn changed(&mut self) {
        while let Ok(mut ready) = self.ready.readable().await {
            ready.clear_ready();
            let changed = self.changes.take();
            if self.changes.watch(self.directories.clone()).is_err() {
                break;
            }
            if store::path().is_some_and(|path| changed.has(&path)) {
                return;
            }
        }
        std::future::pending().await
    }
}

async fn changed(names: Option<&mut NamesWatch>) {
    match names {
        Some(names) => names.changed().await,
        None => std::future::pending().await,
    }
}

fn readable(of: &impl AsFd) -> Result<AsyncFd<OwnedFd>, UserError> {
    let fd = of.as_fd().try_clone_to_owned().map_err(files::cannot_wait)?;
    async_fd::watch(fd, Interest::READABLE).map_err(files::cannot_wait)
}
