//! The tiles a new run gets: its device profile's, and what `tune` has kept for its products.

use std::path::Path;

use clap::{Args, ValueEnum};

use super::console::Console;
use super::device::Device;
use crate::error::Result;
use crate::gemm::GemmSelection;
use crate::gpu::{Adapter, Identity};
use crate::model::Model;
use crate::network::{Options, equal_parts, most_rows};
use crate::train::Config;
use crate::tune::{Cache, Known, products};

/// `--tiles`
#[derive(Args)]
pub struct TilesOption {
    /// Which configurations the products get
    #[arg(long, value_enum, default_value_t = Choice::Auto)]
    tiles: Choice,
}

#[derive(Clone, Copy, ValueEnum)]
enum Choice {
    /// What 'tune' has kept for this adapter, else the built-in table's
    Auto,
    /// The built-in table's
    Table,
}

impl TilesOption {
    /// The option as a word of a command line.
    pub fn word(&self) -> String {
        let choice = self.tiles.to_possible_value().map(|choice| choice.get_name().to_owned());
        format!("--tiles={}", choice.unwrap_or_default())
    }

    /// The selection for a run. Says in one line what it takes from the cache, or why it takes nothing that is there.
    ///
    /// # Errors
    /// Where the configuration's model cannot be lowered with its batch size.
    pub fn choose(&self, device: &Device, config: &Config, console: &mut Console) -> Result<GemmSelection> {
        let table = GemmSelection::from(device.class());
        match (self.tiles, device, Cache::path()) {
            (Choice::Auto, Device::Gpu(adapter), Some(path)) => {
                let Config { model, batch_size: batch, micro_batch, precision, .. } = config;
                let most = micro_batch.unwrap_or_else(|| most_rows(model, table.device));
                let options = Options::new(*batch, table, *batch);
                let options = Options { micro_batch: equal_parts(*batch, most), precision: *precision, ..options };
                kept(adapter, (model, options), &path, console)
            }
            _ => Ok(table),
        }
    }
}

fn kept(
    adapter: &Adapter,
    (model, options): (&Model, Options),
    path: &Path,
    console: &mut Console,
) -> Result<GemmSelection> {
    const INSTEAD: &str = "taking the table's tiles until 'gpu-fmnist tune' writes it anew";
    let mut selection = options.tiles.clone();
    let known = Cache::read(path).map(|cache| cache.known(&Identity::of(adapter), options.precision));
    let configs = match known {
        Ok(Known::Nothing) => return Ok(selection),
        Ok(Known::Configs(configs)) => configs,
        Ok(Known::Outdated) => {
            console.say(&format!("{}: made for another version of the shaders; {INSTEAD}", path.display()));
            return Ok(selection);
        }
        Err(error) => {
            console.say(&format!("{error}; {INSTEAD}"));
            return Ok(selection);
        }
    };
    let products = products(model, options)?;
    let capabilities = adapter.capabilities();
    for product in &products {
        let problem = product.problem();
        let Some(config) = configs.get(&problem.to_string()) else { continue };
        if let Some(rule) = problem.broken_rule(config) {
            console.say(&format!("{}: the tile of {problem} is impossible: {rule}; {INSTEAD}", path.display()));
            return Ok(selection.device.into());
        }
        // What is in f16 in the network that was tuned may be pixels in this one.
        if config.matrix == 0 || product.with(*config).runs_on(&capabilities) {
            selection.tuned.insert(problem.to_string(), *config);
        }
    }
    if !selection.tuned.is_empty() {
        let (tuned, all) = (selection.tuned.len(), products.len());
        console.say(&format!("tiles: tuned for {tuned} of {all} products ({})", path.display()));
    }
    Ok(selection)
}
