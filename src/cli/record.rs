//! What a run's folder says about how the run was made: `config.toml` and `environment.json`.

use std::env::{self, consts};
use std::iter;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::console::Console;
use super::device::Device;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::train::{Config, Environment, RunFolder};

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
    // Of a run that is gone on with, the earlier commands are kept.
    let mut commands = Environment::read(folder).map_or_else(|_| Vec::new(), |before| before.commands);
    commands.push(command_line());
    let [driver, driver_info] = device.driver().map(str::to_owned);
    let environment = Environment {
        commands,
        device: device.describe(),
        adapter: device.name().into(),
        backend: device.backend().into(),
        device_type: device.device_type().into(),
        driver,
        driver_info,
        version: env!("CARGO_PKG_VERSION").into(),
        os: consts::OS.into(),
        architecture: consts::ARCH.into(),
        data_sha256: dataset.hashes.iter().map(|(name, hash)| ((*name).to_owned(), hash.clone())).collect(),
        data_verified: dataset.verified,
    };
    environment.write(folder)
}

/// Says so where nothing keeps a second process from the run.
pub fn warn_unlocked(folder: &RunFolder, console: &mut Console) {
    if !folder.is_locked() {
        let folder = folder.path().display();
        console.say(&format!(
            "{folder}: its file system has no locks; let no other process go on with this run meanwhile"
        ));
    }
}

/// The process' own command line, as a shell takes it.
fn command_line() -> String {
    let arguments = env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    let words: Vec<String> = iter::once("gpu-fmnist".to_owned()).chain(arguments).collect();
    // Only a zero byte, which no argument can have, cannot be quoted.
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_default()
}

/// The data folder that `config.toml` names, if that is still there.
pub fn data_dir(folder: &RunFolder) -> Option<PathBuf> {
    let table: toml::Table = folder.read("config.toml").parse().ok()?;
    let data_dir = Path::new(table.get("data_dir")?.as_str()?);
    data_dir.is_dir().then(|| data_dir.to_owned())
}
