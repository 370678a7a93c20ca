//! What `tune` lets win: a configuration that is faster than the profile's, and right.

use std::any::Any;
use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use gpu_fmnist::cpu::Cpu;
use gpu_fmnist::error::Result;
use gpu_fmnist::gemm::{Convolution, DeviceClass, GemmConfig, GemmSelection};
use gpu_fmnist::geometry::Padding;
use gpu_fmnist::gpu::Gpu;
use gpu_fmnist::kernels::{Case, ConvForward, GemmKernel, PooledInputGradient, PooledWeightGradient, Product};
use gpu_fmnist::layers::{Activation, Conv2d, Dense, Flatten, Layer, MaxPool2d, Pool};
use gpu_fmnist::measure::{Steps, Synthetic, agree};
use gpu_fmnist::model::{Model, NOTEBOOK, built_in};
use gpu_fmnist::network::{Options, lower};
use gpu_fmnist::plan::{Executor, Plan};
use gpu_fmnist::precision::Precision;
use gpu_fmnist::selftest::compare;
use gpu_fmnist::tune::{Outcome, candidates, measure, products};

use crate::mutation::{Broken, mutation};
use crate::skips::skip;

const SLOW: GemmConfig = GemmConfig { threads: [8, 1], ..GemmConfig::PLAIN };
const FAST: GemmConfig = GemmConfig { threads: [64, 1], rows: 8, depth: 4, threads_per_row: 4, ..SLOW };
const FAST_IN_PARTITIONS: GemmConfig = GemmConfig { partitions: 3, ..FAST };
const AS_FAST: GemmConfig = GemmConfig { depth: 8, ..FAST };
/// With more threads to a row than the tile is deep, nothing would be loaded.
const IMPOSSIBLE: GemmConfig = GemmConfig { threads_per_row: 8, ..FAST };

fn measured(candidates: &[GemmConfig]) -> Outcome {
    measured_against(candidates, Product::case)
}

/// Holds configurations to what `case` says of each.
fn measured_against(candidates: &[GemmConfig], case: fn(&Product) -> Case) -> Outcome {
    // Submissions run one after the other: a test would time another's with its own.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let convolution = Convolution::dense(512, 256, 128);
    let slow = GemmKernel::Forward(ConvForward { convolution, bias: true, relu: true, config: SLOW });
    measure(crate::probe(), slow.into(), candidates, case, &mut |()| ControlFlow::Continue(())).unwrap().unwrap()
}

#[test]
fn a_faster_configuration_wins_if_its_result_is_right() {
    if crate::adapter().class() == DeviceClass::OldSoftware {
        return skip("whether a faster tile wins: an old lavapipe runs all of them at much the same speed");
    }
    assert!(won(FAST, &measured(&[FAST])));
    let outcome = measured(&[FAST_IN_PARTITIONS]);
    assert!(won(FAST_IN_PARTITIONS, &outcome), "in partitions, with what adds them up: {outcome:?}");
    let outcome = measured(&[IMPOSSIBLE, FAST]);
    assert!(won(FAST, &outcome), "the impossible one is passed over: {outcome:?}");
    assert_eq!(outcome.dropped[0].1, "conv_forward is impossible: its threads per row divide its depth");
}

#[test]
fn a_faster_configuration_does_not_win_if_its_result_is_wrong() {
    if crate::adapter().class() == DeviceClass::OldSoftware {
        return skip("whether a wrong tile is passed over: an old lavapipe runs all of them at much the same speed");
    }
    let outcome = measured_against(&[FAST], miscompiled);
    assert_eq!(outcome.best, None);
    let why = outcome.dropped.first().map(|(_, why)| why.as_str()).unwrap_or_default();
    assert!(why.starts_with("a wrong result: output["), "{outcome:?}");
    let outcome = measured_against(&[FAST, AS_FAST], miscompiled);
    assert!(outcome.best.is_some_and(|best| best.config == AS_FAST), "the next one is taken: {outcome:?}");
}

/// The fast tile's shader as a driver might get it wrong: it adds something else than the bias.
fn miscompiled(product: &Product) -> Case {
    let case = product.case();
    if product.config() != FAST {
        return case;
    }
    let broken = mutation("the bias", "kernel_value(DEPTH, first_column", "kernel_value(0u, first_column");
    let row = broken.of(crate::row("conv_forward"));
    let Case { label, kernel, memory, tolerances, class } = case;
    Case { label, kernel: Box::new(Broken { kernel: Box::leak(kernel), row }), memory, tolerances, class }
}

fn won(config: GemmConfig, outcome: &Outcome) -> bool {
    outcome.best.is_some_and(|best| best.config == config && best.seconds < outcome.table.seconds)
}

#[test]
fn measuring_can_be_stopped() {
    let convolution = Convolution::dense(8, 8, 8);
    let product = GemmKernel::Forward(ConvForward { convolution, bias: true, relu: true, config: SLOW });
    assert!(
        measure(crate::probe(), product.into(), &[FAST], Product::case, &mut |()| ControlFlow::Break(()))
            .unwrap()
            .is_none()
    );
}

/// A convolution with a pool and a stride over channels, then a dense layer: every kind of product.
fn network() -> Model {
    let conv = |filters, stride| {
        Layer::Conv2d(Conv2d {
            filters,
            kernel: [3, 3],
            stride: [stride; 2],
            padding: Padding::Same,
            use_bias: true,
            activation: Activation::Relu,
        })
    };
    let pool = || Layer::MaxPool2d(MaxPool2d(Pool { size: [2, 2], stride: None, padding: Padding::Valid }));
    let dense = Layer::Dense(Dense { units: 40, use_bias: true, activation: Activation::Linear });
    let layers = vec![conv(9, 1), pool(), conv(20, 2), pool(), Layer::Flatten(Flatten {}), dense];
    Model::sequence("candidates", [17, 19, 1], layers)
}

/// The rules for configurations leave nothing out that a shader needs: one in eleven of the candidates of every profile.
#[test]
fn candidates_compute_what_the_cpu_references_do() {
    const ONE_IN: usize = 11;
    let mut checked = 0;
    let adapter = crate::adapter().capabilities();
    for class in [DeviceClass::Gpu, DeviceClass::Software, DeviceClass::OldSoftware] {
        for product in products(&network(), Options::new(33, class, 33)).unwrap() {
            let configs = candidates(&product, class, &adapter);
            for config in configs.into_iter().skip(checked % ONE_IN).step_by(ONE_IN) {
                let case = product.with(config).case();
                let actual = crate::probe().run(&case).unwrap_or_else(|error| panic!("{}: {error}", case.label));
                compare(&case, &actual).unwrap_or_else(|problem| panic!("{}: {problem}", case.label));
                checked += 1;
            }
        }
    }
    assert!(checked > 30, "only {checked} candidates");
}

/// In 16 bits, too, with all that only f16 has: those by matrix units.
#[test]
fn candidates_in_16_bits_compute_what_the_cpu_references_do() {
    const ONE_IN: usize = 13;
    let (adapter, class) = (crate::adapter().capabilities(), crate::adapter().class());
    for precision in crate::precision::precisions() {
        let (mut checked, mut by_matrices) = (0, 0);
        let options = Options { precision, ..Options::new(33, class, 33) };
        for product in products(&network(), options).unwrap() {
            let (matrix, plain): (Vec<_>, Vec<_>) =
                candidates(&product, class, &adapter).into_iter().partition(|config| config.matrix > 0);
            let matrix = matrix.into_iter().skip(by_matrices % 5).step_by(5);
            for config in plain.into_iter().skip(checked % ONE_IN).step_by(ONE_IN).chain(matrix) {
                let case = product.with(config).case();
                let actual = crate::probe().run(&case).unwrap_or_else(|error| panic!("{}: {error}", case.label));
                compare(&case, &actual).unwrap_or_else(|problem| panic!("{}: {problem}", case.label));
                checked += 1;
                by_matrices += usize::from(config.matrix > 0);
            }
        }
        assert!(checked > 5, "only {checked} candidates in {}", precision.name());
        if precision == Precision::F16 && adapter.matrices.is_empty() {
            skip("candidates by matrix units: this adapter has no such matrix units");
        } else {
            assert_eq!(by_matrices > 5, precision == Precision::F16, "{by_matrices} in {}", precision.name());
        }
    }
}

/// Its weights, after steps in which every product that can be is by matrix units, are the CPU path's.
#[test]
fn networks_train_by_matrix_units_as_on_the_cpu_path() {
    let (model, class) = (network(), crate::adapter().class());
    let data = Synthetic::new(&model, 16);
    let mut selection = GemmSelection::from(class);
    let options = |tiles| Options { precision: Precision::F16, ..Options::new(16, tiles, 16) };
    for (number, product) in products(&model, options(selection.clone())).unwrap().into_iter().enumerate() {
        let configs = candidates(&product, class, &crate::adapter().capabilities());
        let by_matrices: Vec<GemmConfig> = configs.into_iter().filter(|config| config.matrix > 0).collect();
        if !by_matrices.is_empty() {
            selection.tuned.insert(product.problem().to_string(), by_matrices[number % by_matrices.len()]);
        }
    }
    if selection.tuned.is_empty() {
        return skip("training by matrix units: this adapter has no such matrix units");
    }
    assert_eq!(selection.tuned.len(), 4, "{:?}", selection.tuned);
    let run = |make: &dyn Fn(Arc<Plan>) -> Result<Box<dyn Executor>>, reference: Option<&Steps>| {
        let mut setup = data.setup(&model, selection.clone());
        setup.options.precision = Precision::F16;
        let mut engine = setup.initialised(make).unwrap();
        Steps::run(&mut engine, &data, 4, reference, &mut |()| ControlFlow::Continue(())).unwrap()
    };
    let reference = run(&|plan| Ok(Box::new(Cpu::new(plan)?)), None);
    let steps = run(&|plan| Ok(Box::new(Gpu::new(crate::adapter(), plan)?)), Some(&reference));
    agree(&reference, &steps, None).unwrap();
}

/// Nor are the gradients behind a max-pool small there: the first network has one of weights, the second and the third
/// have of inputs, too.
#[test]
fn gradients_behind_a_max_pool_are_right_at_the_networks_own_sizes() {
    let mut checked = 0;
    for name in NOTEBOOK {
        let (model, _) = built_in(name).unwrap();
        let plan = lower(&model, Options::new(512, DeviceClass::Gpu, 512)).unwrap();
        for pass in &plan.steps.training {
            let kernel: &dyn Any = &*pass.kernel;
            let weights = || kernel.downcast_ref().map(PooledWeightGradient::case);
            let input = || kernel.downcast_ref().map(PooledInputGradient::case);
            if let Some(case) = weights().or_else(input) {
                let actual = crate::probe().run(&case).unwrap_or_else(|error| panic!("{}: {error}", case.label));
                compare(&case, &actual).unwrap_or_else(|problem| panic!("{}: {problem}", case.label));
                checked += 1;
            }
        }
    }
    assert!(checked >= 1 + 3 + 5, "only {checked}");
}

/// A GPU's configurations depend on how large a product is, and the cases are small.
#[test]
fn a_gpus_configurations_are_right_at_the_networks_own_sizes() {
    let mut known = HashSet::new();
    for name in NOTEBOOK {
        let (model, _) = built_in(name).unwrap();
        for product in products(&model, Options::new(512, DeviceClass::Gpu, 512)).unwrap() {
            if known.insert(product.problem()) {
                let case = product.case();
                let actual = crate::probe().run(&case).unwrap_or_else(|error| panic!("{}: {error}", case.label));
                compare(&case, &actual).unwrap_or_else(|problem| panic!("{}: {problem}", case.label));
            }
        }
    }
}
