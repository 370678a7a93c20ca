//! How fast an executor is, and whether it may say so: training steps against the clock, each pass against what the
//! adapter can do at most, and first of all the steps' results against the CPU path's.

mod agreement;
mod bench;
mod cards;
mod ceilings;
mod profile;
mod statistics;
mod synthetic;
mod throughput;

pub use agreement::{Steps, TOLERANCE, agree};
pub use bench::{Make, StepBench};
pub use cards::{CARDS, Card, DISPATCH, LATENCY, Limit, Modelled, REACHED, RESIDENT};
pub use ceilings::{Ceilings, ceilings};
pub use profile::{Measured, Profile, Work, profile};
pub use statistics::{median, spread};
pub use synthetic::Synthetic;
pub use throughput::{steps_for, throughput};

use std::ops::ControlFlow;

use crate::callback::ProgressCallback;
use crate::error::{Error, Result};

/// Asks between submissions whether to go on.
fn go_on(callback: ProgressCallback<()>) -> Result<()> {
    match callback(()) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::Interrupted("interrupted; nothing was measured to the end".into())),
    }
}
