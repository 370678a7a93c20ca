//! Which runs of a sweep are not worth going on with, by the curves of those that have ended.

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::model::nearest;
use crate::train::Monitor;

/// When a run is ended before its last epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Pruning {
    /// The median rule (Golovin et al., "Google Vizier", 2017), as Optuna's MedianPruner has it: its best value so far is
    /// worse than the median of what the complete runs had at this epoch.
    Median {
        /// At the end of none of the first so many epochs.
        warm_up_epochs: usize,
        /// Only once so many runs are complete.
        min_tasks: usize,
    },
    /// Asynchronous successive halving (Li et al., "A System for Massively Parallel Hyperparameter Tuning", 2020), as
    /// Optuna's SuccessiveHalvingPruner has it: at the epochs `min_epochs`, that times `reduction`, and so on, one part in
    /// `reduction` of the runs that came there goes on, and the best one always.
    Halving { min_epochs: usize, reduction: usize },
}

/// The curve of a run that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// Whether it was trained to its end.
    pub complete: bool,
    /// Of its first epochs, one after the other.
    pub values: Vec<f64>,
}

const TYPES: [(&str, &[&str]); 2] =
    [("median", &["warm_up_epochs", "min_tasks"]), ("halving", &["min_epochs", "reduction"])];

impl Pruning {
    /// The section of a space file.
    ///
    /// # Errors
    /// In the words `problem; remedy`.
    pub fn parse(value: &Value) -> Result<Self, String> {
        let empty = Table::new();
        let table = value.as_table().unwrap_or(&empty);
        let names = TYPES.map(|(name, _)| name);
        let kind = table.get("type").and_then(Value::as_str).unwrap_or_default();
        let Some((_, keys)) = TYPES.iter().find(|(name, _)| *name == kind) else {
            let hint = nearest(kind, &names);
            return Err(format!("[pruning]: type is \"{kind}\"{hint}; give \"{}\"", names.join("\" or \"")));
        };
        if let Some(key) = table.keys().find(|key| *key != "type" && !keys.contains(&key.as_str())) {
            let hint = nearest(key, keys);
            return Err(format!("[pruning]: {kind} has no {key}{hint}; there are {}", keys.join(", ")));
        }
        let number = |key: &str, least: i64, default: usize| match table.get(key) {
            None => Ok(default),
            Some(Value::Integer(number)) if *number >= least => Ok(*number as usize),
            Some(other) => Err(format!("[pruning]: {key} is {other}; give a whole number, {least} or more")),
        };
        Ok(match kind {
            "median" => {
                Self::Median { warm_up_epochs: number("warm_up_epochs", 0, 0)?, min_tasks: number("min_tasks", 1, 5)? }
            }
            _ => Self::Halving { min_epochs: number("min_epochs", 1, 1)?, reduction: number("reduction", 2, 3)? },
        })
    }

    /// Why a run with these values of its epochs is ended here; none where it goes on. It follows from the arguments alone.
    pub fn reason(&self, metric: Monitor, own: &[f64], finished: &[Finished]) -> Option<String> {
        let epoch = own.len();
        let now = *own.last()?;
        // The smaller the better; what is no number is worst.
        let cost = |value: f64| match metric {
            _ if value.is_nan() => f64::INFINITY,
            Monitor::ValLoss | Monitor::Loss => value,
            Monitor::ValAccuracy | Monitor::Accuracy => -value,
        };
        let there = |run: &&Finished| run.values.len() >= epoch;
        let at = |run: &Finished| cost(run.values[epoch - 1]);
        let name = metric.name();
        match *self {
            Self::Median { warm_up_epochs, min_tasks } => {
                let mut costs: Vec<f64> = finished.iter().filter(|run| run.complete).filter(there).map(at).collect();
                if epoch <= warm_up_epochs || costs.len() < min_tasks {
                    return None;
                }
                let best = own.iter().copied().min_by(|one, other| cost(*one).total_cmp(&cost(*other)))?;
                let median = median(&mut costs);
                (cost(best) > median).then(|| {
                    let runs = costs.len();
                    format!(
                        "its best {name}, {best}, is worse than the median of {runs} complete runs, {}",
                        median.abs()
                    )
                })
            }
            Self::Halving { min_epochs, reduction } => {
                let mut rung = min_epochs;
                while rung < epoch {
                    rung = rung.saturating_mul(reduction);
                }
                if rung != epoch {
                    return None;
                }
                let mut costs: Vec<f64> = finished.iter().filter(there).map(at).chain([cost(now)]).collect();
                costs.sort_unstable_by(f64::total_cmp);
                let kept = (costs.len() / reduction).max(1);
                (cost(now) > costs[kept - 1]).then(|| {
                    let runs = costs.len();
                    format!("its {name}, {now}, is not among the best {kept} of {runs} runs that came here")
                })
            }
        }
    }
}

/// Of at least one value: the mean of the two in the middle where their number is even.
fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let (below, above) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
    if below == above { below } else { 0.5 * (below + above) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(complete: bool, values: &[f64]) -> Finished {
        Finished { complete, values: values.to_vec() }
    }

    #[test]
    fn the_best_so_far_is_held_against_the_median() {
        let pruning = Pruning::Median { warm_up_epochs: 1, min_tasks: 3 };
        let others = [
            run(true, &[0.1, 0.5, 0.9]),
            run(true, &[0.1, 0.6, 0.9]),
            run(true, &[0.1, 0.7, 0.9]),
            // Neither counts: pruned, or ended before.
            run(false, &[0.1, 0.0]),
            run(true, &[0.9]),
        ];
        let reason = |metric, own: &[f64]| pruning.reason(metric, own, &others);
        assert_eq!(reason(Monitor::ValAccuracy, &[0.0]), None, "within the warm-up");
        assert_eq!(reason(Monitor::ValAccuracy, &[0.0, 0.6]), None);
        assert_eq!(reason(Monitor::ValAccuracy, &[0.6, 0.0]), None, "it was better before");
        let text = reason(Monitor::ValAccuracy, &[0.0, 0.59]).unwrap();
        assert_eq!(text, "its best val_accuracy, 0.59, is worse than the median of 3 complete runs, 0.6");
        assert!(reason(Monitor::ValLoss, &[0.9, 0.61]).is_some());
        assert_eq!(reason(Monitor::ValLoss, &[0.9, 0.59]), None);
        assert!(reason(Monitor::ValLoss, &[f64::NAN, f64::NAN]).is_some());
        assert_eq!(pruning.reason(Monitor::ValAccuracy, &[0.0, 0.0], &others[1..]), None, "too few are complete");
        // An even number of them: 0.55.
        let pruning = Pruning::Median { warm_up_epochs: 0, min_tasks: 2 };
        assert!(pruning.reason(Monitor::ValAccuracy, &[0.0, 0.54], &others[..2]).is_some());
        assert_eq!(pruning.reason(Monitor::ValAccuracy, &[0.0, 0.56], &others[..2]), None);
    }

    #[test]
    fn at_each_rung_one_part_goes_on() {
        let pruning = Pruning::Halving { min_epochs: 2, reduction: 3 };
        let others: Vec<Finished> = (1..=5).map(|run| self::run(run > 3, &[0.0, 0.1 * f64::from(run)])).collect();
        let reason = |own: &[f64]| pruning.reason(Monitor::Accuracy, own, &others);
        assert_eq!(reason(&[0.0]), None, "no rung");
        assert_eq!(reason(&[0.0, 0.45]), None, "the second of six");
        assert_eq!(
            reason(&[0.9, 0.35]).unwrap(),
            "its accuracy, 0.35, is not among the best 2 of 6 runs that came here"
        );
        assert_eq!(reason(&[0.0, 0.0, 0.0]), None, "no rung");
        assert_eq!(reason(&[0.0; 6]), None, "nobody else came there");
        assert_eq!(pruning.reason(Monitor::Accuracy, &[0.0, 0.6], &others[..1]), None, "the best always goes on");
        assert!(pruning.reason(Monitor::Accuracy, &[0.0, 0.0], &others[..1]).is_some());
    }

    #[test]
    fn a_section_says_what_it_may() {
        let parse = |text: &str| Pruning::parse(&Value::Table(text.parse().unwrap()));
        assert_eq!(parse("type = 'median'"), Ok(Pruning::Median { warm_up_epochs: 0, min_tasks: 5 }));
        assert_eq!(
            parse("type = 'halving'\nmin_epochs = 2\nreduction = 4"),
            Ok(Pruning::Halving { min_epochs: 2, reduction: 4 })
        );
        for (text, part) in [
            ("", "type is \"\"; give \"median\" or \"halving\""),
            ("type = 'halving'\nwarm_up = 1", "halving has no warm_up; there are min_epochs, reduction"),
            ("type = 'median'\nmin_task = 1", "median has no min_task (did you mean \"min_tasks\"?)"),
            ("type = 'halving'\nreduction = 1", "reduction is 1; give a whole number, 2 or more"),
            ("type = 'median'\nmin_tasks = 'x'", "min_tasks is \"x\"; give a whole number, 1 or more"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with("[pruning]: ") && error.contains(part), "no '{part}' in: {error}");
        }
    }
}
