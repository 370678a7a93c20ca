//! One part each: the existing measurements, and their results as the survey has them.

use std::time::Instant;

use super::document::{
    CeilingsOf, EpochAbout, GradientTest, KernelTest, On, Pass, Product, Profiled, Selftest, Speed, Tile, Tiles,
    Trained, Tuned,
};
use crate::callback::ProgressCallback;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::facade::Device;
use crate::gemm::GemmSelection;
use crate::gpu::{Adapter, Probe};
use crate::kernels::{MATRIX_PRODUCTS, Product as Gemm, REGISTRY};
use crate::measure::{Ceilings, Measured, StepBench, Synthetic, ceilings, median, profile};
use crate::network::Options;
use crate::selftest::{
    GradientCheck, check_kernel_until, dropout_gradient_checks, gradient_checks, soft_gradient_checks,
};
use crate::train::{Config, State};
use crate::tune::{self, measure, products, search};

/// Repeats, whose median counts, at most and at least.
const REPEATS: usize = 5;
const FEWEST_REPEATS: usize = 3;
/// Epochs of the training run.
pub const EPOCHS: usize = 10;

/// Every kernel and gradient; those that there was time for.
pub fn selftest(on: On, device: &Device, callback: ProgressCallback<()>) -> Result<Selftest> {
    let mut test = Selftest { on, complete: true, kernels: Vec::new(), gradients: Vec::new() };
    if let Device::Gpu(adapter) = device {
        let mut probe = Probe::open(adapter)?;
        for row in REGISTRY.iter().chain(&MATRIX_PRODUCTS) {
            if callback(()).is_break() {
                test.complete = false;
                return Ok(test);
            }
            test.kernels.push(match check_kernel_until(&probe, adapter.class(), row, callback) {
                Ok(outcome) if outcome.cases == 0 => continue,
                Ok(outcome) => KernelTest {
                    kernel: outcome.kernel.to_owned(),
                    cases: outcome.cases,
                    in_16_bits: outcome.in_16_bits,
                    worst: outcome.worst,
                    failures: outcome.failures,
                },
                Err(error) => {
                    // What was lost with this kernel may be there again for the next.
                    probe = Probe::open(adapter)?;
                    let failures = vec![error.to_string()];
                    KernelTest { kernel: row.name.to_owned(), cases: 0, in_16_bits: 0, worst: 0.0, failures }
                }
            });
        }
    }
    let gradients = |check: GradientCheck| {
        let [derivative, difference] =
            [check.derivative, check.difference].map(|value| Some(value).filter(|value| value.is_finite()));
        GradientTest { passes: check.passes(), gradient: check.parameter, derivative, difference }
    };
    let class = device.class();
    for group in 0..3 {
        if callback(()).is_break() {
            test.complete = false;
            return Ok(test);
        }
        let checks = match group {
            0 => gradient_checks(class, |plan| device.executor(plan)),
            1 => dropout_gradient_checks(class, |plan| device.executor(plan)),
            _ => soft_gradient_checks(class, |plan| device.executor(plan)),
        }?;
        test.gradients.extend(checks.into_iter().map(gradients));
    }
    Ok(test)
}

pub fn ceilings_of(on: On, device: &Device, callback: ProgressCallback<()>) -> Result<CeilingsOf> {
    ceilings(device.class(), &|plan| device.executor(plan), callback).map(|ceilings| CeilingsOf { on, ceilings })
}

/// Training steps of a configuration, compared with the CPU path's and timed.
pub fn speed(
    (on, device): (On, &Device),
    config: &Config,
    (tiles, selection): (Tiles, GemmSelection),
    callback: ProgressCallback<()>,
) -> Result<Speed> {
    let data = Synthetic::new(&config.model, config.batch_size);
    let setup = data.setup(&config.model, selection).configured(config);
    let executor = |plan| device.executor(plan);
    let mut bench = StepBench::new(&setup, &data, (&device.describe(), &executor), callback)?;
    let mut seconds = Vec::new();
    while seconds.len() < REPEATS {
        // A few repeats are a result; what more there might be is not worth the time that was up.
        match bench.time(bench.steps, callback) {
            Err(Error::Interrupted(_)) if seconds.len() >= FEWEST_REPEATS => break,
            repeat => seconds.push(repeat?),
        }
    }
    let median = median(seconds.iter().copied());
    Ok(Speed {
        on,
        model: config.model.name.clone(),
        batch_size: config.batch_size,
        tiles,
        precision: config.precision,
        steps: bench.steps,
        seconds_per_step: median,
        seconds_per_step_of_repeats: seconds,
        images_per_second: config.batch_size as f64 / median,
        operations_per_step: bench.operations,
        operations_per_second: bench.operations as f64 / median,
        memory_bytes: bench.memory,
        start_up_seconds: bench.start_up,
        tolerance_used: bench.used,
    })
}

/// The passes of some training steps of a configuration, held against the ceilings where those are known.
pub fn profiled(
    (on, device): (On, &Device),
    config: &Config,
    (ceilings, steps): (Option<Ceilings>, usize),
    callback: ProgressCallback<()>,
) -> Result<Profiled> {
    let data = Synthetic::new(&config.model, config.batch_size);
    let setup = data.setup(&config.model, device.class()).configured(config);
    let mut engine = setup.initialised(|plan| device.executor(plan))?;
    let profile = profile(&mut engine, &data, steps, callback)?;
    let pass = |Measured { work, passes, seconds, share }: &Measured| Pass {
        layer: work.layer.clone(),
        kernel: work.kernel.to_owned(),
        passes: *passes,
        seconds: *seconds,
        share: *share,
        operations: work.operations,
        bytes: work.bytes,
        of_roof: ceilings.and_then(|ceilings| ceilings.part_of_roof(work, *seconds)).filter(|part| part.is_finite()),
    };
    Ok(Profiled {
        on,
        model: config.model.name.clone(),
        batch_size: config.batch_size,
        steps,
        clock: profile.clock,
        seconds_of_passes: profile.seconds(),
        seconds_of_step: profile.step,
        share_of_host: profile.host(),
        share_of_gaps: profile.gaps,
        kernels: profile.measured.iter().map(pass).collect(),
    })
}

/// Better tiles for the products of a configuration's step, as many as there is time for, and the selection with them.
/// Nothing is kept of them beside the survey.
pub fn tuned(adapter: &Adapter, config: &Config, callback: ProgressCallback<()>) -> Result<(Tuned, GemmSelection)> {
    let (model, batch) = (&config.model, config.batch_size);
    let mut selection = GemmSelection::from(adapter.class());
    let options = |tiles: &GemmSelection| Options {
        precision: config.precision,
        ..Options::for_model(model, batch, tiles.clone(), batch)
    };
    let all = products(model, options(&selection))?;
    let mut tuned =
        Tuned { model: model.name.clone(), batch_size: batch, of_products: all.len(), products: Vec::new() };
    let probe = Probe::open(adapter)?;
    let tile = |measured: &tune::Measured| Tile { tile: measured.config, milliseconds: 1e3 * measured.seconds };
    for problem in all.iter().map(|product| product.problem()) {
        let Some((product, configs)) = search(adapter, model, options(&selection), &problem)? else { continue };
        let Some(outcome) = measure(&probe, product, &configs, Gemm::case, callback)? else { break };
        if let Some(best) = outcome.best {
            selection.tuned.insert(problem.to_string(), best.config);
        }
        tuned.products.push(Product {
            product: problem.to_string(),
            candidates: outcome.candidates,
            dropped: outcome.dropped.len(),
            table: tile(&outcome.table),
            best: outcome.best.as_ref().map(tile),
        });
    }
    Ok((tuned, selection))
}

/// A run of a configuration for as many of ten epochs as there is time for, and what it comes to on the test samples.
pub fn trained(
    (on, device): (On, &Device),
    config: Config,
    dataset: &Dataset,
    seconds_left: f64,
    callback: ProgressCallback<()>,
) -> Result<Trained> {
    let mut config = Config { epochs: EPOCHS, tiles: device.class().into(), ..config };
    config.batch_size = config.batch_size.min(config.parts(dataset.train.len())?.train.len());
    let hashes = dataset.hashes.iter().map(|(_, hash)| hash.clone()).collect();
    let state = State::new(config, hashes, device.identity());
    let mut trainer = device.trainer(state, dataset.into())?;
    let mut epochs: Vec<EpochAbout> = Vec::new();
    let start = Instant::now();
    while !trainer.state().is_complete() {
        let longest = epochs.iter().map(|epoch| epoch.seconds).fold(0.0, f64::max);
        if !epochs.is_empty() && start.elapsed().as_secs_f64() + longest > seconds_left {
            break;
        }
        let Some(finished) = trainer.epoch(&mut |_| callback(()))? else {
            return Err(Error::Interrupted("stopped within an epoch".into()));
        };
        let (seconds, images_per_second) = (finished.seconds, finished.images_per_second);
        epochs.push(EpochAbout { result: finished.result, seconds, images_per_second });
    }
    let (test_loss, predictions) = trainer.test()?;
    let config = &trainer.state().config;
    Ok(Trained {
        on,
        model: config.model.name.clone(),
        batch_size: config.batch_size,
        precision: config.precision,
        of_epochs: config.epochs,
        verified: dataset.verified,
        seconds: epochs.iter().map(|epoch| epoch.seconds).sum(),
        epochs,
        test_loss,
        test_accuracy: predictions.top(1),
    })
}
