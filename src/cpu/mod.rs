//! The CPU executor: runs a plan by the kernels' CPU references. The reference that tests hold the shaders to, and the fallback
//! on a machine without a GPU.

use std::collections::VecDeque;
use std::mem::take;
use std::ops::Range;
use std::sync::Arc;

use web_time::Instant;

use crate::error::{Error, Result};
use crate::plan::{BatchLog, BufferId, Clock, Executor, MOST_BINDINGS, Pass, Plan, Program, Timeline};

/// A plan with its buffers in memory.
pub struct Cpu {
    plan: Arc<Plan>,
    memory: Vec<Vec<u32>>,
    logs: VecDeque<Vec<BatchLog>>,
}

impl Cpu {
    /// # Errors
    /// See [`Plan::check`]; [`Error::Device`] where memory does not suffice.
    pub fn new(plan: impl Into<Arc<Plan>>) -> Result<Self> {
        let plan = plan.into();
        plan.check()?;
        let mut memory = Vec::new();
        for buffer in &plan.buffers {
            let mut words = Vec::new();
            words.try_reserve_exact(buffer.words).map_err(|_| {
                let gigabytes = plan.bytes() as f64 * 1e-9;
                Error::Device(format!("not enough memory for the plan's {gigabytes:.1} GB; use a smaller `batch_size`"))
            })?;
            words.extend(&buffer.initial);
            words.resize(buffer.words, 0);
            memory.push(words);
        }
        Ok(Self { plan, memory, logs: VecDeque::new() })
    }
}

/// Runs the pass's CPU reference. The buffers change hands and stay where they are in memory; nothing is allocated.
fn run(pass: &Pass, memory: &mut [Vec<u32>]) {
    let mut bound: [Vec<u32>; MOST_BINDINGS] = Default::default();
    for (buffer, id) in bound.iter_mut().zip(&pass.buffers) {
        *buffer = take(&mut memory[id.0]);
    }
    let mut views = bound.each_mut().map(Vec::as_mut_slice);
    for (view, first) in views.iter_mut().zip(&pass.offsets) {
        *view = &mut take(view)[*first..];
    }
    pass.kernel.reference(&mut views[..pass.buffers.len()]);
    for (buffer, id) in bound.into_iter().zip(&pass.buffers) {
        memory[id.0] = buffer;
    }
}

impl Executor for Cpu {
    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn write_at(&mut self, buffer: BufferId, first: usize, words: &[u32]) -> Result<()> {
        let place = first..first.saturating_add(words.len());
        self.plan.check_words(buffer, &place)?;
        self.memory[buffer.0][place].copy_from_slice(words);
        Ok(())
    }

    fn read_at(&mut self, buffer: BufferId, words: Range<usize>) -> Result<Vec<u32>> {
        self.plan.check_words(buffer, &words)?;
        Ok(self.memory[buffer.0][words].to_vec())
    }

    fn submit(&mut self, program: Program, batches: usize) -> Result<()> {
        Plan::check_batches(batches)?;
        // From within the pool, so that its threads are called once a submission and not once a pass.
        let Self { plan, memory, .. } = self;
        rayon::scope(|_| {
            for pass in (0..batches).flat_map(|_| plan.passes(program)) {
                run(pass, memory);
            }
        });
        let rows = batches * self.plan.log_rows(program);
        self.logs.push_back(BatchLog::read(&self.memory[self.plan.log.0][..2 * rows]));
        Ok(())
    }

    fn collect(&mut self) -> Result<Vec<BatchLog>> {
        Ok(self.logs.pop_front().unwrap_or_default())
    }

    fn time(&mut self, program: Program, batches: usize) -> Result<Timeline> {
        Plan::check_batches(batches)?;
        let submitted = Instant::now();
        let mut passes = Vec::new();
        let Self { plan, memory, .. } = self;
        rayon::scope(|_| {
            for pass in (0..batches).flat_map(|_| plan.passes(program)) {
                let start = submitted.elapsed().as_nanos() as f64;
                run(pass, memory);
                passes.push(start..submitted.elapsed().as_nanos() as f64);
            }
        });
        Ok(Timeline { passes, clock: Clock::Host, submitted, wall: submitted.elapsed() })
    }

    fn in_flight(&self) -> usize {
        1
    }
}
