//! What there is beside networks: devices and what they prove, the data set, splits, and names.

use gpu_fmnist::data::{self, Dataset};
use gpu_fmnist::gpu::{self, Probe};
use gpu_fmnist::kernels::REGISTRY;
use gpu_fmnist::measure::{StepBench, Synthetic, median};
use gpu_fmnist::model::{self, ModelFile};
use gpu_fmnist::selftest::{check_kernel, dropout_gradient_checks, gradient_checks, soft_gradient_checks};
use gpu_fmnist::{Config, Device, Error, Result};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyDict};
use std::path::{Path, PathBuf};

use crate::errors::raised;
use crate::fit::device;
use crate::guard::engine;

/// Of each device its name, backend, type and driver, in the order in which `auto` asks for them; the CPU path last.
#[pyfunction]
pub fn devices(py: Python) -> PyResult<Vec<Bound<PyDict>>> {
    let devices = engine(py, || {
        let adapters = gpu::adapters().into_iter().map(|adapter| Device::Gpu(Box::new(adapter)));
        Ok(adapters.chain([Device::Cpu]).collect::<Vec<_>>())
    })?;
    let about = |device: &Device| {
        let about = PyDict::new(py);
        about.set_item("name", device.name())?;
        about.set_item("backend", device.backend())?;
        about.set_item("device_type", device.device_type())?;
        about.set_item("driver", device.driver().join(" ").trim())?;
        about.set_item("description", device.describe())?;
        Ok(about)
    };
    devices.iter().map(about).collect()
}

/// A proof: what was proved, whether it holds, and in words how it fails or how near it was.
type Proof = (String, bool, String);

/// Every kernel against its CPU reference, and gradients against finite differences.
#[pyfunction]
pub fn selftest(py: Python, device: &str) -> PyResult<Vec<Proof>> {
    engine(py, || {
        let device = self::device(device)?;
        let mut proofs = Vec::new();
        if let Device::Gpu(adapter) = &device {
            let probe = Probe::open(adapter)?;
            for row in &REGISTRY {
                let outcome = check_kernel(&probe, adapter.class(), row)?;
                let words = match outcome.failures.first() {
                    Some(failure) => failure.clone(),
                    None => format!("{} cases, {:.2} of the tolerance at most", outcome.cases, outcome.worst),
                };
                proofs.push((outcome.kernel.to_owned(), outcome.failures.is_empty(), words));
            }
        }
        let mut checks = gradient_checks(device.class(), |plan| device.executor(plan))?;
        checks.extend(dropout_gradient_checks(device.class(), |plan| device.executor(plan))?);
        checks.extend(soft_gradient_checks(device.class(), |plan| device.executor(plan))?);
        proofs.extend(checks.iter().map(|check| {
            let words = format!("{:.5}, by finite differences {:.5}", check.derivative, check.difference);
            (format!("gradient of {}", check.parameter), check.passes(), words)
        }));
        Ok(proofs)
    })
}

/// Of a model's training steps, once they agree with the CPU path's: samples a step and the seconds of each repeat's step.
#[pyfunction]
pub fn bench(py: Python, model: PathBuf, device: &str, repeats: usize) -> PyResult<(usize, Vec<f64>, f64)> {
    engine(py, || {
        if repeats == 0 {
            return Err(Error::Usage("`repeats` 0: nothing to measure; give 1 or more".into()));
        }
        let device = self::device(device)?;
        let (model, recipe) = ModelFile::open(&model)?.parse()?;
        let config = Config::new(model, recipe);
        let data = Synthetic::new(&config.model, config.batch_size);
        let setup = data.setup(&config.model, device.class()).configured(&config);
        let name = device.describe();
        let mut signals = |()| match Python::attach(|py| py.check_signals()) {
            Ok(()) => std::ops::ControlFlow::Continue(()),
            Err(_) => std::ops::ControlFlow::Break(()),
        };
        let mut bench = StepBench::new(&setup, &data, (&name, &|plan| device.executor(plan)), &mut signals)?;
        let steps = bench.steps;
        let seconds = (0..repeats).map(|_| bench.time(steps, &mut signals)).collect::<Result<Vec<f64>>>()?;
        let middle = median(seconds.iter().copied());
        Ok((config.batch_size, seconds, middle))
    })
}

/// Images `[N, H, W, C]` as bytes, `[N, H, W, C]`, labels.
type Part<'py> = (Bound<'py, PyByteArray>, [usize; 4], Bound<'py, PyByteArray>);

/// The data set in that folder, else where such things are kept, else fetched: its parts. `callback` is told of a fetch:
/// file, bytes so far, bytes in all.
#[pyfunction]
#[pyo3(signature = (folder=None, callback=None))]
pub fn fashion_mnist<'py>(
    py: Python<'py>,
    folder: Option<PathBuf>,
    callback: Option<Py<PyAny>>,
) -> PyResult<[Part<'py>; 2]> {
    let mut said: Option<PyErr> = None;
    let dataset = engine(py, || {
        let folder = match data::locate(folder.as_deref())? {
            Some(folder) => folder,
            None => fetched(callback.as_ref(), &mut said)?,
        };
        Dataset::load(&folder)
    });
    if let Some(error) = said {
        return Err(error);
    }
    let dataset = dataset?;
    let part = |samples: &gpu_fmnist::Samples| {
        let [height, width, channels] = samples.shape;
        let (images, labels) = (PyByteArray::new(py, &samples.images), PyByteArray::new(py, &samples.labels));
        (images, [samples.len(), height, width, channels], labels)
    };
    Ok([part(&dataset.train), part(&dataset.test)])
}

fn fetched(callback: Option<&Py<PyAny>>, said: &mut Option<PyErr>) -> Result<PathBuf> {
    let nowhere = || Error::Data("no data set here, and no home folder to fetch one into; give its folder".into());
    let folder = data::cache_folder().ok_or_else(nowhere)?;
    data::fetch(Path::new(&folder), &mut |progress| {
        let told = Python::attach(|py| {
            py.check_signals()?;
            match callback {
                None => Ok(()),
                Some(callback) => callback.call1(py, (progress.file, progress.done, progress.total)).map(drop),
            }
        });
        told.map_err(|error| {
            *said = Some(error);
            Error::Interrupted("interrupted before the end".into())
        })
    })?;
    Ok(folder)
}

/// The numbers of the samples to train with, and of those held out, as scikit-learn's `train_test_split` has them.
#[pyfunction]
pub fn train_test_split(count: usize, fraction: f64, seed: u32) -> PyResult<(Vec<u32>, Vec<u32>)> {
    let split = data::train_validation_split(count, fraction, seed).map_err(raised)?;
    Ok((split.train, split.validation))
}

/// The same of each of scikit-learn's shuffled `KFold`.
#[pyfunction]
pub fn k_folds(count: usize, folds: usize, seed: u32) -> PyResult<Vec<(Vec<u32>, Vec<u32>)>> {
    let splits = data::k_folds(count, folds, seed).map_err(raised)?;
    Ok(splits.into_iter().map(|split| (split.train, split.validation)).collect())
}

/// ` (did you mean "units"?)` where something known is near to what was written.
#[pyfunction]
pub fn nearest(written: &str, known: Vec<String>) -> String {
    model::nearest(written, &known.iter().map(String::as_str).collect::<Vec<_>>())
}
