//! The training loop and what it writes.

mod config;
mod early_stopping;
mod engine;
#[cfg(test)]
mod engine_tests;
mod environment;
mod evaluator;
mod history;
mod host;
mod loss_scale;
mod metrics;
mod monitor;
mod reduce_lr_on_plateau;
mod run_folder;
mod run_lock;
mod schedule;
mod setup;
mod source;
mod state;
mod steps;
mod submission;
mod together;
mod trainer;
mod upload;
mod values;
mod weights;

pub use config::{Config, Fold, check_batch_size};
pub use early_stopping::{Best, EarlyStopping, EarlyStoppingState};
pub use engine::{Engine, Metrics};
pub use environment::Environment;
pub use evaluator::Evaluator;
pub use history::{EpochResult, History};
pub use host::Host;
pub use metrics::{epochs_so_far, metrics};
pub use monitor::Monitor;
pub use reduce_lr_on_plateau::{PlateauState, ReduceLrOnPlateau};
pub use run_folder::RunFolder;
pub use run_lock::RunLock;
pub use schedule::Schedule;
pub use setup::Setup;
pub use source::{Placement, Source};
pub use state::State;
pub use steps::{StepFile, StepResult, now, seconds};
pub use trainer::{Finished, Trainer};
