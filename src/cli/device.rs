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
    #[command(flatten)]
    memory: MemoryOption,
}

/// `--vram-limit`
#[derive(Args)]
struct MemoryOption {
    /// What a plan may take of a GPU's memory, as in 512M or 3.5G; what needs more is refused before it begins
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    vram_limit: Option<u64>,
}

impl AdapterOption {
    /// The device asked for. Says in one line when that is not a GPU.
    ///
    /// # Errors
    /// [`Error::Adapter`](crate::error::Error::Adapter) with the list of adapters where the named one is not there.
    pub fn device(&self, console: &mut Console) -> Result<Device> {
        named(&self.adapter, &self.memory, console)
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

    /// A device with the limits that are asked for.
    pub fn limited(&self, device: Device) -> Device {
        self.memory.limited(device)
    }
}

/// The same for commands that compare several adapters.
#[derive(Args)]
pub struct AdaptersOption {
    /// auto, vulkan, metal, dx12, gl, cpu, an index of 'devices', or a part of a name; several with commas between them
    #[arg(long, env = "GPU_FMNIST_ADAPTER", default_value = "auto", value_name = "ADAPTER", value_delimiter = ',')]
    adapter: Vec<String>,
    #[command(flatten)]
    memory: MemoryOption,
}

impl AdaptersOption {
    /// The devices asked for: see [`AdapterOption::device`].
    ///
    /// # Errors
    /// See [`AdapterOption::device`].
    pub fn devices(&self, console: &mut Console) -> Result<Vec<Device>> {
        self.adapter.iter().map(|name| named(name, &self.memory, console)).collect()
    }

    /// What is asked for, as it was spelled.
    pub fn names(&self) -> Vec<String> {
        self.adapter.clone()
    }
}

/// The device of that name. Says in one line when that is not a GPU.
fn named(name: &str, memory: &MemoryOption, console: &mut Console) -> Result<Device> {
    let (device, note) = Device::chosen(name)?;
    if let Some(note) = note {
        console.say(&spelled(&note));
    }
    Ok(memory.limited(device))
}

impl MemoryOption {
    fn limited(&self, device: Device) -> Device {
        match self.vram_limit {
            Some(bytes) => device.limited(bytes),
            None => device,
        }
    }
}

/// `512M`, `3.5G` or `3.5GiB`: decimal units, but with an `i` binary ones; bytes without a unit.
fn bytes(text: &str) -> std::result::Result<u64, String> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|one: char| one.is_ascii_alphabetic()).unwrap_or(text.len()));
    let power = match unit.to_ascii_lowercase().trim_end_matches('b').trim_end_matches('i') {
        "" => Some(0),
        "k" => Some(1),
        "m" => Some(2),
        "g" => Some(3),
        "t" => Some(4),
        _ => None,
    };
    let base: f64 = if unit.contains('i') { 1024.0 } else { 1000.0 };
    let size = number.trim().parse().ok().zip(power).map(|(number, power): (f64, i32)| number * base.powi(power));
    match size.filter(|size| *size >= 1.0 && *size < 1e18) {
        Some(size) => Ok(size as u64),
        None => Err("give a size such as 512M or 3.5G".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_have_units() {
        let sizes = [
            ("4096", 4096),
            ("512M", 512_000_000),
            ("1.5gb", 1_500_000_000),
            ("3 GiB", 3 << 30),
            ("64Ki", 64 << 10),
            ("1b", 1),
        ];
        for (text, size) in sizes {
            assert_eq!(bytes(text), Ok(size), "{text}");
        }
        for text in ["", "G", "0", "-1G", "nan", "1e30", "4X", "4 G B", "G4", "1.5.2M", "bib"] {
            assert!(bytes(text).unwrap_err().contains("512M"), "{text}");
        }
    }
}
