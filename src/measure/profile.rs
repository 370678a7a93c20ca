//! Where a training step's time goes: every pass timed, and what the host adds.

use super::synthetic::LEARNING_RATE;
use super::{Synthetic, Visit, go_on, median, throughput};
use crate::error::Result;
use crate::plan::{Clock, Program, Timeline};
use crate::train::Engine;

/// Steps of one timed submission: few, since no driver should take a slow GPU for a hung one.
const SUBMISSION: usize = 4;

/// One pass of a step; or several, where a layer's kernel goes through the batch in parts.
#[derive(Clone, Debug)]
pub struct Measured {
    pub layer: String,
    pub kernel: &'static str,
    /// The median over the steps.
    pub seconds: f64,
    /// Of the sum of all passes' medians.
    pub share: f64,
    pub operations: usize,
    /// That have to move at least.
    pub bytes: usize,
}

/// A profile of training steps.
#[derive(Clone, Debug)]
pub struct Profile {
    /// In the plan's order.
    pub passes: Vec<Measured>,
    pub clock: Clock,
    /// Seconds a step as training submits it, without timing: the mean of a run before the timed steps and one after.
    pub step: f64,
    /// The part of the timed submissions' span on the device in which no pass ran.
    pub gaps: f64,
    /// Of each timed submission.
    pub timelines: Vec<Timeline>,
}

impl Profile {
    /// Sum of the passes' medians, in seconds.
    pub fn seconds(&self) -> f64 {
        self.passes.iter().map(|pass| pass.seconds).sum()
    }

    /// The part of an untimed step that no pass accounts for. Below zero where passes are slower one by one than they
    /// are in training.
    pub fn host(&self) -> f64 {
        1.0 - self.seconds() / self.step
    }
}

/// Profiles `steps` training steps, after a warm-up.
///
/// # Errors
/// What the device reports, or an interrupt.
pub fn profile(engine: &mut Engine, data: &Synthetic, steps: usize, visit: Visit) -> Result<Profile> {
    // The engine finds out meanwhile how many steps a submission should have.
    throughput(engine, data, 4, visit)?;
    let before = throughput(engine, data, steps, visit)?;
    let mut timelines = Vec::new();
    for first in (0..steps).step_by(SUBMISSION) {
        go_on(visit)?;
        timelines.push(engine.time(&data.order(SUBMISSION.min(steps - first)), LEARNING_RATE)?);
    }
    let after = throughput(engine, data, steps, visit)?;

    let plan = engine.plan();
    let passes = plan.passes(Program::Training);
    let times = |number: usize| {
        let all = timelines.iter().flat_map(move |timeline| timeline.passes.iter().skip(number).step_by(passes.len()));
        all.map(|pass| (pass.end - pass.start) * 1e-9)
    };
    let seconds: Vec<f64> = (0..passes.len()).map(|number| median(times(number))).collect();
    let sum: f64 = seconds.iter().sum();
    let measured = passes.iter().zip(&seconds).map(|(pass, &seconds)| Measured {
        layer: pass.layer.clone(),
        kernel: pass.kernel.row().name,
        seconds,
        share: seconds / sum,
        operations: pass.kernel.operations(),
        bytes: plan.traffic(pass),
    });
    let mut passes: Vec<Measured> = Vec::new();
    for pass in measured {
        match passes.iter_mut().find(|other| (&other.layer, other.kernel) == (&pass.layer, pass.kernel)) {
            None => passes.push(pass),
            Some(other) => {
                other.seconds += pass.seconds;
                other.share += pass.share;
                other.operations += pass.operations;
                other.bytes += pass.bytes;
            }
        }
    }
    let spans = timelines.iter().map(|timeline| timeline.passes.last().map_or(0.0, |last| last.end) * 1e-9);
    let busy: f64 = (0..seconds.len()).flat_map(times).sum();
    Ok(Profile {
        passes,
        clock: timelines.first().map_or(Clock::Host, |timeline| timeline.clock),
        step: (before + after) / 2.0,
        gaps: 1.0 - busy / spans.sum::<f64>(),
        timelines,
    })
}
