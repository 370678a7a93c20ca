//! What a search has in common with a sweep: the space's file, what `train` would make of values, signs of life, the table.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use gpu_fmnist::Error;
use gpu_fmnist::cli::{Tasks, collected};
use gpu_fmnist::sweep::{Manifest, Outcome, Space, Task};
use gpu_fmnist::train::{Monitor, RunFolder, RunLock};
use pyo3::prelude::*;
use serde::Deserialize;
use serde_json::json;

use crate::errors::refused;
use crate::guard::engine;

/// The space of a search.
#[pyclass(frozen, module = "gpu_fmnist._engine")]
pub struct SearchSpace {
    about: String,
    tasks: Mutex<Tasks>,
}

#[pymethods]
impl SearchSpace {
    #[new]
    fn open(py: Python, path: PathBuf) -> PyResult<Self> {
        engine(py, || {
            let space = Space::open(&path)?;
            let search = space.search().map_err(|problem| Error::Usage(format!("{}: {problem}", path.display())))?;
            let about = json!({
                "name": space.name,
                "metric": space.metric,
                "maximize": matches!(space.metric, Monitor::ValAccuracy | Monitor::Accuracy),
                "pruning": space.pruning,
                "parameters": space.parameters,
                "search": search,
            });
            Ok(Self { about: about.to_string(), tasks: Mutex::new(Tasks::new(&path, space)) })
        })
    }

    /// The file's keys, in JSON.
    fn about(&self) -> &str {
        &self.about
    }

    /// The task of that number with the values of all parameters in JSON, as `sweep.json` has one.
    fn task(&self, py: Python, values: &str, number: usize) -> PyResult<String> {
        let values: BTreeMap<String, toml::Value> = parsed("values", values)?;
        let task = engine(py, || self.tasks.lock().unwrap_or_else(PoisonError::into_inner).searched(values, number))?;
        serde_json::to_string(&task).map_err(|error| refused("task", error))
    }

    /// The text of `sweep.json` with these tasks, in JSON.
    fn manifest(&self, tasks: &str) -> PyResult<String> {
        let tasks: Vec<Task> = parsed("tasks", tasks)?;
        let manifest: Manifest = self.tasks.lock().unwrap_or_else(PoisonError::into_inner).listed(tasks);
        serde_json::to_string(&manifest).map_err(|error| refused("tasks", error))
    }
}

fn parsed<T: for<'a> Deserialize<'a>>(argument: &str, text: &str) -> PyResult<T> {
    serde_json::from_str(text).map_err(|error| refused(argument, error))
}

/// Writes what became of the task with that folder, in JSON.
#[pyfunction]
pub fn end_task(py: Python, folder: PathBuf, outcome: &str) -> PyResult<()> {
    let outcome: Outcome = parsed("outcome", outcome)?;
    engine(py, || outcome.write(&RunFolder::open(&folder)))
}

/// Writes the table and the pictures of a sweep or search into its folder; the table as text.
#[pyfunction]
pub fn collect(py: Python, folder: PathBuf) -> PyResult<String> {
    engine(py, || collected(&folder))
}

/// A folder that one process has at a time, on whichever host that sees it; with the process, that ends.
#[pyclass(frozen, module = "gpu_fmnist._engine")]
pub struct Lock {
    lock: Mutex<Option<RunLock>>,
}

#[pymethods]
impl Lock {
    /// Takes the folder, which is made; none where another process has it.
    #[staticmethod]
    fn take(py: Python, folder: PathBuf) -> PyResult<Option<Self>> {
        engine(py, || {
            std::fs::create_dir_all(&folder).map_err(|error| {
                let path = folder.display();
                Error::Failed(format!(
                    "{path}: cannot be made ({error}); check its permissions, or choose another folder"
                ))
            })?;
            Ok(RunLock::take(&folder)?.ok().map(|lock| Self { lock: Mutex::new(Some(lock)) }))
        })
    }

    fn release(&self, py: Python) {
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
        py.detach(|| drop(lock));
    }

    /// Whether a process has that folder. It is asked without writing anything there.
    #[staticmethod]
    fn is_held(py: Python, folder: PathBuf) -> PyResult<bool> {
        engine(py, || Ok(RunLock::is_held(&folder)))
    }
}
