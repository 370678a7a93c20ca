//! `train` as another one of several processes than the first.

use std::path::Path;
use std::rc::Rc;

use super::console::Console;
use super::device::Device;
use super::options::DataDirOption;
use super::ranks::{Order, Ranks};
use super::{dataset, interrupt, setup};
use crate::data;
use crate::error::{Error, Result};
use crate::formats::Checkpoint;
use crate::parallel::Communicator;
use crate::train::State;

/// What another process than the first one does.
///
/// # Errors
/// What goes wrong here, or [`Error::Interrupted`] with nothing to say.
pub fn follow(communicator: Rc<dyn Communicator>, device: &Device, data_dir: &DataDirOption) -> Result<()> {
    let mut console = Console::new(true);
    let order = communicator.broadcast(Vec::new())?;
    let order: Order = serde_json::from_slice(&order).map_err(|error| {
        Error::Failed(format!("what rank 0 says is garbled ({error}); start the same program everywhere"))
    })?;
    let path = Path::new("rank 0");
    let state = State::parse(&Checkpoint { about: order.state, tensors: Vec::new() }, path)?;
    // Where the first process has it, if that is here, too.
    let there = Some(order.data_dir.as_path()).filter(|folder| data::locate(Some(folder)).is_ok());
    let dataset = dataset::open(data_dir.path().or(there), &state.config.model, &mut console)?;
    if dataset::hashes(&dataset) != state.data {
        let folder = dataset.folder.display();
        return Err(Error::Data(format!(
            "{folder}: not the data set that rank 0 trains on; give that one with --data-dir"
        )));
    }
    let ranks = Ranks::paced(communicator, &state, &dataset, device)?;
    let mut trainer = setup::trainer(state, &dataset, device, &ranks, false, &mut console)?;
    let checkpoint = Checkpoint::decode(&ranks.communicator.broadcast(Vec::new())?, "rank 0")?;
    trainer.go_on_from(&checkpoint, path)?;
    interrupt::watch(&mut console);
    while !trainer.state().is_complete() {
        // Where it ends within the epoch, the first process wanted to save, or someone to stop.
        trainer.epoch(&mut interrupt::requested)?;
        if trainer.any(interrupt::requested(()).is_break())? {
            return Err(Error::Interrupted(String::new()));
        }
    }
    trainer.restore_best_weights()?;
    trainer.test().map(drop)
}
