//! Layers that are not trained: which passes there are, and what steps leave of them, on both executors.

use std::ops::ControlFlow;
use std::sync::Arc;

use gpu_fmnist::cpu::Cpu;
use gpu_fmnist::data::Samples;
use gpu_fmnist::error::Result;
use gpu_fmnist::gemm::DeviceClass;
use gpu_fmnist::gpu::Gpu;
use gpu_fmnist::model::parse;
use gpu_fmnist::network::{Options, lower};
use gpu_fmnist::optimizers::{AdamW, Algorithm, Optimizer};
use gpu_fmnist::plan::{Executor, Place, Plan};
use gpu_fmnist::train::Setup;

const NETWORK: &str = "input = [6, 6, 2]
layers = [
    { type = 'conv2d', filters = 3, kernel = 3, padding = 'same', trainable = false },
    { type = 'batch_normalization', trainable = false },
    { type = 'activation', activation = 'relu' },
    { type = 'conv2d', filters = 4, kernel = 3, use_bias = false },
    { type = 'batch_normalization', momentum = 0.5 },
    { type = 'depthwise_conv2d', kernel = 2, trainable = false },
    { type = 'batch_normalization', momentum = 0.5, trainable = false },
    { type = 'flatten' },
    { type = 'dense', units = 5, trainable = false },
    { type = 'dense', units = 3 },
]";
const FROZEN: [&str; 5] = ["conv2d", "batch_normalization", "depthwise_conv2d", "batch_normalization_2", "dense"];

fn check(make: &dyn Fn(Arc<Plan>) -> Result<Box<dyn Executor>>) {
    let (model, _) = parse("network.toml", NETWORK).unwrap();
    let images = (0..9 * 72).map(|at| (at * at * 37 % 251) as u8).collect();
    let samples = Samples { images, labels: vec![0, 1, 2, 2, 1, 0, 1, 1, 2], shape: model.input };
    for average in [false, true] {
        let mut setup = Setup { seed: 3, ..Setup::new(&model, &samples, 4, DeviceClass::Cpu) }.in_micro_batches(3);
        setup.options.average = average;
        setup.options.optimizer = Optimizer {
            global_clipnorm: 0.5,
            ema_momentum: if average { 0.5 } else { 0.0 },
            ..Algorithm::AdamW(AdamW { weight_decay: 0.1, ..AdamW::default() }).into()
        };
        let mut engine = setup.initialised(make).unwrap();
        let variables = engine.plan().variables.clone();
        let layers: Vec<&str> = variables.iter().map(|variable| variable.layer.as_str()).collect();
        let order: Vec<usize> =
            layers.iter().map(|layer| layers.iter().position(|other| other == layer).unwrap()).collect();
        assert!(order.is_sorted() && layers[0] == "conv2d" && layers[layers.len() - 1] == "dense_1", "{layers:?}");
        let places: Vec<Place> = variables.iter().map(|variable| variable.values).collect();
        // Statistics that move nothing to where it was.
        for (variable, place) in variables.iter().zip(&places).filter(|(one, _)| one.name().contains("moving")) {
            let values: Vec<f32> = (0..place.words).map(|at| 0.5 + at as f32 / 4.0).collect();
            assert_eq!(variable.shape, [place.words]);
            engine.put(*place, &values).unwrap();
        }
        let before = engine.get_all(&places).unwrap();
        let rows: Vec<u32> = (0..9).collect();
        engine.train(&[&rows[..], &rows].concat(), 0.01, &mut |_| ControlFlow::Continue(())).unwrap();
        let after = engine.get_all(&places).unwrap();
        for ((variable, before), after) in variables.iter().zip(&before).zip(&after) {
            let is_frozen = FROZEN.contains(&&*variable.layer);
            assert_eq!(before == after, is_frozen, "{}, average {average}", variable.name());
            assert!(!is_frozen || variable.training.is_none(), "{}", variable.name());
        }
        assert!(engine.evaluate(&rows).unwrap().loss().is_finite());
    }
}

#[test]
fn what_is_not_trained_stays_to_the_bit_on_the_cpu_path() {
    check(&|plan| Ok(Box::new(Cpu::new(plan)?)));
}

#[test]
fn what_is_not_trained_stays_to_the_bit_on_the_adapter() {
    check(&|plan| Ok(Box::new(Gpu::new(crate::adapter(), plan)?)));
}

/// Training sees what evaluation does: moving averages, and not the batch's own statistics.
#[test]
fn a_normalisation_that_is_not_trained_is_as_in_evaluation() {
    let frozen = NETWORK.replace("momentum = 0.5 }", "trainable = false }");
    let (model, _) = parse("network.toml", &frozen).unwrap();
    let images = (0..9 * 72).map(|at| (at * at * 37 % 251) as u8).collect();
    let samples = Samples { images, labels: vec![0, 1, 2, 2, 1, 0, 1, 1, 2], shape: model.input };
    type Make = dyn Fn(Arc<Plan>) -> Result<Box<dyn Executor>>;
    let makes: [&Make; 2] =
        [&|plan| Ok(Box::new(Cpu::new(plan)?)), &|plan| Ok(Box::new(Gpu::new(crate::adapter(), plan)?))];
    for make in makes {
        let mut engine = Setup::new(&model, &samples, 9, DeviceClass::Cpu).initialised(make).unwrap();
        let rows: Vec<u32> = (0..9).collect();
        let evaluated = engine.evaluate(&rows).unwrap();
        let trained = engine.train(&rows, 0.0, &mut |_| ControlFlow::Continue(())).unwrap();
        assert_eq!(evaluated, trained);
    }
}

#[test]
fn no_gradient_is_made_that_nothing_needs() {
    let (model, _) = parse("network.toml", NETWORK).unwrap();
    let plan = lower(&model, Options::new(4, DeviceClass::Cpu, 9)).unwrap();
    let of = |kernel: &str| {
        let own = plan.steps.training.iter().filter(|pass| pass.kernel.descriptor().name == kernel);
        own.map(|pass| pass.layer.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(of("conv_weight_gradient"), ["dense_1", "conv2d_1"]);
    assert_eq!(of("depthwise_weight_gradient"), [""; 0]);
    assert_eq!(of("depthwise_input_gradient"), ["depthwise_conv2d"]);
    assert_eq!(of("conv_input_gradient"), ["dense_1", "dense"]);
    assert_eq!(of("batch_norm_statistics"), ["batch_normalization_1"]);
    assert_eq!(of("pointwise_backward"), ["batch_normalization_2", "batch_normalization_1"]);
    let all = plan.steps.buffers.iter().find(|buffer| buffer.name == "weights_1.first_moment").unwrap();
    assert!(all.words < 1000, "{all:?}");
}
