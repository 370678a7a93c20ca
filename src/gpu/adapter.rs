//! Finding an adapter. A named one is a promise: it is kept or refused with the list of what there is.

use std::sync::{Arc, Mutex};

use wgpu::{Backend, Backends, DeviceType};

use crate::error::{Error, Result};
use crate::gemm::{DeviceClass, Variant};

/// A device that wgpu offers.
#[derive(Clone)]
pub struct Adapter {
    adapter: wgpu::Adapter,
    pub info: wgpu::AdapterInfo,
}

/// An opened adapter.
pub(super) struct Device {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    /// The first error that the driver or wgpu reported outside of any call.
    problem: Arc<Mutex<Option<Error>>>,
}

impl Adapter {
    /// Whether it is a CPU that poses as a GPU.
    pub fn is_software(&self) -> bool {
        self.info.device_type == DeviceType::Cpu
    }

    /// `llvmpipe (LLVM 21.1.8, 256 bits), vulkan, a CPU: software, not a GPU`
    pub fn describe(&self) -> String {
        let kind = match self.info.device_type {
            DeviceType::DiscreteGpu => "discrete GPU",
            DeviceType::IntegratedGpu => "integrated GPU",
            DeviceType::VirtualGpu => "virtual GPU",
            DeviceType::Cpu => "a CPU: software, not a GPU",
            DeviceType::Other => "unknown type",
        };
        format!("{}, {}, {kind}", self.info.name.trim(), self.backend())
    }

    /// `vulkan`, `metal`, `dx12` or `gl`.
    pub fn backend(&self) -> &'static str {
        match self.info.backend {
            Backend::Vulkan => "vulkan",
            Backend::Metal => "metal",
            Backend::Dx12 => "dx12",
            Backend::Gl => "gl",
            Backend::Noop => "noop",
            Backend::BrowserWebGpu => "webgpu",
        }
    }

    /// `cpu`, `discrete-gpu`, `integrated-gpu`, `virtual-gpu` or `other`.
    pub fn device_type(&self) -> &'static str {
        match self.info.device_type {
            DeviceType::DiscreteGpu => "discrete-gpu",
            DeviceType::IntegratedGpu => "integrated-gpu",
            DeviceType::VirtualGpu => "virtual-gpu",
            DeviceType::Cpu => "cpu",
            DeviceType::Other => "other",
        }
    }

    /// The class of device whose profile suits it.
    pub fn class(&self) -> DeviceClass {
        match (self.is_software(), mesa_version(&self.info.driver_info)) {
            (false, _) => DeviceClass::Gpu,
            (true, Some(version)) if version < (25, 1) => DeviceClass::OldSoftware,
            (true, _) => DeviceClass::Software,
        }
    }

    pub fn features(&self) -> wgpu::Features {
        self.adapter.features()
    }

    pub fn limits(&self) -> wgpu::Limits {
        self.adapter.limits()
    }

    /// The cooperative matrices that its shaders can multiply.
    pub fn cooperative_matrices(&self) -> Vec<wgpu::CooperativeMatrixProperties> {
        self.adapter.cooperative_matrix_properties()
    }

    pub(super) fn open(&self) -> Result<Device> {
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("gpu-fmnist"),
            required_limits: self.adapter.limits(),
            // The device's own clock, to time passes by, and what the products' kernels can make use of.
            required_features: self.features() & (wgpu::Features::TIMESTAMP_QUERY | Variant::all_features()),
            ..Default::default()
        };
        let (device, queue) = pollster::block_on(self.adapter.request_device(&descriptor))
            .map_err(|error| Error::Device(format!("{}: cannot be opened: {error}", self.describe())))?;
        let problem = Arc::new(Mutex::new(None));
        let report = |problem: &Arc<Mutex<Option<Error>>>, error: Error| {
            if let Ok(mut first) = problem.lock() {
                first.get_or_insert(error);
            }
        };
        let (on_error, on_loss) = (problem.clone(), problem.clone());
        device.on_uncaptured_error(Arc::new(move |error| {
            let text = error.to_string().replace('\n', " ");
            report(
                &on_error,
                match error {
                    wgpu::Error::OutOfMemory { .. } => {
                        Error::Device("the device is out of memory; use a smaller `batch_size`".into())
                    }
                    _ => Error::Device(format!("the device refused the work: {text}")),
                },
            );
        }));
        device.set_device_lost_callback(move |reason, message| {
            if reason != wgpu::DeviceLostReason::Destroyed {
                report(&on_loss, Error::Device(format!("the device was lost: {}", message.replace('\n', " "))));
            }
        });
        Ok(Device { device, queue, problem })
    }
}

impl Device {
    /// The first error reported since the last check, if any.
    pub fn check(&self) -> Result<()> {
        match self.problem.lock().ok().and_then(|mut problem| problem.take()) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Waits for a submission, or for all.
    pub fn wait(&self, index: Option<wgpu::SubmissionIndex>) -> Result<()> {
        let waited = self.device.poll(wgpu::PollType::Wait { submission_index: index, timeout: None });
        self.check()?;
        waited.map(drop).map_err(|error| Error::Device(format!("waiting for the device failed: {error}")))
    }
}

/// Every adapter of every backend, hardware first.
pub fn adapters() -> Vec<Adapter> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    // No validation layer by default, in debug builds either: the tests look at wgpu's own errors.
    descriptor.flags = wgpu::InstanceFlags::empty();
    let instance = wgpu::Instance::new(descriptor);
    let found = pollster::block_on(instance.enumerate_adapters(Backends::all()));
    let mut adapters: Vec<Adapter> = found
        .into_iter()
        .filter(|adapter| adapter.get_downlevel_capabilities().flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS))
        .map(|adapter| Adapter { info: adapter.get_info(), adapter })
        .collect();
    // A hardware GPU before a software one, the native APIs before GL.
    adapters.sort_by_key(|adapter| {
        let kind = match adapter.info.device_type {
            DeviceType::DiscreteGpu => 0,
            DeviceType::IntegratedGpu => 1,
            DeviceType::VirtualGpu | DeviceType::Other => 2,
            DeviceType::Cpu => 3,
        };
        (kind, adapter.info.backend == Backend::Gl)
    });
    adapters
}

/// The adapter that `--adapter NAME` asks for: a backend, an index of [`adapters`], or a part of the name.
///
/// # Errors
/// [`Error::Adapter`] with the list of adapters where none fits.
pub fn select(name: &str, mut adapters: Vec<Adapter>) -> Result<Adapter> {
    let wanted = name.to_lowercase();
    let place = match wanted.parse::<usize>() {
        Ok(index) => (index < adapters.len()).then_some(index),
        Err(_) => {
            let backend = adapters.iter().position(|adapter| adapter.backend() == wanted);
            backend.or_else(|| adapters.iter().position(|adapter| adapter.info.name.to_lowercase().contains(&wanted)))
        }
    };
    match place {
        Some(place) => Ok(adapters.swap_remove(place)),
        None => {
            let list: Vec<String> = adapters
                .iter()
                .enumerate()
                .map(|(index, adapter)| format!("{index}: {}", adapter.describe()))
                .collect();
            let list = if list.is_empty() { "none".to_owned() } else { list.join("; ") };
            Err(Error::Adapter(format!("`adapter` {name}: no such adapter; there are: {list}; and 'cpu', always")))
        }
    }
}

/// Mesa's version in a driver's own words, `Mesa 26.1.6-1 (LLVM 21.1.8)`.
fn mesa_version(driver: &str) -> Option<(u32, u32)> {
    let version = driver.split("Mesa ").nth(1)?;
    let mut numbers = version.split(|character: char| !character.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mesa_versions_are_read_from_the_drivers_words() {
        assert_eq!(mesa_version("Mesa 26.1.6-1 (LLVM 21.1.8)"), Some((26, 1)));
        assert_eq!(mesa_version("Mesa 22.3.6 (LLVM 15.0.6)"), Some((22, 3)));
        assert_eq!(mesa_version("580.95.05"), None);
    }

    #[test]
    fn an_adapter_that_is_not_there_is_refused_with_what_there_is() {
        let error = select("metal", Vec::new()).err().unwrap();
        assert!(matches!(&error, Error::Adapter(text) if text.contains("there are: none; and 'cpu'")), "{error}");
    }
}
