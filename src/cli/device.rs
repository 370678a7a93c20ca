//! `--adapter`: a named adapter is a promise; `auto` takes a hardware GPU, else the CPU path, and says which.

use clap::Args;

use super::console::Console;
use crate::cpu::Cpu;
use crate::error::Result;
use crate::gemm::DeviceClass;
use crate::gpu::{self, Adapter, Gpu, Identity};
use crate::plan::{Executor, Plan};
use crate::train::Placement;

/// The option itself, the same in every subcommand that computes.
#[derive(Args)]
pub struct AdapterOption {
    /// auto, vulkan, metal, dx12, gl, cpu, an index of 'devices', or a part of a name
    #[arg(long, env = "GPU_FMNIST_ADAPTER", default_value = "auto", value_name = "ADAPTER")]
    adapter: String,
}

/// What computes.
pub enum Device {
    Gpu(Box<Adapter>),
    Cpu,
}

impl AdapterOption {
    /// The device asked for. Says in one line when that is not a GPU.
    ///
    /// # Errors
    /// [`Error::Adapter`](crate::error::Error::Adapter) with the list of adapters where the named one is not there.
    pub fn device(&self, console: &mut Console) -> Result<Device> {
        named(&self.adapter, console)
    }
}

/// The same for commands that compare several adapters.
#[derive(Args)]
pub struct AdaptersOption {
    /// auto, vulkan, metal, dx12, gl, cpu, an index of 'devices', or a part of a name; several with commas between them
    #[arg(long, env = "GPU_FMNIST_ADAPTER", default_value = "auto", value_name = "ADAPTER", value_delimiter = ',')]
    adapter: Vec<String>,
}

impl AdaptersOption {
    /// The devices asked for: see [`AdapterOption::device`].
    ///
    /// # Errors
    /// See [`AdapterOption::device`].
    pub fn devices(&self, console: &mut Console) -> Result<Vec<Device>> {
        self.adapter.iter().map(|name| named(name, console)).collect()
    }
}

fn named(name: &str, console: &mut Console) -> Result<Device> {
    match name.to_lowercase().as_str() {
        "cpu" => Ok(Device::Cpu),
        "auto" | "" => Ok(automatic(gpu::adapters(), console)),
        _ => {
            let adapter = gpu::select(name, gpu::adapters())?;
            if adapter.is_software() {
                console.say(&format!("adapter: {}", adapter.describe()));
            }
            Ok(Device::Gpu(Box::new(adapter)))
        }
    }
}

fn automatic(adapters: Vec<Adapter>, console: &mut Console) -> Device {
    // Hardware comes first in the list.
    match adapters.into_iter().next() {
        Some(adapter) if !adapter.is_software() => Device::Gpu(Box::new(adapter)),
        Some(adapter) => {
            console.say(&format!(
                "no GPU found: taking the CPU path, which is faster than the software adapter (--adapter {})",
                adapter.backend()
            ));
            Device::Cpu
        }
        None => {
            console.say("no GPU found: taking the CPU path");
            Device::Cpu
        }
    }
}

impl Device {
    pub fn executor(&self, plan: Plan) -> Result<Box<dyn Executor>> {
        Ok(match self {
            Device::Gpu(adapter) => Box::new(Gpu::new(adapter, plan)?),
            Device::Cpu => Box::new(Cpu::new(plan)?),
        })
    }

    /// Its column of the tile table.
    pub fn class(&self) -> DeviceClass {
        match self {
            Device::Gpu(adapter) => adapter.class(),
            Device::Cpu => DeviceClass::Cpu,
        }
    }

    /// Resident where one buffer can hold all images.
    pub fn placement(&self, image_bytes: u64) -> Placement {
        match self {
            Device::Gpu(adapter) => {
                let limits = adapter.limits();
                let most = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
                if image_bytes.next_multiple_of(4) <= most { Placement::Resident } else { Placement::Streamed }
            }
            Device::Cpu => Placement::Resident,
        }
    }

    /// `NVIDIA GeForce RTX 4070, vulkan, discrete GPU`
    pub fn describe(&self) -> String {
        match self {
            Device::Gpu(adapter) => adapter.describe(),
            Device::Cpu => "the CPU path".into(),
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Device::Gpu(adapter) => adapter.info.name.trim(),
            Device::Cpu => "cpu",
        }
    }

    pub fn backend(&self) -> &'static str {
        match self {
            Device::Gpu(adapter) => adapter.backend(),
            Device::Cpu => "cpu",
        }
    }

    pub fn device_type(&self) -> &'static str {
        match self {
            Device::Gpu(adapter) => adapter.device_type(),
            Device::Cpu => "cpu",
        }
    }

    /// Who it is, for a checkpoint.
    pub fn identity(&self) -> Identity {
        match self {
            Device::Gpu(adapter) => Identity::of(adapter),
            Device::Cpu => Identity::cpu(),
        }
    }

    /// Who it is, for JSON.
    pub fn about(&self) -> serde_json::Value {
        let driver = self.driver().join(" ");
        serde_json::json!({
            "name": self.name(),
            "backend": self.backend(),
            "device_type": self.device_type(),
            "driver": driver.trim(),
        })
    }

    /// The driver's name and its own words about itself; empty for the CPU path.
    pub fn driver(&self) -> [&str; 2] {
        match self {
            Device::Gpu(adapter) => [&adapter.info.driver, &adapter.info.driver_info],
            Device::Cpu => ["", ""],
        }
    }
}
