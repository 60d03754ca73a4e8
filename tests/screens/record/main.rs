//! Records screens of the real Claude Code, each with the reading that it must get, into
//! `tests/screens/recorded`.
//!
//! ```text
//! cargo run --example record-screens              # all of them, some minutes
//! cargo run --example record-screens -- vim draft # those scenes whose name contains one of these words
//! ```
//!
//! It is no test: what it writes is looked at by a human and checked in. `tests/real-claude/install` brings
//! the program (node and npm are needed); it runs offline, with a home of its own and a mock of the API.

mod claude;
mod dump;
mod mock;
mod scenes;
mod support;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    for (name, play) in scenes::ALL {
        if wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str())) {
            println!("{name}");
            play();
        }
    }
}
