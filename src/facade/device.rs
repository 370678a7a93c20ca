//! What computes: a named adapter is a promise; by itself it is a hardware GPU, else the CPU path.

use std::collections::BTreeMap;
use std::env::consts;
use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use web_time::Instant;

use crate::augment::Views;
use crate::cpu::Cpu;
use crate::error::Result;
use crate::formats::Network;
use crate::gemm::{DeviceClass, GemmSelection};
use crate::gpu::{self, Adapter, Gpu, Identity};
use crate::model::Model;
use crate::network::{equal_parts, most_rows};
use crate::parallel::{Alone, Communicator, Share};
use crate::plan::{Executor, Plan};
use crate::precision::Precision;
use crate::recipe::BATCH_SIZE;
use crate::train::{Config, Environment, Evaluator, Placement, Setup, Source, State, Trainer};

/// How fast the devices of processes that train together are.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    /// Micro-batches a second of each rank, where they are not of one kind.
    pub speeds: Option<Vec<f64>>,
}

impl Pace {
    /// All alike.
    pub const EVEN: Self = Self { speeds: None };
}

/// What computes.
#[derive(Clone)]
pub enum Device {
    Gpu(Box<Adapter>),
    Cpu,
}

impl Device {
    /// The first hardware GPU; else the CPU path, which is faster than a software adapter.
    pub fn best() -> Self {
        Self::automatic(gpu::adapters()).0
    }

    /// What `name` asks for: `auto` (what `WGPU_ADAPTER_NAME` says, or [`Device::best`]), `cpu`, a backend, a place in the list of adapters, or a part of an adapter's name.
    ///
    /// # Errors
    /// [`Error::Adapter`](crate::error::Error::Adapter) with the list of adapters where the named one is not there.
    pub fn named(name: &str) -> Result<Self> {
        Ok(Self::chosen(name)?.0)
    }

    /// Like [`Device::named`], with what there is to say where that is no GPU though it might have been.
    ///
    /// # Errors
    /// See [`Device::named`].
    pub fn chosen(name: &str) -> Result<(Self, Option<String>)> {
        match name.to_lowercase().as_str() {
            "cpu" => Ok((Device::Cpu, None)),
            "auto" | "" => match gpu::name_from_environment() {
                Some(name) => Ok(Self::promised(gpu::select_as("WGPU_ADAPTER_NAME", &name, gpu::adapters())?)),
                None => Ok(Self::automatic(gpu::adapters())),
            },
            _ => Ok(Self::promised(gpu::select(name, gpu::adapters())?)),
        }
    }

    fn promised(adapter: Adapter) -> (Self, Option<String>) {
        let note = adapter.is_software().then(|| format!("adapter: {}", adapter.describe()));
        (Device::Gpu(Box::new(adapter)), note)
    }

    /// The same, whose plans may take so many bytes of a GPU's memory.
    pub fn limited(mut self, bytes: u64) -> Self {
        if let Device::Gpu(adapter) = &mut self {
            adapter.memory_limit = Some(bytes);
        }
        self
    }

    /// Like [`Device::chosen`], for one of several processes on a machine: where nothing is asked for, they take its
    /// hardware GPUs in turn, in the order of their places on its bus.
    ///
    /// # Errors
    /// See [`Device::named`].
    pub fn chosen_by(name: &str, local_rank: usize) -> Result<(Self, Option<String>)> {
        if !matches!(name.to_lowercase().as_str(), "auto" | "") || gpu::name_from_environment().is_some() {
            return Self::chosen(name);
        }
        let mut adapters = gpu::adapters();
        adapters.retain(|adapter| !adapter.is_software() && adapter.backend() != "gl");
        // Each once, whatever backends have it.
        adapters.sort_by_key(|adapter| adapter.info.device_pci_bus_id.clone());
        adapters.dedup_by_key(|adapter| adapter.info.device_pci_bus_id.clone());
        match adapters.len() {
            0 => Self::chosen(name),
            count => Ok((Device::Gpu(Box::new(adapters.swap_remove(local_rank % count))), None)),
        }
    }

    fn automatic(adapters: Vec<Adapter>) -> (Self, Option<String>) {
        // Hardware comes first in the list.
        match adapters.into_iter().next() {
            Some(adapter) if !adapter.is_software() => (Device::Gpu(Box::new(adapter)), None),
            Some(adapter) => {
                let why = "which is faster than the software adapter";
                let note = format!("no GPU found: taking the CPU path, {why} (`adapter` {})", adapter.backend());
                (Device::Cpu, Some(note))
            }
            None => (Device::Cpu, Some("no GPU found: taking the CPU path".into())),
        }
    }

    /// The executor of a plan.
    ///
    /// # Errors
    /// [`Error::Adapter`](crate::error::Error::Adapter) or [`Error::Device`](crate::error::Error::Device) where the
    /// device's limits or its memory do not allow it.
    pub fn executor(&self, plan: Arc<Plan>) -> Result<Box<dyn Executor>> {
        Ok(match self {
            Device::Gpu(adapter) => Box::new(Gpu::new(adapter, plan)?),
            Device::Cpu => Box::new(Cpu::new(plan)?),
        })
    }

    /// Its class, whose profile its products are configured by.
    pub fn class(&self) -> DeviceClass {
        match self {
            Device::Gpu(adapter) => adapter.class(),
            Device::Cpu => DeviceClass::Cpu,
        }
    }

    /// What trains or measures the model on this device, in steps of `batch` samples.
    pub fn setup<'a>(&self, model: &Model, source: Source<'a>, batch: usize, tiles: GemmSelection) -> Setup<'a> {
        Setup::new(model, source, batch, tiles).placed(self.placement(source.image_bytes()))
    }

    /// The same for a run's configuration.
    pub fn training<'a>(&self, config: &Config, source: Source<'a>) -> Setup<'a> {
        let Config { model, batch_size, tiles, seed, .. } = config;
        let setup = self.setup(model, source, *batch_size, tiles.clone()).in_micro_batches(config.most_rows());
        Setup { seed: *seed, ..setup.configured(config) }
    }

    /// A trainer at the beginning of the state's run.
    ///
    /// # Errors
    /// Where configuration, data and the device's limits do not fit.
    pub fn trainer<'a>(&self, state: State, source: Source<'a>) -> Result<Trainer<'a>> {
        self.trainer_among(state, source, Rc::new(Alone), &Pace::EVEN)
    }

    /// The same for one of the processes that train together.
    ///
    /// # Errors
    /// The same; and where there are more processes than micro-batches.
    pub fn trainer_among<'a>(
        &self,
        state: State,
        source: Source<'a>,
        communicator: Rc<dyn Communicator>,
        pace: &Pace,
    ) -> Result<Trainer<'a>> {
        // What does not fit the data is found before the device is opened.
        state.config.split(source.parts[0].len())?;
        let mut setup = self.training(&state.config, source);
        if communicator.size() > 1 {
            let ranges = self.shares(&state.config, communicator.size(), pace)?;
            setup.options.share = Some(Share { rank: communicator.rank(), ranges });
        }
        let mut engine = setup.engine(|plan| self.executor(plan))?.among(communicator)?;
        engine.rounds_otherwise = pace.speeds.is_some();
        Trainer::new(state, engine)
    }

    /// The micro-batches of each of so many processes.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::error::Error::Usage) where there are more processes than these.
    pub fn shares(&self, config: &Config, ranks: usize, pace: &Pace) -> Result<Vec<Range<usize>>> {
        let micro_batches = config.batch_size.div_ceil(equal_parts(config.batch_size, config.most_rows()));
        let even = vec![1.0; ranks];
        Ok(Share::new(0, micro_batches, pace.speeds.as_ref().unwrap_or(&even))?.ranges)
    }

    /// Micro-batches a second that it trains by itself.
    ///
    /// # Errors
    /// See [`Self::trainer`].
    pub fn speed(&self, config: &Config, source: Source) -> Result<f64> {
        let rows = equal_parts(config.batch_size, config.most_rows());
        let alone = Config { batch_size: rows, ..config.clone() };
        let mut engine = self.training(&alone, source).initialised(|plan| self.executor(plan))?;
        let order: Vec<u32> = (0..rows.min(source.parts[0].len()) as u32).collect();
        let mut step = || engine.train(&order, 0.0, &mut |_| ControlFlow::Continue(()));
        // The first one warms it up.
        step()?;
        let (start, mut steps) = (Instant::now(), 0);
        while steps < 3 || start.elapsed() < Duration::from_millis(300) {
            step()?;
            steps += 1;
        }
        Ok(f64::from(steps) / start.elapsed().as_secs_f64())
    }

    /// An evaluator of a network, whose weights were read from `origin`, with the batches, tiles and loss of the run that it
    /// is of, if any, which has activations of that precision and sees samples in these views.
    ///
    /// # Errors
    /// Where network, data and the device's limits do not fit.
    pub fn evaluator<'a>(
        &self,
        network: &Network,
        origin: &Path,
        run: Option<&Config>,
        precision: Precision,
        source: Source<'a>,
        views: Views,
    ) -> Result<Evaluator<'a>> {
        views.check(network.model.input)?;
        let (batch, most, tiles) = match run {
            Some(config) => {
                let tiles = config.tiles.clone();
                let suit = precision == config.precision && self.multiplies(&tiles);
                let tiles = if suit { tiles } else { tiles.without_matrices() };
                (config.batch_size, config.most_rows(), tiles)
            }
            None => (BATCH_SIZE, most_rows(&network.model, self.class()), self.class().into()),
        };
        // Only micro-batches are evaluated: what a whole batch needs to train is not made.
        let batch = equal_parts(batch, most);
        let mut setup = self.setup(&network.model, source, batch, tiles).in_micro_batches(batch);
        setup.options.label_smoothing = run.map_or(0.0, |config| config.loss.label_smoothing as f32);
        setup.options.precision = precision;
        setup.options.views = !views.is_one();
        let evaluator = Evaluator::new((&network.tensors, origin), setup.engine(|plan| self.executor(plan))?)?;
        Ok(evaluator.with(views))
    }

    /// Whether it has the matrix units that the tiles are for; the CPU path rounds as they do.
    fn multiplies(&self, tiles: &GemmSelection) -> bool {
        let Device::Gpu(adapter) = self else { return true };
        let capabilities = adapter.capabilities();
        tiles.tuned.values().all(|config| capabilities.multiplies(config))
    }

    /// Resident where one buffer can hold all images, and they leave most of a limited memory to the network.
    fn placement(&self, image_bytes: u64) -> Placement {
        match self {
            Device::Gpu(adapter) => {
                let limits = adapter.limits();
                let most = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
                let most = most.min(adapter.memory_limit.map_or(u64::MAX, |limit| limit / 4));
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

    /// The adapter's own name, or `cpu`.
    pub fn name(&self) -> &str {
        match self {
            Device::Gpu(adapter) => adapter.info.name.trim(),
            Device::Cpu => "cpu",
        }
    }

    /// `vulkan`, `metal`, `dx12`, `gl`, or `cpu`.
    pub fn backend(&self) -> &'static str {
        match self {
            Device::Gpu(adapter) => adapter.backend(),
            Device::Cpu => "cpu",
        }
    }

    /// `discrete-gpu`, `integrated-gpu`, `virtual-gpu`, `other`, or `cpu`.
    pub fn device_type(&self) -> &'static str {
        match self {
            Device::Gpu(adapter) => adapter.device_type(),
            Device::Cpu => "cpu",
        }
    }

    /// `0000:01:00.0`, where the driver says it: one GPU has the same by each of its backends.
    pub fn pci_bus_id(&self) -> &str {
        match self {
            Device::Gpu(adapter) => &adapter.info.device_pci_bus_id,
            Device::Cpu => "",
        }
    }

    /// What a run's folder says of where it was made, of a run and data that nothing is known of.
    pub fn environment(&self) -> Environment {
        let [driver, driver_info] = self.driver().map(str::to_owned);
        Environment {
            id: String::new(),
            train_samples: 0,
            commands: Vec::new(),
            device: self.describe(),
            adapter: self.name().into(),
            backend: self.backend().into(),
            device_type: self.device_type().into(),
            driver,
            driver_info,
            version: env!("CARGO_PKG_VERSION").into(),
            os: consts::OS.into(),
            architecture: consts::ARCH.into(),
            data_sha256: BTreeMap::new(),
            data_verified: false,
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
