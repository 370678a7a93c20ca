//! One layer of Keras' JSON and its settings. What would make it another layer here is refused by its name; what only says
//! how it was trained is named.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::message::{Found, place, shown};

/// What to do about a setting that we lack.
const REMEDY: &str = "change the layer in Keras and save the model again";

/// Keys that say nothing of a trained layer, or that are read elsewhere.
const IGNORED: [&str; 7] = ["name", "seed", "trainable", "batch_shape", "batch_input_shape", "input_shape", "rng_type"];

/// How keys end that say how a layer is trained and have no influence on predictions.
const TRAINING: [&str; 3] = ["_regularizer", "_constraint", "noise_shape"];

/// The one value that a key may have, in whichever layer it stands. A key that is null is not set.
const ONLY: [(&str, &str); 11] = [
    ("dtype", "\"float32\""),
    ("data_format", "\"channels_last\""),
    ("dilation_rate", "[1,1]"),
    ("groups", "1"),
    ("threshold", "0"),
    ("axis", "-1"),
    ("sparse", "false"),
    ("ragged", "false"),
    ("optional", "false"),
    ("renorm", "false"),
    ("invert", "false"),
];

/// A layer as the file spells it.
#[derive(Clone, Copy)]
pub struct Settings<'a>(pub &'a Value);

impl<'a> Settings<'a> {
    pub fn class(self) -> &'a str {
        self.0["class_name"].as_str().unwrap_or_default()
    }

    pub fn name(self) -> &'a str {
        self.0["config"]["name"].as_str().unwrap_or_default()
    }

    pub fn value(self, key: &str) -> &'a Value {
        &self.0["config"][key]
    }

    /// Refuses a setting beside `own` that is none of the class's defaults, unless it only says how the layer is trained:
    /// those are given back, in words.
    pub fn check(self, own: &[&str]) -> Found<Vec<String>> {
        let mut left_out = Vec::new();
        let settings = self.0["config"].as_object().into_iter().flatten();
        for key in settings.filter(|(_, value)| !value.is_null()).map(|(key, _)| key) {
            if own.contains(&key.as_str()) || IGNORED.contains(&key.as_str()) || key.ends_with("_initializer") {
                continue;
            }
            if TRAINING.iter().any(|end| key.ends_with(end)) {
                left_out.push(key.clone());
                continue;
            }
            self.only(key)?;
        }
        Ok(left_out)
    }

    /// Refuses a value of this setting that is none of the one that is supported.
    pub fn only(self, key: &str) -> Found<()> {
        let value = simple(self.value(key));
        match ONLY.iter().find(|(known, _)| *known == key) {
            _ if value.is_null() => Ok(()),
            Some((_, only)) if is(value, only) => Ok(()),
            Some((_, only)) => Err(self.refusal(key, &format!("only {only} is supported"))),
            None => Err(self.wrong(key)),
        }
    }

    /// A setting that is true or false, by default true.
    pub fn flag(self, key: &str) -> Found<bool> {
        match self.value(key) {
            Value::Null => Ok(true),
            value => value.as_bool().ok_or_else(|| self.wrong(key)),
        }
    }

    pub fn count(self, key: &str) -> Found<usize> {
        size(self.value(key)).ok_or_else(|| self.wrong(key))
    }

    pub fn number(self, key: &str) -> Found<f64> {
        self.value(key).as_f64().ok_or_else(|| self.wrong(key))
    }

    /// A number, which may stand in lists, again and again.
    pub fn one(self, key: &str) -> Found<f64> {
        fn only(value: &Value) -> Option<f64> {
            let Some(values) = value.as_array() else { return value.as_f64() };
            let first = only(values.first()?)?;
            values.iter().all(|value| only(value) == Some(first)).then_some(first)
        }
        only(self.value(key)).ok_or_else(|| self.wrong(key))
    }

    /// A number, by default another.
    pub fn number_or(self, key: &str, default: f64) -> Found<f64> {
        if self.value(key).is_null() { Ok(default) } else { self.number(key) }
    }

    /// `[height, width]` that has a default.
    pub fn pair_or(self, key: &str, default: [usize; 2]) -> Found<[usize; 2]> {
        if self.value(key).is_null() { Ok(default) } else { self.pair(key) }
    }

    /// `[height, width]`; a number stands for both.
    pub fn pair(self, key: &str) -> Found<[usize; 2]> {
        match self.value(key).as_array().map(Vec::as_slice) {
            None => self.count(key).map(|size| [size; 2]),
            Some([height, width]) => {
                size(height).zip(size(width)).map(<[usize; 2]>::from).ok_or_else(|| self.wrong(key))
            }
            Some(_) => Err(self.wrong(key)),
        }
    }

    /// A choice by its name in Keras, which is ours; null is the default.
    pub fn choice<T: DeserializeOwned + Default>(self, key: &str) -> Found<T> {
        match self.value(key) {
            Value::Null => Ok(T::default()),
            value => serde_json::from_value(value.clone()).map_err(|_| self.wrong(key)),
        }
    }

    /// A name; none is the empty one.
    pub fn text(self, key: &str) -> Found<&'a str> {
        match simple(self.value(key)) {
            Value::Null => Ok(""),
            value => value.as_str().ok_or_else(|| self.wrong(key)),
        }
    }

    /// What is said of a value that we lack.
    pub fn wrong(self, key: &str) -> String {
        self.refusal(key, REMEDY)
    }

    fn refusal(self, key: &str, remedy: &str) -> String {
        let value = shown(simple(self.value(key)));
        format!("{}: {key} is {value}, which is unsupported; {remedy}", place(self.0))
    }

    /// What is said of a layer whose surroundings we lack.
    pub fn misplaced(self, problem: &str) -> String {
        format!("{}: {problem}; {REMEDY}", place(self.0))
    }
}

/// Whether the value is the one that the text spells. Keras writes 0 as 0.0 in some places.
fn is(value: &Value, text: &str) -> bool {
    let expected: Value = serde_json::from_str(text).unwrap_or_default();
    *value == expected || (value.is_number() && value.as_f64() == expected.as_f64())
}

/// What stands for the value where Keras writes an object in its place: `{"class_name": "DTypePolicy", "config":
/// {"name": "float32"}}`, or `{"class_name": "function", "config": "relu"}`.
fn simple(value: &Value) -> &Value {
    match &value["config"] {
        config @ Value::String(_) => config,
        config
            if config["name"].is_string()
                && value["class_name"].as_str().is_some_and(|class| class.ends_with("Policy")) =>
        {
            &config["name"]
        }
        _ => value,
    }
}

pub fn size(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|size| usize::try_from(size).ok())
}
