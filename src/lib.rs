//! A training engine for convolutional networks in which WGSL compute shaders do the work.
//!
//! A [`Classifier`] trains a [`Model`] on a [`Device`] and keeps it in a file:
//!
//! ```
//! use std::ops::ControlFlow;
//!
//! use gpu_fmnist::{Classifier, Config, Device, FitProgress, Samples, model};
//!
//! # fn main() -> gpu_fmnist::Result<()> {
//! let text = "input = [4, 4, 1]\nlayers = [{ type = 'flatten' }, { type = 'dense', units = 2 }]";
//! let images = (0..100 * 16).map(|at| if at / 16 % 2 == 0 { 20 } else { 220 }).collect();
//! let samples = Samples { images, labels: (0..100).map(|number| number % 2).collect(), shape: [4, 4, 1] };
//! let (model, recipe) = model::parse("grey", text)?;
//! let config = Config { epochs: 3, batch_size: 10, ..Config::new(model.clone(), recipe) };
//! let mut classifier = Classifier::new(Device::best(), model);
//! classifier.fit(&samples, &config, &mut |progress| {
//!     if let FitProgress::Epoch(result) = progress {
//!         println!("epoch {}: {:.3}", result.epoch, result.accuracy);
//!     }
//!     ControlFlow::Continue(())
//! })?;
//! let (loss, predictions) = classifier.evaluate(&samples)?;
//! println!("{loss:.4}, {:.3}", predictions.top(1));
//! # let folder = tempfile::tempdir().unwrap();
//! # std::env::set_current_dir(&folder).unwrap();
//! classifier.save("grey.safetensors")?;
//! let class = Classifier::load(Device::best(), "grey.safetensors")?.predict(&[200; 16])?.predicted(0);
//! # assert!(class < 2);
//! # Ok(())
//! # }
//! ```
//!
//! A data set in files is a [`Dataset`]; `model::by_name_or_file` knows the built-in networks and reads TOML files.
//!
//! ARCHITECTURE.md has the map, and the order in which modules may import each other.

pub mod augment;
pub mod callback;
#[cfg(feature = "classical")]
pub mod classical;
#[cfg(feature = "cli")]
pub mod cli;
pub mod cpu;
pub mod data;
pub mod error;
pub mod evaluate;
mod facade;
pub mod formats;
pub mod gemm;
pub mod geometry;
pub mod gpu;
pub mod kernels;
pub mod layers;
pub mod measure;
pub mod model;
pub mod network;
pub mod optimizers;
pub mod parallel;
pub mod plan;
#[cfg(feature = "plot")]
pub mod plot;
pub mod precision;
mod random;
pub mod recipe;
#[cfg(feature = "plot")]
pub mod report;
pub mod selftest;
mod shell;
mod sniff;
#[cfg(feature = "plot")]
pub mod survey;
#[cfg(feature = "cli")]
pub mod sweep;
pub mod tracking;
pub mod train;
pub mod tune;

pub use data::{Dataset, LentSamples, Pixels, Samples};
pub use error::{Error, Result};
pub use facade::{Classifier, Device, FitProgress, Pace, Watcher};
pub use model::Model;
pub use train::Config;
