//! A device that fails while a run goes on: the error reaches the caller as it is, with its own exit code.

use std::ops::{ControlFlow, Range};
use std::process::ExitCode;

use gpu_fmnist::cpu::Cpu;
use gpu_fmnist::data::Samples;
use gpu_fmnist::error::{Error, Result};
use gpu_fmnist::gemm::DeviceClass;
use gpu_fmnist::gpu::Identity;
use gpu_fmnist::layers::{Activation, Dense, Flatten, Layer};
use gpu_fmnist::model::Model;
use gpu_fmnist::network::{Options, lower};
use gpu_fmnist::plan::{BatchLog, BufferId, Executor, Plan, Program, Timeline};
use gpu_fmnist::train::{Config, Engine, Placement, Source, State, Trainer};

/// What may fail, and how often it does its work before.
#[derive(Clone, Copy, Debug, Default)]
struct Lives {
    submit: Option<usize>,
    collect: Option<usize>,
    read: Option<usize>,
}

/// The CPU path, until it is lost.
struct Failing {
    cpu: Cpu,
    lives: Lives,
}

fn live(lives: &mut Option<usize>) -> Result<()> {
    match lives {
        Some(0) => Err(Error::Device("the device was lost".into())),
        Some(lives) => {
            *lives -= 1;
            Ok(())
        }
        None => Ok(()),
    }
}

impl Executor for Failing {
    fn plan(&self) -> &Plan {
        self.cpu.plan()
    }

    fn write_at(&mut self, buffer: BufferId, first: usize, words: &[u32]) -> Result<()> {
        self.cpu.write_at(buffer, first, words)
    }

    fn read_at(&mut self, buffer: BufferId, words: Range<usize>) -> Result<Vec<u32>> {
        live(&mut self.lives.read)?;
        self.cpu.read_at(buffer, words)
    }

    fn submit(&mut self, program: Program, batches: usize) -> Result<()> {
        live(&mut self.lives.submit)?;
        self.cpu.submit(program, batches)
    }

    fn collect(&mut self) -> Result<Vec<BatchLog>> {
        live(&mut self.lives.collect)?;
        self.cpu.collect()
    }

    fn time(&mut self, program: Program, batches: usize) -> Result<Timeline> {
        live(&mut self.lives.submit)?;
        self.cpu.time(program, batches)
    }

    fn in_flight(&self) -> usize {
        self.cpu.in_flight()
    }
}

const BATCH: usize = 8;
/// Of the training file; a quarter of them is held out.
const SAMPLES: usize = 8 * BATCH;

fn model() -> Model {
    let layers = vec![
        Layer::Flatten(Flatten {}),
        Layer::Dense(Dense { units: 3, use_bias: true, activation: Activation::Linear }),
    ];
    Model::sequence("failing", [2, 2, 1], layers)
}

fn samples(count: usize) -> Samples {
    let images = (0..4 * count).map(|at| (at * 37) as u8).collect();
    let labels = (0..count).map(|at| (at % 3) as u8).collect();
    Samples { images, labels, shape: model().input }
}

fn engine(lives: Lives, source: Source) -> Result<Engine> {
    let plan = lower(&model(), Options::new(BATCH, DeviceClass::Cpu, SAMPLES + BATCH)).unwrap();
    let cpu = Cpu::new(plan.steps.clone()).unwrap();
    Engine::new(plan, Box::new(Failing { cpu, lives }), source, Placement::Resident, 1)
}

fn state() -> State {
    let config = Config {
        epochs: 2,
        batch_size: BATCH,
        seed: 1,
        split_seed: 1,
        validation_fraction: 0.25,
        model: model(),
        ..Config::default()
    };
    State::new(config, Vec::new(), Identity::cpu())
}

#[track_caller]
fn is_lost<T: std::fmt::Debug>(result: Result<T>) {
    let error = result.expect_err("the device is lost");
    assert!(matches!(&error, Error::Device(text) if text == "the device was lost"), "{error:?}");
    assert_eq!(error.exit_code(), ExitCode::from(5));
}

#[test]
fn an_engine_hands_on_what_its_device_reports() {
    let (train, test) = (samples(SAMPLES), samples(BATCH));
    let source = Source::from([&train, &test]);
    let order: Vec<u32> = (0..SAMPLES as u32).collect();
    let engine = |lives| engine(lives, source).unwrap();
    let callback = &mut |_| ControlFlow::Continue(());
    for lives in [Lives { submit: Some(1), ..Lives::default() }, Lives { collect: Some(1), ..Lives::default() }] {
        is_lost(engine(lives).train(&order, 1e-3, callback));
        is_lost(engine(lives).evaluate(&order));
        is_lost(engine(lives).predict(&order));
    }
    let mut timed = engine(Lives { submit: Some(1), ..Lives::default() });
    timed.time(&order[..BATCH], 1e-3).unwrap();
    is_lost(timed.time(&order[..BATCH], 1e-3));
    let mut unread = engine(Lives { read: Some(0), ..Lives::default() });
    unread.train(&order, 1e-3, callback).unwrap();
    let values = unread.plan().variables[0].values;
    is_lost(unread.get(values));
    is_lost(unread.get_all(&[values]));
    is_lost(unread.gradients());
    is_lost(unread.predict(&order));
}

/// Wherever in two epochs the device is lost: in training, in validation, in the test, or while weights are read for a
/// checkpoint.
#[test]
fn a_trainer_ends_with_what_its_device_reports() {
    let (train, test) = (samples(SAMPLES), samples(BATCH));
    let source = Source::from([&train, &test]);
    let run = |lives| -> Result<()> {
        let mut trainer = Trainer::new(state(), engine(lives, source)?)?;
        for _ in 0..2 {
            trainer.epoch(&mut |_| ControlFlow::Continue(()))?.expect("nobody stopped it");
            trainer.checkpoint()?;
        }
        trainer.test().map(drop)
    };
    run(Lives::default()).unwrap();
    // Weights and two moments for each checkpoint, then logits.
    for read in 0..7 {
        is_lost(run(Lives { read: Some(read), ..Lives::default() }));
    }
    // An epoch is two submissions or more of training, and one of validation.
    for works in 0..6 {
        is_lost(run(Lives { submit: Some(works), ..Lives::default() }));
        is_lost(run(Lives { collect: Some(works), ..Lives::default() }));
    }
}
