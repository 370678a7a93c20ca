//! The training loop and what it writes.

mod config;
mod engine;
mod environment;
mod evaluator;
mod history;
mod metrics;
mod run_folder;
mod state;
mod trainer;
mod weights;

pub use config::{Config, check_batch_size};
pub use engine::{Engine, Placement, Source, Tally};
pub use environment::Environment;
pub use evaluator::Evaluator;
pub use history::{EpochResult, History};
pub use metrics::metrics;
pub use run_folder::RunFolder;
pub use state::State;
pub use trainer::{Finished, Trainer};
