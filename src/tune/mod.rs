//! Finding better configurations than the device profile's for the products of some models, on one adapter, and keeping them for later runs.

mod cache;
mod candidates;
mod measure;

pub use cache::{Cache, Known};
pub use candidates::candidates;
pub use measure::{LONGEST_COMPILE, MARGIN, Measured, Outcome, measure};

use crate::error::Result;
use crate::gemm::{GemmConfig, GemmProblem};
use crate::gpu::Adapter;
use crate::kernels::Product;
use crate::model::Model;
use crate::network::{Options, lower};

/// The products of a model's training step as its selection configures them, each once.
///
/// # Errors
/// A model that cannot be lowered with these options.
pub fn products(model: &Model, options: Options) -> Result<Vec<Product>> {
    let precision = options.precision;
    let plan = lower(model, options)?;
    let passes = &plan.steps.training;
    let mut products: Vec<Product> = Vec::new();
    for (number, pass) in passes.iter().enumerate() {
        let behind = passes.get(number + 1).map(|behind| &*behind.kernel);
        let Some(product) = Product::of(&*pass.kernel, behind, precision) else { continue };
        // One configuration serves all layers of the same shape, over pixels and over activations.
        match products.iter_mut().find(|known| known.problem() == product.problem()) {
            Some(known) => *known = known.widened_by(&product),
            None => products.push(product),
        }
    }
    Ok(products)
}

/// A product of a model's step as these options' selection configures it, and the candidates on that adapter; `None` where
/// the step has no such product. Lowered anew, since a forward product's tile decides how those of the backward pass read
/// its argmax.
///
/// # Errors
/// A model that cannot be lowered with these options.
pub fn search(
    adapter: &Adapter,
    model: &Model,
    options: Options,
    problem: &GemmProblem,
) -> Result<Option<(Product, Vec<GemmConfig>)>> {
    let class = options.tiles.device;
    let product = products(model, options)?.into_iter().find(|product| product.problem() == *problem);
    Ok(product.map(|product| (product, candidates(&product, class, &adapter.capabilities()))))
}
