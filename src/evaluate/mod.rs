//! What a network's predictions are worth: who was taken for whom, how often, and how sure it was.

mod calibration;
mod confusion;
mod predictions;
mod report;
#[cfg(feature = "classical")]
mod spread;

pub use calibration::{Bin, Calibration};
pub use confusion::{Confusion, Pair};
pub use predictions::Predictions;
pub use report::{Report, Scores};
#[cfg(feature = "classical")]
pub use spread::Spread;
