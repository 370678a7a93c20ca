//! Plans that train no network: a few passes over buffers of one's own.

use std::sync::Arc;

use super::buffers::Buffers;
use super::{BufferId, Pass, Plan};
use crate::error::Result;
use crate::kernels::Kernel;

/// A plan whose training program is what is added to it, and which evaluates nothing.
pub struct CustomPlan {
    name: String,
    buffers: Buffers,
    plan: Plan,
}

impl CustomPlan {
    /// With nothing in it yet.
    pub fn new(name: &str) -> Self {
        let mut buffers = Buffers::default();
        let log = buffers.add("log", vec![Plan::BATCHES, 2]);
        Self { name: name.to_owned(), buffers, plan: Plan { log, ..Plan::default() } }
    }

    pub fn buffer(&mut self, name: &str, shape: &[usize]) -> BufferId {
        self.buffers.add(name, shape.to_vec())
    }

    /// One buffer for each binding of the kernel's row.
    pub fn pass(&mut self, kernel: Arc<dyn Kernel>, buffers: &[BufferId]) {
        let (layer, buffers, offsets) = (self.name.clone(), buffers.to_vec(), vec![0; buffers.len()]);
        self.plan.training.push(Pass { layer, kernel, buffers, offsets });
    }

    /// The plan.
    ///
    /// # Errors
    /// See [`Plan::check`].
    pub fn plan(self) -> Result<Arc<Plan>> {
        let plan = Plan { buffers: self.buffers.0, ..self.plan };
        plan.check()?;
        Ok(Arc::new(plan))
    }
}

/// A plan of the kernel alone, to time it, on buffers of `words`, one for each binding of its row.
///
/// # Errors
/// See [`Plan::check`].
pub fn single(kernel: Arc<dyn Kernel>, words: &[usize]) -> Result<Arc<Plan>> {
    let mut plan = CustomPlan::new("single");
    let bindings = kernel.descriptor().bindings.iter().zip(words);
    let buffers: Vec<BufferId> = bindings.map(|(binding, &words)| plan.buffer(binding.name, &[words])).collect();
    plan.pass(kernel, &buffers);
    plan.plan()
}
