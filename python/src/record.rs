//! The folder of a run, as `gpu-fmnist train` writes it; there is no data set in files that it could go on with.

use std::path::Path;

use gpu_fmnist::train::{Config, Environment, Finished, History, RunFolder, Trainer};
use gpu_fmnist::{Device, Error, Result};

/// The command that the run's folder has.
const COMMAND: &str = "fit of the Python package gpu-fmnist";

/// What an epoch leaves in the folder.
pub struct Record {
    folder: RunFolder,
    history: History,
}

impl Record {
    /// Makes the folder of a run with so many samples, of which the configuration holds some out.
    ///
    /// # Errors
    /// Where there is something in it, or it cannot be written.
    pub fn begin(path: &Path, config: &Config, device: &Device, samples: usize) -> Result<Self> {
        let train_samples = config.parts(samples)?.train.len();
        let folder = RunFolder::create(path)?;
        let text = toml::to_string(config)
            .map_err(|error| Error::Failed(format!("config.toml cannot be written: {error}")))?;
        folder.write("config.toml", &text)?;
        let environment = Environment {
            id: Environment::new_id(),
            train_samples,
            commands: vec![COMMAND.into()],
            ..device.environment()
        };
        environment.write(&folder)?;
        Ok(Self { folder, history: History::default() })
    }

    /// Writes the checkpoints and the table of epochs.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn epoch(&mut self, finished: &Finished, trainer: &mut Trainer) -> Result<()> {
        let names: &[&str] = if finished.best { &["best", "last"] } else { &["last"] };
        self.folder.save(&trainer.checkpoint()?, names)?;
        self.history.push(finished.result, finished.seconds);
        self.folder.write("metrics.csv", &self.history.csv(trainer.epoch_flop()))
    }
}
