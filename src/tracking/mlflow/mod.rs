//! Runs sent to an MLflow server by its REST API: <https://mlflow.org/docs/latest/api_reference/rest-api.html>.
//!
//! What of a run was sent is written in tags of its run there, in the same request, so that sending again sends the rest only,
//! from whichever machine.

mod batches;
mod client;
mod files;
mod sender;

pub use client::Failure;
pub use sender::{Sender, Sent};
