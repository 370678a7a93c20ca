#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    gpu_fmnist_fuzz::survey(bytes);
});
