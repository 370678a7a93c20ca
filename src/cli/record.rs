//! What a run's folder says about how the run was made: `config.toml` and `environment.json`.

use std::env::consts;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::json;

use super::device::Device;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::train::{Config, RunFolder};

/// `config.toml`: the configuration with every default filled in, and where the data is.
#[derive(Serialize)]
struct ConfigFile<'a> {
    data_dir: String,
    #[serde(flatten)]
    config: &'a Config,
}

/// Writes both files.
///
/// # Errors
/// [`Error::Failed`] naming the file that cannot be written.
pub fn write(folder: &RunFolder, config: &Config, dataset: &Dataset, device: &Device) -> Result<()> {
    let data_dir = std::path::absolute(&dataset.folder).unwrap_or_else(|_| dataset.folder.clone());
    let data_dir = data_dir.to_string_lossy().into_owned();
    let text = toml::to_string(&ConfigFile { data_dir, config })
        .map_err(|error| Error::Failed(format!("config.toml cannot be written: {error}")))?;
    folder.write("config.toml", &text)?;
    let [driver, driver_info] = device.driver();
    let hashes: serde_json::Map<_, _> =
        dataset.hashes.iter().map(|(name, hash)| ((*name).to_owned(), json!(hash))).collect();
    let environment = json!({
        "adapter": device.name(),
        "backend": device.backend(),
        "device_type": device.device_type(),
        "driver": driver,
        "driver_info": driver_info,
        "version": env!("CARGO_PKG_VERSION"),
        "os": consts::OS,
        "architecture": consts::ARCH,
        "data_sha256": hashes,
        "data_verified": dataset.verified,
    });
    folder.write("environment.json", &format!("{environment:#}\n"))
}

/// The data folder that `config.toml` names, if that is still there.
pub fn data_dir(folder: &RunFolder) -> Option<PathBuf> {
    let table: toml::Table = folder.read("config.toml").parse().ok()?;
    let data_dir = Path::new(table.get("data_dir")?.as_str()?);
    data_dir.is_dir().then(|| data_dir.to_owned())
}
