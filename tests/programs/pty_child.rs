//! Small programs that the black-box tests run on a PTY, chosen by the first argument.
fn main() {}
