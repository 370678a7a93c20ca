//! What a process of several does of a step, and when what it knows goes on its way.

use super::{Options, TrainingPlan, lower};
use crate::gemm::DeviceClass;
use crate::layers::{Activation, Dense, Flatten, Layer};
use crate::model::{Model, built_in};
use crate::parallel::Share;
use crate::plan::Program;

/// The plan of the second one of two processes that share 8 micro-batches.
fn plan(model: &Model, class: DeviceClass) -> TrainingPlan {
    let share = Some(Share::new(1, 8, &[1.0; 2]).unwrap());
    lower(model, Options { share, micro_batch: 64, ..Options::for_model(model, 512, class, 600) }).unwrap()
}

/// The programs, each with the words that go on their way after it.
fn rounds(plan: &TrainingPlan) -> Vec<(Program, usize)> {
    let rounds = &plan.exchange.as_ref().unwrap().rounds;
    rounds.iter().map(|round| (round.program, round.parts.iter().map(|part| part.words).sum())).collect()
}

#[test]
fn dense_layers_sums_go_on_their_way_before_the_convolution_has_its_gradient() {
    let model = built_in("cnn1").unwrap().0;
    let plan = plan(&model, DeviceClass::Cpu);
    let words = |of: &dyn Fn(&str) -> bool| {
        let own = plan.variables.iter().filter(|variable| of(&variable.layer));
        own.map(|variable| variable.values.words).sum::<usize>()
    };
    let (dense, others) = (words(&|layer| layer.starts_with("dense")), words(&|layer| layer.starts_with("conv")));
    let rounds = rounds(&plan);
    assert_eq!(rounds.iter().map(|(program, _)| *program).collect::<Vec<_>>(), [Program::Training, Program::Rest]);
    // Layers begin where a pass may bind them.
    assert!((dense..dense + 128).contains(&rounds[0].1) && (others..others + 64).contains(&rounds[1].1), "{rounds:?}");
    let kernels = |program| plan.steps.passes(program).iter().map(|pass| pass.kernel.descriptor().name);
    let of_convolution = |name: &str| name.ends_with("weight_gradient");
    assert_eq!(kernels(Program::Rest).filter(|name| of_convolution(name)).count(), 1);
    assert_eq!(kernels(Program::Training).filter(|name| of_convolution(name)).count(), 4 * 3 - 1);
    assert_eq!(kernels(Program::Rest).next_back(), Some("advance"));
}

#[test]
fn nothing_is_sent_ahead_where_nothing_is_left_to_do_or_too_little() {
    let flatten = Layer::Flatten(Flatten {});
    let dense = Layer::Dense(Dense { units: 10, use_bias: true, activation: Activation::Linear });
    let one = Model::sequence("dense", [28, 28, 1], [flatten, dense]);
    assert_eq!(rounds(&plan(&one, DeviceClass::Cpu)).len(), 1);
    let cnn1 = built_in("cnn1").unwrap().0;
    assert_eq!(rounds(&plan(&cnn1, DeviceClass::Gpu)).len(), 1);
    assert_eq!(rounds(&plan(&cnn1, DeviceClass::Software)).len(), 2);
}
