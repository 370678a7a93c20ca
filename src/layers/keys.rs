//! How a layer is spelt in a model file.

use serde::{Deserialize, Deserializer};
use toml::Value;

/// A layer's type in a model file with its keys, and what Keras calls it.
#[derive(Debug)]
pub struct LayerKeys {
    pub kind: &'static str,
    /// Keras' class.
    pub class_name: &'static str,
    /// Keras' name for the first layer of the class; the next one has `_1` after it.
    pub automatic_name: &'static str,
    pub required: &'static [Key],
    /// Those with a default.
    pub optional: &'static [Key],
    /// The same of how its kernel begins, if it has one: a [`Node`](crate::model::Node) has them.
    pub kernel: &'static [Key],
}

/// A key and what its value must be.
pub type Key = (&'static str, Kind);

/// What any layer may have beside its own keys.
pub const COMMON_KEYS: [Key; 3] = [("name", Kind::Text), ("inputs", Kind::Names), ("trainable", Kind::Flag)];

pub(super) const PADDING: Key = ("padding", Kind::Choice(&["valid", "same"]));
pub(super) const ACTIVATION: Key = (
    "activation",
    Kind::Choice(&["linear", "relu", "gelu", "silu", "leaky_relu", "elu", "tanh", "sigmoid", "softmax"]),
);
/// How a kernel begins where only numbers are drawn.
pub(super) const DRAWN_KERNEL: &[Key] = &[(
    "kernel_initializer",
    Kind::Choice(&["glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "zeros", "dirac"]),
)];
/// The same, or from the images.
pub(super) const SEEING_KERNEL: &[Key] = &[
    (
        "kernel_initializer",
        Kind::Choice(&["glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "zeros", "dirac", "whitening"]),
    ),
    ("whitening_epsilon", Kind::Number),
];
pub(super) const USE_BIAS: Key = ("use_bias", Kind::Flag);

/// What a key's value must be.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Text,
    Image,
    Layers,
    Count,
    /// 0 or more.
    Whole,
    Pair,
    Rate,
    Number,
    /// true or false
    Flag,
    Choice(&'static [&'static str]),
    /// Names of layers.
    Names,
    /// Some of these, or none.
    Several(&'static [&'static str]),
    Numbers,
    /// A table of keys.
    Section,
}

/// Beyond any image's side.
const LARGEST_WHOLE: i64 = i32::MAX as i64;

impl Kind {
    pub fn allows(&self, value: &Value) -> bool {
        let count = |value: &Value| value.as_integer().is_some_and(|number| number >= 1);
        let counts = |length| value.as_array().is_some_and(|values| values.len() == length && values.iter().all(count));
        match self {
            Kind::Text => value.is_str(),
            Kind::Image => counts(3),
            Kind::Layers => value.as_array().is_some_and(|layers| !layers.is_empty()),
            Kind::Count => count(value),
            Kind::Pair => count(value) || counts(2),
            Kind::Whole => value.as_integer().is_some_and(|number| (0..=LARGEST_WHOLE).contains(&number)),
            Kind::Rate | Kind::Number => value.is_float() || value.is_integer(),
            Kind::Flag => value.is_bool(),
            Kind::Choice(choices) => value.as_str().is_some_and(|written| choices.contains(&written)),
            Kind::Names => value.as_array().is_some_and(|names| !names.is_empty() && names.iter().all(Value::is_str)),
            Kind::Several(choices) => {
                let known = |value: &Value| value.as_str().is_some_and(|written| choices.contains(&written));
                value.as_array().is_some_and(|values| values.iter().all(known))
            }
            Kind::Numbers => value.as_array().is_some_and(|values| values.iter().all(|one| Kind::Number.allows(one))),
            Kind::Section => value.is_table(),
        }
    }

    pub fn wanted(&self) -> String {
        match self {
            Kind::Text => "a text in quotes".into(),
            Kind::Image => "[height, width, channels], each a whole number, 1 or more".into(),
            Kind::Layers => "an array of tables, each under its own line [[layers]]".into(),
            Kind::Count => "a whole number, 1 or more".into(),
            Kind::Whole => "a whole number, 0 or more".into(),
            Kind::Pair => "one number or [height, width], each a whole number, 1 or more".into(),
            Kind::Rate => "a number from 0 to below 1".into(),
            Kind::Number => "a number".into(),
            Kind::Flag => "true or false".into(),
            Kind::Choice(choices) => format!("\"{}\"", choices.join("\" or \"")),
            Kind::Names => "an array of names of layers before it, or \"input\"".into(),
            Kind::Several(choices) => format!("an array with any of \"{}\"", choices.join("\", \"")),
            Kind::Numbers => "an array of numbers".into(),
            Kind::Section => "keys under a line of its own, as in [training]".into(),
        }
    }

    pub fn choices(&self) -> &'static [&'static str] {
        if let Kind::Choice(choices) = self { choices } else { &[] }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrTwo {
    One(usize),
    Two([usize; 2]),
}

/// [height, width], or one number for both.
pub(super) fn pair<'de, D: Deserializer<'de>>(source: D) -> Result<[usize; 2], D::Error> {
    OneOrTwo::deserialize(source).map(|value| match value {
        OneOrTwo::One(size) => [size, size],
        OneOrTwo::Two(sizes) => sizes,
    })
}

pub(super) fn optional_pair<'de, D: Deserializer<'de>>(source: D) -> Result<Option<[usize; 2]>, D::Error> {
    pair(source).map(Some)
}

pub(super) fn one() -> usize {
    1
}

pub(super) fn yes() -> bool {
    true
}

pub(super) fn ones() -> [usize; 2] {
    [1, 1]
}
