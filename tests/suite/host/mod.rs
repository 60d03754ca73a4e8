//! A host that is killed, or does not answer; kills at random; and those who watch its screen.

mod chaos;
mod hung;
mod killed;
mod watch;
