//! How a model is trained, as its file says it: a file a section.

mod augmentation;
mod loss;
mod schedule;
mod training;

pub use augmentation::Augmentation;
pub use loss::Loss;
pub use schedule::{Course, CourseKind, Schedule};
pub use training::{BATCH_SIZE, Training};

use serde::{Deserialize, Serialize};

use crate::layers::{Key, Kind};
use crate::optimizers::Optimizer;

/// The sections of a model file that are not the model; what a file does not say has its default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recipe {
    pub loss: Loss,
    pub optimizer: Optimizer,
    pub training: Training,
    pub schedule: Schedule,
    pub augmentation: Augmentation,
}

/// A section of a model file with its keys, each of which has a default.
#[derive(Debug)]
pub struct Section {
    pub name: &'static str,
    pub keys: &'static [Key],
}

/// Every section, in the order of [`Recipe`].
pub const SECTIONS: [Section; 5] = [
    Section { name: "loss", keys: &loss::KEYS },
    Section { name: "optimizer", keys: &OPTIMIZER_KEYS },
    Section { name: "training", keys: &training::KEYS },
    Section { name: "schedule", keys: &schedule::KEYS },
    Section { name: "augmentation", keys: &augmentation::KEYS },
];

const OPTIMIZER_KEYS: [Key; 4] =
    [("type", Kind::Choice(&["adam"])), ("beta_1", Kind::Rate), ("beta_2", Kind::Rate), ("epsilon", Kind::Number)];

impl Recipe {
    /// Refuses values that are none, which a file's keys alone do not tell.
    ///
    /// # Errors
    /// The section, and what is wrong in it with its remedy.
    pub fn check(&self) -> Result<(), String> {
        let section = |name: &str, problem: String| format!("[{name}]: {problem}");
        self.loss.check().map_err(|problem| section("loss", problem))?;
        self.optimizer.check().map_err(|problem| section("optimizer", problem))?;
        self.training.check(self.optimizer.averages()).map_err(|problem| section("training", problem))?;
        self.schedule.check().map_err(|problem| section("schedule", problem))?;
        self.augmentation.check().map_err(|problem| section("augmentation", problem))
    }

    /// Whether the averages of the weights are evaluated and exported, not the weights.
    pub fn takes_averages(&self) -> bool {
        self.training.average.unwrap_or(true) && self.optimizer.averages()
    }
}
