//! Optimizers, a file each. All that the rest knows of one is its [`Rule`].
//!
//! Its update pass reads gradients and moves variables, all those of a buffer at once, each value by itself. What looks
//! at all gradients before, as clipping by their global norm does, is a pass ahead of it, whose factor the update
//! reads; what follows the variables, as moving averages do, one after it. What goes by the kind of variable, as weight
//! decay without biases does, is a column of the table of updates.

mod adam;
mod adamw;
mod limits;
mod rule;
mod sgd;
#[cfg(test)]
mod tests;

pub use adam::Adam;
pub use adamw::AdamW;
pub use rule::{Rule, State, StateInitial};
pub use sgd::Sgd;

use serde::{Deserialize, Serialize};

use crate::kernels::StepNumbers;

/// An optimizer as a model file spells it: how a step updates a variable, and what any of them may have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Optimizer {
    #[serde(flatten)]
    pub algorithm: Algorithm,
    /// Kinds of variables that do not decay.
    #[serde(default)]
    pub weight_decay_exclude: Vec<Undecayed>,
    /// The largest global norm of all gradients, which are made smaller where it is more; 0: any.
    #[serde(default)]
    pub global_clipnorm: f64,
    /// The part of the weights' moving averages that a step keeps; 0: there are none.
    #[serde(default)]
    pub ema_momentum: f64,
}

/// One of the optimizers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Algorithm {
    Adam(Adam),
    AdamW(AdamW),
    Sgd(Sgd),
}

/// A kind of variables that may be kept from decaying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Undecayed {
    Bias,
    Gamma,
    Beta,
}

/// The moving averages of the weights.
pub const AVERAGE: State = State { name: "average", initial: StateInitial::Values };

impl Algorithm {
    pub fn rule(&self) -> &dyn Rule {
        match self {
            Self::Adam(adam) => adam,
            Self::AdamW(adamw) => adamw,
            Self::Sgd(sgd) => sgd,
        }
    }
}

impl Default for Algorithm {
    /// Adam as Keras has it.
    fn default() -> Self {
        Self::Adam(Adam::default())
    }
}

impl From<Algorithm> for Optimizer {
    /// With nothing else.
    fn from(algorithm: Algorithm) -> Self {
        Self { algorithm, ..Self::default() }
    }
}

impl Undecayed {
    pub const ALL: [Self; 3] = [Self::Bias, Self::Gamma, Self::Beta];

    /// The kind of variable as files spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bias => "bias",
            Self::Gamma => "gamma",
            Self::Beta => "beta",
        }
    }
}

impl Optimizer {
    pub fn rule(&self) -> &dyn Rule {
        self.algorithm.rule()
    }

    /// What is kept of every trainable variable: the rule's states, then the moving average where there is one.
    pub fn states(&self) -> Vec<State> {
        [self.rule().states(), if self.averages() { &[AVERAGE] } else { &[] }].concat()
    }

    /// Whether moving averages of the weights are kept, the last of [`Self::states`].
    pub fn averages(&self) -> bool {
        self.ema_momentum > 0.0
    }

    /// Whether gradients are clipped by their global norm.
    pub fn clips(&self) -> bool {
        self.global_clipnorm > 0.0
    }

    /// Whether variables of the kind decay, where anything does.
    pub fn decays(&self, kind: &str) -> bool {
        self.weight_decay_exclude.iter().all(|excluded| excluded.name() != kind)
    }

    /// The places of the numbers that [`Self::step`] gives; `scales`: of steps whose loss is scaled.
    pub fn numbers(&self, scales: bool) -> StepNumbers {
        let mut numbers = StepNumbers::default();
        let mut next = |is_used: bool| {
            numbers.count += usize::from(is_used);
            is_used.then_some(numbers.count - 1)
        };
        let decay = next(self.rule().weight_decay() > 0.0);
        let factor = next(self.clips() || scales);
        StepNumbers { decay, factor, skips: scales, ..numbers }
    }

    /// What the host computes for step `time` (from 1), and the update passes read. Clipping overwrites its factor, and
    /// so does scaling the loss.
    pub fn step(&self, learning_rate: f64, time: u32, scales: bool) -> Vec<f32> {
        let StepNumbers { count, decay, .. } = self.numbers(scales);
        let mut numbers = vec![1.0; count];
        numbers[0] = self.rule().step(learning_rate, time) as f32;
        if let Some(place) = decay {
            numbers[place] = (self.rule().weight_decay() * learning_rate) as f32;
        }
        numbers
    }

    /// Says which key has a value that it cannot have, and what to give.
    ///
    /// # Errors
    /// In the words `key is value; give ...`.
    pub fn check(&self) -> Result<(), String> {
        self.rule().check()?;
        limits::not_negative("global_clipnorm", self.global_clipnorm)?;
        limits::part("ema_momentum", self.ema_momentum)
    }
}
