//! The stand-in for Claude Code that `cckw demo` and the tests run.
