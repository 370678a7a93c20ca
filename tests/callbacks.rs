//! Early stopping, the plateau's control of the learning rate, and its schedules, against Keras' own:
//! `tests/golden/README.md` has how `callbacks.json` was made.

use std::collections::HashSet;

use gpu_fmnist::train::{EarlyStopping, EarlyStoppingState, Monitor, PlateauState, ReduceLrOnPlateau, Schedule};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    runs: Vec<Run>,
    schedules: Vec<Scheduled>,
}

#[derive(Deserialize)]
struct Run {
    name: String,
    monitor: Monitor,
    learning_rate: f64,
    early_stopping: Option<EarlyStopping>,
    reduce_lr_on_plateau: Option<ReduceLrOnPlateau>,
    /// The monitored metric's, epoch by epoch.
    values: Vec<f64>,
    expect: Outcome,
}

#[derive(Debug, Deserialize)]
struct Outcome {
    stopped: bool,
    epochs: usize,
    /// The epoch whose weights the run ends with.
    weights_of_epoch: usize,
    /// After each epoch.
    learning_rates: Vec<f64>,
}

#[derive(Debug, Deserialize)]
struct Scheduled {
    schedule: Schedule,
    learning_rate: f64,
    warm_up: u64,
    steps: u64,
    rates: Vec<f64>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/callbacks.json")).unwrap()
}

/// Keras keeps the learning rate in f32.
fn close(ours: f64, keras: f64) -> bool {
    ours.is_finite() && (ours - keras).abs() <= 1e-6 * keras.abs() + 1e-10
}

fn trained(run: &Run) -> Outcome {
    let mut outcome = Outcome { stopped: false, epochs: 0, weights_of_epoch: 0, learning_rates: Vec::new() };
    let (mut stopping, mut plateau) = (EarlyStoppingState::default(), PlateauState::default());
    let mut learning_rate = run.learning_rate;
    for (&value, epoch) in run.values.iter().zip(1..) {
        outcome.epochs = epoch;
        if let Some(callback) = &run.reduce_lr_on_plateau {
            let reduced = callback.observe(&mut plateau, run.monitor, value, learning_rate);
            assert_ne!(reduced, Some(learning_rate), "{}", run.name);
            learning_rate = reduced.unwrap_or(learning_rate);
        }
        outcome.learning_rates.push(learning_rate);
        if let Some(callback) = &run.early_stopping {
            let best = callback.observe(&mut stopping, run.monitor, epoch, value);
            assert_eq!(best, stopping.best.is_some_and(|best| best.epoch == epoch), "{}", run.name);
            outcome.stopped = callback.stops_after(epoch, &stopping);
            if outcome.stopped {
                break;
            }
        }
    }
    let restores = run.early_stopping.as_ref().is_some_and(|callback| callback.restore_best_weights);
    let best = stopping.best.filter(|_| restores);
    outcome.weights_of_epoch = best.map_or(outcome.epochs, |best| best.epoch);
    outcome
}

#[test]
fn runs_end_as_by_keras() {
    let runs = golden().runs;
    for run in &runs {
        let (ours, keras) = (trained(run), &run.expect);
        let figures = |outcome: &Outcome| (outcome.stopped, outcome.epochs, outcome.weights_of_epoch);
        assert_eq!(figures(&ours), figures(keras), "{}", run.name);
        assert_eq!(ours.learning_rates.len(), keras.learning_rates.len(), "{}", run.name);
        for (epoch, (&ours, &keras)) in ours.learning_rates.iter().zip(&keras.learning_rates).enumerate() {
            assert!(close(ours, keras), "{}, epoch {}: {ours}, Keras {keras}", run.name, epoch + 1);
        }
    }
    let ends: HashSet<(bool, usize)> = runs.iter().map(|run| (run.expect.stopped, run.expect.epochs)).collect();
    assert!(runs.len() > 100 && ends.len() > 15, "{} runs with {} ends", runs.len(), ends.len());
}

#[test]
fn learning_rates_go_as_by_keras() {
    let schedules = golden().schedules;
    assert_eq!(schedules.len(), 10);
    for Scheduled { schedule, learning_rate, warm_up, steps, rates } in schedules {
        assert_eq!(rates.len() as u64, steps);
        for (step, keras) in (0..).zip(rates) {
            let ours = learning_rate * schedule.part(step, warm_up, steps);
            assert!(close(ours, keras), "{schedule:?}, {warm_up} of {steps}, step {step}: {ours}, Keras {keras}");
        }
    }
}
