#![no_main]

libfuzzer_sys::fuzz_target!(|data| cckw_fuzz::config::check(data));
