//! Finding an adapter. A named one is a promise: it is kept or refused with the list of what there is.

use std::env;

use wgpu::{AdapterInfo, Backend, Backends, DeviceType, PowerPreference};

use super::waiting::block_on;
use crate::error::{Error, Result};
use crate::gemm::{Capabilities, DeviceClass};
use crate::precision::Precision;

/// A device that wgpu offers.
#[derive(Clone)]
pub struct Adapter {
    adapter: wgpu::Adapter,
    pub info: AdapterInfo,
    /// Bytes that the buffers of a plan may take of its memory, where that was said.
    pub memory_limit: Option<u64>,
}

impl Adapter {
    /// Whether it is a CPU that poses as a GPU.
    pub fn is_software(&self) -> bool {
        self.info.device_type == DeviceType::Cpu
    }

    /// Whether it is SwiftShader, the software adapter of Chromium's browsers.
    pub fn is_swiftshader(&self) -> bool {
        self.info.name.to_lowercase().contains("swiftshader")
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
        if self.is_swiftshader() {
            return DeviceClass::SwiftShader;
        }
        match (self.is_software(), mesa_version(&self.info.driver_info)) {
            (false, _) => DeviceClass::Gpu,
            (true, Some(version)) if version < (25, 1) => DeviceClass::OldSoftware,
            (true, _) => DeviceClass::Software,
        }
    }

    pub fn features(&self) -> wgpu::Features {
        self.adapter.features()
    }

    /// Whether its shaders can store numbers so.
    pub fn has(&self, precision: Precision) -> bool {
        precision != Precision::F16 || self.features().contains(wgpu::Features::SHADER_F16)
    }

    /// Refuses a precision that its shaders cannot store.
    ///
    /// # Errors
    /// [`Error::Adapter`] naming the adapter.
    pub fn stores(&self, precision: Precision) -> Result<()> {
        if self.has(precision) {
            return Ok(());
        }
        let problem = "the adapter's shaders have no f16; use `precision` bf16, or another `adapter`";
        Err(Error::Adapter(format!("{}: {problem}", self.info.name.trim())))
    }

    /// What variants of kernels ask of it.
    pub fn capabilities(&self) -> Capabilities {
        Capabilities {
            features: self.features(),
            limits: self.limits(),
            matrices: if self.is_wide_software() { Vec::new() } else { self.cooperative_matrices() },
            subgroup: [self.info.subgroup_min_size, self.info.subgroup_max_size],
        }
    }

    /// Lavapipe lists matrix units whatever its vectors, but of more than 8 lanes it crashes with them (Mesa 26.1.6).
    fn is_wide_software(&self) -> bool {
        self.is_software() && self.info.subgroup_max_size > 8
    }

    pub fn limits(&self) -> wgpu::Limits {
        self.adapter.limits()
    }

    /// The cooperative matrices that its shaders can multiply.
    pub fn cooperative_matrices(&self) -> Vec<wgpu::CooperativeMatrixProperties> {
        self.adapter.cooperative_matrix_properties()
    }

    /// How the device itself opens; see [`Device::open`](super::device::Device::open).
    pub(super) fn request(&self, descriptor: &wgpu::DeviceDescriptor) -> Result<(wgpu::Device, wgpu::Queue)> {
        // A browser's adapter is spent by its first device; the next one that it gives is the same.
        let again = if cfg!(target_family = "wasm") { adapters().into_iter().next() } else { None };
        block_on(again.as_ref().unwrap_or(self).adapter.request_device(descriptor))
            .map_err(|error| Error::Device(format!("{}: cannot be opened: {error}", self.describe())))
    }
}

/// Every adapter of every backend, or of those that `WGPU_BACKEND` names; the preferred ones first.
pub fn adapters() -> Vec<Adapter> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = Backends::all();
    // No validation layer by default, in debug builds either: the tests look at wgpu's own errors.
    descriptor.flags = wgpu::InstanceFlags::empty();
    let descriptor = descriptor.with_env();
    let backends = descriptor.backends;
    let found = block_on(wgpu::Instance::new(descriptor).enumerate_adapters(backends));
    let mut adapters: Vec<Adapter> = found
        .into_iter()
        .filter(|adapter| adapter.get_downlevel_capabilities().flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS))
        .map(|adapter| Adapter { info: adapter.get_info(), adapter, memory_limit: None })
        .collect();
    let power = PowerPreference::from_env().unwrap_or_default();
    adapters.sort_by_key(|adapter| rank(&adapter.info, power));
    adapters
}

/// Hardware before software. Of a laptop's two GPUs the discrete one, unless `WGPU_POWER_PREF` is `low`. What is listed
/// twice, by its native API and by GL, is taken by the native one.
fn rank(info: &AdapterInfo, power: PowerPreference) -> (u8, bool) {
    let saves = power == PowerPreference::LowPower;
    let kind = match info.device_type {
        DeviceType::DiscreteGpu => u8::from(saves),
        DeviceType::IntegratedGpu => u8::from(!saves),
        DeviceType::VirtualGpu | DeviceType::Other => 2,
        DeviceType::Cpu => 3,
    };
    (kind, info.backend == Backend::Gl)
}

/// The name that `WGPU_ADAPTER_NAME` asks for, as other programs over wgpu understand it.
pub fn name_from_environment() -> Option<String> {
    env::var("WGPU_ADAPTER_NAME").ok().filter(|name| !name.trim().is_empty())
}

/// The adapter that `--adapter NAME` asks for: a backend, an index of [`adapters`], or a part of the name.
///
/// # Errors
/// [`Error::Adapter`] with the list of adapters where none fits.
pub fn select(name: &str, adapters: Vec<Adapter>) -> Result<Adapter> {
    select_as("`adapter`", name, adapters)
}

/// The same where something else asks.
///
/// # Errors
/// See [`select`].
pub fn select_as(asked_by: &str, name: &str, mut adapters: Vec<Adapter>) -> Result<Adapter> {
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
            Err(Error::Adapter(format!("{asked_by} {name}: no such adapter; there are: {list}; and 'cpu', always")))
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

    /// A laptop with two GPUs, each by its native API and by GL, and a software adapter.
    #[test]
    fn the_preferred_adapter_is_first() {
        let of = |device_type, backend| AdapterInfo::new(device_type, backend);
        let first = |power| {
            let mut adapters = vec![
                of(DeviceType::Cpu, Backend::Vulkan),
                of(DeviceType::IntegratedGpu, Backend::Gl),
                of(DeviceType::DiscreteGpu, Backend::Gl),
                of(DeviceType::IntegratedGpu, Backend::Vulkan),
                of(DeviceType::DiscreteGpu, Backend::Vulkan),
            ];
            adapters.sort_by_key(|info| rank(info, power));
            adapters.into_iter().map(|info| (info.device_type, info.backend)).collect::<Vec<_>>()
        };
        let discrete = [(DeviceType::DiscreteGpu, Backend::Vulkan), (DeviceType::DiscreteGpu, Backend::Gl)];
        let integrated = [(DeviceType::IntegratedGpu, Backend::Vulkan), (DeviceType::IntegratedGpu, Backend::Gl)];
        let software = [(DeviceType::Cpu, Backend::Vulkan)];
        let fast = first(PowerPreference::HighPerformance);
        assert_eq!(fast, [&discrete[..], &integrated, &software].concat());
        assert_eq!(fast, first(PowerPreference::None));
        assert_eq!(first(PowerPreference::LowPower), [&integrated[..], &discrete, &software].concat());
    }

    #[test]
    fn an_adapter_that_is_not_there_is_refused_with_what_there_is() {
        let error = select("metal", Vec::new()).err().unwrap();
        assert!(matches!(&error, Error::Adapter(text) if text.contains("there are: none; and 'cpu'")), "{error}");
    }
}
