//! The GPU executor: adapters, pipelines, and the recording of a plan's passes on wgpu; single kernels, too, to prove them
//! and to time them.

mod adapter;
mod buffer;
mod constant;
mod device;
mod executor;
mod identity;
mod pipeline;
mod probe;
mod swiftshader;
mod timing;
mod trial;
mod waiting;

pub use adapter::{Adapter, adapters, name_from_environment, select, select_as};
pub use executor::Gpu;
pub use identity::Identity;
pub use probe::Probe;
pub use trial::{Timed, Trial, Trials};
