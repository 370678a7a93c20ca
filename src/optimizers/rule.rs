//! What an optimizer says of itself.

use std::fmt::Debug;
use std::sync::Arc;

use crate::kernels::{Kernel, Updates};

/// What is kept of every trainable variable beside its values: as many numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct State {
    /// What follows the variable's name in files: `first_moment`, as in `conv2d.kernel.first_moment`.
    pub name: &'static str,
    pub initial: StateInitial,
}

/// What the numbers of a [`State`] are before the first step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateInitial {
    Zeros,
    /// The variable's own values.
    Values,
}

/// What an optimizer has to say of itself.
pub trait Rule: Debug {
    /// As files spell it.
    fn name(&self) -> &'static str;

    fn states(&self) -> &'static [State];

    /// The part of a weight, times the learning rate, that goes before the update.
    fn weight_decay(&self) -> f64;

    /// The rate of step `time` (from 1), which the host computes in f64 and the update pass reads.
    fn step(&self, learning_rate: f64, time: u32) -> f64;

    /// The pass that updates these variables. Its bindings are the gradients, the numbers of each step of a submission
    /// ([`StepNumbers`](crate::kernels::StepNumbers)), the progress, the table of `updates`, the variables' values, and
    /// each of [`Rule::states`].
    fn update(&self, updates: Updates) -> Arc<dyn Kernel>;

    /// Says which key has a value that it cannot have, and what to give.
    ///
    /// # Errors
    /// In the words `key is value; give ...`.
    fn check(&self) -> Result<(), String>;
}
