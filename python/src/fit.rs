//! A training that tells Python how far it has come.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use gpu_fmnist::formats::Tensor;
use gpu_fmnist::train::{Config, EpochResult, Finished, Metrics, Source, Trainer};
use gpu_fmnist::{Classifier, Device, LentSamples, Result, Watcher};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::Value;

use crate::errors::{raised, refused};
use crate::guard::engine;
use crate::lent::{self, Images};
use crate::record::Record;

/// Devices by the names that they were asked for: finding them takes a while.
static DEVICES: Mutex<Option<HashMap<String, Device>>> = Mutex::new(None);

/// The device of that name.
///
/// # Errors
/// See [`Device::named`].
pub fn device(name: &str) -> Result<Device> {
    let mut devices = DEVICES.lock().unwrap_or_else(PoisonError::into_inner);
    let known = devices.get_or_insert_default();
    if let Some(device) = known.get(name) {
        return Ok(device.clone());
    }
    let device = Device::named(name)?;
    known.insert(name.to_owned(), device.clone());
    Ok(device)
}

/// The configuration with other values for some of its keys, in JSON.
///
/// # Errors
/// `ValueError` naming a key that there is not, or a value that is none.
pub fn with(config: &Config, options: &str) -> PyResult<Config> {
    let fail = |error: serde_json::Error| refused("fit", error.to_string().replace('\n', " "));
    let mut keys = serde_json::to_value(config).map_err(fail)?;
    let options: serde_json::Map<String, Value> = serde_json::from_str(options).map_err(fail)?;
    // What is left out where it has its default is a key, too.
    const ALSO: [&str; 2] = ["fold", "validation_data"];
    for (key, value) in options {
        if keys.get(&key).is_none() && !ALSO.contains(&key.as_str()) {
            return Err(refused("fit", format!("no configuration has a key \"{key}\"; leave it out")));
        }
        keys[key] = value;
    }
    let config: Config = serde_json::from_value(keys).map_err(fail)?;
    config.check().map_err(raised)?;
    Ok(config)
}

/// What is trained and validated with.
pub struct Data {
    train: (Images, Vec<u8>),
    validation: Option<(Images, Vec<u8>)>,
}

impl Data {
    /// # Errors
    /// `ValueError` naming what is no array of the kind that is needed.
    pub fn lent(
        (images, labels): (&Bound<PyAny>, &Bound<PyAny>),
        validation: Option<&(Bound<PyAny>, Bound<PyAny>)>,
    ) -> PyResult<Self> {
        let train = (Images::lent("x", images)?, lent::labels("y", labels)?);
        let validation = match validation {
            None => None,
            Some((images, labels)) => {
                Some((Images::lent("validation_data", images)?, lent::labels("validation_data", labels)?))
            }
        };
        Ok(Self { train, validation })
    }

    /// Samples to train with, or to hold out of those.
    pub fn len(&self) -> usize {
        self.train.1.len()
    }

    fn source(&self, shape: [usize; 3]) -> Source<'_> {
        Source {
            parts: [
                samples(&self.train, shape),
                self.validation.as_ref().map_or(LentSamples::NONE, |one| samples(one, shape)),
            ],
        }
    }
}

fn samples((images, labels): &(Images, Vec<u8>), shape: [usize; 3]) -> LentSamples<'_> {
    LentSamples { pixels: images.pixels(), labels, shape }
}

/// Who tells Python, between submissions and after epochs.
pub struct Told<'a> {
    callback: Option<Py<PyAny>>,
    /// Keeps the weights that there are after an epoch.
    keep: &'a (dyn Fn(Vec<Tensor>) + Sync),
    run: Option<Record>,
    /// What Python raised meanwhile; it ends the training.
    raised: Option<PyErr>,
}

impl<'a> Told<'a> {
    pub fn new(callback: Option<Py<PyAny>>, keep: &'a (dyn Fn(Vec<Tensor>) + Sync), run: Option<Record>) -> Self {
        Self { callback, keep, run, raised: None }
    }

    /// Calls back, if anyone wants it, and gives signals to Python; nothing where Python raised something.
    fn call<T: Default>(&mut self, tell: impl FnOnce(&Bound<PyAny>) -> PyResult<T>) -> Option<T> {
        let answer = Python::attach(|py| {
            py.check_signals()?;
            let answer = self.callback.as_ref().map_or_else(|| Ok(T::default()), |callback| tell(callback.bind(py)))?;
            py.check_signals().map(|()| answer)
        });
        match answer {
            Ok(answer) => Some(answer),
            Err(error) => {
                self.raised = Some(error);
                None
            }
        }
    }
}

fn flow(stop: Option<bool>) -> ControlFlow<()> {
    if stop == Some(false) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

impl Watcher for Told<'_> {
    fn steps(&mut self, epoch: usize, metrics: Metrics) -> ControlFlow<()> {
        let Metrics { samples, .. } = metrics;
        flow(self.call(|callback| {
            callback.call_method1("steps", (epoch, samples, metrics.loss(), metrics.accuracy()))?.is_truthy()
        }))
    }

    fn epoch(&mut self, finished: &Finished, trainer: &mut Trainer) -> Result<ControlFlow<()>> {
        if let Some(run) = &mut self.run {
            run.epoch(finished, trainer)?;
        }
        (self.keep)(trainer.weights()?);
        let Finished { result, seconds, images_per_second, .. } = *finished;
        let EpochResult { epoch, loss, accuracy, val_loss, val_accuracy, learning_rate } = result;
        let (next_rate, is_last) = (trainer.state().learning_rate, trainer.state().is_complete());
        let answer = self.call(|callback| -> PyResult<(bool, Option<f64>)> {
            let told = PyDict::new(callback.py());
            told.set_item("epoch", epoch)?;
            told.set_item("loss", loss)?;
            told.set_item("accuracy", accuracy)?;
            if let (Some(loss), Some(accuracy)) = (val_loss, val_accuracy) {
                told.set_item("val_loss", loss)?;
                told.set_item("val_accuracy", accuracy)?;
            }
            told.set_item("learning_rate", learning_rate)?;
            told.set_item("next_learning_rate", next_rate)?;
            told.set_item("is_last", is_last)?;
            told.set_item("seconds", seconds)?;
            told.set_item("images_per_second", images_per_second)?;
            callback.call_method1("epoch", (told,))?.extract()
        });
        if let Some((_, Some(rate))) = answer {
            trainer.set_learning_rate(rate)?;
        }
        Ok(flow(answer.map(|(stop, _)| stop)))
    }
}

/// Trains the classifier that `make` gives, with its weights if it has some. Whatever ends it but an error of the engine's,
/// the weights of that moment are kept; then what Python raised meanwhile is raised.
///
/// # Errors
/// What the engine reports, or Python raised.
pub fn fit(
    py: Python,
    make: impl Send + FnOnce() -> Result<Classifier>,
    data: &Data,
    config: &Config,
    mut told: Told,
) -> PyResult<Vec<EpochResult>> {
    let history = engine(py, || {
        let mut classifier = make()?;
        let history = classifier.fit_watched(data.source(config.model.input), config, &mut told)?;
        (told.keep)(classifier.network().tensors.clone());
        Ok(history)
    });
    match told.raised.take() {
        Some(error) => Err(error),
        None => history,
    }
}
