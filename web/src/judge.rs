//! What a network is worth on the test samples.

use gpu_fmnist::LentSamples;
use gpu_fmnist::evaluate::{Confusion, Predictions, Report};
use serde_json::{Value, json};

use crate::Answer;
use crate::session::Session;

/// Samples that are shown, and of them those that it is wrong about come first, the surest one at the front.
const SHOWN: usize = 60;
const MISTAKES: usize = 30;

pub fn evaluate(session: &Session) -> Answer {
    let (network, dataset) = (session.network()?, session.dataset()?);
    let test = LentSamples::from(&dataset.test);
    let mut evaluator = session.evaluator(test)?;
    let numbers: Vec<u32> = (0..test.len() as u32).collect();
    let (loss, predictions) = evaluator.predict(&numbers)?;
    let names = session.class_names(network);
    let confusion = Confusion::new(&predictions);
    let report = Report::new(&confusion);
    let classes = confusion.classes;
    let mut pixels = Vec::new();
    let size: usize = dataset.test.shape.iter().product();
    let grid: Vec<Value> = shown(&predictions)
        .into_iter()
        .map(|at| {
            pixels.extend(&dataset.test.images[at * size..][..size]);
            let predicted = predictions.predicted(at);
            let probability = predictions.probabilities(at)[predicted];
            json!({ "sample": at, "label": predictions.labels[at], "predicted": predicted, "probability": probability })
        })
        .collect();
    let answer = json!({
        "loss": loss,
        "accuracy": predictions.top(1),
        "names": names,
        "confusion": (0..classes).map(|class| confusion.row(class)).collect::<Vec<_>>(),
        "report": report.text(&names),
        "shape": dataset.test.shape,
        "grid": grid,
    });
    Ok((answer, pixels))
}

fn shown(predictions: &Predictions) -> Vec<usize> {
    let all = 0..predictions.len();
    let is_wrong = |&at: &usize| predictions.predicted(at) != predictions.labels[at];
    let mut wrong: Vec<usize> = all.clone().filter(is_wrong).collect();
    let sureness = |at: usize| predictions.probabilities(at)[predictions.predicted(at)];
    wrong.sort_by(|&one, &other| sureness(other).total_cmp(&sureness(one)));
    wrong.truncate(MISTAKES);
    let right = all.filter(|at| !is_wrong(at)).take(SHOWN - wrong.len());
    wrong.iter().copied().chain(right).collect()
}
