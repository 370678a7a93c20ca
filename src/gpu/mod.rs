//! The GPU executor: adapters, pipelines, and the recording of a plan's passes on wgpu.

mod adapter;
mod executor;
mod pipeline;
mod probe;

pub use adapter::{Adapter, adapters, select};
pub use executor::Gpu;
pub use probe::Probe;
