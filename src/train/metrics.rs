//! Reading `metrics.csv`, of a run that has ended or is still going on.

use std::path::Path;

use serde::Deserialize;

use super::EpochResult;
use crate::error::{Error, Result};
use crate::formats::read_text;

/// The epochs in a run's `metrics.csv`, at least one and in ascending order. Columns are known by their names; there may
/// be others.
///
/// # Errors
/// [`Error::Data`] naming the file where it cannot be read, has no epoch yet, or is damaged.
pub fn metrics(run: &Path) -> Result<Vec<EpochResult>> {
    let path = run.join("metrics.csv");
    let fail = |problem: String| Error::Data(format!("{}: {problem}", path.display()));
    let unread =
        |error| fail(format!("cannot be read ({error}); give the folder of a run whose first epoch has ended"));
    let text = read_text(&path).map_err(unread)?;
    let rows = parse(text.as_bytes()).map_err(fail)?;
    if rows.is_empty() {
        return Err(fail("no epoch in it; wait until the first one has ended".into()));
    }
    Ok(rows.into_iter().map(|(result, _)| result).collect())
}

/// The epochs in such a text and their seconds, where these are known; there may be none. A last line without its end is
/// still being written: it is left out.
///
/// # Errors
/// `problem; remedy` of a damaged one.
pub fn epochs_so_far(text: &str) -> std::result::Result<Vec<(EpochResult, Option<f64>)>, String> {
    parse(&text.as_bytes()[..text.rfind('\n').map_or(0, |end| end + 1)])
}

/// A column that a result has no part of.
#[derive(Deserialize)]
struct Seconds {
    #[serde(default)]
    seconds: Option<String>,
}

/// The epochs and their seconds, or `problem; remedy`.
fn parse(bytes: &[u8]) -> std::result::Result<Vec<(EpochResult, Option<f64>)>, String> {
    const REMEDY: &str = "give the folder of another run";
    let mut reader = csv::Reader::from_reader(bytes);
    let rows = reader.headers().cloned().and_then(|headers| {
        let row = |record: csv::StringRecord| {
            let Seconds { seconds } = record.deserialize(Some(&headers))?;
            Ok((record.deserialize(Some(&headers))?, seconds.and_then(|seconds| seconds.parse().ok())))
        };
        reader.records().map(|record| record.and_then(row)).collect::<csv::Result<Vec<(EpochResult, Option<f64>)>>>()
    });
    let rows = rows.map_err(|error| format!("not a table of epochs ({error}); {REMEDY}"))?;
    for (row, _) in &rows {
        if row.val_loss.is_some() != row.val_accuracy.is_some() {
            let missing = if row.val_loss.is_none() { "val_loss" } else { "val_accuracy" };
            return Err(format!("not a table of epochs (missing field `{missing}`); {REMEDY}"));
        }
        let mut losses = [row.loss].into_iter().chain(row.val_loss);
        let mut accuracies = [row.accuracy].into_iter().chain(row.val_accuracy);
        let may_be = losses.all(|loss| loss.is_finite() && loss >= 0.0);
        if !may_be || !accuracies.all(|part| (0.0..=1.0).contains(&part)) {
            return Err(format!("epoch {} has a loss or accuracy that cannot be; {REMEDY}", row.epoch));
        }
    }
    if let Some(pair) = rows.windows(2).find(|pair| pair[0].0.epoch >= pair[1].0.epoch) {
        return Err(format!("epoch {} follows epoch {}; {REMEDY}", pair[1].0.epoch, pair[0].0.epoch));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_known_by_their_names() {
        let text = "epoch,learning_rate,val_accuracy,val_loss,accuracy,loss\n3,0.001,0.5,0.75,0.25,1.5\n";
        let (loss, accuracy, val_loss, val_accuracy, learning_rate) = (1.5, 0.25, Some(0.75), Some(0.5), 0.001);
        let expected = EpochResult { epoch: 3, loss, accuracy, val_loss, val_accuracy, learning_rate };
        assert_eq!(parse(text.as_bytes()), Ok(vec![(expected, None)]));
    }

    #[test]
    fn a_table_without_validation_is_whole() {
        let text = "epoch,loss,accuracy,learning_rate,seconds\n1,1.5,0.25,0.001,2.0\n";
        let [(row, seconds)] = parse(text.as_bytes()).unwrap().try_into().unwrap();
        assert_eq!((row.loss, row.val_loss, row.val_accuracy, seconds), (1.5, None, None, Some(2.0)));
    }

    #[test]
    fn a_line_that_is_still_being_written_is_left_out() {
        let text = "epoch,loss,accuracy,learning_rate,seconds\n1,1.5,0.25,0.001,2.0\n2,1.25,0.5,0.001,3.0\n";
        for length in 0..=text.len() {
            let epochs = epochs_so_far(&text[..length]).unwrap().len();
            assert_eq!(epochs, text[..length].matches('\n').count().saturating_sub(1), "{length}");
        }
    }

    #[test]
    fn a_damaged_table_is_refused() {
        let good = "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds\n1,0.5,0.5,0.5,0.5,0.1,\n2,0.5,0.5,0.5,0.5,0.1,1.0\n";
        assert_eq!(parse(good.as_bytes()).unwrap().len(), 2);
        for (from, to, part) in [
            ("val_loss", "loss_val", "missing field `val_loss`"),
            ("val_accuracy", "accuracy_val", "missing field `val_accuracy`"),
            ("2,0.5", "2,x", "line: 3"),
            ("2,0.5", "2,NaN", "epoch 2 has a loss or accuracy that cannot be"),
            ("2,0.5,0.5", "2,0.5,1.5", "epoch 2 has a loss or accuracy that cannot be"),
            ("2,0.5", "1,0.5", "epoch 1 follows epoch 1"),
            (",1.0\n", "", "not a table of epochs"),
        ] {
            let problem = parse(good.replace(from, to).as_bytes()).unwrap_err();
            assert!(problem.contains(part) && problem.contains("; "), "{problem}");
        }
        assert!(parse(b"epoch,loss\n\xff,\xfe\n").is_err());
    }
}
