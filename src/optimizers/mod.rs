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

use serde::{Deserialize, Serialize};

/// One of the optimizers: the section `[optimizer]` of a model file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Optimizer {
    Adam(Adam),
}

impl Optimizer {
    pub fn rule(&self) -> &dyn Rule {
        match self {
            Self::Adam(adam) => adam,
        }
    }

    /// Whether it keeps averages of the weights.
    pub fn averages(&self) -> bool {
        false
    }

    /// Refuses values that no update can be made with.
    ///
    /// # Errors
    /// What is wrong, and the remedy.
    pub fn check(&self) -> Result<(), String> {
        let Self::Adam(Adam { beta_1, beta_2, epsilon }) = self;
        for (name, beta) in [("beta_1", beta_1), ("beta_2", beta_2)] {
            if !(0.0..1.0).contains(beta) {
                return Err(format!("{name} is {beta}; give one from 0 to below 1"));
            }
        }
        match epsilon.is_finite() && *epsilon > 0.0 {
            true => Ok(()),
            false => Err(format!("epsilon is {epsilon}; give a positive number such as 1e-7")),
        }
    }
}

impl Default for Optimizer {
    /// Adam as Keras has it.
    fn default() -> Self {
        Self::Adam(Adam::default())
    }
}
