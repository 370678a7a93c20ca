//! What a network sees on anyone's pictures, as `predict` tells it.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::device::Device;
use super::trained::Trained;
use super::{output, prepared, setup};
use crate::augment::Views;
use crate::data::{Picture, Preparation, Samples};
use crate::error::{Error, Result};
use crate::evaluate::Predictions;

/// Pictures and the network's answers to them.
pub struct Pictures<'a> {
    trained: &'a Trained,
    paths: &'a [PathBuf],
    pictures: Vec<Picture>,
    /// Where what the network saw was written.
    prepared: Vec<PathBuf>,
    names: Vec<String>,
}

/// The path that means standard input.
const STDIN: &str = "-";

/// How many of a picture's classes are told.
const MOST: usize = 3;

impl<'a> Pictures<'a> {
    /// Reads all of them, as [`Picture::read`] does; `-` is standard input.
    ///
    /// # Errors
    /// [`Error::Data`] naming the first that is no picture, [`Error::Usage`] where the network is not for pictures, or
    /// standard input is given more than once.
    pub fn read(trained: &'a Trained, paths: &'a [PathBuf], preparation: &Preparation) -> Result<Self> {
        let shape = preparation.shape;
        if !matches!(shape[2], 1 | 3) {
            let (path, channels) = (trained.path.display(), shape[2]);
            let problem = format!("the network's input has {channels} channels, a picture 1 or 3");
            return Err(Error::Usage(format!("{path}: {problem}; give no IMAGE but --split")));
        }
        if paths.iter().filter(|path| path.as_path() == Path::new(STDIN)).count() > 1 {
            return Err(Error::Usage("'-' is given twice, but standard input can be read only once".into()));
        }
        let read = |path: &PathBuf| match path.to_str() {
            Some(STDIN) => Picture::read_from(io::stdin().lock(), Path::new("standard input"), preparation),
            _ => Picture::read(path, preparation),
        };
        let pictures = paths.iter().map(read).collect::<Result<_>>()?;
        Ok(Self { trained, paths, pictures, prepared: Vec::new(), names: trained.class_names(None)? })
    }

    /// Writes what the network sees of each into a folder; a line that says so.
    ///
    /// # Errors
    /// [`Error::Failed`] naming what cannot be written.
    pub fn save(&mut self, folder: &Path) -> Result<String> {
        self.prepared = prepared::save(folder, self.paths, &self.pictures, self.trained.network.model.input)?;
        let (count, folder) = (self.prepared.len(), folder.display());
        let pictures = if count == 1 { "1 prepared picture".into() } else { format!("{count} prepared pictures") };
        Ok(format!("wrote {pictures} into {folder}\n"))
    }

    /// The network's answers, of these views of each.
    ///
    /// # Errors
    /// Where the checkpoint or the device's limits do not allow it.
    pub fn predict(&self, device: &Device, views: Views) -> Result<Predictions> {
        let shape = self.trained.network.model.input;
        let images = self.pictures.iter().flat_map(|picture| &picture.pixels).copied().collect();
        // What they are is not known: nothing comes of the labels.
        let pictures = Samples { images, labels: vec![0; self.pictures.len()], shape };
        let numbers: Vec<u32> = (0..).take(self.pictures.len()).collect();
        Ok(setup::evaluator(self.trained, (&pictures).into(), device, views)?.predict(&numbers)?.1)
    }

    /// A table with a row for each picture.
    pub fn text(&self, predictions: &Predictions) -> String {
        let row = |(sample, (path, picture)): (usize, (&PathBuf, &Picture))| {
            let inverted = if picture.inverted { "yes" } else { "no" };
            let likeliest = likeliest(predictions, sample);
            let told =
                likeliest.map(|(class, probability)| format!("{} {:.1} %", self.names[class], 100.0 * probability));
            [path.display().to_string(), inverted.to_owned()].into_iter().chain(told).collect()
        };
        let rows: Vec<Vec<String>> = self.paths.iter().zip(&self.pictures).enumerate().map(row).collect();
        let headings = ["picture", "inverted", "likeliest", "second", "third"];
        // A network may tell fewer classes apart.
        output::table(&headings[..rows[0].len()], &rows)
    }

    pub fn json(&self, predictions: &Predictions, device: &Device) -> Value {
        let (names, run) = (&self.names, self.trained.run.as_ref());
        let class = |(class, probability): (usize, f64)| json!({ "class": class, "name": names[class], "probability": probability });
        let picture = |(sample, (path, picture)): (usize, (&PathBuf, &Picture))| {
            let mut told = json!({
                "file": path.to_string_lossy(),
                "inverted": picture.inverted,
                "classes": likeliest(predictions, sample).map(class).collect::<Vec<_>>(),
            });
            if let Some(prepared) = self.prepared.get(sample) {
                told["prepared"] = json!(prepared.to_string_lossy());
            }
            told
        };
        json!({
            "model": self.trained.network.model.name,
            "adapter": device.name(),
            "run_dir": run.map(|run| run.folder.path().to_string_lossy()),
            "checkpoint": run.map(|run| run.checkpoint),
            "pictures": self.paths.iter().zip(&self.pictures).enumerate().map(picture).collect::<Vec<_>>(),
        })
    }
}

/// A sample's likeliest classes with their probabilities.
fn likeliest(predictions: &Predictions, sample: usize) -> impl Iterator<Item = (usize, f64)> {
    let ranking = predictions.ranking(sample).into_iter().take(MOST);
    ranking.map(move |class| (class, predictions.probabilities(sample)[class]))
}
