#![no_main]

libfuzzer_sys::fuzz_target!(|data| cckw_fuzz::answers::check(data));
