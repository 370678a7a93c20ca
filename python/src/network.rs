//! A network with its weights and how it is trained.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use gpu_fmnist::formats::{self, Tensor};
use gpu_fmnist::geometry::Shape;
use gpu_fmnist::model::{self, ModelFile};
use gpu_fmnist::{Classifier, Config, Device, LentSamples, Pixels};
use pyo3::prelude::*;
use pyo3::types::PyByteArray;
use serde_json::Value;

use crate::errors::{raised, refused};
use crate::fit::{self, Told};
use crate::guard::engine;
use crate::lent::{self, Images};
use crate::record::Record;

/// Name, type, output's shape and parameters of a layer.
type LayerRow = (String, String, Vec<usize>, usize);

/// A model on a device, its weights, and the configuration that it is trained by.
#[pyclass(frozen, module = "gpu_fmnist._engine")]
pub struct Network {
    device: Device,
    config: Config,
    network: Mutex<Arc<formats::Network>>,
    /// Whether a training is under way.
    trains: AtomicBool,
}

/// A tensor: its name, its shape, and its float32 values.
type Weights<'py> = Vec<(String, Vec<usize>, Bound<'py, PyByteArray>)>;

#[pymethods]
impl Network {
    /// The built-in network or the TOML file of that name, with `KEY=VALUE` for other values.
    #[staticmethod]
    fn named(py: Python, name: PathBuf, settings: Vec<String>, device: &str) -> PyResult<Self> {
        engine(py, || {
            let mut file = ModelFile::open(&name)?;
            file.set(&settings)?;
            Self::of(file, device)
        })
    }

    /// What JSON with the keys of a model file spells; `source` is what messages call it.
    #[staticmethod]
    fn spelled(py: Python, source: &str, keys: &str, settings: Vec<String>, device: &str) -> PyResult<Self> {
        let keys: Value = serde_json::from_str(keys).map_err(|error| refused(source, error))?;
        engine(py, || {
            let mut file = ModelFile::of(source, &keys)?;
            file.set(&settings)?;
            Self::of(file, device)
        })
    }

    /// The network in a file or a run's folder.
    #[staticmethod]
    fn load(py: Python, path: PathBuf, device: &str) -> PyResult<Self> {
        engine(py, || {
            let device = fit::device(device)?;
            let network = Classifier::load(device.clone(), &path)?.network().clone();
            let (model, recipe) = ModelFile::of(&path.display().to_string(), &network.model)?.parse()?;
            Ok(Self::new(device, Config::new(model, recipe), network))
        })
    }

    /// What [`Network::config`] told, without weights.
    #[staticmethod]
    fn configured(py: Python, config: &str, device: &str) -> PyResult<Self> {
        let config: Config = serde_json::from_str(config).map_err(|error| refused("config", error))?;
        engine(py, || {
            config.model.check()?;
            let network = formats::Network::new(config.model.clone(), Vec::new());
            Ok(Self::new(fit::device(device)?, config, network))
        })
    }

    /// The configuration as JSON, the model in it.
    fn config(&self) -> PyResult<String> {
        serde_json::to_string(&self.config).map_err(|error| refused("config", error))
    }

    /// Of each layer its name, its type as Keras calls it, its output's shape and its parameters.
    fn layers(&self) -> PyResult<Vec<LayerRow>> {
        let layers = model::resolve(&self.config.model).map_err(raised)?;
        let row = |layer: &model::Resolved| {
            let parameters = layer.variables().map(|(variable, _)| variable.values()).sum();
            let shape = match layer.inferred.output {
                Shape::Image(shape) => shape.to_vec(),
                Shape::Features(features) => vec![features],
            };
            (layer.name.clone(), layer.layer.class_name().to_owned(), shape, parameters)
        };
        Ok(layers.iter().map(row).collect())
    }

    /// Keras' table.
    fn summary(&self) -> PyResult<String> {
        model::summary(&self.config.model).map_err(raised)
    }

    /// Trained and other parameters.
    fn parameters(&self) -> PyResult<[usize; 2]> {
        let all = model::layers(&self.config.model).map_err(raised)?.parameters;
        let trained = model::trainable_parameters(&self.config.model).map_err(raised)?;
        Ok([trained, all - trained])
    }

    /// `NVIDIA GeForce RTX 4070, vulkan, discrete GPU`
    fn device(&self) -> String {
        self.device.describe()
    }

    fn class_names(&self) -> Vec<String> {
        self.now().class_names.clone()
    }

    fn set_class_names(&self, names: Vec<String>) {
        self.change(|network| network.class_names = names);
    }

    /// The weights, layer by layer, whichever order a file had them in; none of a network that was not trained.
    fn weights<'py>(&self, py: Python<'py>) -> PyResult<Weights<'py>> {
        let bytes = |values: &[f32]| {
            PyByteArray::new(py, &values.iter().flat_map(|value| value.to_ne_bytes()).collect::<Vec<u8>>())
        };
        let now = self.now();
        let layers = model::resolve(&self.config.model).map_err(raised)?;
        let names = layers.iter().flat_map(|layer| {
            layer.variables().map(|(variable, _)| format!("{}.{}", layer.name, variable.kind.name()))
        });
        let tensors = names.filter_map(|name| now.tensors.iter().find(|tensor| tensor.name == name));
        Ok(tensors.map(|tensor| (tensor.name.clone(), tensor.shape.clone(), bytes(&tensor.values))).collect())
    }

    /// Replaces all weights.
    fn set_weights(&self, py: Python, weights: Vec<(String, Vec<usize>, Bound<PyAny>)>) -> PyResult<()> {
        let tensor = |(name, shape, values): (String, Vec<usize>, Bound<PyAny>)| {
            let values = lent::floats(&name, &values)?;
            if shape.iter().product::<usize>() != values.len() {
                return Err(refused(&name, format!("{} values are none of {shape:?}", values.len())));
            }
            Ok(Tensor { name, shape, values })
        };
        let tensors = weights.into_iter().map(tensor).collect::<PyResult<Vec<_>>>()?;
        let network = formats::Network { tensors, ..(*self.now()).clone() };
        let _training = self.training("set_weights")?;
        let checked = engine(py, || Ok(Classifier::of(self.device.clone(), network)?.network().clone()))?;
        self.put(checked);
        Ok(())
    }

    /// The weights that a training with this seed begins with.
    fn initialise(&self, py: Python, seed: u64) -> PyResult<()> {
        let _training = self.training("initialise")?;
        let network = engine(py, || {
            let mut classifier = self.classifier()?;
            classifier.initialise(seed)?;
            Ok(classifier.network().clone())
        })?;
        self.put(network);
        Ok(())
    }

    /// Trains on images `[N, ...]` of uint8 or float32, and labels `[N]` of uint8, with other keys of the configuration,
    /// in JSON. `callback` is told, and may answer `{"stop": True}` or `{"learning_rate": 1e-4}`. The epochs' results, in
    /// JSON.
    #[pyo3(signature = (train, validation, options, callback=None, run_dir=None))]
    fn fit(
        &self,
        py: Python,
        train: (Bound<PyAny>, Bound<PyAny>),
        validation: Option<(Bound<PyAny>, Bound<PyAny>)>,
        options: &str,
        callback: Option<Py<PyAny>>,
        run_dir: Option<PathBuf>,
    ) -> PyResult<String> {
        let config = fit::with(&self.config, options)?;
        let data = fit::Data::lent((&train.0, &train.1), validation.as_ref())?;
        let _training = self.training("fit")?;
        let run =
            run_dir.map(|path| Record::begin(&path, &config, &self.device, data.len())).transpose().map_err(raised)?;
        let keep = |tensors| self.change(|network| network.tensors = tensors);
        let history = fit::fit(py, || self.classifier(), &data, &config, Told::new(callback, &keep, run))?;
        serde_json::to_string(&history).map_err(|error| refused("history", error))
    }

    /// Mean loss and accuracy on labelled images.
    fn evaluate(&self, py: Python, images: &Bound<PyAny>, labels: &Bound<PyAny>) -> PyResult<(f64, f64)> {
        let (images, labels) = (Images::lent("x", images)?, lent::labels("y", labels)?);
        engine(py, || {
            let shape = self.config.model.input;
            let samples = LentSamples { pixels: images.pixels(), labels: &labels, shape };
            let (loss, predictions) = self.classifier()?.evaluate(samples)?;
            Ok((loss, predictions.top(1)))
        })
    }

    /// The probabilities `[N, C]` of images, in float64.
    fn probabilities<'py>(&self, py: Python<'py>, images: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyByteArray>> {
        let bytes = self.ask(py, images, |classifier, pixels| {
            let predictions = classifier.predict_pixels(pixels)?;
            let rows = (0..predictions.len()).flat_map(|sample| predictions.probabilities(sample));
            Ok(rows.flat_map(|value| value.to_ne_bytes()).collect())
        })?;
        Ok(PyByteArray::new(py, &bytes))
    }

    /// The logits `[N, C]` of images, in float32.
    fn logits<'py>(&self, py: Python<'py>, images: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyByteArray>> {
        let bytes = self.ask(py, images, |classifier, pixels| {
            Ok(classifier.logits(pixels)?.iter().flat_map(|value| value.to_ne_bytes()).collect())
        })?;
        Ok(PyByteArray::new(py, &bytes))
    }

    /// Writes a file, whose format its ending says.
    fn save(&self, py: Python, path: PathBuf) -> PyResult<()> {
        engine(py, || self.classifier()?.save(&path))
    }
}

impl Network {
    fn of(file: ModelFile, device: &str) -> gpu_fmnist::Result<Self> {
        let (model, recipe) = file.parse()?;
        let network = formats::Network::new(model.clone(), Vec::new());
        Ok(Self::new(fit::device(device)?, Config::new(model, recipe), network))
    }

    fn new(device: Device, config: Config, network: formats::Network) -> Self {
        Self { device, config, network: Mutex::new(Arc::new(network)), trains: AtomicBool::new(false) }
    }

    fn now(&self) -> Arc<formats::Network> {
        Arc::clone(&self.network.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, network: formats::Network) {
        *self.network.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(network);
    }

    fn change(&self, change: impl FnOnce(&mut formats::Network)) {
        change(Arc::make_mut(&mut self.network.lock().unwrap_or_else(PoisonError::into_inner)));
    }

    fn classifier(&self) -> gpu_fmnist::Result<Classifier> {
        Classifier::of(self.device.clone(), (*self.now()).clone())
    }

    fn ask(
        &self,
        py: Python,
        images: &Bound<PyAny>,
        ask: impl Send + FnOnce(&Classifier, Pixels) -> gpu_fmnist::Result<Vec<u8>>,
    ) -> PyResult<Vec<u8>> {
        let images = Images::lent("x", images)?;
        engine(py, || ask(&self.classifier()?, images.pixels()))
    }

    /// Holds off other trainings for as long as what it returns lives.
    fn training(&self, what: &str) -> PyResult<Training<'_>> {
        match self.trains.swap(true, Ordering::Acquire) {
            true => Err(refused(what, "this network is being trained; wait until that is done, or take a copy")),
            false => Ok(Training(&self.trains)),
        }
    }
}

/// A training under way.
struct Training<'a>(&'a AtomicBool);

impl Drop for Training<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
