//! Surveys as files. One that is read may be anybody's: what no survey of ours has is refused.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::document::{FORMAT, Survey, VERSION};
use crate::error::{Error, Result};
use crate::formats::read_text_of;
use crate::sniff;

/// The most bytes of a file: some fifty times a survey's.
const LARGEST: u64 = 4 << 20;
/// The most letters of a text in it.
const LONGEST: usize = 2000;

#[derive(Deserialize)]
struct Head {
    format: String,
    version: u32,
}

impl Survey {
    /// Reads `survey.json`, by whatever name.
    ///
    /// # Errors
    /// [`Error::Data`] naming the file and what is wrong with it.
    pub fn read(path: &Path) -> Result<Self> {
        let text = read_text_of(path, LARGEST).map_err(|error| fail(path, &format!("cannot be read ({error})")))?;
        Self::decode(&text, path)
    }

    /// The survey in the text of the file at `path`, for messages.
    ///
    /// # Errors
    /// See [`Survey::read`].
    pub fn decode(text: &str, path: &Path) -> Result<Self> {
        let head = serde_json::from_str::<Head>(text).ok().filter(|head| head.format == FORMAT);
        let Some(Head { version, .. }) = head else {
            let kind = sniff::kind(text.as_bytes()).map_or(String::new(), |kind| format!("{}, and ", kind.name));
            return Err(fail(path, &format!("{kind}no survey")));
        };
        parse(version, text).map_err(|problem| fail(path, &problem))
    }

    /// The text of the file.
    ///
    /// # Errors
    /// None in practice: every field has a JSON form.
    pub fn text(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(self);
        text.map(|text| text + "\n").map_err(|error| Error::Failed(format!("the survey cannot be written: {error}")))
    }
}

fn fail(path: &Path, problem: &str) -> Error {
    let remedy = "give a file that 'gpu-fmnist survey' wrote";
    Error::Data(format!("{}: {problem}; {remedy}", path.display()).replace('\n', " "))
}

fn parse(version: u32, text: &str) -> std::result::Result<Survey, String> {
    if version != VERSION {
        return Err(format!("a survey of version {version}, and this program reads version {VERSION}"));
    }
    let damaged = |error: serde_json::Error| format!("no whole survey ({error})");
    check_texts(&serde_json::from_str(text).map_err(damaged)?)?;
    let survey: Survey = serde_json::from_str(text).map_err(damaged)?;
    check(&survey)?;
    Ok(survey)
}

/// Refuses texts that would be more than words on a terminal.
fn check_texts(value: &Value) -> std::result::Result<(), String> {
    match value {
        Value::String(text) if text.len() > LONGEST || text.contains(char::is_control) => {
            let start: String = text.chars().filter(|letter| !letter.is_control()).take(40).collect();
            Err(format!("no whole survey ('{start}' is no text of one)"))
        }
        Value::Array(all) => all.iter().try_for_each(check_texts),
        Value::Object(all) => all.iter().try_for_each(|(key, value)| {
            check_texts(&Value::String(key.clone()))?;
            check_texts(value)
        }),
        _ => Ok(()),
    }
}

/// Refuses numbers that cannot have been measured.
fn check(survey: &Survey) -> std::result::Result<(), String> {
    let positive = |what: &str, value: f64| match (1e-30..1e30).contains(&value) {
        true => Ok(()),
        false => Err(format!("no whole survey ({what} {value} cannot be)")),
    };
    if survey.surveyed.is_some_and(|place| place >= survey.adapters.len()) {
        return Err("no whole survey (the adapter it is of is none of its adapters)".into());
    }
    for of in &survey.ceilings {
        positive("operations_per_second", of.ceilings.operations_per_second)?;
        positive("bytes_per_second", of.ceilings.bytes_per_second)?;
    }
    for speed in &survey.bench {
        positive("seconds_per_step", speed.seconds_per_step)?;
        positive("images_per_second", speed.images_per_second)?;
        positive("operations_per_second", speed.operations_per_second)?;
    }
    for pass in survey.profile.iter().flat_map(|profile| &profile.kernels) {
        // A clock may be too coarse for a short pass.
        if !(0.0..1e30).contains(&pass.seconds) || !(0.0..=1.0).contains(&pass.share) {
            return Err(format!("no whole survey (a pass of {} s, share {}, cannot be)", pass.seconds, pass.share));
        }
    }
    for trained in &survey.train {
        if !(0.0..=1.0).contains(&trained.test_accuracy) {
            return Err(format!("no whole survey (test_accuracy {} cannot be)", trained.test_accuracy));
        }
    }
    Ok(())
}
