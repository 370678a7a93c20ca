//! The ways to compute the products: each in f32 without more than WebGPU promises, and by the matrix units that some
//! adapters have.

use super::{GemmConfig, GemmKind, GemmProblem};

/// A kernel for one of the products, and what it needs of an adapter.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// The name of its row among the kernels.
    pub kernel: &'static str,
    pub kind: GemmKind,
    /// What its shader needs beyond WebGPU's core: types and operations that an adapter need not have.
    pub features: wgpu::Features,
}

/// The only list of variants. A test holds it to the kernels and to what their shaders use.
pub const VARIANTS: [Variant; 9] = [
    plain("conv_forward", GemmKind::Forward),
    plain("conv_weight_gradient", GemmKind::WeightGradient),
    plain("conv_input_gradient", GemmKind::InputGradient),
    matrix("conv_forward_matrix_8", GemmKind::Forward),
    matrix("conv_weight_gradient_matrix_8", GemmKind::WeightGradient),
    matrix("conv_input_gradient_matrix_8", GemmKind::InputGradient),
    matrix("conv_forward_matrix_16", GemmKind::Forward),
    matrix("conv_weight_gradient_matrix_16", GemmKind::WeightGradient),
    matrix("conv_input_gradient_matrix_16", GemmKind::InputGradient),
];

const fn plain(kernel: &'static str, kind: GemmKind) -> Variant {
    Variant { kernel, kind, features: wgpu::Features::empty() }
}

const fn matrix(kernel: &'static str, kind: GemmKind) -> Variant {
    let matrices = wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX.union(wgpu::Features::SUBGROUP);
    Variant { kernel, kind, features: wgpu::Features::SHADER_F16.union(matrices) }
}

/// What an adapter can do, as far as variants and configurations ask.
#[derive(Clone, Debug, Default)]
pub struct Capabilities {
    pub features: wgpu::Features,
    pub limits: wgpu::Limits,
    /// The shapes and types that its matrix units multiply.
    pub matrices: Vec<wgpu::CooperativeMatrixProperties>,
    /// Threads of a subgroup, the fewest and the most.
    pub subgroup: [u32; 2],
}

impl Variant {
    /// What any variant needs: a device is opened with as much of it as the adapter has.
    pub fn all_features() -> wgpu::Features {
        VARIANTS.iter().fold(wgpu::Features::empty(), |features, variant| features | variant.features)
    }

    /// Whether an adapter can run it in that configuration.
    pub fn runs_on(&self, adapter: &Capabilities, problem: &GemmProblem, config: &GemmConfig) -> bool {
        let limits = &adapter.limits;
        let within = |count: usize, limit: u32| count <= limit as usize;
        let [x, y] = if config.matrix > 0 { [config.workgroup_threads(), 1] } else { config.threads };
        adapter.features.contains(self.features)
            && adapter.multiplies(config)
            && within(config.workgroup_threads(), limits.max_compute_invocations_per_workgroup)
            && within(x, limits.max_compute_workgroup_size_x)
            && within(y, limits.max_compute_workgroup_size_y)
            && within(problem.workgroup_bytes(config), limits.max_compute_workgroup_storage_size)
    }
}

impl Capabilities {
    /// Whether the threads multiply by themselves, or its matrix units have exactly these fragments, f16 with sums in f32,
    /// and its subgroups are all of the size that makes so many of a workgroup.
    pub fn multiplies(&self, config: &GemmConfig) -> bool {
        let GemmConfig { matrix, subgroups: [across, down], .. } = *config;
        let [least, most] = self.subgroup;
        let size = matrix as u32;
        let has = |of: &wgpu::CooperativeMatrixProperties| {
            [of.m_size, of.n_size, of.k_size] == [size; 3]
                && of.ab_type == wgpu::CooperativeScalarType::F16
                && of.cr_type == wgpu::CooperativeScalarType::F32
        };
        let threads = (least as usize).saturating_mul(across.saturating_mul(down));
        matrix == 0 || least == most && threads == config.workgroup_threads() && self.matrices.iter().any(has)
    }
}
