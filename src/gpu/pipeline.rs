//! Pipelines: one for each specialisation, compiled once.

use std::collections::HashMap;

use rayon::prelude::*;

use super::adapter::Device;
use crate::error::Result;
use crate::kernels::{Access, Kernel, Row, specialise};

/// Pipelines by their specialised text, which is the whole specialisation.
pub(super) struct Pipelines(HashMap<String, wgpu::ComputePipeline>);

impl Pipelines {
    /// Compiles what the kernels need, on all cores.
    ///
    /// # Errors
    /// What the driver says of a shader it refuses.
    pub fn compile<'a>(device: &Device, kernels: impl Iterator<Item = &'a dyn Kernel>) -> Result<Self> {
        let mut wanted: HashMap<String, &Row> = HashMap::new();
        for kernel in kernels {
            wanted.entry(specialise(kernel.row().wgsl, &kernel.constants())).or_insert(kernel.row());
        }
        let compile = |(text, row): (String, &Row)| {
            let pipeline = compile(&device.device, row, &text);
            (text, pipeline)
        };
        // A GL context serves one thread at a time, and wgpu gives up on one that waits too long for it.
        let pipelines = match device.device.adapter_info().backend {
            wgpu::Backend::Gl => Self(wanted.into_iter().map(compile).collect()),
            _ => Self(wanted.into_par_iter().map(compile).collect()),
        };
        device.check()?;
        Ok(pipelines)
    }

    /// A kernel that [`Self::compile`] was given, on a buffer, or a part of one, for each of its bindings.
    pub fn dispatch<'a>(
        &self,
        device: &wgpu::Device,
        kernel: &dyn Kernel,
        buffers: impl Iterator<Item = wgpu::BufferBinding<'a>>,
    ) -> Dispatch {
        let pipeline = self.0[&specialise(kernel.row().wgsl, &kernel.constants())].clone();
        let group = bind(device, &pipeline, buffers);
        Dispatch { pipeline, group, workgroups: kernel.workgroups().map(|count| count as u32) }
    }
}

fn compile(device: &wgpu::Device, row: &Row, text: &str) -> wgpu::ComputePipeline {
    let descriptor =
        wgpu::ShaderModuleDescriptor { label: Some(row.name), source: wgpu::ShaderSource::Wgsl(text.into()) };
    // Safety: the shaders bound every address by their constants, which tests hold against the twins with fenced
    // buffers; run-time checks would only slow their loops, most of all in software.
    let module = unsafe { device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked()) };
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
        // Every kernel writes its workgroup memory before it reads it.
        compilation_options: wgpu::PipelineCompilationOptions {
            zero_initialize_workgroup_memory: false,
            ..Default::default()
        },
        cache: None,
    })
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

/// The buffers of one pass, or parts of them, bound for its pipeline.
fn bind<'a>(
    device: &wgpu::Device,
    pipeline: &wgpu::ComputePipeline,
    buffers: impl Iterator<Item = wgpu::BufferBinding<'a>>,
) -> wgpu::BindGroup {
    let resources = buffers.map(wgpu::BindingResource::Buffer);
    let entries: Vec<_> =
        (0..).zip(resources).map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource }).collect();
    device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: None,
        layout: &pipeline.get_bind_group_layout(0),
        entries: &entries,
    })
}
