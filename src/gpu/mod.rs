//! The GPU executor: adapters, pipelines, and the recording of a plan's passes on wgpu.

mod adapter;
mod buffer;
mod executor;
mod pipeline;
mod probe;
mod timing;

pub use adapter::{Adapter, adapters, select};
pub use executor::Gpu;
pub use probe::Probe;
