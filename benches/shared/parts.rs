//! What the benchmarks have in common that consist of parts: which of them, and how thoroughly.

use clap::{Args, Parser};

/// The options of such a program.
#[derive(Args, Clone, Debug)]
pub struct Parts {
    /// Only this part. May be repeated.
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
    /// Half a minute: whether all of it happens.
    #[arg(long)]
    pub quick: bool,
    /// Given by `cargo bench`. Without it `cargo test` is at work, which only wants to see that this runs.
    #[arg(long, hide = true)]
    pub bench: bool,
}

impl Parts {
    /// Whether this part is wanted.
    pub fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }
}

/// Reads the command line of a program; under `cargo test`, whose harness has arguments of its own, it is a quick run.
pub fn parse<P: Parser>(name: &str) -> P {
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    if is_bench { P::parse() } else { P::parse_from([name, "--quick"]) }
}
