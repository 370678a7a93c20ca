//! Finding better configurations than the device profile's for the products of some models, on one adapter, and keeping them for later runs.

mod cache;
mod candidates;
mod measure;

pub use cache::{Cache, Known};
pub use candidates::candidates;
pub use measure::{LONGEST_COMPILE, MARGIN, Measured, Outcome, measure};

use std::collections::HashSet;

use crate::error::Result;
use crate::gemm::{GemmConfig, GemmProblem, GemmSelection};
use crate::gpu::Adapter;
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

/// A product of a model's step of `batch` samples as the selection configures it, and the candidates on that adapter;
/// `None` where the step has no such product. Lowered anew, since a forward product's tile decides how those of the
/// backward pass read its argmax.
///
/// # Errors
/// A model that cannot be lowered with this batch.
pub fn search(
    adapter: &Adapter,
    (model, batch): (&Model, usize),
    selection: &GemmSelection,
    problem: &GemmProblem,
) -> Result<Option<(GemmKernel, Vec<GemmConfig>)>> {
    let products = products(model, Options::for_model(model, batch, selection.clone(), batch))?;
    let product = products.into_iter().find(|product| product.problem() == *problem);
    let adapter = adapter.capabilities();
    Ok(product.map(|product| (product, candidates(&product, selection.device, &adapter))))
}
