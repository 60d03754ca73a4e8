//! The program under test.

use std::io::Write;
use std::path::Path;
use std::sync::LazyLock;

/// Names another cckw to test than the one that cargo has built with the tests: the static program of a release, say.
const UNDER_TEST: &str = "CCKW_UNDER_TEST";

/// What stands in a program only if tests can switch faults on in it (`src/fault.rs`).
const FAULTS: &[u8] = b"CCKW_FAULT_ONCE";

/// What musl, and no other library, has for ELOOP.
const WORDS_OF_MUSL: &[u8] = b"Symbolic link loop";

/// The cckw that is tested. Every test gets it from here, so that one variable has all of them test another program.
///
/// A variable that names no program of this name fails every test: tests that ran on another program than the one
/// that was asked for would say nothing.
pub fn cckw_program() -> &'static str {
    static PROGRAM: LazyLock<String> = LazyLock::new(|| {
        let Ok(named) = std::env::var(UNDER_TEST) else { return env!("CARGO_BIN_EXE_cckw").to_owned() };
        let path = Path::new(&named);
        // Shells in the tests type its name.
        let is_usable = path.is_absolute() && path.is_file() && path.ends_with("cckw");
        assert!(is_usable, "{UNDER_TEST} is no absolute path of a program named cckw: {named:?}");
        named
    });
    &PROGRAM
}

/// The words of the program under test for a failure of the system: those of glibc, or of musl where it is linked to
/// musl.
pub fn system_words(glibc: &'static str, musl: &'static str) -> &'static str {
    // A static program holds the texts of its C library; others find them in the library.
    if holds(WORDS_OF_MUSL) { musl } else { glibc }
}

/// Whether these bytes stand in the program under test.
fn holds(bytes: &[u8]) -> bool {
    static PROGRAM: LazyLock<Vec<u8>> =
        LazyLock::new(|| std::fs::read(cckw_program()).expect("the program under test"));
    memchr::memmem::find(&PROGRAM, bytes).is_some()
}

/// Whether tests can switch faults on in the program under test (`CCKW_FAULT`, and the requests that only tests
/// make). A release build has none of it: what needs them has nothing to do there, and says so. The same tests run
/// with the program that cargo has built.
#[track_caller]
pub fn has_faults() -> bool {
    static HAS_FAULTS: LazyLock<bool> = LazyLock::new(|| holds(FAULTS));
    if !*HAS_FAULTS {
        let caller = std::panic::Location::caller();
        // Not by eprintln!: what a test that passes prints is not shown.
        let _ =
            writeln!(std::io::stderr(), "NOT RUN, {caller}: {} has no faults to switch on", cckw_program());
    }
    *HAS_FAULTS
}
