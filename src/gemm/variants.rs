//! The ways to compute the products: today one kernel each, in f32 and without more than WebGPU promises. A kernel in f16,
//! with subgroups or with cooperative matrices is another row here.

use super::{GemmConfig, GemmKind, GemmProblem};

/// A kernel for one of the products, and what it needs of an adapter.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// The name of its shader, host side and test.
    pub kernel: &'static str,
    pub kind: GemmKind,
    /// What its shader needs beyond WebGPU's core: types and operations that an adapter need not have.
    pub features: wgpu::Features,
}

/// The only list of variants. A test holds it to the kernels and to what their shaders use.
pub const VARIANTS: [Variant; 3] = [
    Variant { kernel: "conv_forward", kind: GemmKind::Forward, features: wgpu::Features::empty() },
    Variant { kernel: "conv_weight_gradient", kind: GemmKind::WeightGradient, features: wgpu::Features::empty() },
    Variant { kernel: "conv_input_gradient", kind: GemmKind::InputGradient, features: wgpu::Features::empty() },
];

impl Variant {
    /// What any variant needs: a device is opened with as much of it as the adapter has.
    pub fn all_features() -> wgpu::Features {
        VARIANTS.iter().fold(wgpu::Features::empty(), |features, variant| features | variant.features)
    }

    /// Whether an adapter with these features and limits can run it in that configuration.
    pub fn runs_on(
        &self,
        adapter: (wgpu::Features, &wgpu::Limits),
        problem: &GemmProblem,
        config: &GemmConfig,
    ) -> bool {
        let (features, limits) = adapter;
        let within = |count: usize, limit: u32| count <= limit as usize;
        features.contains(self.features)
            && within(config.workgroup_threads(), limits.max_compute_invocations_per_workgroup)
            && within(config.threads[0], limits.max_compute_workgroup_size_x)
            && within(config.threads[1], limits.max_compute_workgroup_size_y)
            && within(problem.workgroup_bytes(config), limits.max_compute_workgroup_storage_size)
    }
}
