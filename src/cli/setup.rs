//! From a state, a data set and a device to a trainer or an evaluator.

use super::console::Console;
use super::device::Device;
use super::ranks::Ranks;
use super::trained::Trained;
use crate::augment::Views;
use crate::data::Dataset;
use crate::error::Result;
use crate::plan::Program;
use crate::train::{Evaluator, Source, State, Trainer};

/// A trainer for the state's configuration, one of those that train it. Says in one line what it takes of the device where `verbose`.
///
/// # Errors
/// Where the model, the data or the device's limits do not allow it.
pub fn trainer<'a>(
    state: State,
    dataset: &'a Dataset,
    device: &Device,
    ranks: &Ranks,
    verbose: bool,
    console: &mut Console,
) -> Result<Trainer<'a>> {
    let source = Source::from(dataset);
    if verbose {
        // What does not fit the data is no plan to tell of.
        state.config.split(dataset.train.len())?;
        let setup = device.training(&state.config, source);
        let plan = setup.plan()?;
        console.say(&format!(
            "plan: {:.1} MB in {} buffers, {:.1} MB of it activations in {}; {} passes a training step, {} an evaluation step; tiles {}{}; data {}",
            plan.steps.bytes() as f64 / 1e6,
            plan.steps.buffers.len(),
            plan.steps.activation_bytes() as f64 / 1e6,
            state.config.precision.name(),
            plan.steps.passes(Program::Training).len(),
            plan.steps.passes(Program::Evaluation).len(),
            format!("{:?}", state.config.tiles.device).to_lowercase(),
            tuned(&state),
            format!("{:?}", setup.placement).to_lowercase(),
        ));
    }
    device.trainer_among(state, source, ranks.communicator.clone(), &ranks.pace)
}

/// An evaluator of a trained network on these samples in these views, with its run's batches and tiles if it has a run.
///
/// # Errors
/// Where the network, the data or the device's limits do not allow it.
pub fn evaluator<'a>(trained: &Trained, source: Source<'a>, device: &Device, views: Views) -> Result<Evaluator<'a>> {
    let run = trained.run.as_ref().map(|run| &run.state.config);
    device.evaluator(&trained.network, &trained.path, run, trained.precision, source, views)
}

/// `, 7 tuned` where some tiles are not the table's.
fn tuned(state: &State) -> String {
    match state.config.tiles.tuned.len() {
        0 => String::new(),
        tuned => format!(", {tuned} tuned"),
    }
}
