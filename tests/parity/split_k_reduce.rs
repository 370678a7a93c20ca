//! `shaders/split_k_reduce.wgsl` against its CPU reference, and networks whose forward products are in partitions.

use std::ops::ControlFlow;
use std::sync::Arc;

use gpu_fmnist::cpu::Cpu;
use gpu_fmnist::data::Samples;
use gpu_fmnist::gemm::{DeviceClass, GemmSelection};
use gpu_fmnist::gpu::Gpu;
use gpu_fmnist::layers::{Activation, Dense, Flatten, Layer};
use gpu_fmnist::model::Model;
use gpu_fmnist::plan::{Executor, Plan, Program};
use gpu_fmnist::train::Setup;

use crate::mutation::{all_go_red, mutation};
use crate::{adapter, holds};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("split_k_reduce");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the sum", "added_in_order(value, first", "added_in_order(0.0, first"),
        mutation("four more", "value = added_in_order(value, second", "let none = added_in_order(value, second"),
        mutation("the next eight", "part += 8", "part += 7"),
        mutation("the partition's address", "vec4(PARTITIONS - 1)) * VALUES + at", "vec4(PARTITIONS - 1)) * 0 + at"),
        mutation("the second of four", "vec4(0u, 1u, 2u, 3u)", "vec4(0u, 0u, 2u, 3u)"),
        mutation(
            "those that are left",
            "added_in_order(value, first, PARTITIONS - part)",
            "added_in_order(value, first, 4u)",
        ),
        mutation("the bias", "DEPTH * FILTERS + at % FILTERS", "at % FILTERS"),
        mutation("no bias", "if BIAS == 1", "if true"),
        mutation("the ReLU", "max(value, 0.0)", "max(value, -0.5)"),
        mutation("the tail", "at >= VALUES", "at >= VALUES - 1"),
        mutation("the second row of workgroups", "(group.y * GRID_WIDTH + group.x)", "group.x"),
    ];
    all_go_red("split_k_reduce", &mutations);
}

const BATCH: usize = 48;

/// A dense layer with a long sum and an odd one, with and without a ReLU.
fn network() -> Model {
    let dense = |units, activation| Layer::Dense(Dense { units, use_bias: true, activation });
    let layers = vec![Layer::Flatten(Flatten {}), dense(607, Activation::Relu), dense(10, Activation::Linear)];
    Model::sequence("long", [28, 28, 1], layers)
}

/// Logits of the same weights in evaluation and in training.
fn logits(split_forward: bool, make: impl FnOnce(Arc<Plan>) -> Box<dyn Executor>) -> [Vec<f32>; 2] {
    let model = network();
    let images = (0..BATCH * 784).map(|at| ((at * 2_654_435_761) >> 7) as u8).collect();
    let labels = (0..BATCH).map(|at| (at % 10) as u8).collect();
    let samples = Samples { images, labels, shape: model.input };
    let selection = GemmSelection { split_forward, ..DeviceClass::Gpu.into() };
    let setup = Setup { seed: 2020, ..Setup::new(&model, &samples, BATCH, selection) };
    let plan = setup.plan().unwrap();
    for program in [Program::Training, Program::Evaluation] {
        let reductions =
            plan.steps.passes(program).iter().filter(|pass| pass.kernel.descriptor().name == "split_k_reduce").count();
        assert_eq!(reductions, if split_forward { 2 } else { 0 }, "{program:?}");
    }
    let mut engine = setup.initialised(|plan| Ok(make(plan))).unwrap();
    let order: Vec<u32> = (0..BATCH as u32).collect();
    engine.evaluate(&order).unwrap();
    let evaluated = engine.read(engine.plan().host.logits).unwrap();
    engine.train(&order, 0.0, &mut |_| ControlFlow::Continue(())).unwrap();
    [evaluated, engine.read(engine.plan().host.logits).unwrap()]
}

#[test]
fn a_network_in_partitions_has_the_logits_of_one_without() {
    let [whole, _] = logits(false, |plan| Box::new(Cpu::new(plan).unwrap()));
    let largest = whole.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    assert!(largest > 0.1, "{whole:?}");
    let gpu: fn(Arc<Plan>) -> Box<dyn Executor> = |plan| Box::new(Gpu::new(adapter(), plan).unwrap());
    let cpu: fn(Arc<Plan>) -> Box<dyn Executor> = |plan| Box::new(Cpu::new(plan).unwrap());
    for make in [gpu, cpu] {
        for split in logits(true, make) {
            assert_eq!(split.len(), whole.len());
            for (index, (split, whole)) in split.iter().zip(&whole).enumerate() {
                assert!((split - whole).abs() <= 1e-5 * largest, "logits[{index}]: {split}, not {whole}");
            }
        }
    }
}
