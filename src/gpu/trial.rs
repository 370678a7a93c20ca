//! Times kernels over the same buffers, one against the other, by whole submissions on the host's clock.

use std::sync::Arc;
use std::time::Duration;

use web_time::Instant;

use super::buffer::storage_buffer;
use super::device::Device;
use super::pipeline::{Bound, Dispatch, prepare};
use super::probe::Probe;
use crate::error::{Error, Result};
use crate::kernels::{Kernel, misfit};

/// Buffers, and the device that kernels are timed on over them.
pub struct Trials<'a> {
    device: &'a Device,
    buffers: Vec<wgpu::Buffer>,
}

/// A kernel, and the buffers of its bindings by number.
pub type Timed = (Arc<dyn Kernel>, Vec<usize>);

/// Passes that are timed as one.
pub struct Trial(Vec<Dispatch>);

impl<'a> Trials<'a> {
    /// Buffers with these words at their beginning, and as many words in all.
    ///
    /// # Errors
    /// [`Error::Device`](crate::error::Error::Device) where they do not fit on the device.
    pub fn new(probe: &'a Probe, memory: &[(Vec<u32>, usize)]) -> Result<Self> {
        let device = &probe.0;
        let make = |(words, length): &(Vec<u32>, usize)| {
            let buffer = storage_buffer(&device.device, "trial", *length);
            device.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(words));
            buffer
        };
        let buffers = memory.iter().map(make).collect();
        device.check()?;
        Ok(Self { device, buffers })
    }

    /// Compiles what is to be timed as one: passes, each of a kernel and its buffers by number. All of them at once, on all
    /// cores.
    ///
    /// # Errors
    /// [`Error::Failed`] where there is no such buffer, or it is not the kernel's; what the driver says of a shader it refuses.
    pub fn prepare(&self, trials: &[Vec<Timed>]) -> Result<Vec<Trial>> {
        let buffer = |&number: &usize| {
            let none = || Error::Failed(format!("there is no buffer {number}: there are {}", self.buffers.len()));
            self.buffers.get(number).map(wgpu::Buffer::as_entire_buffer_binding).ok_or_else(none)
        };
        let mut bound = Vec::new();
        for (kernel, buffers) in trials.iter().flatten() {
            let buffers: Vec<wgpu::BufferBinding> = buffers.iter().map(buffer).collect::<Result<_>>()?;
            let words: Vec<usize> = buffers.iter().map(|bound| bound.buffer.size() as usize / 4).collect();
            if let Some(problem) = misfit(&**kernel, &words) {
                return Err(Error::Failed(problem));
            }
            bound.push(Bound { kernel: &**kernel, buffers });
        }
        let mut dispatches = prepare(self.device, &bound)?.into_iter();
        Ok(trials.iter().map(|passes| Trial(dispatches.by_ref().take(passes.len()).collect())).collect())
    }

    /// How long one submission takes that runs the passes `repeats` times, from handing it in to its end.
    ///
    /// # Errors
    /// [`Error::Device`](crate::error::Error::Device) where the device fails.
    pub fn time(&self, trial: &Trial, repeats: usize) -> Result<Duration> {
        let Device { device, queue, .. } = self.device;
        let mut encoder = device.create_command_encoder(&Default::default());
        let mut pass = encoder.begin_compute_pass(&Default::default());
        (0..repeats).flat_map(|_| &trial.0).for_each(|dispatch| dispatch.record(&mut pass));
        drop(pass);
        let commands = encoder.finish();
        let start = Instant::now();
        let index = queue.submit([commands]);
        self.device.wait(Some(index))?;
        Ok(start.elapsed())
    }
}
