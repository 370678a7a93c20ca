//! Every shader against its CPU reference on the first adapter, a file a kernel. Each file runs the kernel's cases, breaks each of
//! the shader's essential lines to see them go red, and adds what only this kernel promises.

mod adam;
mod add;
mod advance;
mod augmentation;
mod augmented_gather;
mod average_pool_backward;
mod average_pool_forward;
mod batch_norm_affine;
mod batch_norm_gradient_sums;
mod batch_norm_gradient_totals;
mod batch_norm_statistics;
mod ceiling_arithmetic;
mod ceiling_bandwidth;
mod clip_factor;
mod col2im;
mod comparator;
mod conv_forward;
mod conv_input_gradient;
mod conv_weight_gradient;
mod copy_channels;
mod depthwise_forward;
mod depthwise_input_gradient;
mod depthwise_weight_gradient;
mod dropout;
mod exactness;
mod foreign;
mod gather;
mod global_max_pool_backward;
mod gradient_squares;
mod gradient_sum;
mod gradients;
mod loss_scale;
mod matrix_products;
mod moving_statistics;
mod mutation;
mod nearest;
mod optimizers;
mod parts;
mod pointwise;
mod pointwise_backward;
mod pool_backward;
mod pool_forward;
mod pooled_input_gradient;
mod pooled_weight_gradient;
mod precision;
mod rescale;
mod scale_loss;
mod sgd;
mod sgd_momentum;
#[path = "../support/skips.rs"]
mod skips;
mod soft_cross_entropy;
mod softmax_cross_entropy;
mod split_k_reduce;
mod subtree_sum;
mod trainable;
mod tuning;
mod weigh_moments;
mod weight_average;

use std::sync::OnceLock;

use gpu_fmnist::gpu::{Adapter, Probe, adapters};
use gpu_fmnist::kernels::{Descriptor, MATRIX_PRODUCTS, REGISTRY};
use gpu_fmnist::selftest::check_kernel;

/// The first adapter. Without one the tests fail: `scripts/test` brings a software one.
fn adapter() -> &'static Adapter {
    static ADAPTER: OnceLock<Adapter> = OnceLock::new();
    ADAPTER.get_or_init(|| {
        let adapter = adapters().into_iter().next().expect("no adapter: run the tests by scripts/test");
        eprintln!("adapter: {}, {}", adapter.describe(), adapter.info.driver_info);
        adapter
    })
}

fn probe() -> &'static Probe {
    static PROBE: OnceLock<Probe> = OnceLock::new();
    PROBE.get_or_init(|| Probe::open(adapter()).unwrap())
}

fn row(name: &str) -> &'static Descriptor {
    REGISTRY.iter().chain(&MATRIX_PRODUCTS).find(|row| row.name == name).unwrap_or_else(|| panic!("no row {name}"))
}

/// All cases of the kernel agree.
fn holds(name: &str) {
    let outcome = check_kernel(probe(), adapter().class(), row(name)).unwrap();
    assert!(outcome.cases > 3, "{name} has only {} cases", outcome.cases);
    assert!(outcome.failures.is_empty(), "{name}:\n{}", outcome.failures.join("\n"));
    if outcome.dropped > 0 {
        skips::skip(&format!("{} cases of {name} that this adapter takes minutes to compile", outcome.dropped));
    }
}
