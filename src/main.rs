//! `gpu-fmnist`: see `gpu-fmnist --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    widen_software_vulkan();
    gpu_fmnist::cli::main()
}

/// Lets Mesa's software Vulkan use all 16 lanes of a processor with AVX-512; by itself it stops at 8.
fn widen_software_vulkan() {
    #[cfg(target_arch = "x86_64")]
    {
        const VARIABLE: &str = "LP_NATIVE_VECTOR_WIDTH";
        if std::is_x86_feature_detected!("avx512f") && std::env::var_os(VARIABLE).is_none() {
            // Safety: this is the first thing the process does, so no other thread reads the environment meanwhile.
            unsafe { std::env::set_var(VARIABLE, "512") };
        }
    }
}
