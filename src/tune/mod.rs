//! Finding better tiles than the table's for the products of some models, on one adapter, and keeping them for later runs.

mod cache;
mod candidates;
mod measure;

pub use cache::{Cache, Known};
pub use candidates::candidates;
pub use measure::{LONGEST_COMPILE, MARGIN, Measured, Outcome, measure};

use std::collections::HashSet;

use crate::error::Result;
use crate::kernels::{Product, Tiled};
use crate::model::Model;
use crate::network::{Options, lower};

/// The products of a model's training step as its tiling cuts them, each once.
///
/// # Errors
/// A model that cannot be lowered with these options.
pub fn products(model: &Model, options: Options) -> Result<Vec<Tiled>> {
    let plan = lower(model, options)?;
    let mut known: HashSet<Product> = HashSet::new();
    let tiled = plan.steps.training.iter().filter_map(|pass| Tiled::of(&*pass.kernel));
    Ok(tiled.filter(|tiled| known.insert(tiled.product())).collect())
}
