//! The numbers of a step that updates read, as `shaders/common/update.wgsl` does: the host writes a row of them for each
//! step of a submission.

use super::Progress;
use super::specialise::Constants;

/// Where a row has what. The first number is the optimizer's rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepNumbers {
    /// Numbers of a row.
    pub count: usize,
    /// The part of a weight that goes before its update, where weights decay.
    pub decay: Option<usize>,
    /// What gradients are multiplied by, where they are clipped or the loss was scaled: a pass on the device writes it.
    pub factor: Option<usize>,
    /// Whether a step whose factor is 0 changes nothing.
    pub skips: bool,
}

impl Default for StepNumbers {
    /// The rate alone.
    fn default() -> Self {
        Self { count: 1, decay: None, factor: None, skips: false }
    }
}

/// A step's numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub rate: f32,
    pub decay: Option<f32>,
    pub factor: Option<f32>,
}

impl StepNumbers {
    /// Those of the part `update`.
    pub(super) fn constants(self) -> Constants {
        let place = |place: Option<usize>| place.unwrap_or(0).into();
        vec![
            ("NUMBERS", self.count.into()),
            ("DECAY", place(self.decay)),
            ("FACTOR", place(self.factor)),
            ("SKIPS", self.skips.into()),
        ]
    }

    /// Where a row has the factor.
    pub(super) fn factor_place(self) -> usize {
        self.factor.unwrap_or(0)
    }

    /// Gives the present step its factor; past the end of the rates nothing is left.
    pub(super) fn keep_factor(self, rates: &mut [f32], progress: Progress, factor: f32) {
        if let Some(number) = rates.get_mut(progress.batch as usize * self.count + self.factor_place()) {
            *number = factor;
        }
    }

    /// The present step's; past the end of the rates nothing is left.
    pub(super) fn of(self, rates: &[f32], progress: Progress) -> Step {
        let first = progress.batch as usize * self.count;
        let number = |place| rates.get(first + place).copied().unwrap_or(0.0);
        Step { rate: number(0), decay: self.decay.map(number), factor: self.factor.map(number) }
    }
}
