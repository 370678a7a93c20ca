//! The kernels: what one pass of a plan can do. Each is one name in three places, `shaders/NAME.wgsl`,
//! `src/kernels/NAME.rs` (specialisation, workgroups and the CPU twin) and `tests/parity/NAME.rs`.

/// A shader's text: its own file, then the parts of `shaders/common/` that it names.
macro_rules! shader {
    ($name:literal $(, $part:literal)*) => {
        concat!(
            include_str!(concat!("../../shaders/", $name, ".wgsl"))
            $(, "\n", include_str!(concat!("../../shaders/common/", $part, ".wgsl")))*
        )
    };
}

mod adam;
mod advance;
mod bounded;
mod case;
mod ceiling_arithmetic;
mod ceiling_bandwidth;
mod col2im;
mod conv_forward;
mod conv_input_gradient;
mod conv_weight_gradient;
mod convolution_cases;
mod dropout;
mod fused_pool;
mod gather;
mod gemm_kernel;
mod matrix;
mod nearest;
mod patches;
mod pool_backward;
mod pool_forward;
mod progress;
mod relu_mask;
mod scratch;
mod softmax_cross_entropy;
mod specialise;
mod split_k_reduce;
mod vectors;

pub use adam::Adam;
pub use advance::Advance;
pub(crate) use bounded::{Checks, checks, misfit};
pub use case::{Case, Tolerance};
pub use ceiling_arithmetic::CeilingArithmetic;
pub use ceiling_bandwidth::CeilingBandwidth;
pub use col2im::Col2im;
pub use conv_forward::ConvForward;
pub use conv_input_gradient::ConvInputGradient;
pub use conv_weight_gradient::ConvWeightGradient;
pub use dropout::Dropout;
pub use gather::Gather;
pub use gemm_kernel::GemmKernel;
pub use matrix::{Matrix, Target, multiply, multiply_on_all_cores, transpose};
pub use nearest::Nearest;
pub use pool_backward::PoolBackward;
pub use pool_forward::PoolForward;
pub use progress::Progress;
pub use relu_mask::ReluMask;
pub use softmax_cross_entropy::SoftmaxCrossEntropy;
pub use specialise::{Constants, Value, specialise};
pub use split_k_reduce::SplitKReduce;
pub use vectors::vectorised;

use std::any::Any;
use std::fmt::Debug;

/// Words of a buffer that a binding's offset is a multiple of; what WebGPU guarantees of every adapter.
pub const BINDING_ALIGNMENT: usize = 64;

/// How a shader uses a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
}

/// What a buffer's 32-bit words are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    F32,
    /// Integers, packed bytes, or a struct.
    Words,
}

/// One `@binding` of a shader, in order.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    pub name: &'static str,
    pub access: Access,
    pub element: Element,
}

/// One kernel's row in the table.
#[derive(Debug)]
pub struct Row {
    /// The name of the shader, the host file and the test.
    pub name: &'static str,
    /// One line for `gpu-fmnist shaders`.
    pub about: &'static str,
    /// The shader and the parts that it shares with others, as one text.
    pub wgsl: &'static str,
    pub bindings: &'static [Binding],
    /// The cases that hold the shader to its twin, in the self-test and in `tests/parity`.
    pub cases: fn() -> Vec<Case>,
}

/// The only list of kernels. A test holds it to the files on disk and to the shaders' own bindings.
pub const TABLE: [&Row; 15] = [
    &gather::ROW,
    &conv_forward::ROW,
    &split_k_reduce::ROW,
    &conv_weight_gradient::ROW,
    &conv_input_gradient::ROW,
    &col2im::ROW,
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

/// A kernel with everything about its pass decided: shapes, options, configuration.
pub trait Kernel: Any + Debug + Send + Sync {
    fn row(&self) -> &'static Row;

    /// The numbers of the shader's `const` lines that this pass sets. With the row they are the whole specialisation.
    fn constants(&self) -> Constants;

    /// Workgroups to dispatch in x, y, z.
    fn workgroups(&self) -> [usize; 3];

    /// Threads of a workgroup.
    fn threads(&self) -> usize {
        let constants = self.constants();
        let threads = constants.iter().filter(|(name, _)| ["THREADS", "THREADS_X", "THREADS_Y"].contains(name));
        threads.map(|(_, value)| if let Value::U32(count) = value { *count as usize } else { 1 }).product()
    }

    /// Floating-point operations that the pass is for: a multiply-add counts as two; a comparison, a choice, and what only
    /// finds addresses, as none. Of the three products the multiply-adds alone are counted, taps outside of the image
    /// included; gradients through a max-pool have one element of each window. Elsewhere every addition, product, root or
    /// exponential of an element counts as one.
    fn operations(&self) -> usize;

    /// The fewest words that the buffer of each binding must have, in order. Places that other buffers hold, as an order
    /// of samples does, are not counted: the shaders of such kernels are checked at run time, and so is every shader that is
    /// not this crate's, of which nothing need be known.
    fn words(&self) -> Vec<usize> {
        vec![1; self.row().bindings.len()]
    }

    /// Words that have to move between memory and the pass through one binding, whose buffer has `words`: each once, and
    /// so twice where it is read and written. A pass that touches but a part says which.
    fn traffic(&self, _binding: &str, words: usize) -> usize {
        words
    }

    /// Does on the CPU what the shader does, on the buffers of the row's bindings, in order.
    fn twin(&self, memory: &mut [&mut [u32]]);
}

// The four kinds of binding, for the rows of the table.
const fn read(name: &'static str) -> Binding {
    Binding { name, access: Access::Read, element: Element::F32 }
}

const fn write(name: &'static str) -> Binding {
    Binding { name, access: Access::Write, element: Element::F32 }
}

const fn read_words(name: &'static str) -> Binding {
    Binding { name, access: Access::Read, element: Element::Words }
}

const fn write_words(name: &'static str) -> Binding {
    Binding { name, access: Access::Write, element: Element::Words }
}

/// A linear run of workgroups as x and y of a dispatch, since no adapter allows more than 65,535 in one direction. The
/// shader's GRID_WIDTH constant is x and turns it back. Where y does not divide the run, some workgroups are too many;
/// the shaders let those do nothing.
fn grid(workgroups: usize) -> [usize; 2] {
    let rows = workgroups.div_ceil(32_768).max(1);
    [workgroups.div_ceil(rows).max(1), rows]
}

/// The buffer's words as numbers.
fn floats(words: &[u32]) -> &[f32] {
    bytemuck::cast_slice(words)
}

fn floats_mut(words: &mut [u32]) -> &mut [f32] {
    bytemuck::cast_slice_mut(words)
}

/// What the executor broke if a twin gets other buffers than its row names.
const BINDINGS: &str = "the executor passes one buffer for each binding of the row";
