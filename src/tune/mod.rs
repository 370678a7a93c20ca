//! Finding better configurations than the device profile's for the products of some models, on one adapter, and keeping them for later runs.

mod cache;
mod candidates;
mod measure;

pub use cache::{Cache, Known};
pub use candidates::candidates;
pub use measure::{LONGEST_COMPILE, MARGIN, Measured, Outcome, measure};

use std::collections::HashSet;

use crate::error::Result;
use crate::gemm::{GemmProblem, GemmSelection};
use crate::kernels::GemmKernel;
use crate::model::Model;
use crate::plan::{Options, lower};

/// The products of a model's training step as `selection` configures them, each once.
///
/// # Errors
/// A model that cannot be lowered with this batch size.
pub fn products(model: &Model, batch: usize, selection: &GemmSelection) -> Result<Vec<GemmKernel>> {
    let plan = lower(model, Options::new(batch, selection.clone(), batch))?;
    let mut known: HashSet<GemmProblem> = HashSet::new();
    let products = plan.training.iter().filter_map(|pass| GemmKernel::of(&*pass.kernel));
    Ok(products.filter(|product| known.insert(product.problem())).collect())
}
