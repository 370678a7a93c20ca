//! How long training steps take, by the host's clock, as training submits them.

use std::ops::ControlFlow;
use std::time::Duration;

use web_time::Instant;

use super::synthetic::LEARNING_RATE;
use super::{Synthetic, go_on};
use crate::callback::ProgressCallback;
use crate::error::Result;
use crate::train::Engine;

/// Seconds a step, over `steps` steps from the first one's upload until the device is done with the last.
///
/// # Errors
/// What the device reports, or an interrupt.
pub fn throughput(engine: &mut Engine, data: &Synthetic, steps: usize, callback: ProgressCallback<()>) -> Result<f64> {
    let order = data.order(steps);
    let mut stopped = ControlFlow::Continue(());
    let start = Instant::now();
    engine.train(&order, LEARNING_RATE, &mut |_| {
        stopped = callback(());
        stopped
    })?;
    let seconds = start.elapsed().as_secs_f64();
    go_on(&mut |()| stopped)?;
    Ok(seconds / steps as f64)
}

/// Warms up, and finds how many steps take about half a second.
///
/// # Errors
/// See [`throughput`].
pub fn steps_for(engine: &mut Engine, data: &Synthetic, callback: ProgressCallback<()>) -> Result<usize> {
    const LONG: Duration = Duration::from_millis(500);
    let mut steps = 2;
    loop {
        let seconds = throughput(engine, data, steps, callback)?;
        let enough = (LONG.as_secs_f64() / seconds).clamp(2.0, 1000.0) as usize;
        if enough <= 2 * steps {
            return Ok(enough);
        }
        steps = enough.min(8 * steps);
    }
}
