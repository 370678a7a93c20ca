//! What a survey has to say: `survey.json`. docs/survey.md lists the keys; they keep their meaning as long as the version
//! is the same, and later versions of the program may add others.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::gemm::GemmConfig;
use crate::measure::Ceilings;
use crate::plan::Clock;
use crate::precision::Precision;
use crate::train::EpochResult;

pub const FORMAT: &str = "gpu-fmnist survey";
pub const VERSION: u32 = 1;

/// One machine's. Nothing in it says whose machine it is: neither names of hosts and users nor paths.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Survey {
    pub format: String,
    pub version: u32,
    /// This program's version.
    pub program: String,
    pub os: String,
    pub architecture: String,
    /// The processor's own name, where the system tells it.
    pub processor: Option<String>,
    /// Threads that the CPU path uses.
    pub threads: usize,
    pub adapters: Vec<AdapterAbout>,
    /// Which of the adapters is surveyed; none where only the CPU path is.
    pub surveyed: Option<usize>,
    pub budget_seconds: f64,
    pub seconds: f64,
    pub end: End,
    pub parts: Vec<PartAbout>,
    pub selftest: Vec<Selftest>,
    pub ceilings: Vec<CeilingsOf>,
    pub bench: Vec<Speed>,
    pub profile: Vec<Profiled>,
    pub tune: Vec<Tuned>,
    pub train: Vec<Trained>,
}

/// How it ended. One that is still `running` and is not written to any more was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    Running,
    Complete,
    Interrupted,
}

/// What a part was measured on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum On {
    Adapter,
    Cpu,
}

/// An adapter as wgpu tells of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdapterAbout {
    pub name: String,
    pub backend: String,
    pub device_type: String,
    pub driver: String,
    pub driver_info: String,
    /// PCI's numbers of vendor and device, on most backends.
    pub vendor: u32,
    pub device: u32,
    /// Smallest and largest subgroup.
    pub subgroup: [u32; 2],
    pub features: Vec<String>,
    /// Those that compute shaders meet.
    pub limits: BTreeMap<String, u64>,
    /// Cooperative matrices: M, N and K, the types of A and B and of C, in one line each.
    pub cooperative_matrices: Vec<String>,
}

/// What came of a part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartAbout {
    /// `bench cnn1 512`
    pub name: String,
    pub on: On,
    pub outcome: Outcome,
    pub seconds: f64,
    /// The result in a few words, the error, or why it was skipped.
    pub note: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Running,
    Done,
    Failed,
    Skipped,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Selftest {
    pub on: On,
    /// Whether all there is was tested.
    pub complete: bool,
    pub kernels: Vec<KernelTest>,
    pub gradients: Vec<GradientTest>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KernelTest {
    pub kernel: String,
    pub cases: usize,
    /// Of them, with activations in 16 bits.
    #[serde(default)]
    pub in_16_bits: usize,
    /// The largest part of its tolerance that any number used.
    pub worst: f32,
    /// A line for each case that failed.
    pub failures: Vec<String>,
}

/// A gradient against a finite difference. A number that is none is missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GradientTest {
    pub gradient: String,
    pub derivative: Option<f64>,
    pub difference: Option<f64>,
    pub passes: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CeilingsOf {
    pub on: On,
    #[serde(flatten)]
    pub ceilings: Ceilings,
}

/// Which configurations the products had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tiles {
    Table,
    Tuned,
}

/// What a speed is of, beside its model and batch size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct How {
    pub on: On,
    pub tiles: Tiles,
    pub precision: Precision,
}

impl How {
    /// All that there may be on it, f32 first.
    pub fn all(on: On) -> impl Iterator<Item = Self> {
        let tiles = [Tiles::Table, Tiles::Tuned];
        Precision::ALL.into_iter().flat_map(move |precision| tiles.map(|tiles| Self { on, tiles, precision }))
    }

    /// In f32, with the configurations that a device has without tuning.
    pub fn plainly(on: On) -> Self {
        Self { on, tiles: Tiles::Table, precision: Precision::F32 }
    }

    /// `, bf16, tuned, CPU path`: what is not as plain as on the adapter.
    pub fn words(self) -> String {
        let precision = if self.precision.is_f32() { String::new() } else { format!(", {}", self.precision.name()) };
        let tuned = if self.tiles == Tiles::Tuned { ", tuned" } else { "" };
        let beside = if self.on == On::Cpu { ", CPU path" } else { "" };
        format!("{precision}{tuned}{beside}")
    }
}

impl Speed {
    pub fn how(&self) -> How {
        let Self { on, tiles, precision, .. } = *self;
        How { on, tiles, precision }
    }
}

/// How fast training steps of a model are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    pub on: On,
    pub model: String,
    pub batch_size: usize,
    pub tiles: Tiles,
    /// Of activations and their gradients. Older surveys had f32 only.
    #[serde(default)]
    pub precision: Precision,
    /// Of a repeat.
    pub steps: usize,
    pub seconds_per_step: f64,
    pub seconds_per_step_of_repeats: Vec<f64>,
    pub images_per_second: f64,
    pub operations_per_step: usize,
    pub operations_per_second: f64,
    pub memory_bytes: u64,
    pub start_up_seconds: f64,
    /// The part of the tolerance that the comparison with the CPU path used; none on the CPU path.
    pub tolerance_used: Option<f64>,
}

/// Where a training step's time goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profiled {
    pub on: On,
    pub model: String,
    pub batch_size: usize,
    pub steps: usize,
    pub clock: Clock,
    pub seconds_of_passes: f64,
    pub seconds_of_step: f64,
    pub share_of_host: f64,
    pub share_of_gaps: f64,
    pub kernels: Vec<Pass>,
}

/// A layer's passes of one kernel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pass {
    pub layer: String,
    pub kernel: String,
    pub passes: usize,
    pub seconds: f64,
    pub share: f64,
    pub operations: usize,
    pub bytes: usize,
    pub of_roof: Option<f64>,
}

/// What other tiles bring.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tuned {
    pub model: String,
    pub batch_size: usize,
    /// Products of the step; fewer are listed where the time was up.
    pub of_products: usize,
    pub products: Vec<Product>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Product {
    pub product: String,
    pub candidates: usize,
    pub dropped: usize,
    pub table: Tile,
    pub best: Option<Tile>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tile {
    pub tile: GemmConfig,
    pub milliseconds: f64,
}

/// A training run on the data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trained {
    pub on: On,
    pub model: String,
    pub batch_size: usize,
    #[serde(default)]
    pub precision: Precision,
    pub of_epochs: usize,
    /// Whether the data set is Fashion-MNIST.
    pub verified: bool,
    pub epochs: Vec<EpochAbout>,
    /// Of all epochs, validation included.
    pub seconds: f64,
    pub test_loss: f64,
    pub test_accuracy: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochAbout {
    #[serde(flatten)]
    pub result: EpochResult,
    pub seconds: f64,
    /// Of the training part.
    pub images_per_second: f64,
}

impl Survey {
    /// What is surveyed, in words.
    pub fn title(&self) -> &str {
        self.surveyed.and_then(|place| self.adapters.get(place)).map_or("the CPU path", |adapter| &adapter.name)
    }

    /// What the title's results were measured on.
    pub fn main(&self) -> On {
        if self.surveyed.is_some() { On::Adapter } else { On::Cpu }
    }

    pub fn ceilings(&self, on: On) -> Option<Ceilings> {
        self.ceilings.iter().find(|ceilings| ceilings.on == on).map(|of| of.ceilings)
    }

    pub fn speed(&self, how: How, model: &str, batch: usize) -> Option<&Speed> {
        self.bench.iter().find(|speed| (speed.how(), speed.batch_size) == (how, batch) && speed.model == model)
    }

    /// The models and batch sizes that any speed is of, in the order of the models, the smallest batch first.
    pub fn measured(&self) -> Vec<(&str, usize)> {
        let mut models: Vec<&str> = Vec::new();
        for speed in &self.bench {
            if !models.contains(&speed.model.as_str()) {
                models.push(&speed.model);
            }
        }
        let batches = |model: &str| {
            let of_model = self.bench.iter().filter(|speed| speed.model == model);
            of_model.map(|speed| speed.batch_size).collect::<BTreeSet<usize>>()
        };
        models.into_iter().flat_map(|model| batches(model).into_iter().map(move |batch| (model, batch))).collect()
    }

    pub fn trained(&self, on: On, precision: Precision) -> Option<&Trained> {
        self.train.iter().find(|trained| (trained.on, trained.precision) == (on, precision))
    }
}

impl Selftest {
    /// Checks that failed.
    pub fn failed(&self) -> usize {
        let kernels = self.kernels.iter().filter(|kernel| !kernel.failures.is_empty()).count();
        kernels + self.gradients.iter().filter(|gradient| !gradient.passes).count()
    }

    /// What failed first.
    pub fn first_failure(&self) -> Option<String> {
        let kernels = self
            .kernels
            .iter()
            .flat_map(|kernel| kernel.failures.iter().map(move |line| format!("{}: {line}", kernel.kernel)));
        let gradients = self.gradients.iter().filter(|gradient| !gradient.passes);
        kernels.chain(gradients.map(|gradient| format!("the gradient of {}", gradient.gradient))).next()
    }

    /// `45 kernels and 30 gradients pass`
    pub fn words(&self) -> String {
        let (kernels, gradients) = (self.kernels.len(), self.gradients.len());
        let all = match (kernels, gradients) {
            (0, gradients) => format!("{gradients} gradients"),
            (kernels, 0) => format!("{kernels} kernels"),
            (kernels, gradients) => format!("{kernels} kernels and {gradients} gradients"),
        };
        let so_far = if self.complete { "" } else { " (not all: the time was up)" };
        match self.failed() {
            0 => format!("{all} pass{so_far}"),
            failed => format!("{failed} of {all} FAIL{so_far}"),
        }
    }
}
