//! Where cckw keeps its files.
