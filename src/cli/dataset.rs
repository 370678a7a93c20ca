//! The data set for training and evaluation: found or fetched, read, and held against the model.

use std::path::{Path, PathBuf};

use super::console::Console;
use super::{bar, record};
use crate::data::{self, Dataset, FILES, Samples};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::train::RunFolder;

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
    tell(&dataset, console);
    let passed_over = Path::new("data");
    if data_dir.is_none() && passed_over.is_dir() && !folder.starts_with(passed_over) {
        console.say("data: not taken, since none of the four files is there");
    }
    Ok(dataset)
}

/// The data set in that folder, or where such things are kept; nothing is fetched.
///
/// # Errors
/// [`Error::Data`] where there is none, or it is corrupt.
pub fn load_here(data_dir: Option<&Path>) -> Result<Dataset> {
    match data::locate(data_dir)? {
        Some(folder) => Dataset::load(&folder),
        None => Err(Error::Data("no data set in any of the usual folders; run 'gpu-fmnist data fetch'".into())),
    }
}

/// The data set for a run to go on with or to be measured on: see [`load_of_run`].
///
/// # Errors
/// [`Error::Data`] where it cannot be had, or is corrupt, or does not fit the model.
pub fn open_of_run(
    data_dir: Option<&Path>,
    run: &RunFolder,
    hashes: &[String],
    model: &Model,
    console: &mut Console,
) -> Result<Dataset> {
    let dataset = load_of_run(data_dir, run, hashes, console)?;
    check(&dataset, model)?;
    Ok(dataset)
}

/// The data set in `data_dir`, or where the run had it, or wherever else there is one with the checksums of the run's. Only
/// Fashion-MNIST is fetched, for a run of it.
///
/// # Errors
/// [`Error::Data`] where it cannot be had, naming the folder that is gone, or is corrupt.
pub fn load_of_run(
    data_dir: Option<&Path>,
    run: &RunFolder,
    hashes: &[String],
    console: &mut Console,
) -> Result<Dataset> {
    if data_dir.is_some() {
        return load(data_dir, console);
    }
    load_recorded(record::data_dir(run)?, hashes, run.path(), console)
}

/// The data set for a task: in `data_dir`, or in the folder that is recorded, or wherever else there is one with these
/// checksums.
///
/// # Errors
/// [`Error::Data`] where it cannot be had, or is another, or corrupt, or does not fit the model.
pub fn open_recorded(
    data_dir: Option<&Path>,
    folder: &Path,
    hashes: &[String],
    model: &Model,
    console: &mut Console,
) -> Result<Dataset> {
    let dataset = match data_dir {
        Some(_) => load(data_dir, console)?,
        None => load_recorded(Some(folder.to_owned()), hashes, folder, console)?,
    };
    if self::hashes(&dataset) != hashes {
        let folder = dataset.folder.display();
        return Err(Error::Data(format!(
            "{folder}: not the data set that the sweep was made with; give that one with --data-dir"
        )));
    }
    check(&dataset, model)?;
    Ok(dataset)
}

/// The data set in the folder that is recorded of a run, or wherever else there is one with the checksums.
fn load_recorded(recorded: Option<PathBuf>, hashes: &[String], run: &Path, console: &mut Console) -> Result<Dataset> {
    let is_there = |folder: &&Path| data::locate(Some(folder)).is_ok();
    if let Some(folder) = recorded.as_deref().filter(is_there) {
        return load(Some(folder), console);
    }
    let is_fashion_mnist = hashes.iter().eq(FILES.iter().map(|file| file.sha256));
    if let Some(folder) = recorded.as_deref().filter(|folder| folder.is_dir() && !is_fashion_mnist) {
        return load(Some(folder), console);
    }
    // A variable may name one before all others.
    let folders = data::locate(None).ok().flatten().into_iter().chain(data::standard_folders());
    let folders = folders.filter(|folder| is_there(&folder.as_path()));
    let the_runs = |dataset: &Dataset| self::hashes(dataset) == hashes;
    if let Some(dataset) = folders.filter_map(|folder| Dataset::load(&folder).ok()).find(the_runs) {
        tell(&dataset, console);
        return Ok(dataset);
    }
    if is_fashion_mnist {
        let folder = cache()?;
        fetch(&folder, console)?;
        return load(Some(&folder), console);
    }
    let problem = match recorded {
        Some(folder) => format!("{}: gone, and with it the data set that the run is of", folder.display()),
        None => format!("{}: its config.toml does not say where the run's data set is", run.display()),
    };
    Err(Error::Data(format!("{problem}; give the folder where it is now with --data-dir")))
}

/// Says which data set was taken, and as what.
fn tell(dataset: &Dataset, console: &mut Console) {
    let folder = dataset.folder.display();
    match dataset.verified {
        true => console.say(&format!("{folder}: Fashion-MNIST, as published")),
        false => console.say(&format!("{folder}: the checksums are not Fashion-MNIST's; taken as another data set")),
    }
    dataset.notes.iter().for_each(|note| console.say(note));
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
    let file = |place: usize| dataset.files[place].display().to_string();
    if dataset.train.shape != model.input {
        let (name, shape, input) = (&model.name, dataset.train.shape, model.input);
        return Err(Error::Data(format!(
            "{}: images are {shape:?} [H, W, C], but model '{name}' takes {input:?}; give another model or --data-dir",
            file(0)
        )));
    }
    check_labels(&dataset.train, &file(1), model)?;
    check_labels(&dataset.test, &file(3), model)
}

fn check_labels(samples: &Samples, file: &str, model: &Model) -> Result<()> {
    match samples.label_beyond(model.classes()) {
        None => Ok(()),
        Some(place) => {
            let (label, classes) = (samples.labels[place], model.classes());
            let remedy = format!("give a model with {} classes or more", usize::from(label) + 1);
            Err(Error::Data(format!(
                "{file}: label {label} of sample {place} is beyond the {classes} classes of model '{}'; {remedy}",
                model.name
            )))
        }
    }
}
