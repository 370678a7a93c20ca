//! Who does the tasks of a sweep.

mod local;
mod print;
mod slurm;
mod work;

use clap::ValueEnum;

pub use work::{EngineOptions, Work};

use super::console::Console;
use crate::error::Result;

/// Who does the tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// Processes on this machine
    Local,
    /// Jobs of Slurm, which is given an array of them
    Slurm,
    /// Whatever takes the command lines that are printed: GNU parallel, HyperQueue, Kubernetes
    Print,
}

impl Work<'_> {
    /// Has the tasks done, or started, or printed.
    ///
    /// # Errors
    /// [`Error::Interrupted`] where the user asked for it; or what goes wrong.
    pub fn done_by(&self, engine: Engine, console: &mut Console) -> Result<()> {
        let left = self.manifest.left()?;
        if left.is_empty() {
            console.say(&format!("all {} tasks have ended", self.manifest.tasks.len()));
            return Ok(());
        }
        match engine {
            Engine::Local => local::run(self, &left, console),
            Engine::Slurm => slurm::run(self, &left, console),
            Engine::Print => print::run(self, &left),
        }
    }
}
