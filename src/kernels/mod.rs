//! The kernels: what one pass of a plan can do. Each is one name in three places, `shaders/NAME.wgsl`,
//! `src/kernels/NAME.rs` (specialisation, workgroups and the CPU reference) and `tests/parity/NAME.rs`.

/// A shader's text: its own file, then the parts of `shaders/common/` that it names.
macro_rules! shader {
    ($name:literal $(, $part:literal)*) => {
        concat!(
            include_str!(concat!("../../shaders/", $name, ".wgsl"))
            $(, "\n", include_str!(concat!("../../shaders/common/", $part, ".wgsl")))*
        )
    };
}

/// The kernel by matrix units of 8 x 8, and of 16 x 16: `DESCRIPTOR` with the inner loop for them, and their fragments.
macro_rules! by_matrices {
    ($name:literal $(, $part:literal)*) => {
        [by_matrices!(@ 8, $name $(, $part)*), by_matrices!(@ 16, $name $(, $part)*)]
    };
    (@ $size:literal, $name:literal $(, $part:literal)*) => {
        Descriptor {
            name: concat!($name, "_matrix_", $size),
            wgsl: concat!(
                include_str!(concat!("../../shaders/common/matrix_", $size, ".wgsl")),
                "\n",
                shader!($name, "gemm_matrix", "threads" $(, $part)*)
            ),
            cases: || matrix_cases($size),
            ..DESCRIPTOR
        }
    };
}

mod activation;
mod adam;
mod add;
mod advance;
mod augmented_gather;
mod average_pool_backward;
mod average_pool_forward;
mod batch_norm_affine;
mod batch_norm_gradient_sums;
mod batch_norm_gradient_totals;
mod batch_norm_statistics;
mod bounded;
mod case;
mod ceiling_arithmetic;
mod ceiling_bandwidth;
mod channels;
mod clip_factor;
mod col2im;
mod conv_forward;
mod conv_input_gradient;
mod conv_weight_gradient;
mod convolution_cases;
mod copy_channels;
mod cross_entropy;
mod depthwise;
mod depthwise_forward;
mod depthwise_input_gradient;
mod depthwise_weight_gradient;
mod dropout;
mod fused_pool;
mod gather;
mod gemm_kernel;
mod global_max_pool_backward;
mod gradient_squares;
mod gradient_sum;
mod kernel;
mod loss_scale;
mod matrix;
mod moving_statistics;
mod nearest;
mod patches;
mod pointwise;
mod pointwise_backward;
mod pool_backward;
mod pool_forward;
mod pooled_input_gradient;
mod pooled_weight_gradient;
mod product;
mod progress;
mod relu_mask;
mod rescale;
mod scale_loss;
mod scratch;
mod sgd;
mod sgd_momentum;
mod soft_cross_entropy;
mod softmax_cross_entropy;
mod specialise;
mod split_k_reduce;
mod squares;
mod step_numbers;
mod stored;
mod subtree_sum;
mod unpooled;
mod update_cases;
mod update_kernels;
mod updates;
mod vectors;
mod weigh_moments;
mod weight_average;
mod winograd;
mod winograd_points;
mod words;

pub use activation::Function;
pub use adam::Adam;
pub use add::Add;
pub use advance::Advance;
pub use augmented_gather::AugmentedGather;
pub use average_pool_backward::AveragePoolBackward;
pub use average_pool_forward::AveragePoolForward;
pub use batch_norm_affine::BatchNormAffine;
pub use batch_norm_gradient_sums::BatchNormGradientSums;
pub use batch_norm_gradient_totals::BatchNormGradientTotals;
pub use batch_norm_statistics::BatchNormStatistics;
pub(crate) use bounded::{Checks, checks, misfit};
pub use ceiling_arithmetic::CeilingArithmetic;
pub use ceiling_bandwidth::CeilingBandwidth;
pub use channels::ChannelValues;
pub use clip_factor::ClipFactor;
pub use col2im::Col2im;
pub use conv_forward::ConvForward;
pub use conv_input_gradient::ConvInputGradient;
pub use conv_weight_gradient::ConvWeightGradient;
pub use copy_channels::{Columns, CopyChannels};
pub use depthwise::Depthwise;
pub use depthwise_forward::DepthwiseForward;
pub use depthwise_input_gradient::DepthwiseInputGradient;
pub use depthwise_weight_gradient::DepthwiseWeightGradient;
pub use dropout::Dropout;
pub use gather::{Gather, PixelScaling};
pub use gemm_kernel::GemmKernel;
pub use global_max_pool_backward::GlobalMaxPoolBackward;
pub use gradient_squares::GradientSquares;
pub use gradient_sum::GradientSum;
pub use kernel::{Access, BINDING_ALIGNMENT, Binding, Case, Descriptor, Element, Kernel, Tolerance};
use kernel::{BINDINGS, grid, read, read_activation, read_weights, read_words, write, write_activation, write_words};
pub use loss_scale::{LossScale, ScaleStep};
pub use matrix::{Matrix, Target, multiply, multiply_on_all_cores, transpose};
pub use moving_statistics::{Moving, MovingStatistics};
pub use nearest::Nearest;
pub use pointwise::{Other, Pointwise};
pub use pointwise_backward::PointwiseBackward;
pub use pool_backward::PoolBackward;
pub use pool_forward::PoolForward;
pub use pooled_input_gradient::PooledInputGradient;
pub use pooled_weight_gradient::PooledWeightGradient;
pub use product::Product;
pub use progress::Progress;
pub use relu_mask::ReluMask;
pub use rescale::Rescale;
pub use scale_loss::ScaleLoss;
pub use sgd::Sgd;
pub use sgd_momentum::SgdMomentum;
pub use soft_cross_entropy::SoftCrossEntropy;
pub use softmax_cross_entropy::SoftmaxCrossEntropy;
pub use specialise::{Constants, Value, specialise};
pub use split_k_reduce::SplitKReduce;
pub use step_numbers::StepNumbers;
pub use stored::Stored;
pub use subtree_sum::SubtreeSum;
pub use updates::{GradientOrder, MicroBatches, Partitions, Update, Updates, left_part};
pub use vectors::vectorised;
pub use weigh_moments::WeighMoments;
pub use weight_average::WeightAverage;
use words::{floats, floats_mut};

/// The products by matrix units, which few adapters have. A test holds them to `gemm::VARIANTS`.
pub const MATRIX_PRODUCTS: [&Descriptor; 6] = [
    &conv_forward::BY_MATRICES[0],
    &conv_weight_gradient::BY_MATRICES[0],
    &conv_input_gradient::BY_MATRICES[0],
    &conv_forward::BY_MATRICES[1],
    &conv_weight_gradient::BY_MATRICES[1],
    &conv_input_gradient::BY_MATRICES[1],
];

/// The only list of kernels that run anywhere. A test holds it to the files on disk and to the shaders' own bindings.
pub const REGISTRY: [&Descriptor; 45] = [
    &gather::DESCRIPTOR,
    &augmented_gather::DESCRIPTOR,
    &conv_forward::DESCRIPTOR,
    &split_k_reduce::DESCRIPTOR,
    &conv_weight_gradient::DESCRIPTOR,
    &pooled_weight_gradient::DESCRIPTOR,
    &conv_input_gradient::DESCRIPTOR,
    &pooled_input_gradient::DESCRIPTOR,
    &col2im::DESCRIPTOR,
    &pool_forward::DESCRIPTOR,
    &pool_backward::DESCRIPTOR,
    &average_pool_forward::DESCRIPTOR,
    &average_pool_backward::DESCRIPTOR,
    &global_max_pool_backward::DESCRIPTOR,
    &depthwise_forward::DESCRIPTOR,
    &depthwise_weight_gradient::DESCRIPTOR,
    &depthwise_input_gradient::DESCRIPTOR,
    &copy_channels::DESCRIPTOR,
    &rescale::DESCRIPTOR,
    &dropout::DESCRIPTOR,
    &add::DESCRIPTOR,
    &pointwise::DESCRIPTOR,
    &pointwise_backward::DESCRIPTOR,
    &batch_norm_statistics::DESCRIPTOR,
    &batch_norm_affine::DESCRIPTOR,
    &batch_norm_gradient_sums::DESCRIPTOR,
    &batch_norm_gradient_totals::DESCRIPTOR,
    &weigh_moments::DESCRIPTOR,
    &moving_statistics::DESCRIPTOR,
    &softmax_cross_entropy::DESCRIPTOR,
    &gradient_sum::DESCRIPTOR,
    &subtree_sum::DESCRIPTOR,
    &gradient_squares::DESCRIPTOR,
    &clip_factor::DESCRIPTOR,
    &scale_loss::DESCRIPTOR,
    &loss_scale::DESCRIPTOR,
    &soft_cross_entropy::DESCRIPTOR,
    &adam::DESCRIPTOR,
    &sgd::DESCRIPTOR,
    &sgd_momentum::DESCRIPTOR,
    &weight_average::DESCRIPTOR,
    &advance::DESCRIPTOR,
    &nearest::DESCRIPTOR,
    &ceiling_arithmetic::DESCRIPTOR,
    &ceiling_bandwidth::DESCRIPTOR,
];
