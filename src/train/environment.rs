//! Where and by which commands a run was made: `environment.json`.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};

use serde::{Deserialize, Serialize};

use super::RunFolder;
use crate::error::{Error, Result};

/// What has no part in a run's numbers but for rounding, and what tells whether it can be repeated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// What tells the run from all others, wherever its folder is; empty in those that are older.
    #[serde(default)]
    pub id: String,
    /// Samples to train with; 0 in runs that are older.
    #[serde(default)]
    pub train_samples: usize,
    /// The command lines, from the first that began the run to the last that went on with it.
    pub commands: Vec<String>,
    /// What computes, in words.
    pub device: String,
    pub adapter: String,
    pub backend: String,
    pub device_type: String,
    pub driver: String,
    pub driver_info: String,
    /// This program's.
    pub version: String,
    pub os: String,
    pub architecture: String,
    /// Of the data set's files, unpacked, by name.
    pub data_sha256: BTreeMap<String, String>,
    /// Whether they are Fashion-MNIST's.
    pub data_verified: bool,
}

const FILE: &str = "environment.json";

impl Environment {
    /// 128 bits that no other run has: of the system's random numbers, by which hash maps are seeded.
    pub fn new_id() -> String {
        let word = || RandomState::new().build_hasher().finish();
        format!("{:016x}{:016x}", word(), word())
    }

    /// # Errors
    /// [`Error::Data`] where the run's folder has none, or none that can be read.
    pub fn read(folder: &RunFolder) -> Result<Self> {
        serde_json::from_str(&folder.read(FILE)?).map_err(|error| {
            let path = folder.path().join(FILE);
            let problem = format!("{}: missing or garbled ({error})", path.display());
            Error::Data(format!("{problem}; give a folder that 'train' wrote").replace('\n', " "))
        })
    }

    /// # Errors
    /// [`Error::Failed`] naming the file that cannot be written.
    pub fn write(&self, folder: &RunFolder) -> Result<()> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Error::Failed(format!("{FILE} cannot be written: {error}")))?;
        folder.write(FILE, &(text + "\n"))
    }
}
