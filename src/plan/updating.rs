//! The passes that end a step: gradients are clipped, variables updated, and their moving averages moved.

use std::sync::Arc;

use super::buffers::Buffers;
use super::{BufferId, HostBuffers, Pass, pass_of};
use crate::kernels::{BINDING_ALIGNMENT, ClipFactor, GradientSquares, ScaleStep, Updates, WeightAverage};
use crate::optimizers::Optimizer;

/// The variables of a buffer, and what they have in others.
pub struct Updated {
    /// The buffer's.
    pub name: String,
    pub updates: Updates,
    pub gradients: BufferId,
    pub table: BufferId,
    pub values: BufferId,
    /// As the optimizer lists them.
    pub states: Vec<BufferId>,
}

/// The passes that update all of them, in their order.
pub fn update_passes(
    mut all: Vec<Updated>,
    buffers: &mut Buffers,
    optimizer: &Optimizer,
    host: &HostBuffers,
) -> Vec<Pass> {
    all.retain(|updated| !updated.updates.variables.is_empty());
    let looks = (optimizer.clips() || host.loss_scale.is_some()) && !all.is_empty();
    let mut passes = if looks { factor(&all, buffers, optimizer, host) } else { Vec::new() };
    let mut averages = Vec::new();
    for Updated { name, updates, gradients, table, values, mut states } in all {
        if optimizer.averages() {
            let average = states.pop().expect("the optimizer lists it last");
            let kernel = WeightAverage { updates: updates.clone(), momentum: optimizer.ema_momentum };
            averages.push(pass_of(&name, Arc::new(kernel), vec![host.progress, table, values, average]));
        }
        let bound = [vec![gradients, host.rates, host.progress, table, values], states].concat();
        passes.push(pass_of(&name, optimizer.rule().update(updates), bound));
    }
    passes.extend(averages);
    passes
}

/// The passes that make of all gradients what they are multiplied by: what clips them, and takes the loss's scale away.
fn factor(all: &[Updated], buffers: &mut Buffers, optimizer: &Optimizer, host: &HostBuffers) -> Vec<Pass> {
    let counts = all.iter().map(|one| one.updates.workgroup_count().next_multiple_of(BINDING_ALIGNMENT));
    let sums = counts.clone().sum();
    let squares = buffers.add("weights.gradient.squares", vec![sums]);
    let mut first = 0;
    let mut passes = Vec::new();
    for (Updated { name, updates, gradients, table, .. }, count) in all.iter().zip(counts) {
        let kernel = GradientSquares { updates: updates.clone() };
        let own = pass_of(name, Arc::new(kernel), vec![*gradients, *table, squares]);
        passes.push(Pass { offsets: vec![0, 0, first], ..own });
        first += count;
    }
    let (clip, numbers) = (optimizer.global_clipnorm, optimizer.numbers(host.loss_scale.is_some()));
    let bound = vec![squares, host.progress, host.rates];
    passes.push(match host.loss_scale {
        None => pass_of("weights", Arc::new(ClipFactor { sums, clip, numbers }), bound),
        Some(scale) => {
            let kernel = ScaleStep { sums, clip, numbers, patience: ScaleStep::PATIENCE };
            pass_of("weights", Arc::new(kernel), [bound, vec![scale]].concat())
        }
    });
    passes
}
