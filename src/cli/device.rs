//! `--adapter`: a named adapter is a promise; `auto` takes a hardware GPU, else the CPU path, and says which.

use clap::Args;

use super::console::Console;
use super::flags::spelled;
use crate::error::Result;
pub use crate::facade::Device;

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

    /// What is asked for, as it was spelled.
    pub fn names(&self) -> Vec<String> {
        self.adapter.clone()
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
