//! From a state, a data set and a device to a trainer or an evaluator.

use super::console::Console;
use super::device::Device;
use super::trained::{Trained, TrainedRun};
use crate::data::Dataset;
use crate::error::Result;
use crate::formats::Network;
use crate::gemm::GemmSelection;
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
    let source = Source::from(dataset);
    let (plan, placement) = prepared(model, *batch_size, tiles.clone(), &source, device)?;
    if verbose {
        console.say(&format!(
            "plan: {:.1} MB in {} buffers; {} passes a training step, {} an evaluation step; tiles {}{}; data {}",
            plan.bytes() as f64 / 1e6,
            plan.buffers.len(),
            plan.passes(Program::Training).len(),
            plan.passes(Program::Evaluation).len(),
            format!("{:?}", state.config.tiles.device).to_lowercase(),
            tuned(&state),
            format!("{placement:?}").to_lowercase(),
        ));
    }
    Trainer::new(state, device.executor(plan)?, source, placement)
}

/// An evaluator of a trained network on these samples, with its run's batches and tiles if it has a run.
///
/// # Errors
/// Where the network, the data or the device's limits do not allow it.
pub fn evaluator<'a>(trained: &Trained, source: Source<'a>, device: &Device) -> Result<Evaluator<'a>> {
    let (batch, tiles) = match &trained.run {
        Some(TrainedRun { state, .. }) => (state.config.batch_size, state.config.tiles.clone()),
        None => (BATCH, device.class().into()),
    };
    let Network { model, tensors, .. } = &trained.network;
    // Only portions of a batch are evaluated: what a whole one needs to train is not made.
    let batch = tiles.portion(batch);
    let (plan, placement) = prepared(model, batch, tiles, &source, device)?;
    Evaluator::new((tensors, &trained.path), device.executor(plan)?, source, placement)
}

/// `, 7 tuned` where some tiles are not the table's.
fn tuned(state: &State) -> String {
    match state.config.tiles.tuned.len() {
        0 => String::new(),
        tuned => format!(", {tuned} tuned"),
    }
}

/// The plan on this device, and where the samples are kept.
fn prepared(
    model: &Model,
    batch: usize,
    tiles: GemmSelection,
    source: &Source,
    device: &Device,
) -> Result<(Plan, Placement)> {
    let pixels: usize = model.input.iter().product();
    let placement = device.placement((source.len() * pixels) as u64);
    let plan = lower(model, Options::new(batch, tiles, placement.samples(source, batch)))?;
    Ok((plan, placement))
}
