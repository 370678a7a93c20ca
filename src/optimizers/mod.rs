//! Optimizers, a file each. All that the rest knows of one is its [`Rule`].
//!
//! Its update pass reads gradients and moves variables, all those of a buffer at once, each value by itself. What looks
//! at all gradients before, as clipping by their global norm does, is a pass ahead of it, whose factor the update
//! reads; what follows the variables, as moving averages do, one after it. What goes by the kind of variable, as weight
//! decay without biases does, is a column of the table of updates.

mod adam;
mod rule;

pub use adam::Adam;
pub use rule::{Rule, State};

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
