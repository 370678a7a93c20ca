//! How far a run has come: what a checkpoint says beside its tensors. Neither times nor paths are part of it, so the
//! same run gives the same bytes anywhere.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Config, EarlyStopping, EarlyStoppingState, EpochResult, Metrics, PlateauState};
use crate::data::{Framing, Split, check_class_names, fashion_mnist_names};
use crate::error::{Error, Result};
use crate::formats::{Checkpoint, Network, OptimizerState, take_averages};
use crate::gpu::Identity;
use crate::kernels::LossScale;

/// A run's configuration and its progress.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub format_version: u32,
    pub config: Config,
    /// SHA-256 of the data set's files, unpacked.
    pub data: Vec<String>,
    /// How the training images are framed: what a picture is to be like for the network. Not in checkpoints that are older.
    #[serde(default)]
    pub framing: Framing,
    /// What the classes are called; empty where only their numbers are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub class_names: Vec<String>,
    /// What trains it: another adapter or driver may round otherwise.
    pub adapter: Identity,
    /// Epochs completed.
    pub epoch: usize,
    /// Steps done of the epoch after those.
    pub step: usize,
    /// All steps done: the optimizer's t and dropout's counter.
    #[serde(rename = "time")]
    pub iterations: u32,
    /// Of the unfinished epoch.
    #[serde(rename = "tally")]
    pub metrics: Metrics,
    /// The best validation accuracy so far.
    pub best: Option<f64>,
    /// The configuration's, or what a plateau left of it; warm-up and schedule apply to it.
    pub learning_rate: f64,
    pub early_stopping: EarlyStoppingState,
    pub plateau: PlateauState,
    /// Of the next step, where the loss is scaled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_scale: Option<LossScale>,
    /// Whether the weights are the best epoch's again. Then the last epoch's, which going on needs, are beside them; until
    /// then it is the other way round.
    pub restored: bool,
    /// The completed epochs.
    pub history: Vec<EpochResult>,
}

/// The version of what [`State`] spells.
const FORMAT_VERSION: u32 = 3;

#[derive(Deserialize)]
struct Version {
    format_version: u32,
}

impl State {
    /// A run that has not begun.
    pub fn new(config: Config, data: Vec<String>, adapter: Identity) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            learning_rate: config.learning_rate,
            config: Config { micro_batch: Some(config.most_rows()), ..config },
            data,
            framing: Framing::default(),
            class_names: Vec::new(),
            adapter,
            epoch: 0,
            step: 0,
            iterations: 0,
            metrics: Metrics::default(),
            best: None,
            early_stopping: EarlyStoppingState::default(),
            plateau: PlateauState::default(),
            loss_scale: None,
            restored: false,
            history: Vec::new(),
        }
    }

    /// The state in the checkpoint that was read from `path`, for messages.
    ///
    /// # Errors
    /// [`Error::Data`] where it contradicts itself or is of another version.
    pub fn parse(checkpoint: &Checkpoint, path: &Path) -> Result<Self> {
        let fail = |problem: String| {
            Error::Data(format!("{}: {problem}; give a checkpoint that 'train' wrote", path.display()))
        };
        let garbled = |error: serde_json::Error| fail(format!("its metadata is garbled ({error})").replace('\n', " "));
        let Version { format_version } = serde_json::from_str(&checkpoint.about).map_err(garbled)?;
        if format_version != FORMAT_VERSION {
            return Err(fail(format!("its format_version is {format_version}, this program reads {FORMAT_VERSION}")));
        }
        let mut state: Self = serde_json::from_str(&checkpoint.about).map_err(garbled)?;
        state.config.micro_batch = Some(state.config.most_rows());
        state.config.check().map_err(|error| fail(format!("its configuration is impossible ({error})")))?;
        let numbered = state.history.iter().zip(1..).all(|(result, epoch)| result.epoch == epoch);
        if state.history.len() != state.epoch || !numbered {
            return Err(fail(format!("its history does not fit its {} epochs", state.epoch)));
        }
        let validates = state.config.validates();
        let fits =
            |result: &EpochResult| [result.val_loss, result.val_accuracy].map(|one| one.is_some()) == [validates; 2];
        if !state.history.iter().all(fits) {
            return Err(fail(
                "its history has a validation where its configuration has none, or none where it has".into(),
            ));
        }
        if !state.framing.is_possible() {
            return Err(fail("its framing is impossible".into()));
        }
        let best_epoch = state.early_stopping.best.map_or(0, |best| best.epoch);
        let learning_rate = state.learning_rate;
        let whole = best_epoch <= state.epoch && learning_rate.is_finite() && learning_rate >= 0.0;
        if state.metrics.correct > state.metrics.samples {
            return Err(fail("its metrics have more correct predictions than samples".into()));
        }
        if !whole || state.restored && !state.keeps_best_weights() {
            return Err(fail("its learning rate or its early stopping is impossible".into()));
        }
        if !state.loss_scale.is_none_or(LossScale::is_possible) {
            return Err(fail("its loss scale is impossible".into()));
        }
        let (names, classes) = (state.class_names.len(), state.config.model.classes());
        if names != 0 && names != classes {
            return Err(fail(format!("it has {names} class names for {classes} classes")));
        }
        check_class_names(&state.class_names).map_err(fail)?;
        Ok(state)
    }

    /// What is known of the classes' names: those recorded, else Fashion-MNIST's where it was trained on that; or nothing.
    pub fn known_names(&self) -> Vec<String> {
        match self.class_names.as_slice() {
            [] => fashion_mnist_names(&self.data, self.config.model.classes()),
            names => names.to_vec(),
        }
    }

    /// The samples to train and to validate with, of a training file of `count`; `path` is where the state was read from.
    ///
    /// # Errors
    /// [`Error::Data`] where the configuration does not fit the data.
    pub fn split(&self, count: usize, path: &Path) -> Result<Split> {
        let path = path.display();
        let fail = |error| Error::Data(format!("{path}: its configuration does not fit the data ({error})"));
        self.config.split(count).map_err(fail)
    }

    /// The network that the checkpoint, which this is the state of, has; `path` is what errors call it.
    ///
    /// # Errors
    /// [`Error::Data`] where its tensors are not the model's.
    pub fn network(&self, checkpoint: Checkpoint, path: &Path) -> Result<Network> {
        let mut tensors = checkpoint.tensors;
        tensors.retain(|tensor| !tensor.name.ends_with(self.other_weights()));
        if self.config.average {
            take_averages(&mut tensors);
        }
        let network = Network {
            model: self.config.model.clone(),
            tensors,
            optimizer: Some(OptimizerState {
                optimizer: self.config.optimizer.clone(),
                learning_rate: self.learning_rate,
                iterations: self.iterations,
            }),
            class_names: self.known_names(),
            left_out: Vec::new(),
        };
        network.check(&path.display().to_string())?;
        Ok(network)
    }

    /// Whether every epoch is trained, or early stopping ended the run before.
    pub fn is_complete(&self) -> bool {
        self.epoch >= self.config.epochs || self.stopped_early()
    }

    /// Whether early stopping ends the run here.
    pub fn stopped_early(&self) -> bool {
        let callback = self.config.early_stopping.as_ref();
        callback.is_some_and(|callback| callback.stops_after(self.epoch, &self.early_stopping))
    }

    /// Whether the weights of the best epoch are kept beside the last one's, or the other way round.
    pub fn keeps_best_weights(&self) -> bool {
        let restores = |callback: &EarlyStopping| callback.restore_best_weights;
        self.early_stopping.best.is_some() && self.config.early_stopping.as_ref().is_some_and(restores)
    }

    /// What the names of those other weights end in.
    pub fn other_weights(&self) -> &'static str {
        if self.restored { ".latest" } else { ".best" }
    }

    /// The JSON text for the checkpoint.
    ///
    /// # Errors
    /// None in practice: every field has a JSON form.
    pub fn text(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| Error::Failed(format!("the state cannot be written: {error}")))
    }
}
