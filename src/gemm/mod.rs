//! Matrix products (GEMM, general matrix multiplication) as data: which product of which convolution, in which
//! configuration, on which class of device. Nothing here runs; `src/kernels/` has what does.

mod argmax;
mod config;
mod convolution;
mod device;
pub(crate) mod examples;
mod gather;
mod gpu_profile;
mod layout;
mod on_chip;
mod problem;
mod profile;
mod selection;
mod variants;
mod winograd;

pub use argmax::ArgmaxWord;
pub use config::GemmConfig;
pub use convolution::{Convolution, MOST_WORDS};
pub use device::DeviceClass;
pub use gather::{GatherLayout, SpreadLayout};
pub use layout::{BlockTile, Layout, Tile, VectorTile};
pub use on_chip::OnChip;
pub use problem::{GemmKind, GemmProblem};
pub use profile::{DeviceProfile, SplitForward};
pub use selection::GemmSelection;
pub use variants::{Capabilities, VARIANTS, Variant};
pub use winograd::{WINOGRAD_POINTS, WINOGRAD_TILE};
