//! How the learning rate goes from step to step.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// What follows the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// The learning rate as it is.
    Constant,
    /// Half a cosine, from the learning rate down to 0 after the last epoch.
    Cosine,
}

impl Schedule {
    /// The part of the learning rate that the step has, of `steps` in all; the first step is 0.
    ///
    /// For `warm_up` steps the part is `step / warm_up`. Then it is 1, or for the cosine
    /// `(1 + cos(pi * (step - warm_up) / (steps - warm_up))) / 2`: Keras' `CosineDecay` with `initial_learning_rate` 0,
    /// `warmup_target` the learning rate and `warmup_steps`; from Loshchilov and Hutter, "SGDR: Stochastic Gradient
    /// Descent with Warm Restarts" (2017), equation 5, without restarts.
    pub fn part(self, step: u64, warm_up: u64, steps: u64) -> f64 {
        if step < warm_up {
            return step as f64 / warm_up as f64;
        }
        match self {
            Schedule::Constant => 1.0,
            Schedule::Cosine => {
                let (done, all) = (step - warm_up, steps.saturating_sub(warm_up).max(1));
                0.5 * (1.0 + (PI * done.min(all) as f64 / all as f64).cos())
            }
        }
    }
}
