//! A plan of one pass, to time a kernel by itself.

use std::sync::Arc;

use super::{Buffer, BufferId, Options, Pass, Plan, lower};
use crate::error::Result;
use crate::kernels::{Kernel, Tiles};
use crate::model::{Activation, Layer, Model};

/// A plan whose training program is the kernel alone, on buffers of `words`, one for each binding of its row. It evaluates
/// nothing; around the pass is what any plan has.
///
/// # Errors
/// A buffer beyond what a shader can address.
pub fn single(kernel: Arc<dyn Kernel>, words: &[usize], tiles: Tiles) -> Result<Plan> {
    let layers = vec![Layer::Flatten {}, Layer::Dense { units: 2, activation: Activation::Linear }];
    let smallest = Model { name: "single".into(), input: [1, 1, 1], layers };
    let mut plan = lower(&smallest, Options::new(1, tiles, 1))?;
    let bindings = kernel.row().bindings;
    let buffers = bindings.iter().zip(words).map(|(binding, &words)| {
        plan.buffers.push(Buffer { name: binding.name.to_owned(), shape: vec![words], words });
        BufferId(plan.buffers.len() - 1)
    });
    let pass = Pass { layer: "single".into(), buffers: buffers.collect(), offsets: vec![0; bindings.len()], kernel };
    plan.training = vec![pass];
    plan.evaluation.clear();
    plan.check()?;
    Ok(plan)
}
