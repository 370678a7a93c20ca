//! The kernels: what one pass of a plan can do. Each is one name in three places, `shaders/NAME.wgsl`,
//! `src/kernels/NAME.rs` (specialisation, workgroups and the CPU twin) and `tests/parity/NAME.rs`.

mod adam;
mod advance;
mod bounded;
mod case;
mod ceiling_arithmetic;
mod ceiling_bandwidth;
mod conv_forward;
mod conv_input_gradient;
mod conv_weight_gradient;
mod convolution;
mod convolution_cases;
mod dropout;
mod fold;
mod fused_pool;
mod gate;
mod gather;
mod join;
mod kernel;
mod matrix;
mod nearest;
mod pool_backward;
mod pool_forward;
mod product;
mod progress;
mod scratch;
mod softmax_cross_entropy;
mod specialise;
mod tiled;
mod tiles;
mod tiling;
mod updates;
mod vectors;
mod words;

pub use adam::Adam;
pub use advance::Advance;
pub(crate) use bounded::{Checks, checks, misfit};
pub use ceiling_arithmetic::CeilingArithmetic;
pub use ceiling_bandwidth::CeilingBandwidth;
pub use conv_forward::ConvForward;
pub use conv_input_gradient::ConvInputGradient;
pub use conv_weight_gradient::ConvWeightGradient;
pub use convolution::{Convolution, Tile};
pub use dropout::Dropout;
pub use fold::Fold;
pub use gate::Gate;
pub use gather::Gather;
pub use join::Join;
pub use kernel::{Access, BINDING_ALIGNMENT, Binding, Case, Element, Kernel, Row, Tolerance};
use kernel::{BINDINGS, grid, read, read_words, write, write_words};
pub use matrix::{Matrix, Target, multiply, multiply_on_all_cores, transpose};
pub use nearest::Nearest;
pub use pool_backward::PoolBackward;
pub use pool_forward::PoolForward;
pub use product::{Cut, Kind, Product};
pub use progress::Progress;
pub use softmax_cross_entropy::SoftmaxCrossEntropy;
pub use specialise::{Constants, Value, specialise};
pub use tiled::Tiled;
pub use tiles::Tiles;
pub use tiling::Tiling;
pub use updates::{MicroBatches, Partitions, Update, Updates};
pub use vectors::vectorised;
pub use words::MOST_WORDS;
use words::{floats, floats_mut};

/// The only list of kernels. A test holds it to the files on disk and to the shaders' own bindings.
pub const TABLE: [&Row; 15] = [
    &gather::ROW,
    &conv_forward::ROW,
    &join::ROW,
    &conv_weight_gradient::ROW,
    &conv_input_gradient::ROW,
    &fold::ROW,
    &pool_forward::ROW,
    &pool_backward::ROW,
    &dropout::ROW,
    &softmax_cross_entropy::ROW,
    &adam::ROW,
    &advance::ROW,
    &nearest::ROW,
    &ceiling_arithmetic::ROW,
    &ceiling_bandwidth::ROW,
];
