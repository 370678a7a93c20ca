//! What `gpu-fmnist tune` keeps on disk: a TOML file in the user's cache with the tuned configurations of each adapter.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::measure::Outcome;
use crate::data;
use crate::error::{Error, Result};
use crate::formats::{read_text, write_own};
use crate::gemm::GemmConfig;
use crate::gpu::Identity;
use crate::kernels::{MATRIX_PRODUCTS, REGISTRY};
use crate::precision::Precision;

/// Everything kept, of all adapters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cache {
    #[serde(default, rename = "adapter")]
    entries: Vec<Entry>,
}

/// What is kept of an adapter for runs of one precision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    identity: Identity,
    #[serde(default, skip_serializing_if = "Precision::is_f32")]
    precision: Precision,
    /// The program and the shaders that the configurations were measured with: no others are sure to be served by them.
    version: String,
    shaders_sha256: String,
    /// By the products' keys.
    #[serde(default)]
    products: BTreeMap<String, Kept>,
}

/// A configuration that won, and its time and the profile's, for people who read the file.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Kept {
    milliseconds: f64,
    table_milliseconds: f64,
    #[serde(flatten)]
    config: GemmConfig,
}

/// What the cache knows of an adapter, for runs of one precision.
#[derive(Clone, Debug, PartialEq)]
pub enum Known {
    Nothing,
    /// Only what was measured with another version of the program or its shaders.
    Outdated,
    /// Configurations by the products' keys.
    Configs(BTreeMap<String, GemmConfig>),
}

const HEAD: &str =
    "# Tiles that `gpu-fmnist tune` found to be faster than the built-in table's. It may be deleted.\n\n";

impl Cache {
    /// The file's path; `None` where the user has no home folder.
    pub fn path() -> Option<PathBuf> {
        data::cache_folder().map(|folder| folder.join("tiles.toml"))
    }

    /// Reads the file; an empty cache where there is none.
    ///
    /// # Errors
    /// [`Error::Data`] naming the file, where it cannot be read or is damaged.
    pub fn read(path: &Path) -> Result<Self> {
        let fail = |problem: String| Err(Error::Data(format!("{}: {problem}", path.display())));
        match read_text(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => fail(format!("cannot be read ({error})")),
            Ok(text) => match toml::from_str(&text) {
                Ok(cache) => Ok(cache),
                Err(error) => fail(format!("no cache of tiles ({})", error.message().replace('\n', " "))),
            },
        }
    }

    /// Writes the file, and its folder where there is none.
    ///
    /// # Errors
    /// [`Error::Failed`] naming what cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| {
                let folder = folder.display();
                Error::Failed(format!("{folder}: cannot be made ({error}); name another with GPU_FMNIST_CACHE"))
            })?;
        }
        let text = toml::to_string(self)
            .map_err(|error| Error::Failed(format!("{}: cannot be written: {error}", path.display())))?;
        write_own(path, (HEAD.to_owned() + &text).as_bytes())
    }

    pub fn known(&self, adapter: &Identity, precision: Precision) -> Known {
        match self.entries.iter().find(|entry| entry.is_for(adapter, precision)) {
            None => Known::Nothing,
            Some(entry) if !entry.is_current() => Known::Outdated,
            Some(entry) => {
                Known::Configs(entry.products.iter().map(|(key, kept)| (key.clone(), kept.config)).collect())
            }
        }
    }

    /// Keeps what a product came to: its best configuration, or that none beats the profile's. What is outdated goes.
    pub fn put(&mut self, adapter: &Identity, outcome: &Outcome) {
        let precision = outcome.precision;
        self.entries.retain(|entry| entry.identity != *adapter || entry.is_current());
        let place = self.entries.iter().position(|entry| entry.is_for(adapter, precision)).unwrap_or_else(|| {
            self.entries.push(Entry::new(adapter, precision));
            self.entries.len() - 1
        });
        let (products, key) = (&mut self.entries[place].products, outcome.problem.to_string());
        match outcome.best {
            None => drop(products.remove(&key)),
            Some(best) => {
                let milliseconds = |seconds: f64| (seconds * 1e6).round() / 1e3;
                let table_milliseconds = milliseconds(outcome.table.seconds);
                let kept = Kept { milliseconds: milliseconds(best.seconds), table_milliseconds, config: best.config };
                products.insert(key, kept);
            }
        }
    }

    /// Forgets an adapter; whether there was anything to forget.
    pub fn clear(&mut self, adapter: &Identity) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.identity != *adapter);
        self.entries.len() < before
    }
}

impl Entry {
    fn new(adapter: &Identity, precision: Precision) -> Self {
        Self {
            identity: adapter.clone(),
            precision,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            shaders_sha256: shaders_sha256(precision),
            products: BTreeMap::new(),
        }
    }

    fn is_for(&self, adapter: &Identity, precision: Precision) -> bool {
        self.identity == *adapter && self.precision == precision
    }

    fn is_current(&self) -> bool {
        self.version == env!("CARGO_PKG_VERSION") && self.shaders_sha256 == shaders_sha256(self.precision)
    }
}

/// Of the text of all shaders that runs of that precision have.
fn shaders_sha256(precision: Precision) -> String {
    let by_matrices = MATRIX_PRODUCTS.iter().filter(|_| precision == Precision::F16);
    let rows: Vec<&[u8]> = REGISTRY.iter().chain(by_matrices).map(|row| row.wgsl.as_bytes()).collect();
    data::sha256(&rows)
}

#[cfg(test)]
mod tests {
    use super::super::Measured;
    use super::*;
    use crate::gemm::{Convolution, DeviceClass, GemmKind, GemmProblem};

    fn identity(name: &str) -> Identity {
        let [backend, driver, driver_info] = ["vulkan", "driver", "1.0"].map(str::to_owned);
        Identity { name: name.into(), backend, driver, driver_info }
    }

    fn outcome(units: usize, wins: bool) -> Outcome {
        outcome_in(Precision::F32, units, wins)
    }

    fn outcome_in(precision: Precision, units: usize, wins: bool) -> Outcome {
        let convolution = Convolution::dense(8, 32, units);
        let problem = GemmProblem::new(GemmKind::WeightGradient, &convolution);
        let config = GemmConfig { partitions: 3, ..DeviceClass::Gpu.profile().config(&problem) };
        let measured = |seconds| Measured { config, seconds };
        let best = wins.then(|| measured(0.001));
        Outcome { problem, precision, table: measured(0.002), best, candidates: 9, dropped: Vec::new() }
    }

    fn configs(cache: &Cache, name: &str) -> usize {
        configs_in(Precision::F32, cache, name)
    }

    fn configs_in(precision: Precision, cache: &Cache, name: &str) -> usize {
        match cache.known(&identity(name), precision) {
            Known::Configs(configs) => configs.len(),
            other => panic!("{name}: {other:?}"),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/tiles.toml");
        let mut cache = Cache::read(&path).unwrap();
        assert_eq!(cache, Cache::default());
        cache.put(&identity("one"), &outcome(4, true));
        cache.put(&identity("one"), &outcome(5, true));
        cache.put(&identity("two"), &outcome(4, false));
        cache.write(&path).unwrap();
        let read = Cache::read(&path).unwrap();
        assert_eq!(read, cache);
        assert_eq!((configs(&read, "one"), configs(&read, "two")), (2, 0));
        assert_eq!(read.known(&identity("three"), Precision::F32), Known::Nothing);
    }

    #[test]
    fn a_later_measurement_replaces_an_earlier_one() {
        let mut cache = Cache::default();
        cache.put(&identity("one"), &outcome(4, true));
        cache.put(&identity("two"), &outcome(4, true));
        cache.put(&identity("one"), &outcome(4, false));
        assert_eq!((configs(&cache, "one"), configs(&cache, "two")), (0, 1));
        assert!(cache.clear(&identity("one")) && !cache.clear(&identity("one")));
        assert_eq!((cache.known(&identity("one"), Precision::F32), configs(&cache, "two")), (Known::Nothing, 1));
    }

    #[test]
    fn configurations_for_other_shaders_are_outdated_and_replaced() {
        let mut cache = Cache::default();
        cache.put(&identity("one"), &outcome(4, true));
        cache.entries[0].shaders_sha256 = "another".into();
        assert_eq!(cache.known(&identity("one"), Precision::F32), Known::Outdated);
        cache.put(&identity("one"), &outcome(5, true));
        assert_eq!(configs(&cache, "one"), 1);
    }

    /// Also in a file of before there were any but f32's.
    #[test]
    fn each_precision_has_its_own() {
        let mut cache = Cache::default();
        cache.put(&identity("one"), &outcome(4, true));
        let before = toml::to_string(&cache).unwrap();
        assert!(!before.contains("precision"), "{before}");
        let mut cache: Cache = toml::from_str(&before).unwrap();
        cache.put(&identity("one"), &outcome_in(Precision::F16, 4, true));
        cache.put(&identity("one"), &outcome_in(Precision::F16, 5, true));
        let cache: Cache = toml::from_str(&toml::to_string(&cache).unwrap()).unwrap();
        assert_eq!([Precision::F32, Precision::F16].map(|one| configs_in(one, &cache, "one")), [1, 2]);
        assert_eq!(cache.known(&identity("one"), Precision::Bf16), Known::Nothing);
        assert!(cache.clone().clear(&identity("one")));
    }
}
