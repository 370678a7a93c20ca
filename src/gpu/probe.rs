//! Runs one case of one kernel on an adapter, with guard words around what it writes.

use std::any::Any;
use std::slice;

use super::adapter::Adapter;
use super::buffer::{read_back_buffer, storage_buffer, take_mapped};
use super::device::Device;
use super::pipeline::{Bound, Dispatch, prepare};
use crate::error::{Error, Result};
use crate::gemm::Capabilities;
use crate::kernels::{Case, GemmKernel, Stored, misfit};
use crate::precision::Precision;

/// Guard words behind every buffer: a kernel that writes past an end is found out.
const FENCE: [u32; 64] = [0xfe7c_e000; 64];

/// An adapter opened for single kernels.
pub struct Probe(pub(super) Device, Capabilities);

impl Probe {
    pub fn open(adapter: &Adapter) -> Result<Self> {
        Ok(Self(Device::open(adapter)?, adapter.capabilities()))
    }

    /// Whether the adapter can run the case's kernel at all.
    pub fn runs(&self, case: &Case) -> bool {
        let kernel: &dyn Any = &*case.kernel;
        let product = GemmKernel::of(kernel.downcast_ref::<Stored>().map_or(&*case.kernel, Stored::inner));
        let has_f16 = self.0.device.features().contains(wgpu::Features::SHADER_F16);
        if case.precision() == Precision::F16 && !has_f16 {
            return false;
        }
        product.is_none_or(|product| product.variant().runs_on(&self.1, &product.problem(), &product.config()))
    }

    /// The buffers of `case` after its shader ran on the adapter.
    ///
    /// # Errors
    /// [`Error::Failed`] where the buffers are not the kernel's or the shader wrote outside of them, [`Error::Device`] where
    /// the device failed.
    pub fn run(&self, case: &Case) -> Result<Vec<Vec<u32>>> {
        self.run_each(slice::from_ref(case))?.next().expect("one case has one result")
    }

    /// The same of each case, which run one after the other as they are asked for. What all of them need is compiled before,
    /// on all cores: most of the time goes to the driver's compiler.
    ///
    /// # Errors
    /// What the driver says of a shader that it refuses; for each case those of [`Self::run`].
    pub fn run_each<'a>(&'a self, cases: &'a [Case]) -> Result<impl Iterator<Item = Result<Vec<Vec<u32>>>> + 'a> {
        let buffers: Vec<Result<Vec<wgpu::Buffer>>> = cases.iter().map(|case| self.fenced(case)).collect();
        let fitting = cases.iter().zip(&buffers).filter_map(|(case, buffers)| {
            let buffers = buffers.as_ref().ok()?.iter().map(wgpu::Buffer::as_entire_buffer_binding).collect();
            Some(Bound { kernel: &*case.kernel, buffers })
        });
        let mut dispatches = prepare(&self.0, &fitting.collect::<Vec<_>>())?.into_iter();
        Ok(cases.iter().zip(buffers).map(move |(case, buffers)| {
            let buffers = buffers?;
            self.results(case, &buffers, &dispatches.next().expect("what fits has been prepared"))
        }))
    }

    /// Buffers with the words of `case`, each with a fence behind it.
    fn fenced(&self, case: &Case) -> Result<Vec<wgpu::Buffer>> {
        let words: Vec<usize> = case.memory.iter().map(Vec::len).collect();
        if let Some(problem) = misfit(&*case.kernel, &words) {
            return Err(Error::Failed(problem));
        }
        let fenced = case.memory.iter().map(|words| {
            let words = [words, &FENCE[..]].concat();
            let buffer = storage_buffer(&self.0.device, "case", words.len());
            self.0.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(&words));
            buffer
        });
        Ok(fenced.collect())
    }

    /// What is in the buffers after the dispatch, without their fences.
    fn results(&self, case: &Case, buffers: &[wgpu::Buffer], dispatch: &Dispatch) -> Result<Vec<Vec<u32>>> {
        let Device { device, queue, .. } = &self.0;
        let mut encoder = device.create_command_encoder(&Default::default());
        let mut pass = encoder.begin_compute_pass(&Default::default());
        dispatch.record(&mut pass);
        drop(pass);
        let words = |buffer: &wgpu::Buffer| buffer.size() as usize / size_of::<u32>();
        let targets: Vec<wgpu::Buffer> = buffers.iter().map(|buffer| read_back_buffer(device, words(buffer))).collect();
        for (buffer, target) in buffers.iter().zip(&targets) {
            encoder.copy_buffer_to_buffer(buffer, 0, target, 0, target.size());
        }
        queue.submit([encoder.finish()]);
        targets.iter().for_each(|target| target.map_async(wgpu::MapMode::Read, .., |_| {}));
        self.0.wait(None)?;
        let names = case.kernel.descriptor().bindings.iter().map(|binding| binding.name);
        let read = |(target, name): (&wgpu::Buffer, &str)| {
            let mut words = take_mapped(target)?;
            match words.split_off(words.len() - FENCE.len()) == FENCE {
                true => Ok(words),
                false => Err(Error::Failed(format!("{name}: written past its end"))),
            }
        };
        targets.iter().zip(names).map(read).collect()
    }
}
