//! Where a training step's time goes: every pass timed, and what the host adds.

use std::ops::Range;

use super::synthetic::LEARNING_RATE;
use super::{Synthetic, go_on, median, throughput};
use crate::callback::ProgressCallback;
use crate::error::Result;
use crate::plan::{Clock, Pass, Plan, Program, Timeline};
use crate::train::Engine;

/// Steps of one timed submission: few, since no driver should take a slow GPU for a hung one.
const SUBMISSION: usize = 4;

/// What a pass of a step is for.
#[derive(Clone, Debug)]
pub struct Work {
    pub layer: String,
    pub kernel: &'static str,
    pub operations: usize,
    /// That have to move at least.
    pub bytes: usize,
}

/// A layer's passes of one kernel: one, or one for each part of the batch.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Of all of them together.
    pub work: Work,
    pub passes: usize,
    /// The median over the steps.
    pub seconds: f64,
    /// Of the sum of all medians.
    pub share: f64,
}

/// A profile of training steps.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Every pass of a step, in the plan's order.
    pub passes: Vec<Work>,
    /// In the order of their first passes.
    pub measured: Vec<Measured>,
    pub clock: Clock,
    /// Seconds a step as training submits it, without timing: the mean of a run before the timed steps and one after.
    pub step: f64,
    /// The part of the timed submissions' span on the device in which no pass ran.
    pub gaps: f64,
    /// Of each timed submission.
    pub timelines: Vec<Timeline>,
}

impl Profile {
    /// Sum of the medians, in seconds.
    pub fn seconds(&self) -> f64 {
        self.measured.iter().map(|measured| measured.seconds).sum()
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
pub fn profile(engine: &mut Engine, data: &Synthetic, steps: usize, callback: ProgressCallback<()>) -> Result<Profile> {
    // The engine finds out meanwhile how many steps a submission should have.
    throughput(engine, data, 4, callback)?;
    let before = throughput(engine, data, steps, callback)?;
    let mut timelines = Vec::new();
    for first in (0..steps).step_by(SUBMISSION) {
        go_on(callback)?;
        timelines.push(engine.time(&data.order(SUBMISSION.min(steps - first)), LEARNING_RATE)?);
    }
    let after = throughput(engine, data, steps, callback)?;

    let passes = works(&engine.plan().steps);
    let steps: Vec<&[Range<f64>]> =
        timelines.iter().flat_map(|timeline| timeline.passes.chunks_exact(passes.len())).collect();
    let spans = timelines.iter().map(|timeline| timeline.passes.last().map_or(0.0, |last| last.end));
    let busy: f64 = steps.iter().copied().flatten().map(|pass| pass.end - pass.start).sum();
    Ok(Profile {
        measured: measure(&passes, &steps),
        clock: timelines.first().map_or(Clock::Host, |timeline| timeline.clock),
        step: (before + after) / 2.0,
        gaps: 1.0 - busy / spans.sum::<f64>(),
        passes,
        timelines,
    })
}

fn works(plan: &Plan) -> Vec<Work> {
    plan.passes(Program::Training).iter().map(work).collect()
}

pub(super) fn work(pass: &Pass) -> Work {
    Work {
        layer: pass.layer.clone(),
        kernel: pass.kernel.descriptor().name,
        operations: pass.kernel.operations(),
        bytes: pass.traffic(),
    }
}

/// The passes by layer and kernel; `steps` has the times of each step's passes, in nanoseconds.
fn measure(passes: &[Work], steps: &[&[Range<f64>]]) -> Vec<Measured> {
    let mut measured: Vec<Measured> = Vec::new();
    for pass in passes {
        let same = |other: &Work| other.layer == pass.layer && other.kernel == pass.kernel;
        match measured.iter_mut().find(|measured| same(&measured.work)) {
            Some(known) => {
                known.passes += 1;
                known.work.operations += pass.operations;
                known.work.bytes += pass.bytes;
            }
            None => {
                let times = steps.iter().map(|times| {
                    let own = passes.iter().zip(*times).filter(|(pass, _)| same(pass));
                    own.map(|(_, time)| (time.end - time.start) * 1e-9).sum()
                });
                measured.push(Measured { work: pass.clone(), passes: 1, seconds: median(times), share: 0.0 });
            }
        }
    }
    let sum: f64 = measured.iter().map(|measured| measured.seconds).sum();
    measured.iter_mut().for_each(|measured| measured.share = measured.seconds / sum);
    measured
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two parts of one layer's pass, and another one, over three steps.
    #[test]
    fn parts_of_a_batch_are_added_up() {
        let work = |layer: &str, operations| Work { layer: layer.into(), kernel: "col2im", operations, bytes: 8 };
        let passes = [work("a", 10), work("b", 5), work("a", 10)];
        let step = |first: f64| vec![0.0..1e9 * first, 5e9..6e9, 7e9..7e9 + 1e9 * first];
        let steps = [step(1.0), step(1.5), step(4.0)];
        let steps: Vec<&[Range<f64>]> = steps.iter().map(Vec::as_slice).collect();
        let measured = measure(&passes, &steps);
        let all: Vec<(usize, usize, usize)> =
            measured.iter().map(|one| (one.passes, one.work.operations, one.work.bytes)).collect();
        assert_eq!(all, [(2, 20, 16), (1, 5, 8)]);
        assert_eq!((measured[0].seconds, measured[1].seconds), (3.0, 1.0));
        assert_eq!((measured[0].share, measured[1].share), (0.75, 0.25));
    }
}
