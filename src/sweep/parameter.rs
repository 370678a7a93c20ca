//! What a parameter of a sweep may be.

use serde::{Deserialize, Serialize};
use toml::Value;

use crate::model::nearest;
use crate::random::{Sequence, Stream};

/// An option of training or a key of the model's file, by its name, and what it may be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    pub name: String,
    pub values: Values,
}

/// At least one value, or all between two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Values {
    /// One of these, each as likely as another.
    Values(Vec<Value>),
    /// Numbers between two.
    Uniform([f64; 2]),
    /// Positive numbers between two, each factor as likely as another.
    LogUniform([f64; 2]),
    /// Whole numbers from one to another, both included.
    Integers([i64; 2]),
    /// Positive ones, each factor as likely as another.
    LogIntegers([i64; 2]),
}

/// What ranges are called.
const RANGES: [&str; 4] = ["uniform", "log_uniform", "integers", "log_integers"];

impl Values {
    /// What a space file says: a value, a list of values, or a table with one key.
    ///
    /// # Errors
    /// In the words `problem; remedy`.
    pub fn parse(value: &Value) -> Result<Self, String> {
        let values = match value {
            Value::Array(values) => Self::Values(values.clone()),
            Value::Table(table) if table.len() == 1 => {
                let (kind, range) = table.iter().next().expect("it has one");
                Self::of_kind(kind, range)?
            }
            Value::Table(_) => return Err("not one range; give one of them, or a list of values".into()),
            value => Self::Values(vec![value.clone()]),
        };
        values.check()?;
        Ok(values)
    }

    fn of_kind(kind: &str, range: &Value) -> Result<Self, String> {
        let wrong = |_| format!("{kind} is {range}; give two numbers, as in {kind} = [1, 100]");
        Ok(match kind {
            "values" => Self::Values(range.as_array().ok_or("values is no list; give one")?.clone()),
            "uniform" => Self::Uniform(numbers(range).map_err(wrong)?),
            "log_uniform" => Self::LogUniform(numbers(range).map_err(wrong)?),
            "integers" => Self::Integers(range.clone().try_into().map_err(|_| wrong(()))?),
            "log_integers" => Self::LogIntegers(range.clone().try_into().map_err(|_| wrong(()))?),
            _ => {
                let hint = nearest(kind, &RANGES);
                return Err(format!("unknown key \"{kind}\"{hint}; there are values, {}", RANGES.join(", ")));
            }
        })
    }

    /// Whether a key of a table says what values there are.
    pub fn is_kind(key: &str) -> bool {
        key == "values" || RANGES.contains(&key)
    }

    fn check(&self) -> Result<(), String> {
        let (from, to) = match self {
            Self::Values(values) if values.is_empty() => return Err("no values; give at least one".into()),
            Self::Values(_) => return Ok(()),
            Self::Uniform([from, to]) | Self::LogUniform([from, to]) => (*from, *to),
            Self::Integers([from, to]) | Self::LogIntegers([from, to]) => (*from as f64, *to as f64),
        };
        if !(from < to && (to - from).is_finite()) {
            return Err(format!("from {from} to {to} is no range; give the smaller number first"));
        }
        if self.is_logarithmic() && from <= 0.0 {
            return Err(format!("{from} has no logarithm; give numbers above 0"));
        }
        Ok(())
    }

    fn is_logarithmic(&self) -> bool {
        matches!(self, Self::LogUniform(_) | Self::LogIntegers(_))
    }

    /// The values of a grid; none of a range.
    pub fn list(&self) -> Option<&[Value]> {
        if let Self::Values(values) = self { Some(values) } else { None }
    }

    /// Whether there is a choice.
    pub fn vary(&self) -> bool {
        self.list().is_none_or(|values| values.len() > 1)
    }

    /// The value of that draw: it depends on nothing but the seed and the two numbers.
    pub fn draw(&self, seed: u64, parameter: u32, draw: u32) -> Value {
        let part = Sequence::new(seed, Stream::Sweeps, parameter).of(draw, 0).fraction();
        match *self {
            Self::Values(ref values) => values[(part * values.len() as f64) as usize].clone(),
            Self::Uniform([from, to]) => Value::Float(rounded(from + part * (to - from)).clamp(from, to)),
            Self::LogUniform([from, to]) => {
                Value::Float(rounded((from.ln() + part * (to / from).ln()).exp()).clamp(from, to))
            }
            Self::Integers([from, to]) => {
                Value::Integer(from + (part * ((to - from) as f64 + 1.0)).floor().min((to - from) as f64) as i64)
            }
            Self::LogIntegers([from, to]) => {
                // From half below the first number to half above the last one.
                let (low, high) = (from as f64 - 0.5, to as f64 + 0.5);
                let drawn = (low.ln() + part * (high / low).ln()).exp().round() as i64;
                Value::Integer(drawn.clamp(from, to))
            }
        }
    }

    /// Where a value is from 0 to 1: of a list, in the middle of its share. None of what it may not be.
    pub fn place(&self, value: &Value) -> Option<f64> {
        let number = value.as_float().or_else(|| value.as_integer().map(|number| number as f64));
        let (from, to) = match *self {
            Self::Values(ref values) => {
                let place = values.iter().position(|own| own == value)?;
                return Some((place as f64 + 0.5) / values.len() as f64);
            }
            Self::Uniform([from, to]) | Self::LogUniform([from, to]) => (from, to),
            Self::Integers([from, to]) | Self::LogIntegers([from, to]) => (from as f64, to as f64),
        };
        let number = number.filter(|number| (from..=to).contains(number))?;
        match self.is_logarithmic() {
            true => Some((number / from).ln() / (to / from).ln()),
            false => Some((number - from) / (to - from)),
        }
    }

    /// Values in words and where they are, to be written beside an axis.
    pub fn ticks(&self) -> Vec<(f64, String)> {
        let [from, to] = match self {
            Self::Values(values) => {
                let tick = |value| Some((self.place(value)?, shown(value)));
                return values.iter().filter_map(tick).collect();
            }
            Self::Uniform(range) | Self::LogUniform(range) => range.map(Value::Float),
            Self::Integers(range) | Self::LogIntegers(range) => range.map(Value::Integer),
        };
        let powers: Vec<Value> = match self {
            Self::LogUniform(_) => {
                (-300..300).filter_map(|power| format!("1e{power}").parse().ok().map(Value::Float)).collect()
            }
            Self::LogIntegers(_) => (0..18).map(|power| Value::Integer(10_i64.pow(power))).collect(),
            _ => Vec::new(),
        };
        let between = powers.iter().filter_map(|value| Some((self.place(value)?, shown(value))));
        let between = between.filter(|(place, _)| *place > 0.0 && *place < 1.0);
        [(0.0, shown(&from))].into_iter().chain(between).chain([(1.0, shown(&to))]).collect()
    }
}

fn numbers(range: &Value) -> Result<[f64; 2], ()> {
    let number = |value: &Value| value.as_float().or_else(|| value.as_integer().map(|number| number as f64));
    match range.as_array().map(Vec::as_slice) {
        Some([from, to]) => Ok([number(from).ok_or(())?, number(to).ok_or(())?]),
        _ => Err(()),
    }
}

/// To six digits, which people read.
fn rounded(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

/// A value in words: text without quotes, numbers as short as they can be.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Float(number) => format!("{number:?}"),
        Value::String(text) => text.replace('\n', " "),
        value => value.to_string().replace('\n', " "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Values, String> {
        Values::parse(&text.parse().unwrap())
    }

    #[test]
    fn draws_are_where_they_may_be_and_evenly_so() {
        for (text, middle) in [
            ("{ uniform = [-2, 4] }", 1.0),
            ("{ log_uniform = [1e-4, 1e-1] }", 0.003_162),
            ("{ integers = [1, 5] }", 3.0),
            ("[1, 2, 3, 4, 5]", 3.0),
        ] {
            let values = parsed(text).unwrap();
            let draws: Vec<Value> = (0..2000).map(|draw| values.draw(7, 0, draw)).collect();
            assert!(draws.iter().all(|draw| (0.0..=1.0).contains(&values.place(draw).unwrap())), "{text}");
            let number = |value: &Value| value.as_float().unwrap_or_else(|| value.as_integer().unwrap() as f64);
            let below = draws.iter().filter(|draw| number(draw) < middle).count() as f64 / 2000.0;
            let at = draws.iter().filter(|draw| number(draw) == middle).count() as f64 / 2000.0;
            assert!((below + at / 2.0 - 0.5).abs() < 0.04, "{text}: {below} {at}");
        }
        let values = parsed("{ log_integers = [1, 64] }").unwrap();
        let draws: Vec<i64> = (0..3000).map(|draw| values.draw(7, 0, draw).as_integer().unwrap()).collect();
        assert!((1..=64).all(|number| draws.contains(&number)));
        // ln(8.5 / 0.5) / ln(64.5 / 0.5)
        let small = draws.iter().filter(|&&number| number <= 8).count() as f64 / 3000.0;
        assert!((small - 0.583).abs() < 0.03, "{small}");
    }

    #[test]
    fn a_draw_depends_on_its_place_alone() {
        let values = parsed("{ uniform = [0, 1] }").unwrap();
        assert_eq!(values.draw(1, 2, 3), values.draw(1, 2, 3));
        for other in [values.draw(2, 2, 3), values.draw(1, 3, 3), values.draw(1, 2, 4)] {
            assert_ne!(values.draw(1, 2, 3), other);
        }
    }

    #[test]
    fn powers_of_ten_are_marked_between_the_ends() {
        let words =
            |text: &str| -> Vec<String> { parsed(text).unwrap().ticks().into_iter().map(|(_, words)| words).collect() };
        assert_eq!(words("{ log_uniform = [1e-4, 0.2] }"), ["0.0001", "0.001", "0.01", "0.1", "0.2"]);
        assert_eq!(words("{ log_integers = [2, 100] }"), ["2", "10", "100"]);
        assert_eq!(words("{ uniform = [0, 1] }"), ["0.0", "1.0"]);
        assert_eq!(words("[3, 'x']"), ["3", "x"]);
    }

    #[test]
    fn what_is_no_range_is_said() {
        for (text, part) in [
            ("[]", "no values; give"),
            (
                "{ loguniform = [1, 2] }",
                "unknown key \"loguniform\" (did you mean \"log_uniform\"?); there are values, ",
            ),
            ("{ uniform = [1] }", "give two numbers, as in uniform = [1, 100]"),
            ("{ uniform = [1, 'x'] }", "give two numbers"),
            ("{ integers = [1, 2.5] }", "give two numbers"),
            ("{ uniform = [2, 1] }", "from 2 to 1 is no range; give the smaller number first"),
            ("{ uniform = [0, nan] }", "is no range"),
            ("{ uniform = [0, inf] }", "is no range"),
            ("{ log_uniform = [0, 1] }", "0 has no logarithm; give numbers above 0"),
            ("{ uniform = [0, 1], values = [1] }", "not one range; give one"),
        ] {
            let error = parsed(text).unwrap_err();
            assert!(error.contains(part), "no '{part}' in: {error}");
        }
    }
}
