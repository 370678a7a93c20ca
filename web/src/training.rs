//! Training. Between submissions the page is told how far it is, and may stop it; what is left then is a checkpoint, from
//! which it goes on to the same bits.

use std::ops::ControlFlow;
use std::path::Path;

use gpu_fmnist::data::Framing;
use gpu_fmnist::train::{Config, Metrics, State, Trainer};
use gpu_fmnist::{Dataset, Device, Error, Result, model};
use serde_json::{Value, json};
use web_time::Instant;

use crate::session::{Request, Run, Session, about};
use crate::{Answer, host, required};

/// What messages call the run.
const NAME: &str = "the run";

/// Begins a run.
pub fn begin(session: &mut Session, request: &Request) -> Answer {
    let (dataset, device) = (session.dataset()?, session.device()?);
    let (model, recipe) = match request.text.trim() {
        "" => required(model::built_in(&request.model), "network")?,
        text => model::parse(&request.model, text)?,
    };
    let mut config = Config { seed: request.seed, tiles: device.class().into(), ..Config::new(model, recipe) };
    config.epochs = request.epochs.unwrap_or(config.epochs);
    let samples = config.parts(dataset.train.len())?.train.len();
    config.batch_size = request.batch_size.unwrap_or(config.batch_size.min(samples));
    config.check()?;
    fits(dataset, &config)?;
    let classes = config.model.classes();
    let state = State {
        framing: Framing::of(&dataset.train),
        class_names: dataset.class_names(classes..=classes)?,
        ..State::new(config, hashes(dataset), device.identity())
    };
    let mut trainer = device.trainer(state, dataset.into())?;
    if request.from_network {
        trainer.start_from(&session.network()?.tensors, Path::new("the network"))?;
    }
    let run = train(&mut trainer, dataset, device)?;
    finish(session, run)
}

/// Goes on with the run that is there, perhaps for more epochs.
pub fn resume(session: &mut Session, request: &Request) -> Answer {
    let (dataset, device) = (session.dataset()?, session.device()?);
    let nothing = || Error::Usage("no run to go on with; begin one, or drop a checkpoint onto the page".into());
    let Run { state, checkpoint } = session.run.as_ref().ok_or_else(nothing)?;
    let mut state = State { adapter: device.identity(), ..state.clone() };
    if state.data != hashes(dataset) {
        return Err(Error::Data("the data set is not the one that the run began with; drop that one".into()));
    }
    state.config.epochs = request.epochs.unwrap_or(state.config.epochs).max(state.epoch).max(1);
    state.config.check()?;
    if state.is_complete() {
        let problem = format!("the run is complete, after {} epochs", state.epoch);
        return Err(Error::Usage(format!("{problem}; ask for more epochs, or begin another run")));
    }
    fits(dataset, &state.config)?;
    let path = Path::new(NAME);
    state.split(dataset.train.len(), path)?;
    let mut trainer = device.trainer(state, dataset.into())?;
    trainer.go_on_from(checkpoint, path)?;
    let run = train(&mut trainer, dataset, device)?;
    finish(session, run)
}

/// The run as a file that the program on a desktop goes on with, too.
pub fn checkpoint(session: &Session) -> Answer {
    let nothing = || Error::Usage("no run yet; train a network first".into());
    let Run { state, checkpoint } = session.run.as_ref().ok_or_else(nothing)?;
    Ok((about(state), checkpoint.encode()?))
}

fn hashes(dataset: &Dataset) -> Vec<String> {
    dataset.hashes.iter().map(|(_, hash)| hash.clone()).collect()
}

fn fits(dataset: &Dataset, config: &Config) -> Result<()> {
    let (input, classes) = (config.model.input, config.model.classes());
    for samples in [&dataset.train, &dataset.test] {
        let checked = gpu_fmnist::LentSamples::from(samples).check(input, classes);
        checked.map_err(|problem| Error::Data(format!("the data set: {problem}; choose another network or data")))?;
    }
    Ok(())
}

fn finish(session: &mut Session, run: Run) -> Answer {
    let answer = about(&run.state);
    session.keep(run, NAME)?;
    Ok((answer, Vec::new()))
}

fn train(trainer: &mut Trainer, dataset: &Dataset, device: &Device) -> Result<Run> {
    let mut begun = about(trainer.state());
    begun["device"] = device.describe().into();
    begun["train_samples"] = trainer.split().train.len().into();
    begun["validation_samples"] = trainer.split().validation.len().into();
    begun["test_samples"] = dataset.test.len().into();
    host::tell("begin", &begun, Vec::new());
    while !trainer.state().is_complete() {
        let Some(epoch) = one_epoch(trainer)? else { break };
        host::tell("epoch", &epoch, Vec::new());
        if host::stopped() {
            break;
        }
    }
    if trainer.state().is_complete() {
        trainer.restore_best_weights()?;
    }
    let checkpoint = trainer.checkpoint()?;
    Ok(Run { state: trainer.state().clone(), checkpoint })
}

/// Nothing where the page stopped it.
fn one_epoch(trainer: &mut Trainer) -> Result<Option<Value>> {
    let (epoch, samples) = (trainer.state().epoch + 1, trainer.split().train.len());
    let (began, before) = (Instant::now(), trainer.state().metrics.samples);
    let finished = trainer.epoch(&mut |metrics: Metrics| {
        let seconds = began.elapsed().as_secs_f64().max(1e-9);
        let progress = json!({
            "epoch": epoch,
            "loss": metrics.loss(),
            "accuracy": metrics.accuracy(),
            "samples": metrics.samples,
            "of": samples,
            "images_per_second": (metrics.samples - before) as f64 / seconds,
        });
        host::tell("steps", &progress, Vec::new());
        if host::stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(finished.map(|finished| {
        json!({
            "result": finished.result,
            "seconds": finished.seconds,
            "images_per_second": finished.images_per_second,
        })
    }))
}
