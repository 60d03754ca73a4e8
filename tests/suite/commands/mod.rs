//! The command line: what each subcommand says, and the demo.

mod advice;
mod cli;
mod completions;
mod demo;
mod fleet_picture;
mod list;
mod list_watch;
mod man;
mod picture;
mod shell_init;
mod shim;
mod subcommands;
mod top;
mod verbs;
