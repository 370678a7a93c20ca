//! A report's tables, as the texts of their cells.

use toml::Value;

use super::Contents;
use crate::evaluate::{Confusion, Pair, Report, Scores};
use crate::model::thousands;
use crate::train::{Config, Environment, EpochResult};

/// What each epoch came to, under these headings: number, loss and accuracy, those of the validation if there is one,
/// seconds.
pub fn epochs(contents: &Contents) -> (Vec<&'static str>, Vec<Vec<String>>) {
    let validates = contents.state.config.validates();
    let validation = if validates { &["val. loss", "val. accuracy"][..] } else { &[] };
    let row = |(result, seconds): &(EpochResult, Option<f64>)| {
        let EpochResult { epoch, loss, accuracy, val_loss, val_accuracy, .. } = result;
        let figures = [Some(*loss), Some(*accuracy), *val_loss, *val_accuracy];
        let figures = figures.into_iter().flatten().map(|value| format!("{value:.4}"));
        let seconds = seconds.map_or_else(String::new, |seconds| format!("{seconds:.2}"));
        [epoch.to_string()].into_iter().chain(figures).chain([seconds]).collect()
    };
    let rows = contents.history.rows().iter().map(row).collect();
    ([&["epoch", "loss", "accuracy"], validation, &["seconds"]].concat(), rows)
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

/// The configuration's keys and values as `config.toml` has them, but for the model's layers and what plays no part:
/// those of a section are called `schedule.warm_up`, say.
pub fn configuration(config: &Config) -> Vec<(String, String)> {
    let table = toml::Table::try_from(config).unwrap_or_default();
    let watched = config.early_stopping.is_some() || config.reduce_lr_on_plateau.is_some();
    let is_shown = |(key, _): &(String, Value)| key != "model" && (watched || key != "monitor");
    table.into_iter().filter(is_shown).flat_map(|(key, value)| lines(key, value)).collect()
}

/// A key with its value, or with each of its own keys' values.
fn lines(key: String, value: Value) -> Vec<(String, String)> {
    match value {
        Value::Table(table) => {
            table.into_iter().map(|(own, value)| (format!("{key}.{own}"), value.to_string())).collect()
        }
        value => vec![(key, value.to_string())],
    }
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
