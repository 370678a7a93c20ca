//! How variables share buffers.

use super::{Options, TrainingPlan, lower};
use crate::gemm::DeviceClass;
use crate::kernels::Partitions;
use crate::layers::{Activation, Dense, Flatten, Layer};
use crate::model::Model;
use crate::plan::{BufferId, Training, Variable};

/// A plan of dense layers over 4,096 inputs.
fn plan(units: &[usize], micro_batch: usize) -> TrainingPlan {
    let dense = |&units: &usize| Layer::Dense(Dense { units, use_bias: true, activation: Activation::Linear });
    let layers = [Layer::Flatten(Flatten {})].into_iter().chain(units.iter().map(dense));
    let model = Model::sequence("dense", [64, 64, 1], layers);
    lower(&model, Options { micro_batch, ..Options::new(4, DeviceClass::Gpu, 4) }).unwrap()
}

/// The buffers of values, and the number of update passes.
fn arenas(plan: &TrainingPlan) -> (Vec<&str>, usize) {
    let mut names: Vec<&str> =
        plan.variables.iter().map(|variable| plan.steps.buffer(variable.values.buffer).name.as_str()).collect();
    names.dedup();
    (names, plan.steps.training.iter().filter(|pass| pass.kernel.descriptor().name == "adam").count())
}

#[test]
fn one_pass_updates_all_variables_that_any_adapter_can_bind_together() {
    assert_eq!(arenas(&plan(&[3, 5, 7], 4)), (vec!["weights"], 1));
    assert_eq!(arenas(&plan(&[8000, 20, 3], 4)), (vec!["weights"], 1));
    // 9,000 x 4,097 are more than 2^25; of four micro-batches, gradients of 2,048 x 4,097 are.
    assert_eq!(arenas(&plan(&[9000, 20, 3], 4)), (vec!["dense.weights", "weights_1"], 2));
    assert_eq!(arenas(&plan(&[20, 2048, 3], 1)), (vec!["weights"], 1));
    assert_eq!(arenas(&plan(&[2048, 20, 3], 1)), (vec!["dense.weights", "weights_1"], 2));
}

#[test]
fn no_two_variables_share_a_word() {
    for (units, micro_batch) in [(&[3, 5, 7][..], 4), (&[9000, 20, 3], 4), (&[65, 1, 64, 2], 1)] {
        let plan = plan(units, micro_batch);
        let mut taken: Vec<(BufferId, usize, usize)> = Vec::new();
        for Variable { values, training, shape, .. } in &plan.variables {
            let Training { gradient, states } = training.as_ref().unwrap();
            assert_eq!(values.words, shape.iter().product::<usize>());
            taken.extend([&[*values], &states[..]].concat().iter().map(|place| {
                assert_eq!(place.words, values.words);
                (place.buffer, place.first, place.first + place.words)
            }));
            let Partitions { first, words, count, stride } = gradient.partitions;
            for number in 0..gradient.micro_batches.count {
                let starts = (0..count).map(|at| first + number * gradient.micro_batches.stride + at * stride);
                taken.extend(starts.map(|start| (gradient.buffer, start, start + words)));
            }
        }
        taken.sort_by_key(|(buffer, first, _)| (buffer.0, *first));
        for pair in taken.windows(2) {
            assert!(pair[0].0 != pair[1].0 || pair[0].2 <= pair[1].1, "{pair:?}");
        }
        assert!(taken.iter().all(|(buffer, _, end)| *end <= plan.steps.buffer(*buffer).words));
    }
}
