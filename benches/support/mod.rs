//! The adapter that the benches run on.

use gpu_fmnist::Device;

/// The adapter that `GPU_FMNIST_ADAPTER` names; else Vulkan's first, else the CPU path.
///
/// # Panics
/// Where the named one is not there.
pub fn chosen() -> Device {
    let device = match std::env::var("GPU_FMNIST_ADAPTER") {
        Ok(name) => Device::named(&name).unwrap_or_else(|error| panic!("{error}")),
        Err(_) => Device::named("vulkan").unwrap_or(Device::Cpu),
    };
    eprintln!("on {}", device.describe());
    device
}
