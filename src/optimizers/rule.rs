//! What an optimizer says of itself.

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
