//! Runs looked at from outside, by what is in their folders: for `watch`, and in the forms of TensorBoard and MLflow.

mod events;
mod find;
#[cfg(feature = "fetch")]
pub mod mlflow;
mod pace;
mod parameters;
mod run;
mod scalars;
mod tail;

pub use events::{EventFile, events};
pub use find::{is_run, runs_in};
pub use parameters::parameters;
pub use run::{Epoch, Status, Test, TrackedRun};
