//! `gpu-fmnist devices`

use std::env;

use clap::Args;
use serde::Serialize;

use super::device::Device;
use super::options::JsonOption;
use super::output;
use crate::error::Result;
use crate::gpu;

/// List the adapters that --adapter can name.
#[derive(Args)]
#[command(after_help = "--adapter takes an index, a backend, or a part of a name; 'cpu' is always there.")]
#[command(mut_arg("json", |argument| argument.help("Print a JSON array")))]
pub struct DevicesArguments {
    #[command(flatten)]
    json: JsonOption,
}

#[derive(Serialize)]
struct Listed {
    /// None for the CPU path, which has a name only.
    index: Option<usize>,
    name: String,
    backend: &'static str,
    device_type: &'static str,
    driver: String,
    /// `0000:01:00.0`, where the driver says it: what is listed twice has the same one.
    pci_bus_id: String,
}

pub fn run(arguments: &DevicesArguments) -> Result<()> {
    let adapters = gpu::adapters().into_iter().map(|adapter| Device::Gpu(Box::new(adapter)));
    let listed = adapters.enumerate().map(|(index, device)| list(Some(index), &device));
    let devices: Vec<Listed> = listed.chain([list(None, &Device::Cpu)]).collect();
    if arguments.json.is_given() {
        return output::json(&devices);
    }
    let row = |device: &Listed| {
        let index = device.index.map_or("-".to_owned(), |index| index.to_string());
        let Listed { name, backend, device_type, driver, pci_bus_id, .. } = device;
        let bus = if pci_bus_id.is_empty() { "-" } else { pci_bus_id };
        [index.as_str(), name, backend, device_type, bus, driver].map(str::to_owned).to_vec()
    };
    let rows: Vec<Vec<String>> = devices.iter().map(row).collect();
    let mut text = output::table(&["index", "name", "backend", "type", "PCI bus", "driver"], &rows);
    if devices.len() == 1 {
        let of = match env::var("WGPU_BACKEND") {
            Ok(named) => format!("of WGPU_BACKEND {named} no driver"),
            Err(_) => "no Vulkan, Metal, DX12 or GL driver".to_owned(),
        };
        text += &format!("\nnone but the CPU path: {of} offers an adapter\n");
    }
    output::tables(&text)
}

fn list(index: Option<usize>, device: &Device) -> Listed {
    Listed {
        index,
        name: device.name().to_owned(),
        backend: device.backend(),
        device_type: device.device_type(),
        driver: device.driver().join(" ").trim().to_owned(),
        pci_bus_id: device.pci_bus_id().to_owned(),
    }
}
