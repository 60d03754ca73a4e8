#![no_main]

// The screen model outlives a panic of its emulator. libFuzzer's own hook ends the process at each; with this
// one a panic is no more than a message, unless it comes out of the property.
libfuzzer_sys::fuzz_target!(
    init: std::panic::set_hook(Box::new(|panic| eprintln!("{panic}"))),
    |data: &[u8]| cckw_fuzz::screen::check(data)
);
