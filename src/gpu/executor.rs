//! Runs a plan on an adapter: buffers, bind groups and pipelines are made once; a submission replays the passes.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use futures_intrusive::channel::shared::{OneshotReceiver, oneshot_channel};

use super::adapter::Adapter;
use super::buffer::{read_back_buffer, storage_buffer, take_mapped};
use super::device::Device;
use super::pipeline::{Bound, Dispatch, prepare};
use super::timing;
use crate::error::{Error, Result};
use crate::plan::{BatchLog, Buffer, BufferId, Executor, Pass, Plan, Program, Timeline};

/// A plan on a device.
pub struct Gpu {
    device: Device,
    plan: Arc<Plan>,
    buffers: Vec<wgpu::Buffer>,
    /// Of each program, in the order of [`Program::ALL`].
    programs: Vec<Vec<Dispatch>>,
    /// Read-back buffers for the log that are not under way.
    idle: Vec<wgpu::Buffer>,
    waiting: VecDeque<Submission>,
}

struct Submission {
    index: wgpu::SubmissionIndex,
    log: wgpu::Buffer,
    /// Of the log.
    rows: usize,
    mapped: OneshotReceiver<std::result::Result<(), wgpu::BufferAsyncError>>,
}

/// Submissions under way: while the device works on one, the host prepares the next.
const IN_FLIGHT: usize = 2;

impl Gpu {
    /// Opens the adapter and makes everything the plan needs there.
    ///
    /// # Errors
    /// See [`Plan::check`]; [`Error::Adapter`] where the plan is beyond the adapter's limits, [`Error::Device`] where the
    /// device fails.
    pub fn new(adapter: &Adapter, plan: impl Into<Arc<Plan>>) -> Result<Self> {
        let plan = plan.into();
        plan.check()?;
        check_limits(adapter, &plan)?;
        let device = Device::open(adapter)?;
        let buffers: Vec<wgpu::Buffer> =
            plan.buffers.iter().map(|buffer| storage_buffer(&device.device, &buffer.name, buffer.words)).collect();
        for (buffer, Buffer { initial, .. }) in
            buffers.iter().zip(&plan.buffers).filter(|(_, of)| !of.initial.is_empty())
        {
            device.queue.write_buffer(buffer, 0, bytemuck::cast_slice(initial));
        }
        let passes = Program::ALL.into_iter().flat_map(|program| plan.passes(program));
        let passes: Vec<Bound> = passes.map(|pass| bound(pass, &buffers)).collect();
        let mut dispatches = prepare(&device, &passes)?.into_iter();
        drop(passes);
        let of = |program| dispatches.by_ref().take(plan.passes(program).len()).collect();
        let programs = Program::ALL.map(of).into();
        let log_words = plan.buffer(plan.log).words;
        let idle = (0..IN_FLIGHT).map(|_| read_back_buffer(&device.device, log_words)).collect();
        device.check()?;
        Ok(Self { device, plan, buffers, programs, idle, waiting: VecDeque::new() })
    }

    fn dispatches(&self, program: Program) -> &[Dispatch] {
        &self.programs[program as usize]
    }
}

fn bound<'a>(pass: &'a Pass, buffers: &'a [wgpu::Buffer]) -> Bound<'a> {
    let binding = |(id, first): (&BufferId, &usize)| wgpu::BufferBinding {
        buffer: &buffers[id.0],
        offset: 4 * *first as u64,
        size: None,
    };
    Bound { kernel: &*pass.kernel, buffers: pass.buffers.iter().zip(&pass.offsets).map(binding).collect() }
}

fn check_limits(adapter: &Adapter, plan: &Plan) -> Result<()> {
    let limits = adapter.limits();
    let most = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
    let refuse = |what: String| {
        let name = adapter.info.name.trim();
        Err(Error::Adapter(format!("{name}: {what}; use a smaller `batch_size` or another `adapter`")))
    };
    if let Some(large) = plan.buffers.iter().find(|buffer| 4 * buffer.words as u64 > most) {
        let (need, most) = (4.0 * large.words as f64 / 1e6, most as f64 / 1e6);
        return refuse(format!("{} needs {need:.0} MB, the adapter's buffers have at most {most:.0} MB", large.name));
    }
    if plan.buffers.iter().any(|buffer| !adapter.has(buffer.precision)) {
        let name = adapter.info.name.trim();
        let problem = "the adapter's shaders have no f16; use `precision` bf16, or another `adapter`";
        return Err(Error::Adapter(format!("{name}: {problem}")));
    }
    let need = plan.bytes() + IN_FLIGHT as u64 * 4 * plan.buffer(plan.log).words as u64;
    if let Some(most) = adapter.memory_limit.filter(|most| need > *most) {
        let (need, most) = (need as f64 / 1e6, most as f64 / 1e6);
        let problem = format!("the plan needs {need:.1} MB of memory, and `vram_limit` is {most:.1} MB");
        let name = adapter.info.name.trim();
        let remedy = "raise it, or use a smaller `micro_batch` or `batch_size`";
        return Err(Error::Adapter(format!("{name}: {problem}; {remedy}")));
    }
    for pass in Program::ALL.into_iter().flat_map(|program| plan.passes(program)) {
        let (row, layer) = (pass.kernel.descriptor(), &pass.layer);
        let needs = [
            (
                "workgroups in one direction",
                pass.kernel.workgroups().into_iter().max().unwrap_or(0),
                limits.max_compute_workgroups_per_dimension,
            ),
            ("threads in a workgroup", pass.kernel.threads(), limits.max_compute_invocations_per_workgroup),
            ("storage buffers", row.bindings.len(), limits.max_storage_buffers_per_shader_stage),
        ];
        if let Some((what, need, most)) = needs.into_iter().find(|(_, need, most)| *need > *most as usize) {
            return refuse(format!("{} of {layer} needs {need} {what}, the adapter has {most}", row.name));
        }
    }
    Ok(())
}

impl Executor for Gpu {
    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn write_at(&mut self, buffer: BufferId, first: usize, words: &[u32]) -> Result<()> {
        self.plan.check_words(buffer, &(first..first.saturating_add(words.len())))?;
        self.device.queue.write_buffer(&self.buffers[buffer.0], 4 * first as u64, bytemuck::cast_slice(words));
        Ok(())
    }

    fn read_at(&mut self, buffer: BufferId, words: Range<usize>) -> Result<Vec<u32>> {
        self.plan.check_words(buffer, &words)?;
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let target = read_back_buffer(&self.device.device, words.len());
        let mut encoder = self.device.device.create_command_encoder(&Default::default());
        let first = 4 * words.start as u64;
        encoder.copy_buffer_to_buffer(&self.buffers[buffer.0], first, &target, 0, target.size());
        let index = self.device.queue.submit([encoder.finish()]);
        target.map_async(wgpu::MapMode::Read, .., |_| {});
        self.device.wait(Some(index))?;
        let read = take_mapped(&target);
        // Not when a browser comes to it.
        target.destroy();
        read
    }

    fn submit(&mut self, program: Program, batches: usize) -> Result<()> {
        Plan::check_batches(batches)?;
        let log = match self.idle.pop() {
            Some(log) => log,
            None => read_back_buffer(&self.device.device, self.plan.buffer(self.plan.log).words),
        };
        let dispatches = self.dispatches(program);
        let mut encoder = self.device.device.create_command_encoder(&Default::default());
        let mut pass = encoder.begin_compute_pass(&Default::default());
        for dispatch in (0..batches).flat_map(|_| dispatches) {
            dispatch.record(&mut pass);
        }
        drop(pass);
        encoder.copy_buffer_to_buffer(&self.buffers[self.plan.log.0], 0, &log, 0, log.size());
        let index = self.device.queue.submit([encoder.finish()]);
        let rows = batches * self.plan.log_rows(program);
        let (sender, mapped) = oneshot_channel();
        log.map_async(wgpu::MapMode::Read, .., move |result| drop(sender.send(result)));
        self.waiting.push_back(Submission { index, log, rows, mapped });
        self.device.check()
    }

    fn collect(&mut self) -> Result<Vec<BatchLog>> {
        let Some(Submission { index, log, rows, mapped }) = self.waiting.pop_front() else {
            return Ok(Vec::new());
        };
        match self.device.wait_for(index, mapped.receive())? {
            Some(Ok(())) => {}
            _ => return Err(Error::Device("the device gave no log back; it may be lost".into())),
        }
        let words = take_mapped(&log)?;
        self.idle.push(log);
        Ok(BatchLog::read(&words[..2 * rows]))
    }

    fn time(&mut self, program: Program, batches: usize) -> Result<Timeline> {
        Plan::check_batches(batches)?;
        timing::time(&self.device, self.dispatches(program), batches)
    }

    fn in_flight(&self) -> usize {
        IN_FLIGHT
    }
}
