//! What a run's folder says about how the run was made: `config.toml` and `environment.json`.

use std::env;
#[cfg(unix)]
use std::ffi::OsString;
use std::iter;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::device::Device;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::shell::quoted;
use crate::train::{Config, Environment, RunFolder};

/// `config.toml`: the configuration with every default filled in, and where the data is.
#[derive(Serialize)]
struct ConfigFile<'a> {
    data_dir: DataDir,
    #[serde(flatten)]
    config: &'a Config,
}

/// A path as TOML can have it: text, or its bytes where they are none.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum DataDir {
    Text(String),
    Bytes(Vec<u8>),
}

/// The part of `config.toml` that is no [`Config`].
#[derive(Deserialize)]
struct Place {
    data_dir: DataDir,
}

impl From<PathBuf> for DataDir {
    fn from(path: PathBuf) -> Self {
        match path.into_os_string().into_string() {
            Ok(text) => DataDir::Text(text),
            Err(path) => DataDir::Bytes(path.into_encoded_bytes()),
        }
    }
}

impl From<DataDir> for PathBuf {
    fn from(data_dir: DataDir) -> Self {
        match data_dir {
            DataDir::Text(text) => text.into(),
            #[cfg(unix)]
            DataDir::Bytes(bytes) => <OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes).into(),
            #[cfg(not(unix))]
            DataDir::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned().into(),
        }
    }
}

/// Writes both files.
///
/// # Errors
/// [`Error::Failed`] naming the file that cannot be written.
pub fn write(folder: &RunFolder, config: &Config, dataset: &Dataset, device: &Device) -> Result<()> {
    let data_dir = std::path::absolute(&dataset.folder).unwrap_or_else(|_| dataset.folder.clone());
    let text = toml::to_string(&ConfigFile { data_dir: data_dir.into(), config })
        .map_err(|error| Error::Failed(format!("config.toml cannot be written: {error}")))?;
    folder.write("config.toml", &text)?;
    // Of a run that is gone on with, the earlier commands are kept.
    let before = Environment::read(folder).ok();
    let (id, mut commands) = before.map_or_else(Default::default, |before| (before.id, before.commands));
    commands.push(command_line());
    let environment = Environment {
        id: if id.is_empty() { Environment::new_id() } else { id },
        train_samples: config.parts(dataset.train.len())?.train.len(),
        commands,
        data_sha256: dataset.hashes.iter().map(|(name, hash)| ((*name).to_owned(), hash.clone())).collect(),
        data_verified: dataset.verified,
        ..device.environment()
    };
    environment.write(folder)
}

/// The process' own command line, as a shell takes it.
fn command_line() -> String {
    let words = iter::once("gpu-fmnist".into()).chain(env::args_os().skip(1));
    words.map(|word| quoted(&word)).collect::<Vec<String>>().join(" ")
}

/// The data folder that `config.toml` names, whether or not it is still there.
///
/// # Errors
/// [`Error::Data`] where the file cannot be read.
pub fn data_dir(folder: &RunFolder) -> Result<Option<PathBuf>> {
    let place = toml::from_str(&folder.read("config.toml")?);
    Ok(place.ok().map(|Place { data_dir }| data_dir.into()))
}
