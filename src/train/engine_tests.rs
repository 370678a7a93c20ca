//! What an engine refuses, and what it takes to go on.

use std::ops::ControlFlow;
use std::path::Path;

use super::{Engine, Placement, Source, weights};
use crate::cpu::Cpu;
use crate::data::Samples;
use crate::error::Result;
use crate::gemm::DeviceClass;
use crate::layers::{Activation, Dense, Flatten, Layer};
use crate::model::Model;
use crate::network::{Options, TrainingPlan, lower};
use crate::optimizers::{Adam, Algorithm, Optimizer, Sgd};
use crate::plan::Plan;

fn samples(count: usize) -> Samples {
    Samples { images: vec![9; 4 * count], labels: (0..count).map(|at| at as u8 % 3).collect(), shape: [2, 2, 1] }
}

fn model() -> Model {
    let layers = vec![
        Layer::Flatten(Flatten {}),
        Layer::Dense(Dense { units: 3, use_bias: true, activation: Activation::Linear }),
    ];
    Model::sequence("small", [2, 2, 1], layers)
}

fn engine(plan: TrainingPlan, source: Source, placement: Placement) -> Result<Engine> {
    let cpu = Cpu::new(plan.steps.clone()).unwrap();
    Engine::new(plan, Box::new(cpu), source, placement, 0)
}

/// What an engine with room for six samples of three classes says of these and of an order; nothing where all is well.
fn problem(train: &Samples, order: &[u32], placement: Placement) -> String {
    let none = samples(0);
    let source = Source::from([train, &none]);
    let room = if placement == Placement::Resident { 6 } else { Plan::BATCHES * 4 };
    let plan = lower(&model(), Options::new(4, DeviceClass::Cpu, room)).unwrap();
    let run = |mut engine: Engine| {
        engine.predict(order)?;
        engine.evaluate(order)?;
        engine.time(order, 1e-3)?;
        engine.train(order, 1e-3, &mut |_| ControlFlow::Continue(())).map(drop)
    };
    let engine = engine(plan, source, placement);
    engine.and_then(run).map_or_else(|error| error.to_string(), |()| String::new())
}

#[test]
fn samples_that_are_not_the_models_and_orders_of_others_are_refused() {
    let all: Vec<u32> = (0..6).collect();
    for placement in [Placement::Resident, Placement::Streamed] {
        let refused = |train: Samples, order: &[u32], words: &str| {
            let problem = problem(&train, order, placement);
            assert!(problem.contains(words), "{placement:?}: no '{words}' in '{problem}'");
        };
        assert_eq!(problem(&samples(6), &all, placement), "");
        assert_eq!(problem(&samples(6), &[], placement), "");
        refused(samples(6), &[0, 6], "sample 6: there are 6, numbered from 0");
        refused(samples(6), &[u32::MAX], "sample 4294967295: there are 6");
        refused(samples(0), &[0], "sample 0: there are 0");
        refused(Samples { labels: vec![0, 1, 2, 0, 3, 1], ..samples(6) }, &all, "label 3 of sample 4 is beyond");
        refused(Samples { labels: vec![0; 5], ..samples(6) }, &all, "24 pixels with 5 labels");
        refused(Samples { images: Vec::new(), ..samples(6) }, &all, "0 pixels with 6 labels");
        refused(Samples { shape: [4, 1, 1], ..samples(6) }, &all, "images are [4, 1, 1] [H, W, C]");
    }
    // More than the plan has room for.
    assert!(problem(&samples(7), &all, Placement::Resident).contains("words for images, which has 6"));
    let many: Vec<u32> = all.iter().copied().cycle().take(4 * Plan::BATCHES + 1).collect();
    assert!(problem(&samples(6), &many, Placement::Resident).contains("words for order, which has 64"));
}

/// The state of a run may say that it is so old.
#[test]
fn steps_end_before_they_wrap() {
    let plan = lower(&model(), Options::new(4, DeviceClass::Cpu, 6)).unwrap();
    let (train, none) = (samples(6), samples(0));
    let source = Source::from([&train, &none]);
    let mut engine = engine(plan, source, Placement::Resident).unwrap();
    engine.iterations = u32::MAX - 3;
    let trained = engine.train(&[0], 1e-3, &mut |_| ControlFlow::Continue(()));
    assert!(trained.unwrap_err().to_string().contains("no more can be counted"));
}

/// What is taken has every state by its name, and is all that going on needs; weights alone are a beginning, which
/// averages begin with.
#[test]
fn an_engine_goes_on_from_what_was_taken() {
    let sgd = Algorithm::Sgd(Sgd { momentum: 0.9, nesterov: true, weight_decay: 0.1 });
    let adam = Algorithm::Adam(Adam::default());
    let decayed = Optimizer { ema_momentum: 0.8, global_clipnorm: 0.1, ..sgd.into() };
    let averaged = Optimizer { ema_momentum: 0.9, ..adam.into() };
    let plain = Algorithm::Sgd(Sgd::default()).into();
    for optimizer in [decayed, averaged, plain] {
        let (train, none, here) = (samples(6), samples(0), Path::new("here"));
        let source = Source::from([&train, &none]);
        let mut states: Vec<&str> = optimizer.states().iter().map(|state| state.name).collect();
        states.sort_unstable();
        let average = optimizer.averages();
        let options = Options { optimizer, average, ..Options::new(2, DeviceClass::Cpu, 6) };
        let begin = || engine(lower(&model(), options.clone()).unwrap(), source, Placement::Resident).unwrap();
        let mut straight = begin();
        straight.initialise().unwrap();
        let weights_alone: Vec<_> = weights::take(&mut straight).unwrap().into_iter().take(2).collect();
        let order: Vec<u32> = (0..6).collect();
        let step = |engine: &mut Engine| engine.train(&order, 0.1, &mut |_| ControlFlow::Continue(())).unwrap();
        step(&mut straight);
        let taken = weights::take(&mut straight).unwrap();
        let mut kept: Vec<&str> = taken.iter().filter_map(|one| one.name.strip_prefix("dense.kernel.")).collect();
        kept.sort_unstable();
        assert_eq!(kept, states);
        let mut resumed = begin();
        weights::put(&mut resumed, &taken, here, true).unwrap();
        resumed.iterations = straight.iterations;
        step(&mut straight);
        step(&mut resumed);
        assert_eq!(weights::take(&mut resumed).unwrap(), weights::take(&mut straight).unwrap());

        let mut begun = begin();
        weights::put(&mut begun, &weights_alone, here, false).unwrap();
        let mut initialised = begin();
        initialised.initialise().unwrap();
        assert_eq!(weights::take(&mut begun).unwrap(), weights::take(&mut initialised).unwrap());
        assert_eq!(begun.predict(&order).unwrap(), initialised.predict(&order).unwrap());
        let missing = weights::put(&mut begun, &weights_alone, here, true).map_err(|error| error.to_string());
        assert!(states.is_empty() || missing.unwrap_err().contains("has no tensor dense.kernel."));
    }
}
