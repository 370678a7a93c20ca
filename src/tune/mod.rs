//! Finding better configurations than the device profile's for the products of some models, on one adapter, and keeping them for later runs.

mod cache;
mod candidates;
mod measure;

pub use cache::{Cache, Known};
pub use candidates::candidates;
pub use measure::{LONGEST_COMPILE, MARGIN, Measured, Outcome, measure};

use std::collections::HashSet;

use crate::error::Result;
use crate::gemm::GemmProblem;
use crate::kernels::GemmKernel;
use crate::model::Model;
use crate::network::{Options, lower};

/// The products of a model's training step as its selection configures them, each once.
///
/// # Errors
/// A model that cannot be lowered with these options.
pub fn products(model: &Model, options: Options) -> Result<Vec<GemmKernel>> {
    let plan = lower(model, options)?;
    let mut known: HashSet<GemmProblem> = HashSet::new();
    let products = plan.steps.training.iter().filter_map(|pass| GemmKernel::of(&*pass.kernel));
    Ok(products.filter(|product| known.insert(product.problem())).collect())
}
