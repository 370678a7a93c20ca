//! From a state, a data set and a device to a trainer or an evaluator.

use super::console::Console;
use super::device::Device;
use super::trained::{Trained, TrainedRun};
use crate::data::Dataset;
use crate::error::Result;
use crate::formats::Network;
use crate::kernels::Tiling;
use crate::model::Model;
use crate::network::{Options, equal_parts, lower};
use crate::plan::{Plan, Program};
use crate::train::{BATCH_SIZE, Config, Evaluator, Placement, Source, State, Trainer};

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
    let batches = [*batch_size, state.config.most_rows()];
    let (plan, placement) = prepared(model, batches, tiles.clone(), &source, device)?;
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

/// An evaluator of a trained network on these samples, with its run's batches and tiles if it has a run.
///
/// # Errors
/// Where the network, the data or the device's limits do not allow it.
pub fn evaluator<'a>(trained: &Trained, source: Source<'a>, device: &Device) -> Result<Evaluator<'a>> {
    let ([batch, most], tiles) = match &trained.run {
        Some(TrainedRun { state: State { config, .. }, .. }) => {
            ([config.batch_size, config.most_rows()], config.tiles.clone())
        }
        None => ([BATCH_SIZE, device.tiles().micro_batch()], device.tiles().into()),
    };
    let Network { model, tensors, .. } = &trained.network;
    // Only micro-batches are evaluated: what a whole batch needs to train is not made.
    let batch = equal_parts(batch, most);
    let (plan, placement) = prepared(model, [batch; 2], tiles, &source, device)?;
    Evaluator::new((tensors, &trained.path), device.executor(plan)?, source, placement)
}

/// `, 7 tuned` where some tiles are not the table's.
fn tuned(state: &State) -> String {
    match state.config.tiles.tuned.len() {
        0 => String::new(),
        tuned => format!(", {tuned} tuned"),
    }
}

/// The plan on this device for batches in micro-batches of at most so many rows, and where the samples are kept.
fn prepared(
    model: &Model,
    [batch, most]: [usize; 2],
    tiles: Tiling,
    source: &Source,
    device: &Device,
) -> Result<(Plan, Placement)> {
    let pixels: usize = model.input.iter().product();
    let placement = device.placement((source.len() * pixels) as u64);
    let options = Options::new(batch, tiles, placement.samples(source, batch));
    let plan = lower(model, Options { micro_batch: equal_parts(batch, most), ..options })?;
    Ok((plan, placement))
}
