//! What the next step's loss is multiplied by, where it is: it changes on the device, and goes with a run's checkpoint.

use super::Engine;
use crate::error::{Error, Result};
use crate::kernels::LossScale;

/// Steps left out in a row, since their gradients were not finite, after which nothing is to be hoped for: the smallest
/// scale is reached after half as many.
const MOST_SKIPPED: u32 = 48;

impl Engine<'_> {
    /// The scale of the next step; none where the loss is not scaled.
    ///
    /// # Errors
    /// What the device reports.
    pub fn loss_scale(&mut self) -> Result<Option<LossScale>> {
        let words = self.plan().host.loss_scale.map(|buffer| self.executor.read(buffer)).transpose()?;
        Ok(words.map(|words| LossScale::read(&words)))
    }

    /// Another scale for the next step, where the loss is scaled.
    ///
    /// # Errors
    /// What the device reports.
    pub fn set_loss_scale(&mut self, scale: LossScale) -> Result<()> {
        let buffer = self.plan().host.loss_scale;
        buffer.map_or(Ok(()), |buffer| self.executor.write(buffer, &scale.words()))
    }

    /// The scale of the next step, of a run that gets somewhere.
    ///
    /// # Errors
    /// [`Error::Diverged`] where no step counted for a long time.
    pub(super) fn useful_loss_scale(&mut self) -> Result<Option<LossScale>> {
        let scale = self.loss_scale()?;
        match scale.filter(|scale| scale.skipped >= MOST_SKIPPED) {
            None => Ok(scale),
            Some(LossScale { skipped, .. }) => {
                let problem = format!("the gradients of the last {skipped} steps were too large for f16");
                Err(Error::Diverged(format!("{problem}; try a smaller `learning_rate`, or `precision` bf16")))
            }
        }
    }
}
