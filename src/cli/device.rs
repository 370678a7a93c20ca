//! `--adapter`: a named adapter is a promise; `auto` takes a hardware GPU, else the CPU path, and says which.

use clap::Args;

use super::console::Console;
use super::flags::spelled;
use crate::error::{Error, Result};
pub use crate::facade::Device;
use crate::parallel::Communicator;

/// The option itself, the same in every subcommand that computes.
#[derive(Args)]
pub struct AdapterOption {
    /// auto, vulkan, metal, dx12, gl, cpu, an index of 'devices', or a part of a name
    #[arg(long, env = "GPU_FMNIST_ADAPTER", default_value = "auto", value_name = "ADAPTER")]
    adapter: String,
}

impl AdapterOption {
    /// The device asked for. Says in one line when that is not a GPU.
    ///
    /// # Errors
    /// [`Error::Adapter`](crate::error::Error::Adapter) with the list of adapters where the named one is not there.
    pub fn device(&self, console: &mut Console) -> Result<Device> {
        named(&self.adapter, console)
    }

    /// The same for one of several processes: of several names with commas between them, that of its place; by itself each
    /// takes another GPU of its machine.
    ///
    /// # Errors
    /// The same, and [`Error::Usage`] for as many names as there are no processes.
    pub fn device_among(&self, communicator: &dyn Communicator, console: &mut Console) -> Result<Device> {
        let (rank, ranks) = (communicator.rank(), communicator.size());
        if ranks == 1 {
            return self.device(console);
        }
        let names: Vec<&str> = self.adapter.split(',').collect();
        let name = match names.len() {
            1 => names[0],
            count if count == ranks => names[rank],
            count => {
                let problem = format!("{count} names for {ranks} processes; give one, or one for each");
                return Err(Error::Usage(format!("`adapter` {}: {problem}", self.adapter)));
            }
        };
        let (device, note) = Device::chosen_by(name, communicator.local_rank())?;
        note.into_iter().for_each(|note| console.say(&spelled(&note)));
        Ok(device)
    }

    /// What is asked for, as it was spelled.
    pub fn name(&self) -> &str {
        &self.adapter
    }
}

/// The same for commands that compare several adapters.
#[derive(Args)]
pub struct AdaptersOption {
    /// auto, vulkan, metal, dx12, gl, cpu, an index of 'devices', or a part of a name; several with commas between them
    #[arg(long, env = "GPU_FMNIST_ADAPTER", default_value = "auto", value_name = "ADAPTER", value_delimiter = ',')]
    adapter: Vec<String>,
}

impl AdaptersOption {
    /// The devices asked for: see [`AdapterOption::device`].
    ///
    /// # Errors
    /// See [`AdapterOption::device`].
    pub fn devices(&self, console: &mut Console) -> Result<Vec<Device>> {
        self.adapter.iter().map(|name| named(name, console)).collect()
    }
}

/// The device of that name. Says in one line when that is not a GPU.
fn named(name: &str, console: &mut Console) -> Result<Device> {
    let (device, note) = Device::chosen(name)?;
    if let Some(note) = note {
        console.say(&spelled(&note));
    }
    Ok(device)
}
