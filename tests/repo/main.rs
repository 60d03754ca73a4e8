//! What must be true of the repository itself: its documentation, its dependencies, its structure, and the
//! parts of its benchmarks that have no test harness of their own.

mod bench_report;
mod bench_stats;
mod dependencies;
mod docs;
mod floors;
mod packaging;
mod platforms;
mod program_under_test;
mod security_page;
mod signals;
mod unsteady;
mod words;
