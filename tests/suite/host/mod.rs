//! A host that is killed, or does not answer; and kills at random.

mod chaos;
mod hung;
mod killed;
