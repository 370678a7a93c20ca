//! From a state, a data set and a device to a trainer or an evaluator.

use super::console::Console;
use super::device::Device;
use super::trained::{Trained, TrainedRun};
use crate::data::Dataset;
use crate::error::Result;
use crate::formats::Network;
use crate::kernels::Tiling;
use crate::model::Model;
use crate::plan::{Options, Plan, Program, lower};
use crate::train::{Config, Evaluator, Placement, Source, State, Trainer};

/// Samples a step for a network that no run says it of.
const BATCH: usize = 512;

/// A trainer for the state's configuration. Says in one line what it takes of the device where `verbose`.
///
/// # Errors
/// Where the model, the data or the device's limits do not allow it.
pub fn trainer<'a>(
    state: State,
    dataset: &'a Dataset,
    device: &Device,
    verbose: bool,
    console: &mut Console,
) -> Result<Trainer<'a>> {
    // What does not fit the data is found before the device is opened.
    state.config.split(dataset.train.len())?;
    let Config { model, batch_size, tiles, .. } = &state.config;
    let (plan, source, placement) = prepared(model, *batch_size, tiles.clone(), dataset, device)?;
    if verbose {
        console.say(&format!(
            "plan: {:.1} MB in {} buffers; {} passes a training step, {} an evaluation step; tiles {}{}; data {}",
            plan.bytes() as f64 / 1e6,
            plan.buffers.len(),
            plan.passes(Program::Training).len(),
            plan.passes(Program::Evaluation).len(),
            format!("{:?}", state.config.tiles.table).to_lowercase(),
            tuned(&state),
            format!("{placement:?}").to_lowercase(),
        ));
    }
    Trainer::new(state, device.executor(plan)?, source, placement)
}

/// An evaluator of a trained network, with its run's batches and tiles if it has a run.
///
/// # Errors
/// Where the network, the data or the device's limits do not allow it.
pub fn evaluator<'a>(trained: &Trained, dataset: &'a Dataset, device: &Device) -> Result<Evaluator<'a>> {
    let (batch, tiles) = match &trained.run {
        Some(TrainedRun { state, .. }) => (state.config.batch_size, state.config.tiles.clone()),
        None => (BATCH, device.tiles().into()),
    };
    let Network { model, tensors, .. } = &trained.network;
    let (plan, source, placement) = prepared(model, batch, tiles, dataset, device)?;
    Evaluator::new((tensors, &trained.path), device.executor(plan)?, source, placement)
}

/// `, 7 tuned` where some tiles are not the table's.
fn tuned(state: &State) -> String {
    match state.config.tiles.tuned.len() {
        0 => String::new(),
        tuned => format!(", {tuned} tuned"),
    }
}

/// The plan on this device, the samples and where they are kept.
fn prepared<'a>(
    model: &Model,
    batch: usize,
    tiles: Tiling,
    dataset: &'a Dataset,
    device: &Device,
) -> Result<(Plan, Source<'a>, Placement)> {
    let source = Source { parts: [&dataset.train, &dataset.test] };
    let pixels: usize = dataset.train.shape.iter().product();
    let placement = device.placement((source.len() * pixels) as u64);
    let plan = lower(model, Options { batch, tiles, samples: placement.samples(&source, batch) })?;
    Ok((plan, source, placement))
}
