//! What a sweep is of: each run's configuration with every default filled in, written once.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::Value;

use super::{Parameter, Pruning, Standing, shown};
use crate::error::{Error, Result};
use crate::formats::{make_folder, read_text, write_own};
use crate::train::{Config, Monitor};

/// `sweep.json` in a sweep's folder.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    format_version: u32,
    pub name: String,
    /// What the runs are compared by.
    pub metric: Monitor,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pruning: Option<Pruning>,
    /// Those that vary.
    pub parameters: Vec<Parameter>,
    pub tasks: Vec<Task>,
    /// Where it was read from.
    #[serde(skip)]
    folder: PathBuf,
}

/// One run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Task {
    /// Of what varies; of seeds and folds, too.
    pub values: BTreeMap<String, Value>,
    /// Options of `train`, as a command line has them.
    pub arguments: Vec<String>,
    /// Where the data set was.
    pub data_dir: String,
    /// The checksums of its files.
    pub data: Vec<String>,
    /// All but what the device decides: tiles and, unless it is given, the micro-batch.
    pub config: Config,
}

const FILE: &str = "sweep.json";
const FORMAT_VERSION: u32 = 1;

impl Task {
    /// `learning_rate = 0.01, seed = 3`
    pub fn described(&self) -> String {
        let value = |(name, value): (&String, &Value)| format!("{name} = {}", shown(value));
        self.values.iter().map(value).collect::<Vec<String>>().join(", ")
    }
}

impl Manifest {
    pub fn new(
        name: String,
        metric: Monitor,
        pruning: Option<Pruning>,
        parameters: Vec<Parameter>,
        tasks: Vec<Task>,
    ) -> Self {
        Self { format_version: FORMAT_VERSION, name, metric, pruning, parameters, tasks, folder: PathBuf::new() }
    }

    /// Reads the manifest in a sweep's folder, or that file.
    ///
    /// # Errors
    /// [`Error::Data`] where there is none, or none that is whole.
    pub fn open(path: &Path) -> Result<Self> {
        let file = if path.is_dir() { path.join(FILE) } else { path.to_owned() };
        let fail = |problem: String| {
            let problem = problem.replace('\n', " ");
            Error::Data(format!("{}: {problem}; give a folder that 'sweep new' wrote", file.display()))
        };
        let text = read_text(&file).map_err(|error| fail(format!("cannot be read ({error})")))?;
        let mut manifest: Self = serde_json::from_str(&text)
            .map_err(|error| fail(format!("no manifest of a sweep, or not whole ({error})")))?;
        if manifest.format_version != FORMAT_VERSION {
            let version = manifest.format_version;
            return Err(fail(format!("its format_version is {version}, this program reads {FORMAT_VERSION}")));
        }
        for (task, number) in manifest.tasks.iter().zip(1..) {
            task.config.check().map_err(|error| fail(format!("task {number} is impossible ({error})")))?;
        }
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        manifest.folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        Ok(manifest)
    }

    /// Writes it into an empty folder, for good.
    ///
    /// # Errors
    /// [`Error::Usage`] where something is in the folder, [`Error::Failed`] where it cannot be written.
    pub fn write(mut self, folder: &Path) -> Result<Self> {
        make_folder(folder)?;
        let file = folder.join(FILE);
        let is_empty = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
        if !is_empty {
            let folder = folder.display();
            return Err(Error::Usage(format!("`run_dir` {folder}: not empty; choose another folder")));
        }
        let text = serde_json::to_string(&self)
            .map_err(|error| Error::Failed(format!("{}: cannot be written ({error})", file.display())))?;
        write_own(&file, (text + "\n").as_bytes())?;
        // Where that cannot be said, it is the same all the same.
        if let Ok(about) = fs::metadata(&file) {
            let mut permissions = about.permissions();
            permissions.set_readonly(true);
            drop(fs::set_permissions(&file, permissions));
        }
        self.folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        Ok(self)
    }

    /// The sweep's, absolute.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of a task's run; they are counted from 1.
    pub fn task_folder(&self, number: usize) -> PathBuf {
        self.folder.join("tasks").join(number.to_string())
    }

    /// The task of that number, from 1.
    ///
    /// # Errors
    /// [`Error::Usage`] where there is none.
    pub fn task(&self, number: usize) -> Result<&Task> {
        number.checked_sub(1).and_then(|place| self.tasks.get(place)).ok_or_else(|| {
            let (folder, tasks) = (self.folder.display(), self.tasks.len());
            Error::Usage(format!("{folder}: no task {number}; give a number from 1 to {tasks}"))
        })
    }

    /// What became of a task.
    ///
    /// # Errors
    /// See [`Standing::of`].
    pub fn standing(&self, number: usize) -> Result<Standing> {
        Standing::of(&self.task_folder(number))
    }

    /// The tasks that have not ended, by their numbers.
    ///
    /// # Errors
    /// See [`Standing::of`].
    pub fn left(&self) -> Result<Vec<usize>> {
        let mut left = Vec::new();
        for number in 1..=self.tasks.len() {
            if !matches!(self.standing(number)?, Standing::Ended(_)) {
                left.push(number);
            }
        }
        Ok(left)
    }
}
