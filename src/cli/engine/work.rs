//! The tasks of a sweep that are to be done.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::error::{Error, Result};
use crate::sweep::Manifest;

/// How they are done.
#[derive(Args)]
pub struct EngineOptions {
    /// With the engine local: tasks at a time on each adapter; on the CPU path they share the cores
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: u16,
    /// With the engine slurm: tasks of a job, one after the other [default: as many as make no more than 32 jobs]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub tasks_per_job: Option<u16>,
    /// With the engine slurm: options of sbatch, as in --sbatch '--partition=gpu --gres=gpu:1'; several times
    #[arg(long, value_name = "OPTIONS", allow_hyphen_values = true)]
    pub sbatch: Vec<String>,
}

/// The tasks of a sweep that have not ended.
pub struct Work<'a> {
    pub manifest: &'a Manifest,
    /// As `--adapter` takes them; `auto` alone is every GPU.
    pub adapters: Vec<String>,
    /// Another folder of the data set than it was in.
    pub data_dir: Option<&'a Path>,
    pub options: &'a EngineOptions,
}

impl Work<'_> {
    /// The command of a task on an adapter: the program, and its arguments.
    pub fn command(&self, number: &str, adapter: &str) -> Result<Vec<OsString>> {
        let mut words: Vec<OsString> =
            vec![program()?.into(), "task".into(), self.manifest.folder().into(), number.into()];
        if adapter != AUTO {
            words.extend(["--adapter".into(), adapter.into()]);
        }
        if let Some(folder) = self.data_dir {
            let folder: PathBuf = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
            words.extend(["--data-dir".into(), folder.into()]);
        }
        Ok(words)
    }

    /// The one adapter of all tasks.
    ///
    /// # Errors
    /// [`Error::Usage`] where there are several, which only the local engine can share out.
    pub fn adapter(&self, engine: &str) -> Result<&str> {
        match self.adapters.as_slice() {
            [adapter] => Ok(adapter),
            several => {
                let adapters = several.join(",");
                Err(Error::Usage(format!(
                    "--adapter {adapters}: with the engine {engine} it is for all tasks; give one"
                )))
            }
        }
    }
}

/// This program, as it was called where that is a path: what runs may be a loader that was given it.
fn program() -> Result<PathBuf> {
    let called = env::args_os().next().map(PathBuf::from);
    let called = called.filter(|path| path.components().count() > 1 && path.is_file());
    called.map_or_else(env::current_exe, std::path::absolute).map_err(|error| {
        Error::Failed(format!("this program's own path is unknown ({error}); call it by its full path"))
    })
}

/// The adapter that is chosen where the task is done.
pub const AUTO: &str = "auto";
