//! One model's training steps on one device, made ready to be timed: first of all their results are held against the CPU
//! path's.

use std::sync::Arc;

use web_time::Instant;

use super::{Steps, Synthetic, agree, steps_for, throughput};
use crate::callback::ProgressCallback;
use crate::cpu::Cpu;
use crate::error::{Error, Result};
use crate::gemm::DeviceClass;
use crate::plan::{Executor, Plan, Program};
use crate::precision::Precision;
use crate::train::{Engine, Setup};

/// Gives the executor of a plan.
pub type Make<'m> = &'m dyn Fn(Arc<Plan>) -> Result<Box<dyn Executor>>;

/// Steps that are compared with the CPU path's.
const COMPARED: usize = 3;

/// Training steps that do what they should, and were warmed up.
pub struct StepBench<'a> {
    engine: Engine<'a>,
    data: &'a Synthetic,
    /// As many as take about half a second.
    pub steps: usize,
    /// Useful ones of a step.
    pub operations: usize,
    /// Bytes of the plan's buffers.
    pub memory: u64,
    /// Seconds to open the adapter, to make everything the plan needs there, and for the first step.
    pub start_up: f64,
    /// The part of the tolerance that the comparison used; none on the CPU path, which is compared with.
    pub used: Option<f64>,
}

impl<'a> StepBench<'a> {
    /// Of the setup of `data`, on the executor that `make` gives for its plan; messages call the device `name`.
    ///
    /// # Errors
    /// [`Error::Failed`] where the first steps differ from those of the CPU path on the same plan; what the device
    /// reports, or an interrupt.
    pub fn new(
        setup: &Setup<'a>,
        data: &'a Synthetic,
        (name, make): (&str, Make),
        callback: ProgressCallback<()>,
    ) -> Result<Self> {
        let is_reference = setup.options.tiles.device == DeviceClass::Cpu;
        let used = if is_reference { None } else { Some(compare(setup, data, (name, make), &mut |()| callback(()))?) };
        let plan = setup.plan()?;
        let start = Instant::now();
        let mut engine = setup.initialised(make)?;
        // Some drivers compile a shader when it first runs.
        throughput(&mut engine, data, 1, callback)?;
        let start_up = start.elapsed().as_secs_f64();
        let steps = steps_for(&mut engine, data, callback)?;
        let (operations, memory) = (plan.steps.operations(Program::Training), plan.steps.bytes());
        Ok(Self { engine, data, steps, operations, memory, start_up, used })
    }

    /// Seconds a step, over so many: see [`throughput`].
    ///
    /// # Errors
    /// See [`throughput`].
    pub fn time(&mut self, steps: usize, callback: ProgressCallback<()>) -> Result<f64> {
        throughput(&mut self.engine, self.data, steps, callback)
    }
}

/// The part of the tolerance that the device's first steps use.
fn compare(setup: &Setup, data: &Synthetic, (name, make): (&str, Make), callback: ProgressCallback<()>) -> Result<f64> {
    let on_the_cpu = |plan: Arc<Plan>| Ok(Box::new(Cpu::new(plan)?) as Box<dyn Executor>);
    let expected = Steps::run(&mut setup.initialised(on_the_cpu)?, data, COMPARED, None, callback)?;
    let wide = match setup.options.precision {
        Precision::F32 => None,
        _ => Some(Steps::run(&mut setup.in_f32().initialised(on_the_cpu)?, data, COMPARED, Some(&expected), callback)?),
    };
    let actual = Steps::run(&mut setup.initialised(make)?, data, COMPARED, Some(&expected), callback)?;
    agree(&expected, &actual, wide.as_ref()).map_err(|problem| {
        let remedy = "no speed is worth reporting; run 'gpu-fmnist selftest' on this adapter";
        Error::Failed(format!("{} on {name}: {problem}; {remedy}", setup.model.name))
    })
}
