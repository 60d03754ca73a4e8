#![no_main]

// The screen model outlives a panic of its emulator, so not every panic is the end: what comes out of the property is.
libfuzzer_sys::fuzz_target!(init: cckw_fuzz::print_panics(), |data: &[u8]| cckw_fuzz::screen::check(data));
