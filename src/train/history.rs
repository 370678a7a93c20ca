//! What each epoch came to, in memory and as `metrics.csv`.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// One epoch's figures that a repeated run has again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochResult {
    /// Counted from 1.
    pub epoch: usize,
    pub loss: f64,
    pub accuracy: f64,
    /// None where nothing is validated, as with the accuracy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub val_loss: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub val_accuracy: Option<f64>,
    /// Of the epoch's last step.
    pub learning_rate: f64,
}

/// The table in `metrics.csv`: results, and the seconds each epoch took where they are known.
#[derive(Clone, Debug, Default)]
pub struct History {
    rows: Vec<(EpochResult, Option<f64>)>,
}

impl History {
    /// The table after an interruption: the checkpoint's results, with the seconds that an older `metrics.csv` knows.
    /// Epochs that the checkpoint does not have are gone.
    pub fn resumed(results: &[EpochResult], csv: &str) -> Self {
        // Those between the first and the last one depend on what is validated.
        let columns = csv.lines().next().map_or(0, |header| header.split(',').count());
        let row = |line: &str| {
            let (epoch, rest) = line.split_once(',').filter(|_| line.split(',').count() == columns)?;
            Some((epoch.parse().ok()?, rest.rsplit(',').next()?.parse().ok()?))
        };
        let seconds: HashMap<usize, f64> = csv.lines().filter_map(row).collect();
        Self { rows: results.iter().map(|result| (*result, seconds.get(&result.epoch).copied())).collect() }
    }

    pub fn push(&mut self, result: EpochResult, seconds: f64) {
        self.rows.push((result, Some(seconds)));
    }

    /// Each epoch's results, and its seconds where they are known.
    pub fn rows(&self) -> &[(EpochResult, Option<f64>)] {
        &self.rows
    }

    /// The text of `metrics.csv`, where an epoch takes so many floating-point operations; without the validation's columns
    /// where there is none.
    pub fn csv(&self, epoch_flop: u64) -> String {
        let row = |(result, seconds): &(EpochResult, Option<f64>)| {
            let EpochResult { epoch, loss, accuracy, val_loss, val_accuracy, learning_rate } = result;
            let validation = val_loss.zip(*val_accuracy).map(|(loss, accuracy)| format!("{loss},{accuracy},"));
            let validation = validation.unwrap_or_default();
            let flop = epoch_flop.saturating_mul(*epoch as u64);
            let seconds = seconds.map(|seconds| format!("{seconds:.3}")).unwrap_or_default();
            format!("{epoch},{loss},{accuracy},{validation}{learning_rate},{flop},{seconds}\n")
        };
        let validated = self.rows.iter().all(|(result, _)| result.val_loss.is_some());
        let validation = if validated { "val_loss,val_accuracy," } else { "" };
        let header = format!("epoch,loss,accuracy,{validation}learning_rate,training_flop,seconds\n");
        header + &self.rows.iter().map(row).collect::<String>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,training_flop,seconds";

    #[test]
    fn a_resumed_table_keeps_the_seconds_and_drops_what_came_later() {
        let result = |epoch| {
            let (val_loss, val_accuracy, learning_rate) = (Some(0.75), Some(0.125), 1e-3);
            EpochResult { epoch, loss: 0.5, accuracy: 0.25, val_loss, val_accuracy, learning_rate }
        };
        let mut history = History::default();
        (1..=3).for_each(|epoch| history.push(result(epoch), epoch as f64));
        let resumed = History::resumed(&[result(1), result(2)], &history.csv(7));
        assert_eq!(
            resumed.csv(7),
            format!("{HEADER}\n1,0.5,0.25,0.75,0.125,0.001,7,1.000\n2,0.5,0.25,0.75,0.125,0.001,14,2.000\n")
        );
        let without = History::resumed(&[result(1)], "damaged");
        assert_eq!(without.csv(7), format!("{HEADER}\n1,0.5,0.25,0.75,0.125,0.001,7,\n"));
    }

    #[test]
    fn without_validation_there_are_no_columns_of_it() {
        let result = EpochResult {
            epoch: 1,
            loss: 0.5,
            accuracy: 0.25,
            val_loss: None,
            val_accuracy: None,
            learning_rate: 1e-3,
        };
        let mut history = History::default();
        history.push(result, 2.0);
        let text = "epoch,loss,accuracy,learning_rate,training_flop,seconds\n1,0.5,0.25,0.001,7,2.000\n";
        assert_eq!(history.csv(7), text);
        assert_eq!(History::resumed(&[result], text).csv(7), text);
    }
}
