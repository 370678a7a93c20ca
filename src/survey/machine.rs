//! What there is, before anything is measured.

use std::collections::BTreeMap;
use std::env::consts;
use std::fs;

use super::document::{AdapterAbout, End, FORMAT, Survey, VERSION};
use crate::gpu::Adapter;

impl AdapterAbout {
    pub fn of(adapter: &Adapter) -> Self {
        let info = &adapter.info;
        let matrix = |of: wgpu::CooperativeMatrixProperties| {
            format!("{}x{}x{} of {:?}, sums in {:?}", of.m_size, of.n_size, of.k_size, of.ab_type, of.cr_type)
        };
        Self {
            name: line(&info.name),
            backend: adapter.backend().to_owned(),
            device_type: adapter.device_type().to_owned(),
            driver: line(&info.driver),
            driver_info: line(&info.driver_info),
            vendor: info.vendor,
            device: info.device,
            subgroup: [info.subgroup_min_size, info.subgroup_max_size],
            features: adapter.features().iter_names().map(|(name, _)| name.to_owned()).collect(),
            limits: limits(&adapter.limits()),
            cooperative_matrices: adapter.cooperative_matrices().into_iter().map(matrix).collect(),
        }
    }
}

/// A driver's words in one line.
fn line(words: &str) -> String {
    words.replace(char::is_control, " ").trim().to_owned()
}

fn limits(limits: &wgpu::Limits) -> BTreeMap<String, u64> {
    let all = [
        ("max_buffer_size", limits.max_buffer_size),
        ("max_storage_buffer_binding_size", limits.max_storage_buffer_binding_size),
        ("max_storage_buffers_per_shader_stage", limits.max_storage_buffers_per_shader_stage.into()),
        ("max_bindings_per_bind_group", limits.max_bindings_per_bind_group.into()),
        ("min_storage_buffer_offset_alignment", limits.min_storage_buffer_offset_alignment.into()),
        ("max_compute_workgroup_storage_size", limits.max_compute_workgroup_storage_size.into()),
        ("max_compute_invocations_per_workgroup", limits.max_compute_invocations_per_workgroup.into()),
        ("max_compute_workgroup_size_x", limits.max_compute_workgroup_size_x.into()),
        ("max_compute_workgroup_size_y", limits.max_compute_workgroup_size_y.into()),
        ("max_compute_workgroup_size_z", limits.max_compute_workgroup_size_z.into()),
        ("max_compute_workgroups_per_dimension", limits.max_compute_workgroups_per_dimension.into()),
        ("max_immediate_size", limits.max_immediate_size.into()),
    ];
    all.map(|(name, limit)| (name.to_owned(), limit)).into()
}

/// The processor's name, where Linux tells it.
fn processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'))?.1;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

impl Survey {
    /// One that has nothing measured yet.
    pub(super) fn begun(adapters: Vec<AdapterAbout>, surveyed: Option<usize>, budget_seconds: f64) -> Self {
        Self {
            format: FORMAT.into(),
            version: VERSION,
            program: env!("CARGO_PKG_VERSION").into(),
            os: consts::OS.into(),
            architecture: consts::ARCH.into(),
            processor: processor(),
            threads: rayon::current_num_threads(),
            adapters,
            surveyed,
            budget_seconds,
            seconds: 0.0,
            end: End::Running,
            parts: Vec::new(),
            selftest: Vec::new(),
            ceilings: Vec::new(),
            bench: Vec::new(),
            profile: Vec::new(),
            tune: Vec::new(),
            train: Vec::new(),
        }
    }
}
