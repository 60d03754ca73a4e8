//! Whatever the surroundings are like, claude runs, or cckw says plainly why not and what to do; the terminal
//! is as it was, and files are where they belong.

mod accounts;
mod gone;
mod homes;
mod limits;
mod mounts;
mod names;
mod scene;
mod streams;
