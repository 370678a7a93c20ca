//! Pipelines: one for each specialisation, compiled once, with wgpu's run-time checks but where a kernel needs none.

use std::collections::HashMap;

#[cfg(not(target_family = "wasm"))]
use rayon::prelude::*;

use super::device::Device;
use super::swiftshader;
use crate::error::Result;
use crate::kernels::{Access, Checks, Descriptor, Kernel, checks};

/// A kernel on a buffer, or a part of one, for each of its bindings.
pub(super) struct Bound<'a> {
    pub kernel: &'a (dyn Kernel + 'static),
    pub buffers: Vec<wgpu::BufferBinding<'a>>,
}

/// The specialised text, which is the whole specialisation, and what is left to check of it.
type Key = (String, Checks);

impl Bound<'_> {
    fn key(&self, device: &Device) -> Key {
        // What the buffers really have, not what anyone says that they have.
        let words = |bound: &wgpu::BufferBinding| {
            let bytes = bound.size.map_or(bound.buffer.size().saturating_sub(bound.offset), u64::from);
            (bytes / 4) as usize
        };
        let words: Vec<usize> = self.buffers.iter().map(words).collect();
        match device.is_swiftshader.then(|| swiftshader::text(self.kernel)).flatten() {
            // It loads before it asks whether it may.
            Some(text) => (text, Checks::All),
            None => (self.kernel.text(), checks(self.kernel, &words)),
        }
    }
}

/// The passes, ready to record, in their order. Compiles what they need, on all cores.
///
/// # Errors
/// What the driver says of a shader or a binding that it refuses.
pub(super) fn prepare(device: &Device, passes: &[Bound]) -> Result<Vec<Dispatch>> {
    let keys: Vec<Key> = passes.iter().map(|pass| pass.key(device)).collect();
    let wanted: HashMap<&Key, &Descriptor> =
        keys.iter().zip(passes).map(|(key, pass)| (key, pass.kernel.descriptor())).collect();
    let compile = |(key, row)| (key, compile(&device.device, row, key));
    let pipelines: HashMap<&Key, wgpu::ComputePipeline> = match device.device.adapter_info().backend {
        // A GL context serves one thread at a time, and wgpu gives up on one that waits too long for it. In a browser
        // devices stay with the thread that has them.
        #[cfg(not(target_family = "wasm"))]
        backend if backend != wgpu::Backend::Gl => wanted.into_par_iter().map(compile).collect(),
        _ => wanted.into_iter().map(compile).collect(),
    };
    device.check()?;
    let dispatch = |(key, pass): (&Key, &Bound)| {
        let pipeline = pipelines[key].clone();
        let group = bind(&device.device, &pipeline, &pass.buffers);
        Dispatch { pipeline, group, workgroups: pass.kernel.workgroups().map(|count| count as u32) }
    };
    let dispatches = keys.iter().zip(passes).map(dispatch).collect();
    device.check()?;
    Ok(dispatches)
}

fn compile(device: &wgpu::Device, row: &Descriptor, (text, checks): &Key) -> wgpu::ComputePipeline {
    let descriptor =
        wgpu::ShaderModuleDescriptor { label: Some(row.name), source: wgpu::ShaderSource::Wgsl(text.into()) };
    let module = match run_time_checks(*checks) {
        None => device.create_shader_module(descriptor),
        // Safety: the text is one of this crate's, with constants by which no address leaves its array or buffer and every
        // loop ends, as far as that is not checked: see `kernels::checks`.
        Some(checks) => unsafe { device.create_shader_module_trusted(descriptor, checks) },
    };
    let entries: Vec<wgpu::BindGroupLayoutEntry> =
        (0..).zip(row.bindings).map(|(binding, of)| layout_entry(binding, of.access)).collect();
    let group =
        device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(row.name), entries: &entries });
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some(row.name),
        bind_group_layouts: &[Some(&group)],
        immediate_size: 0,
    });
    device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(row.name),
        layout: Some(&layout),
        module: &module,
        entry_point: Some("main"),
        // The products write their workgroup memory before they read it.
        compilation_options: wgpu::PipelineCompilationOptions {
            zero_initialize_workgroup_memory: *checks != Checks::Nothing,
            ..Default::default()
        },
        cache: None,
    })
}

/// What wgpu calls these checks; nothing where it is to check all.
fn run_time_checks(checks: Checks) -> Option<wgpu::ShaderRuntimeChecks> {
    match checks {
        Checks::All => None,
        Checks::Addresses => {
            Some(wgpu::ShaderRuntimeChecks { force_loop_bounding: false, ..wgpu::ShaderRuntimeChecks::checked() })
        }
        // Divisors are constants: to check them costs nothing.
        Checks::Nothing => {
            Some(wgpu::ShaderRuntimeChecks { int_div_checks: true, ..wgpu::ShaderRuntimeChecks::unchecked() })
        }
    }
}

fn layout_entry(binding: u32, access: Access) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Storage { read_only: access == Access::Read },
            has_dynamic_offset: false,
            min_binding_size: None,
        },
        count: None,
    }
}

/// A pass, ready to record.
pub(super) struct Dispatch {
    pipeline: wgpu::ComputePipeline,
    group: wgpu::BindGroup,
    workgroups: [u32; 3],
}

impl Dispatch {
    pub fn record(&self, pass: &mut wgpu::ComputePass) {
        let [x, y, z] = self.workgroups;
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.group, &[]);
        pass.dispatch_workgroups(x, y, z);
    }
}

fn bind(device: &wgpu::Device, pipeline: &wgpu::ComputePipeline, buffers: &[wgpu::BufferBinding]) -> wgpu::BindGroup {
    let resources = buffers.iter().cloned().map(wgpu::BindingResource::Buffer);
    let entries: Vec<_> =
        (0..).zip(resources).map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource }).collect();
    device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: None,
        layout: &pipeline.get_bind_group_layout(0),
        entries: &entries,
    })
}
