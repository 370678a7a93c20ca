//! Optimizers, a file each. All that the rest knows of one is its [`Rule`].
//!
//! Its update pass reads gradients and moves variables, all those of a buffer at once, each value by itself. What looks
//! at all gradients before, as clipping by their global norm does, is a pass ahead of it, whose factor the update
//! reads; what follows the variables, as moving averages do, one after it. What goes by the kind of variable, as weight
//! decay without biases does, is a column of the [`Updates`]' table.

mod adam;

pub use adam::Adam;

use std::fmt::Debug;
use std::sync::Arc;

use crate::kernels::{Kernel, Updates};

/// What an optimizer keeps of every trainable variable beside its values: as many numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct State {
    /// What follows the variable's name in files: `first_moment`, as in `conv2d.kernel.first_moment`.
    pub name: &'static str,
    /// What each number is before the first step.
    pub initial: f32,
}

/// What an optimizer has to say of itself.
pub trait Rule: Debug {
    /// As files spell it.
    fn name(&self) -> &'static str;

    fn states(&self) -> &'static [State];

    /// What the host computes for step `time` (from 1), in f64, and the update pass reads: as many numbers for every
    /// step.
    fn step(&self, learning_rate: f64, time: u32) -> Vec<f32>;

    /// The pass that updates these variables. Its bindings are the gradients, the numbers of [`Rule::step`] for each
    /// step of a submission, the progress, the table of `updates`, the variables' values, and each of [`Rule::states`].
    fn update(&self, updates: Updates) -> Arc<dyn Kernel>;
}

/// One of the optimizers.
#[derive(Clone, Debug, PartialEq)]
pub enum Optimizer {
    Adam(Adam),
}

impl Optimizer {
    pub fn rule(&self) -> &dyn Rule {
        match self {
            Self::Adam(adam) => adam,
        }
    }
}

impl Default for Optimizer {
    /// Adam as Keras has it.
    fn default() -> Self {
        Self::Adam(Adam::default())
    }
}
