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
    pub val_loss: f64,
    pub val_accuracy: f64,
    /// Of the epoch's last step.
    pub learning_rate: f64,
}

/// The table in `metrics.csv`: results, and the seconds each epoch took where they are known.
#[derive(Clone, Debug, Default)]
pub struct History {
    rows: Vec<(EpochResult, Option<f64>)>,
}

const HEADER: &str = "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds";

impl History {
    /// The table after an interruption: the checkpoint's results, with the seconds that an older `metrics.csv` knows.
    /// Epochs that the checkpoint does not have are gone.
    pub fn resumed(results: &[EpochResult], csv: &str) -> Self {
        let row = |line: &str| {
            // One more than there are, to know what has more.
            let cells: Vec<&str> = line.splitn(8, ',').collect();
            (cells.len() == 7).then(|| Some((cells[0].parse().ok()?, cells[6].parse().ok()?)))?
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

    /// The text of `metrics.csv`.
    pub fn csv(&self) -> String {
        let row = |(result, seconds): &(EpochResult, Option<f64>)| {
            let EpochResult { epoch, loss, accuracy, val_loss, val_accuracy, learning_rate } = result;
            let seconds = seconds.map(|seconds| format!("{seconds:.3}")).unwrap_or_default();
            format!("{epoch},{loss},{accuracy},{val_loss},{val_accuracy},{learning_rate},{seconds}\n")
        };
        format!("{HEADER}\n{}", self.rows.iter().map(row).collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resumed_table_keeps_the_seconds_and_drops_what_came_later() {
        let result = |epoch| {
            let (val_loss, val_accuracy, learning_rate) = (0.75, 0.125, 1e-3);
            EpochResult { epoch, loss: 0.5, accuracy: 0.25, val_loss, val_accuracy, learning_rate }
        };
        let mut history = History::default();
        (1..=3).for_each(|epoch| history.push(result(epoch), epoch as f64));
        let resumed = History::resumed(&[result(1), result(2)], &history.csv());
        assert_eq!(
            resumed.csv(),
            format!("{HEADER}\n1,0.5,0.25,0.75,0.125,0.001,1.000\n2,0.5,0.25,0.75,0.125,0.001,2.000\n")
        );
        let without = History::resumed(&[result(1)], "damaged");
        assert_eq!(without.csv(), format!("{HEADER}\n1,0.5,0.25,0.75,0.125,0.001,\n"));
    }
}
