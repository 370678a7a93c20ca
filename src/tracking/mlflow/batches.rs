//! What is logged of a run, in requests that MLflow's limits allow.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::formats::tensorboard::Parameter;
use crate::tracking::{Epoch, Test, TrackedRun, parameters, scalars};
use crate::train::StepResult;

/// MLflow takes 1,000 metrics a request, with what else there is in it; 100 parameters; and 1 MB.
const MOST_METRICS: usize = 900;
pub const MOST_PARAMETERS: usize = 100;
/// Parameters are cut there by MLflow, or refused.
const LONGEST_KEY: usize = 250;
const LONGEST_VALUE: usize = 6000;

/// Metrics that go into one request, and how far the run is told with them.
#[derive(Debug)]
pub struct Batch {
    pub metrics: Vec<Value>,
    /// The last step or epoch in it.
    pub last: usize,
}

/// The steps after the first `sent`.
pub fn of_steps(steps: &[StepResult], sent: usize) -> Vec<Batch> {
    let rest = &steps[steps.partition_point(|step| step.step as usize <= sent)..];
    let metrics = |step: &StepResult| {
        let metric = |(name, value)| metric(&format!("step/{name}"), value, step.time, step.step as usize);
        scalars::of_step(step).map(metric).to_vec()
    };
    batches(rest, MOST_METRICS / 3, metrics, |step| step.step as usize)
}

/// The epochs after the first `sent`.
pub fn of_epochs(epochs: &[Epoch], sent: usize) -> Vec<Batch> {
    let rest = &epochs[epochs.partition_point(|epoch| epoch.result.epoch <= sent)..];
    let metrics = |epoch: &Epoch| {
        let metric = |(name, value)| metric(name, value, epoch.time, epoch.result.epoch);
        scalars::of_epoch(epoch).into_iter().map(metric).collect()
    };
    batches(rest, MOST_METRICS / 6, metrics, |epoch| epoch.result.epoch)
}

/// What the test came to, after so many epochs.
pub fn of_test(test: &Test, time: f64, epochs: usize) -> Vec<Value> {
    scalars::of_test(test).map(|(name, value)| metric(&format!("test_{name}"), value, time, epochs)).to_vec()
}

fn batches<T>(rows: &[T], most: usize, metrics: impl Fn(&T) -> Vec<Value>, number: impl Fn(&T) -> usize) -> Vec<Batch> {
    let batch =
        |rows: &[T]| Batch { metrics: rows.iter().flat_map(&metrics).collect(), last: rows.last().map_or(0, &number) };
    rows.chunks(most).map(batch).collect()
}

/// The same time again makes the same metric: a server that has it keeps it once.
fn metric(name: &str, value: f64, time: f64, step: usize) -> Value {
    json!({ "key": name, "value": value, "timestamp": milliseconds(time), "step": step })
}

pub fn milliseconds(time: f64) -> u64 {
    (1e3 * time).round() as u64
}

/// The configuration as MLflow's parameters may be: names and texts.
pub fn of_configuration(run: &TrackedRun) -> BTreeMap<String, String> {
    let allowed = |letter: char| if letter.is_alphanumeric() || "_-. /".contains(letter) { letter } else { '_' };
    let pair = |(name, parameter): (String, Parameter)| {
        let value = match parameter {
            Parameter::Number(number) => number.to_string(),
            Parameter::Flag(flag) => flag.to_string(),
            Parameter::Text(text) => text.chars().take(LONGEST_VALUE).collect(),
        };
        (name.chars().map(allowed).take(LONGEST_KEY).collect(), value)
    };
    parameters(&run.config).into_iter().map(pair).filter(|(_, value): &(String, String)| !value.is_empty()).collect()
}

/// Pairs as MLflow has them.
pub fn pairs(pairs: &[(String, String)]) -> Vec<Value> {
    pairs.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_request_is_larger_than_allowed_and_none_says_a_thing_twice() {
        let steps: Vec<_> =
            (1..=1000).map(|step| StepResult::parse(&format!("{step},1,0.5,0.5,0.001,8,1.5")).unwrap()).collect();
        let batches = of_steps(&steps, 99);
        assert!(batches.iter().all(|batch| batch.metrics.len() <= MOST_METRICS));
        let all: Vec<_> =
            batches.iter().flat_map(|batch| &batch.metrics).map(|metric| metric["step"].as_u64().unwrap()).collect();
        assert_eq!(all, (100..=1000).flat_map(|step| [step; 3]).collect::<Vec<_>>());
        assert_eq!(batches.iter().map(|batch| batch.last).collect::<Vec<_>>(), [399, 699, 999, 1000]);
        assert_eq!(batches[0].metrics[0], json!({ "key": "step/loss", "value": 0.5, "timestamp": 1500, "step": 100 }));
        assert!(of_steps(&steps, 1000).is_empty() && of_steps(&[], 0).is_empty());
    }
}
