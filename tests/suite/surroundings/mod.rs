//! Whatever the surroundings are like, claude runs, or cckw says plainly why not and what to do; the terminal is as it was, and
//! files are where they belong.

#[path = "surroundings/gone.rs"]
mod gone;
#[path = "surroundings/homes.rs"]
mod homes;
#[path = "surroundings/limits.rs"]
mod limits;
#[path = "surroundings/mounts.rs"]
mod mounts;
#[path = "surroundings/names.rs"]
mod names;
#[path = "surroundings/scene.rs"]
mod scene;
#[path = "surroundings/streams.rs"]
mod streams;
mod support;
