//! A training engine for convolutional networks in which WGSL compute shaders do the work.
//!
//! ARCHITECTURE.md has the map. Imports point one way:
//! cli → classical → measure → tune → selftest → report → train → plot → evaluate → formats → (gpu, cpu) → plan → kernels → (model, data, callback, random, sniff, shell, error).

pub mod callback;
#[cfg(feature = "classical")]
pub mod classical;
#[cfg(feature = "cli")]
pub mod cli;
pub mod cpu;
pub mod data;
pub mod error;
pub mod evaluate;
pub mod formats;
pub mod geometry;
pub mod gpu;
pub mod kernels;
pub mod layers;
pub mod measure;
pub mod model;
pub mod network;
pub mod optimizers;
pub mod plan;
#[cfg(feature = "plot")]
pub mod plot;
mod random;
#[cfg(feature = "plot")]
pub mod report;
pub mod selftest;
mod shell;
mod sniff;
pub mod train;
pub mod tune;
