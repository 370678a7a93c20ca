//! What the worker has: a device, data, a run, a network.

use std::path::{Path, PathBuf};

use gpu_fmnist::augment::Views;
use gpu_fmnist::formats::{Checkpoint, Network};
use gpu_fmnist::precision::Precision;
use gpu_fmnist::train::{Evaluator, State};
use gpu_fmnist::{Dataset, Device, Error, LentSamples, Result, gpu, model};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Answer, ask, files, judge, plain, proof, required, training};

/// A request of the page's; which keys it has follows from the command.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Request {
    pub command: String,
    /// The names of the request's files.
    pub files: Vec<String>,
    /// A built-in network's name, or what that of the text is.
    pub model: String,
    /// A model file's text.
    pub text: String,
    pub batch_size: Option<usize>,
    pub epochs: Option<usize>,
    pub seed: u64,
    /// Begin with the weights of the network that is there.
    pub from_network: bool,
    /// What the browser calls the adapter.
    pub adapter: String,
    /// A file's ending.
    pub format: String,
    pub invert: Option<bool>,
}

/// A training's state as a checkpoint has it: what is under way is kept as nothing else.
pub struct Run {
    pub state: State,
    pub checkpoint: Checkpoint,
}

#[derive(Default)]
pub struct Session {
    device: Option<Device>,
    pub dataset: Option<Dataset>,
    pub run: Option<Run>,
    /// What predicts: the run's, or a file's.
    pub network: Option<Network>,
}

impl Session {
    pub fn perform(&mut self, request: &Request) -> Answer {
        match request.command.as_str() {
            "open" => self.open(request),
            "load" => files::load(self, request),
            "train" => training::begin(self, request),
            "resume" => training::resume(self, request),
            "checkpoint" => training::checkpoint(self),
            "export" => files::export(self, request),
            "evaluate" => judge::evaluate(self),
            "predict" => ask::predict(self, request),
            "selftest" => proof::selftest(self),
            "bench" => proof::bench(self, request),
            other => Err(Error::Usage(format!("{other}: no such command; reload the page"))),
        }
    }

    fn open(&mut self, request: &Request) -> Answer {
        let nothing = "the browser has no adapter for WebGPU; see what this page says of browsers";
        let mut adapter = gpu::adapters().into_iter().next().ok_or_else(|| Error::Adapter(nothing.into()))?;
        if adapter.info.name.trim().is_empty() {
            adapter.info.name.clone_from(&request.adapter);
        }
        let limits = adapter.limits();
        let device = Device::Gpu(Box::new(adapter));
        let about = json!({
            "adapter": device.describe(),
            "class": device.class(),
            "largest_buffer": limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
            "about": device.about(),
            "networks": model::NAMES,
            "version": env!("CARGO_PKG_VERSION"),
        });
        self.device = Some(device);
        plain(about)
    }

    pub fn device(&self) -> Result<&Device> {
        required(self.device.as_ref(), "device")
    }

    pub fn dataset(&self) -> Result<&Dataset> {
        self.dataset.as_ref().ok_or_else(|| Error::Usage("no data set yet; drop its four files onto the page".into()))
    }

    pub fn network(&self) -> Result<&Network> {
        let nothing = "no trained network yet; train one, or drop a checkpoint or a network's file onto the page";
        self.network.as_ref().ok_or_else(|| Error::Usage(nothing.into()))
    }

    /// The network's on these samples, with the batches, tiles and precision of its run if it has one.
    pub fn evaluator<'a>(&self, samples: LentSamples<'a>) -> Result<Evaluator<'a>> {
        let config = self.run.as_ref().map(|run| &run.state.config);
        let precision = config.map_or(Precision::F32, |config| config.precision);
        let path = Path::new("the network");
        self.device()?.evaluator(self.network()?, path, config, precision, samples.into(), Views::default())
    }

    /// What the classes are called: as the network says, else the data, else by their numbers.
    pub fn class_names(&self, network: &Network) -> Vec<String> {
        let classes = network.model.classes();
        let of_data = |dataset: &Dataset| dataset.class_names(classes..=classes).unwrap_or_default();
        match (&network.class_names, self.dataset.as_ref().map(of_data)) {
            (names, _) if names.len() == classes => names.clone(),
            (_, Some(names)) if names.len() == classes => names,
            _ => gpu_fmnist::data::numbers(classes),
        }
    }

    /// Keeps a run, whose network is the one that predicts from now on.
    pub fn keep(&mut self, run: Run, name: &str) -> Result<()> {
        self.network = Some(run.state.network(run.checkpoint.clone(), &PathBuf::from(name))?);
        self.run = Some(run);
        Ok(())
    }
}

/// How far a run is.
pub fn about(state: &State) -> Value {
    let config = &state.config;
    json!({
        "model": config.model.name,
        "epochs": config.epochs,
        "batch_size": config.batch_size,
        "seed": config.seed,
        "epoch": state.epoch,
        "step": state.step,
        "complete": state.is_complete(),
        "history": state.history,
        "adapter": state.adapter.name,
    })
}
