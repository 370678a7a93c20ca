//! The data set for training and evaluation: found or fetched, read, and held against the model.

use std::path::{Path, PathBuf};

use super::bar;
use super::console::Console;
use crate::data::{self, Dataset, FILES, Samples};
use crate::error::{Error, Result};
use crate::model::Model;

/// The data set for a model: see [`load`].
///
/// # Errors
/// [`Error::Data`] where it cannot be had, or is corrupt, or does not fit the model.
pub fn open(data_dir: Option<&Path>, model: &Model, console: &mut Console) -> Result<Dataset> {
    let dataset = load(data_dir, console)?;
    check(&dataset, model)?;
    Ok(dataset)
}

/// The data set in `data_dir`, or where such things are kept, or fetched into the user's cache.
///
/// # Errors
/// [`Error::Data`] where it cannot be had, or is corrupt.
pub fn load(data_dir: Option<&Path>, console: &mut Console) -> Result<Dataset> {
    let folder = match data::locate(data_dir)? {
        Some(folder) => folder,
        None => {
            let folder = cache()?;
            console.say(&format!("no data set here: fetching Fashion-MNIST into {}", folder.display()));
            fetch(&folder, console)?;
            folder
        }
    };
    let dataset = Dataset::load(&folder)?;
    if !dataset.verified {
        let folder = folder.display();
        console.say(&format!("{folder}: the checksums are not Fashion-MNIST's; taken as another data set"));
    }
    Ok(dataset)
}

/// The checksums of the data set's files, as a run's state has them.
pub fn hashes(dataset: &Dataset) -> Vec<String> {
    dataset.hashes.iter().map(|(_, hash)| hash.clone()).collect()
}

/// The folder that fetches go to by default.
///
/// # Errors
/// [`Error::Data`] where the user has no home folder.
pub fn cache() -> Result<PathBuf> {
    data::cache_folder().ok_or_else(|| Error::Data("no home folder to fetch the data set into; give --data-dir".into()))
}

/// Fetches with a bar on a terminal, and a line a file elsewhere.
///
/// # Errors
/// See [`data::fetch`].
pub fn fetch(folder: &Path, console: &mut Console) -> Result<()> {
    let bar = bar::new(console, "{msg} {wide_bar} {bytes}/{total_bytes}");
    let mut under_way = String::new();
    let fetched = data::fetch(folder, &mut |progress| {
        let now = format!("{} from {}", progress.file, progress.source);
        if now != under_way {
            if bar.is_hidden() {
                console.say(&format!("fetching {now}"));
            }
            bar.set_message(progress.file.to_owned());
            under_way = now;
        }
        bar.set_length(progress.total.unwrap_or(progress.done));
        bar.set_position(progress.done);
        Ok(())
    });
    bar.finish_and_clear();
    fetched
}

/// Refuses a data set that is not the model's.
///
/// # Errors
/// [`Error::Data`] naming the file and what is wrong with it.
pub fn check(dataset: &Dataset, model: &Model) -> Result<()> {
    let file = |name: &str| dataset.folder.join(name).display().to_string();
    if dataset.train.shape != model.input {
        let (name, shape, input) = (&model.name, dataset.train.shape, model.input);
        return Err(Error::Data(format!(
            "{}: images are {shape:?} [H, W, C], but model '{name}' takes {input:?}; give another --model or --data-dir",
            file(FILES[0].name)
        )));
    }
    check_labels(&dataset.train, &file(FILES[1].name), model)?;
    check_labels(&dataset.test, &file(FILES[3].name), model)
}

fn check_labels(samples: &Samples, file: &str, model: &Model) -> Result<()> {
    match samples.label_beyond(model.classes()) {
        None => Ok(()),
        Some(place) => {
            let (label, classes) = (samples.labels[place], model.classes());
            let remedy = format!("give a --model with {} classes or more", usize::from(label) + 1);
            Err(Error::Data(format!(
                "{file}: label {label} of sample {place} is beyond the {classes} classes of model '{}'; {remedy}",
                model.name
            )))
        }
    }
}
