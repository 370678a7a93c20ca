//! What `bench --target-accuracy` prints and writes: a table of models and adapters, the same as JSON, the runs as CSV,
//! and a picture.

use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use super::device::Device;
use super::output;
use crate::augment::Views;
use crate::error::{Error, Result};
use crate::evaluate::Spread;
use crate::formats::write_whole;
use crate::model::{NOTEBOOK, multiply_accumulates, thousands, trainable_parameters};
use crate::plot::{Choice, TradeOff, save};
use crate::train::Config;

/// What one run came to.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Outcome {
    pub seed: u64,
    /// Of the training alone.
    pub seconds: f64,
    /// After the last epoch.
    pub accuracy: f64,
    /// The same with test-time augmentation; none where nobody asked for it.
    pub tta_accuracy: Option<f64>,
}

/// A model on an adapter.
pub struct Contender {
    /// But for the seed.
    pub config: Config,
    /// By its place on the command line.
    pub adapter: usize,
    /// Those that are trained.
    parameters: usize,
    multiply_accumulates: u64,
    training_flop: u64,
    /// How many train, and how many the accuracy is of.
    samples: [usize; 2],
    pub outcomes: Vec<Outcome>,
}

/// What was measured of what.
pub struct Report {
    pub target: f64,
    /// The part of the data that the accuracy is of: `test`, say.
    pub part: &'static str,
    /// Those of test-time augmentation.
    pub views: Views,
    /// Runs that each contender is to have.
    pub seeds: usize,
    pub devices: Vec<Device>,
    pub contenders: Vec<Contender>,
}

/// A row of `accuracy.csv`.
#[derive(Serialize)]
struct Row<'a> {
    model: &'a str,
    adapter: &'a str,
    parameters: usize,
    multiply_accumulates: u64,
    epochs: usize,
    training_samples: usize,
    training_flop: u64,
    split: &'a str,
    seed: u64,
    seconds: f64,
    accuracy: f64,
    tta: String,
    tta_accuracy: Option<f64>,
}

impl Contender {
    /// Of a run that trains and judges so many samples.
    ///
    /// # Errors
    /// Where the model cannot be.
    pub fn new(config: Config, adapter: usize, samples: [usize; 2]) -> Result<Self> {
        Ok(Self {
            parameters: trainable_parameters(&config.model)?,
            multiply_accumulates: multiply_accumulates(&config.model)?,
            training_flop: config.epoch_flop(samples[0])?.saturating_mul(config.epochs as u64),
            config,
            adapter,
            samples,
            outcomes: Vec::new(),
        })
    }

    fn figures(&self, of: impl Fn(&Outcome) -> Option<f64>) -> Vec<f64> {
        self.outcomes.iter().filter_map(of).collect()
    }

    fn accuracies(&self) -> Vec<f64> {
        self.figures(|outcome| Some(outcome.accuracy))
    }

    /// With test-time augmentation.
    fn tta_accuracies(&self) -> Vec<f64> {
        self.figures(|outcome| outcome.tta_accuracy)
    }
}

/// `0.9277 ± 0.0018 (0.0008)`: mean, standard deviation and the mean's standard error, where there are several values.
fn spelled(values: &[f64], digits: usize) -> String {
    let spread = Spread::new(values);
    match values.len() {
        0 => "-".into(),
        1 => format!("{:.digits$}", spread.mean),
        count => {
            let Spread { mean, standard_deviation, .. } = spread;
            format!("{mean:.digits$} ± {standard_deviation:.digits$} ({:.digits$})", spread.standard_error(count))
        }
    }
}

impl Report {
    /// Of the contenders that have finished a run.
    fn measured(&self) -> impl Iterator<Item = &Contender> {
        self.contenders.iter().filter(|contender| !contender.outcomes.is_empty())
    }

    /// Whether no run was finished.
    pub fn is_empty(&self) -> bool {
        self.measured().next().is_none()
    }

    /// `fast93`, or `fast93 on 1: cpu` where there are several adapters.
    pub fn name(&self, contender: &Contender) -> String {
        let model = &contender.config.model.name;
        if self.devices.len() > 1 { format!("{model} on {}", self.adapter(contender)) } else { model.clone() }
    }

    fn adapter(&self, Contender { adapter, .. }: &Contender) -> String {
        format!("{}: {}", adapter + 1, self.devices[*adapter].backend())
    }

    /// What to say of a run as soon as it is finished.
    pub fn line(&self, Outcome { seconds, accuracy, tta_accuracy, .. }: &Outcome) -> String {
        let tta = tta_accuracy.map(|accuracy| format!(", with {} {accuracy:.4}", self.views)).unwrap_or_default();
        format!("{} accuracy {accuracy:.4}{tta}, trained in {seconds:.1} s", self.part)
    }

    /// Of so many accuracies, those that are good enough.
    fn reached(&self, accuracies: &[f64]) -> usize {
        accuracies.iter().filter(|accuracy| **accuracy >= self.target).count()
    }

    pub fn text(&self) -> String {
        let mut samples: Vec<String> = self.contenders.iter().map(|one| thousands(one.samples[1])).collect();
        samples.dedup();
        let mut text = format!(
            "accuracy of {} {} samples after the last epoch: mean ± standard deviation over the seeds (standard error of \
             the mean)\n\n",
            samples.join(" and "),
            self.part
        );
        for (number, device) in self.devices.iter().enumerate() {
            text += &format!("{}: {}\n", number + 1, device.describe());
        }
        let reached = format!("reached {}", self.target);
        let with_views = format!("with {}", self.views);
        let mut headings = vec![
            "model",
            "adapter",
            "seeds",
            "parameters",
            "samples",
            "epochs",
            "FLOP",
            "seconds",
            "accuracy",
            &reached,
        ];
        if !self.views.is_one() {
            headings.extend([with_views.as_str(), &reached]);
        }
        let row = |contender: &Contender| {
            let runs = contender.outcomes.len();
            let of_runs = |accuracies: &[f64]| format!("{} of {runs}", self.reached(accuracies));
            let (accuracies, tta) = (contender.accuracies(), contender.tta_accuracies());
            let mut row = vec![
                contender.config.model.name.clone(),
                self.adapter(contender),
                if runs == self.seeds { runs.to_string() } else { format!("{runs} of {}", self.seeds) },
                thousands(contender.parameters),
                thousands(contender.samples[0]),
                contender.config.epochs.to_string(),
                format!("{:.2e}", contender.training_flop as f64),
                spelled(&contender.figures(|outcome| Some(outcome.seconds)), 1),
                spelled(&accuracies, 4),
                of_runs(&accuracies),
            ];
            if !self.views.is_one() {
                row.extend([spelled(&tta, 4), of_runs(&tta)]);
            }
            row
        };
        let rows: Vec<Vec<String>> = self.measured().map(row).collect();
        text + "\n" + &output::table(&headings, &rows)
    }

    pub fn json(&self) -> Value {
        let spread = |values: Vec<f64>| {
            let spread = Spread::new(&values);
            (!values.is_empty()).then(|| {
                json!({
                    "mean": spread.mean,
                    "standard_deviation": spread.standard_deviation,
                    "standard_error": spread.standard_error(values.len()),
                    "reached": self.reached(&values),
                })
            })
        };
        let result = |contender: &Contender| {
            let seconds = Spread::new(&contender.figures(|outcome| Some(outcome.seconds)));
            json!({
                "model": contender.config.model.name,
                "adapter": contender.adapter,
                "parameters": contender.parameters,
                "multiply_accumulates": contender.multiply_accumulates,
                "epochs": contender.config.epochs,
                "training_samples": contender.samples[0],
                "training_flop": contender.training_flop,
                "samples": contender.samples[1],
                "seconds": json!({ "mean": seconds.mean, "standard_deviation": seconds.standard_deviation }),
                "accuracy": spread(contender.accuracies()),
                "tta_accuracy": spread(contender.tta_accuracies()),
                "runs": contender.outcomes,
            })
        };
        json!({
            "target_accuracy": self.target,
            "split": self.part,
            "tta": (!self.views.is_one()).then(|| self.views.to_string()),
            "seeds": self.seeds,
            "adapters": self.devices.iter().map(Device::about).collect::<Vec<_>>(),
            "results": self.measured().map(result).collect::<Vec<_>>(),
        })
    }

    /// Writes `accuracy.csv` into the folder.
    ///
    /// # Errors
    /// [`Error::Failed`] naming what cannot be written.
    pub fn write_table(&self, folder: &Path) -> Result<()> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        let fail = |problem: String| Error::Failed(format!("accuracy.csv cannot be made: {problem}"));
        for contender in self.measured() {
            for Outcome { seed, seconds, accuracy, tta_accuracy } in &contender.outcomes {
                let row = Row {
                    model: &contender.config.model.name,
                    adapter: self.devices[contender.adapter].name(),
                    parameters: contender.parameters,
                    multiply_accumulates: contender.multiply_accumulates,
                    epochs: contender.config.epochs,
                    training_samples: contender.samples[0],
                    training_flop: contender.training_flop,
                    split: self.part,
                    seed: *seed,
                    seconds: *seconds,
                    accuracy: *accuracy,
                    tta: self.views.to_string(),
                    tta_accuracy: *tta_accuracy,
                };
                csv.serialize(row).map_err(|error| fail(error.to_string()))?;
            }
        }
        let csv = csv.into_inner().map_err(|error| fail(error.to_string()))?;
        write_whole(&folder.join("accuracy.csv"), &csv)
    }

    /// Draws the means over the arithmetic: of each contender the better one of its two, with views or without.
    ///
    /// # Errors
    /// [`Error::Failed`] naming what cannot be drawn or written.
    pub fn draw(&self, folder: &Path) -> Result<()> {
        let choice = |contender: &Contender| {
            let [plain, tta] = [contender.accuracies(), contender.tta_accuracies()].map(|values| Spread::new(&values));
            let with_views = tta.mean > plain.mean;
            let Spread { mean, standard_deviation, .. } = if with_views { tta } else { plain };
            let views = if with_views { format!(" ({})", self.views) } else { String::new() };
            Choice {
                name: self.name(contender) + &views,
                cost: contender.training_flop.max(1) as f64,
                value: mean,
                spread: standard_deviation,
                highlighted: !NOTEBOOK.contains(&contender.config.model.name.as_str()),
            }
        };
        let figure = TradeOff {
            title: format!("Accuracy over arithmetic: means of {} seeds and their standard deviations", self.seeds),
            costs: ["FLOP of training".into(), "the best for that arithmetic".into()],
            values: format!("{} accuracy after the last epoch", self.part),
            limits: [0.0, 1.0],
            kinds: ["the notebook's networks".into(), "others".into()],
            target: Some((self.target, format!("the target, {}", self.target))),
            choices: self.measured().map(choice).collect(),
        };
        save(&figure, folder, "accuracy").map(drop)
    }
}
