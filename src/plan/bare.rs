//! Plans that train no network: a few passes over buffers of one's own.

use std::sync::Arc;

use super::{Buffer, BufferId, Options, Pass, Plan, lower, words};
use crate::error::Result;
use crate::gemm::DeviceClass;
use crate::kernels::Kernel;
use crate::model::{Activation, Layer, Model};

/// A plan whose training program is what is added to it, and which evaluates nothing. Around it is what any plan has.
pub struct Bare(Plan);

impl Bare {
    /// With nothing in it yet.
    ///
    /// # Errors
    /// See [`lower`].
    pub fn new(name: &str, class: DeviceClass) -> Result<Self> {
        let layers = vec![Layer::Flatten {}, Layer::Dense { units: 2, activation: Activation::Linear }];
        let smallest = Model { name: name.to_owned(), input: [1, 1, 1], layers };
        let mut plan = lower(&smallest, Options::new(1, class, 1))?;
        plan.training.clear();
        plan.evaluation.clear();
        Ok(Self(plan))
    }

    pub fn buffer(&mut self, name: &str, shape: &[usize]) -> BufferId {
        self.0.buffers.push(Buffer { name: name.to_owned(), shape: shape.to_vec(), words: words(shape) });
        BufferId(self.0.buffers.len() - 1)
    }

    /// One buffer for each binding of the kernel's row.
    pub fn pass(&mut self, kernel: Arc<dyn Kernel>, buffers: &[BufferId]) {
        let layer = self.0.model.name.clone();
        self.0.training.push(Pass { layer, kernel, buffers: buffers.to_vec(), offsets: vec![0; buffers.len()] });
    }

    /// The plan.
    ///
    /// # Errors
    /// See [`Plan::check`].
    pub fn plan(self) -> Result<Plan> {
        self.0.check()?;
        Ok(self.0)
    }
}

/// A plan of the kernel alone, to time it, on buffers of `words`, one for each binding of its row.
///
/// # Errors
/// See [`Plan::check`].
pub fn single(kernel: Arc<dyn Kernel>, words: &[usize], class: DeviceClass) -> Result<Plan> {
    let mut bare = Bare::new("single", class)?;
    let bindings = kernel.row().bindings.iter().zip(words);
    let buffers: Vec<BufferId> = bindings.map(|(binding, &words)| bare.buffer(binding.name, &[words])).collect();
    bare.pass(kernel, &buffers);
    bare.plan()
}
