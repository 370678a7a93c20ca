//! A report's tables, as the texts of their cells.

use super::Contents;
use crate::evaluate::{Confusion, Pair, Report, Scores};
use crate::model::thousands;
use crate::train::{Config, Environment, EpochResult};

/// What each epoch came to: number, loss, accuracy, validation loss and accuracy, seconds.
pub fn epochs(contents: &Contents) -> Vec<[String; 6]> {
    let row = |(result, seconds): &(EpochResult, Option<f64>)| {
        let EpochResult { epoch, loss, accuracy, val_loss, val_accuracy, .. } = result;
        let [loss, accuracy, val_loss, val_accuracy] =
            [loss, accuracy, val_loss, val_accuracy].map(|value| format!("{value:.4}"));
        let seconds = seconds.map_or_else(String::new, |seconds| format!("{seconds:.2}"));
        [epoch.to_string(), loss, accuracy, val_loss, val_accuracy, seconds]
    };
    contents.history.rows().iter().map(row).collect()
}

/// Each class' name, precision, recall, f1-score and support, with two digits as scikit-learn has them.
pub fn classes(report: &Report, names: &[String]) -> Vec<[String; 5]> {
    names.iter().zip(&report.classes).map(|(name, class)| scores(name, class)).collect()
}

/// The same of both averages.
pub fn averages(report: &Report) -> Vec<[String; 5]> {
    vec![scores("macro avg", &report.macro_average), scores("weighted avg", &report.weighted_average)]
}

fn scores(name: &str, Scores { precision, recall, f1_score, support }: &Scores) -> [String; 5] {
    let [precision, recall, f1_score] = [precision, recall, f1_score].map(|score| format!("{score:.2}"));
    [name.to_owned(), precision, recall, f1_score, thousands(*support as usize)]
}

/// The most frequent mistakes: actual and predicted class, how often, and which part of the actual class' samples.
pub fn confused(confusion: &Confusion, names: &[String]) -> Vec<[String; 4]> {
    const MOST: usize = 10;
    let row = |Pair { actual, predicted, count }: &Pair| {
        let share = 100.0 * *count as f64 / confusion.actual(*actual) as f64;
        [names[*actual].clone(), names[*predicted].clone(), thousands(*count as usize), format!("{share:.1} %")]
    };
    confusion.mistakes().iter().take(MOST).map(row).collect()
}

/// The configuration's keys and values as `config.toml` has them, but for the model's layers.
pub fn configuration(config: &Config) -> Vec<(String, String)> {
    let table = toml::Table::try_from(config).unwrap_or_default();
    let line = |(key, value): (String, toml::Value)| (key, value.to_string());
    table.into_iter().filter(|(key, _)| key != "model").map(line).collect()
}

/// What computed.
pub fn machine(environment: &Environment) -> Vec<(&'static str, &str)> {
    let Environment { adapter, backend, device_type, driver, driver_info, os, architecture, .. } = environment;
    let all = [
        ("adapter", adapter),
        ("backend", backend),
        ("device type", device_type),
        ("driver", driver),
        ("driver's version", driver_info),
        ("operating system", os),
        ("architecture", architecture),
    ];
    all.into_iter().map(|(key, value)| (key, value.as_str())).filter(|(_, value)| !value.is_empty()).collect()
}
