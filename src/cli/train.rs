//! `gpu-fmnist train`

use std::mem;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::console::Console;
use super::device::Device;
use super::ranks::Ranks;
use super::recorder::Recorder;
use super::run::Run;
use super::start::Start;
use super::train_arguments::TrainArguments;
use super::{dataset, follow, interrupt, names, ranks, record, setup};
use crate::data::{Dataset, Framing};
use crate::error::{Error, Result};
use crate::gpu::Identity;
use crate::parallel::{self, Alone, Communicator};
use crate::sweep::Task;
use crate::train::{History, RunFolder, State, Trainer};

/// How much of what a file has for training is named.
const MOST_LEFT_OUT: usize = 12;

pub fn run(arguments: &TrainArguments) -> Result<()> {
    let communicator = parallel::launched()?;
    let result = match communicator.rank() {
        0 => Start::of(arguments)
            .and_then(|start| with_run(arguments, start, communicator.clone(), |run| run.finish().map(drop))),
        _ => follow(arguments, communicator.clone()),
    };
    ranks::ended(&*communicator, result)
}

/// As another one of several processes than the first.
fn follow(arguments: &TrainArguments, communicator: Rc<dyn Communicator>) -> Result<()> {
    let device = arguments.adapter.device_among(&*communicator, &mut Console::new(true))?;
    follow::follow(communicator, &device, &arguments.data)
}

/// Goes on with a task's run where it was begun, else begins it, and does the work with it.
///
/// # Errors
/// [`Error::Data`] where the folder has another run; or what goes wrong.
pub fn with_task<R>(
    arguments: &TrainArguments,
    task: &Task,
    folder: RunFolder,
    work: impl FnOnce(&mut Run) -> Result<R>,
) -> Result<R> {
    with_run(arguments, Start::of_task(arguments, task, folder)?, Rc::new(Alone), work)
}

/// Does the work with the run that the arguments ask for, as the only process or the first one of several.
fn with_run<R>(
    arguments: &TrainArguments,
    mut start: Start,
    communicator: Rc<dyn Communicator>,
    work: impl FnOnce(&mut Run) -> Result<R>,
) -> Result<R> {
    let mut console = arguments.quiet.console();
    let save_every = arguments.checkpoint_minutes.map(minutes).transpose()?;
    let given_names = arguments.names.given(start.config.model.classes())?;
    // Before the device, so that the first line names the data.
    let dataset = start.dataset(arguments, &mut console)?;
    let device = arguments.adapter.device_among(&*communicator, &mut console)?;
    let hashes = dataset::hashes(&dataset);
    // Those of a run that is gone on with, unless others are given.
    let class_names = |recorded: Vec<String>| {
        let recorded = given_names.unwrap_or(recorded);
        names::known(recorded, start.config.model.classes(), |classes| dataset.class_names(classes))
    };

    let (folder, mut trainer, history) = match start.resumed.take() {
        Some((folder, mut state, checkpoint, path)) => {
            if state.data != hashes {
                let folder = dataset.folder.display();
                let problem = "not the data set that the run began with";
                return Err(Error::Data(format!("{folder}: {problem}; give that one with --data-dir")));
            }
            state.class_names = class_names(state.known_names())?;
            let before = mem::replace(&mut state.adapter, device.identity());
            if before != state.adapter {
                let (before, now) = (label(&before), label(&state.adapter));
                console.say(&format!(
                    "the run was trained on {before}; on {now} it goes on, but not to the bit as it would have there"
                ));
            }
            console.record_before(&folder.read("train.log")?);
            let history = History::resumed(&state.history, &folder.read("metrics.csv")?);
            state.split(dataset.train.len(), &path)?;
            let ranks = Ranks::lead(communicator, &state, &dataset, &device, &mut console)?;
            let mut trainer = setup::trainer(state, &dataset, &device, &ranks, arguments.verbose, &mut console)?;
            trainer.go_on_from(&checkpoint, &path)?;
            ranks.send(&mut trainer)?;
            // The checkpoint comes first: where the process ended between them, it has an epoch more.
            folder.write("metrics.csv", &history.csv(trainer.epoch_flop()))?;
            record::write(&folder, &trainer.state().config, &dataset, &device)?;
            (folder, trainer, history)
        }
        None => {
            let class_names = class_names(Vec::new())?;
            let mut config = start.config;
            arguments.recipe.fit(&mut config, dataset.train.len(), &mut console)?;
            config.tiles = arguments.tiles.choose(&device, &config, &mut console)?;
            let framing = Framing::of(&dataset.train);
            let state = State { framing, class_names, ..State::new(config, hashes, device.identity()) };
            let ranks = Ranks::lead(communicator, &state, &dataset, &device, &mut console)?;
            let mut trainer = setup::trainer(state, &dataset, &device, &ranks, arguments.verbose, &mut console)?;
            if let (Some(network), Some(path)) = (&start.init, &arguments.init) {
                trainer.start_from(&network.tensors, path)?;
                if !network.left_out.is_empty() {
                    console.say(&left_out(path, &network.left_out));
                }
            }
            ranks.send(&mut trainer)?;
            let folder = match (start.task, &arguments.run_dir) {
                (Some((folder, ..)), _) => folder,
                (None, Some(path)) => RunFolder::create(path)?,
                (None, None) => RunFolder::create_next(&trainer.state().config.model.name)?,
            };
            // The first one at once: a run can be gone on with from its beginning.
            let begun = folder
                .save(&trainer.checkpoint()?, &["last"])
                .and_then(|()| record::write(&folder, &trainer.state().config, &dataset, &device));
            if let Err(error) = begun {
                folder.discard();
                return Err(error);
            }
            (folder, trainer, History::default())
        }
    };
    let recorder = Recorder::begin(&folder, &mut trainer, arguments.tensorboard)?;
    interrupt::watch(&mut console);
    console.say(&beginning(&trainer, &dataset, &device, &folder));
    let report_on = (!arguments.no_report).then_some(&dataset);
    work(&mut Run {
        trainer,
        folder,
        history,
        recorder,
        console,
        device: &device,
        json: arguments.json.is_given(),
        saved: Instant::now(),
        save_every,
        report_on,
        pruner: None,
    })
}

/// What is going to happen.
fn beginning(trainer: &Trainer, dataset: &Dataset, device: &Device, folder: &RunFolder) -> String {
    let validation = match trainer.split().validation.len() {
        0 => "none to validate, ".to_owned(),
        samples => format!("{samples} to validate, "),
    };
    format!(
        "{} on {}: {} samples to train, {validation}{} to test; writing {}",
        trainer.state().config.model.name,
        device.describe(),
        trainer.split().train.len(),
        dataset.test.len(),
        folder.path().display()
    )
}

/// What of a file training does not go on with, in one line.
fn left_out(path: &Path, what: &[String]) -> String {
    let (shown, more) = what.split_at(what.len().min(MOST_LEFT_OUT));
    let more = if more.is_empty() { String::new() } else { format!("; and {} more", more.len()) };
    format!("{}: training leaves out {}{more}", path.display(), shown.join("; "))
}

/// `--checkpoint-minutes`
fn minutes(minutes: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(60.0 * minutes).map_err(|error| {
        Error::Usage(format!("--checkpoint-minutes {minutes}: {error}; give a number of minutes such as 10"))
    })
}

/// `llvmpipe (LLVM 21.1.8, 512 bits), llvmpipe Mesa 26.1.6-1`
fn label(Identity { name, driver, driver_info, .. }: &Identity) -> String {
    match format!("{driver} {driver_info}").trim() {
        "" => name.clone(),
        driver => format!("{name}, {driver}"),
    }
}
