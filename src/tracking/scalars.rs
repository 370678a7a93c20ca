//! What is told of an epoch and of a step, by the names that `metrics.csv` has.

use super::{Epoch, Test};
use crate::train::StepResult;

/// Names and values of an epoch.
pub fn of_epoch(epoch: &Epoch) -> Vec<(&'static str, f64)> {
    let Epoch { result, seconds, .. } = epoch;
    let values = [
        ("loss", Some(result.loss)),
        ("accuracy", Some(result.accuracy)),
        ("val_loss", result.val_loss),
        ("val_accuracy", result.val_accuracy),
        ("learning_rate", Some(result.learning_rate)),
        ("seconds", *seconds),
    ];
    values.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// Names and values of a step.
pub fn of_step(step: &StepResult) -> [(&'static str, f64); 3] {
    [("loss", step.loss), ("accuracy", step.accuracy), ("learning_rate", step.learning_rate)]
}

/// Names and values of the test.
pub fn of_test(test: &Test) -> [(&'static str, f64); 2] {
    [("loss", test.loss), ("accuracy", test.accuracy)]
}
