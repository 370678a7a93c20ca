//! A report's drawings, each with what it says in words.

use super::Contents;
use crate::error::Result;
use crate::evaluate::{Calibration, Confusion};
use crate::plot::{Curve, Curves, Epoch, Figures, HeatMap, Reliability, svg};
use crate::train::EpochResult;

/// A part of the page, and its alternative text.
pub struct Drawing {
    pub svg: String,
    pub words: String,
}

impl From<&EpochResult> for Epoch {
    fn from(result: &EpochResult) -> Self {
        let validation = result.val_loss.zip(result.val_accuracy);
        Self {
            number: result.epoch,
            training: Figures { loss: result.loss, accuracy: result.accuracy },
            validation: validation.map(|(loss, accuracy)| Figures { loss, accuracy }),
        }
    }
}

/// Nothing where no epoch is finished.
pub fn curves(contents: &Contents) -> Result<Option<Drawing>> {
    let epochs: Vec<Epoch> = contents.history.rows().iter().map(|(result, _)| result.into()).collect();
    let (Some(first), Some(last)) = (epochs.first(), epochs.last()) else { return Ok(None) };
    let from_to = |first: Figures, last: Figures| {
        let (loss, accuracy) = ([first.loss, last.loss], [first.accuracy, last.accuracy]);
        format!("loss from {:.3} to {:.3}, accuracy from {:.3} to {:.3}", loss[0], loss[1], accuracy[0], accuracy[1])
    };
    let mut words = format!("Learning curves by epoch. Training: {}.", from_to(first.training, last.training));
    if let Some((first, last)) = first.validation.zip(last.validation) {
        words += &format!(" Validation: {}.", from_to(first, last));
    }
    let name = contents.state.config.model.name.clone();
    let curves = Curves { title: "loss and accuracy by epoch".into(), runs: vec![Curve { name, epochs }] };
    Ok(Some(Drawing { svg: svg(&curves)?, words }))
}

pub fn confusion(confusion: &Confusion, names: &[String]) -> Result<Drawing> {
    let (correct, total) = (confusion.correct(), confusion.total());
    let most = confusion.mistakes().first().map_or_else(String::new, |pair| {
        format!(" Most often {} was taken for {}: {} times.", names[pair.actual], names[pair.predicted], pair.count)
    });
    let words = format!("Confusion matrix as a heat map: {correct} of {total} samples are on its diagonal.{most}");
    Ok(Drawing { svg: svg(&HeatMap { title: "confusion matrix".into(), confusion, names })?, words })
}

pub fn calibration(calibration: &Calibration) -> Result<Drawing> {
    let filled = calibration.bins.iter().filter(|bin| bin.samples > 0);
    let bins: Vec<String> = filled
        .map(|bin| format!("{:.0} % right where {:.0} % sure", 100.0 * bin.accuracy, 100.0 * bin.confidence))
        .collect();
    let words = format!("Reliability diagram: {}.", bins.join(", "));
    Ok(Drawing { svg: svg(&Reliability { title: "calibration".into(), calibration })?, words })
}
