//! A training engine for convolutional networks in which WGSL compute shaders do the work.
//!
//! ARCHITECTURE.md has the map. Imports point one way:
//! cli → classical → measure → tune → selftest → report → train → plot → evaluate → formats → (gpu, cpu) → plan → kernels → gemm → (model, data, random, sniff, shell, error).

pub mod classical;
pub mod cli;
pub mod cpu;
pub mod data;
pub mod error;
pub mod evaluate;
pub mod formats;
pub mod gemm;
pub mod gpu;
pub mod kernels;
pub mod measure;
pub mod model;
pub mod plan;
pub mod plot;
mod random;
pub mod report;
pub mod selftest;
mod shell;
mod sniff;
pub mod train;
pub mod tune;
