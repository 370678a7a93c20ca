//! `train` as one of several processes: the first one decides, writes and prints; the others do as it says (follow.rs).

use std::path::PathBuf;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::console::{Console, tell};
use super::device::Device;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::facade::Pace;
use crate::kernels::GradientOrder;
use crate::parallel::{Alone, Communicator, gather};
use crate::train::{Source, State, Trainer};

/// The processes that train together, and how fast their devices are.
pub struct Ranks {
    pub communicator: Rc<dyn Communicator>,
    pub pace: Pace,
}

/// What the first process tells the others before anything is trained.
#[derive(Serialize, Deserialize)]
pub struct Order {
    pub state: String,
    /// Where it has the data set.
    pub data_dir: PathBuf,
}

/// How long another rank leaves the first one to say what all of them found.
const PATIENCE: Duration = Duration::from_millis(500);

/// Ends all ranks where this one fails. Of an interrupt all of them know, and end together once the first one has saved.
pub fn ended(communicator: &dyn Communicator, result: Result<()>) -> Result<()> {
    let (rank, size) = (communicator.rank(), communicator.size());
    match result {
        Err(error @ Error::Interrupted(_)) if size > 1 => {
            tell("", &error);
            communicator.all_gather(&[0], &vec![1; size])?;
            Err(Error::Interrupted(String::new()))
        }
        Err(error) if size > 1 => {
            if rank > 0 {
                thread::sleep(PATIENCE);
            }
            tell(&format!("rank {rank}: "), &error);
            communicator.abort(error.code());
            Err(error)
        }
        result => result,
    }
}

impl Ranks {
    /// This process alone.
    pub fn alone() -> Self {
        Self { communicator: Rc::new(Alone), pace: Pace::EVEN }
    }

    /// The first process', which tells the others what to train.
    ///
    /// # Errors
    /// [`Error::Usage`] for a run that several processes cannot go on with, or what another process has to say.
    pub fn lead(
        communicator: Rc<dyn Communicator>,
        state: &State,
        dataset: &Dataset,
        device: &Device,
        console: &mut Console,
    ) -> Result<Self> {
        if communicator.size() == 1 {
            return Ok(Self { communicator, pace: Pace::EVEN });
        }
        if state.config.gradient_order != GradientOrder::Tree {
            return Err(Error::Usage(
                "the run adds up its gradients one after the other, as runs did before there was a tree; go on with it in \
                 one process"
                    .into(),
            ));
        }
        let data_dir = std::path::absolute(&dataset.folder).unwrap_or_else(|_| dataset.folder.clone());
        let order = serde_json::to_vec(&Order { state: state.text()?, data_dir });
        communicator.broadcast(order.map_err(|error| Error::Failed(format!("the order cannot be given: {error}")))?)?;
        let ranks = Self::paced(communicator, state, dataset, device)?;
        console.say(&ranks.describe(device, &state.config)?);
        Ok(ranks)
    }

    /// All ranks measure their devices where these are not of one kind.
    pub fn paced(
        communicator: Rc<dyn Communicator>,
        state: &State,
        dataset: &Dataset,
        device: &Device,
    ) -> Result<Self> {
        let identity = serde_json::to_vec(&device.identity());
        let identity = identity.map_err(|error| Error::Failed(format!("the device has no name: {error}")))?;
        let all = gather(&*communicator, &identity)?;
        if all.iter().all(|other| *other == identity) {
            return Ok(Self { communicator, pace: Pace::EVEN });
        }
        let speed = device.speed(&state.config, Source::from(dataset))?;
        let speeds = gather(&*communicator, &speed.to_le_bytes())?;
        let speeds = speeds.iter().filter_map(|speed| Some(f64::from_le_bytes(speed.as_slice().try_into().ok()?)));
        Ok(Self { communicator, pace: Pace { speeds: Some(speeds.collect()) } })
    }

    /// What each rank does, for the log.
    fn describe(&self, device: &Device, config: &crate::train::Config) -> Result<String> {
        let (shares, ranks) = (device.shares(config, self.communicator.size(), &self.pace)?, self.communicator.size());
        let list: Vec<String> = shares.iter().map(|share| share.len().to_string()).collect();
        let all: usize = shares.iter().map(|share| share.len()).sum();
        let what = format!("{ranks} processes share the {all} micro-batches of a step: {}", list.join(", "));
        Ok(match &self.pace.speeds {
            None => what,
            Some(speeds) => {
                let speeds: Vec<String> = speeds.iter().map(|speed| format!("{speed:.1}")).collect();
                let speeds = speeds.join(", ");
                format!(
                    "{what}, by {speeds} of them a second; their devices differ, and the last bits go by the shares"
                )
            }
        })
    }

    /// Lets the others begin where the first one's trainer is.
    ///
    /// # Errors
    /// What the device reports.
    pub fn send(&self, trainer: &mut Trainer) -> Result<()> {
        if self.communicator.size() > 1 {
            self.communicator.broadcast(trainer.checkpoint()?.encode()?)?;
        }
        Ok(())
    }
}
