//! The adapter that the benches run on.

use gpu_fmnist::cpu::Cpu;
use gpu_fmnist::error::Result;
use gpu_fmnist::gemm::DeviceClass;
use gpu_fmnist::gpu::{Adapter, Gpu, adapters, select};
use gpu_fmnist::plan::{Executor, Plan};

/// A GPU, or the CPU path.
pub struct Device(Option<Adapter>);

impl Device {
    /// The adapter that `GPU_FMNIST_ADAPTER` names; else Vulkan's first, else the CPU path.
    ///
    /// # Panics
    /// Where the named one is not there.
    pub fn chosen() -> Self {
        let device = match std::env::var("GPU_FMNIST_ADAPTER").as_deref() {
            Ok("cpu") => Self(None),
            Ok(name) => Self(Some(select(name, adapters()).unwrap_or_else(|error| panic!("{error}")))),
            Err(_) => Self(select("vulkan", adapters()).ok()),
        };
        eprintln!("on {}", device.0.as_ref().map_or("the CPU path".into(), Adapter::describe));
        device
    }

    pub fn class(&self) -> DeviceClass {
        self.0.as_ref().map_or(DeviceClass::Cpu, Adapter::class)
    }

    pub fn executor(&self, plan: Plan) -> Result<Box<dyn Executor>> {
        Ok(match &self.0 {
            Some(adapter) => Box::new(Gpu::new(adapter, plan)?),
            None => Box::new(Cpu::new(plan)?),
        })
    }
}
