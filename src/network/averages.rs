//! Evaluation with the weights' moving averages.

use std::collections::HashMap;

use crate::kernels::Access;
use crate::plan::{BufferId, Pass, Variable};

/// Lets the evaluation passes read averages where they read variables. What is not trained has none, but only
/// evaluation reads it: it moves to where the averages are, and so do the passes of training that write it. `training`
/// are all passes ahead of the updates, `variables` of an optimizer that keeps averages.
pub fn evaluate_averages(variables: &mut [Variable], evaluation: &mut [Pass], training: &mut [Pass]) {
    let average =
        |variable: &Variable| Some((variable.values.buffer, variable.training.as_ref()?.states.last()?.buffer));
    let averages: HashMap<BufferId, BufferId> = variables.iter().filter_map(average).collect();
    let replace = |buffer: &mut BufferId| *buffer = averages.get(buffer).copied().unwrap_or(*buffer);
    for variable in variables.iter_mut().filter(|variable| !variable.is_trainable()) {
        replace(&mut variable.values.buffer);
    }
    for pass in evaluation {
        pass.buffers.iter_mut().for_each(replace);
    }
    for Pass { kernel, buffers, .. } in training {
        let bound = kernel.descriptor().bindings.iter().zip(buffers);
        bound.filter(|(binding, _)| binding.access == Access::Write).for_each(|(_, buffer)| replace(buffer));
    }
}
