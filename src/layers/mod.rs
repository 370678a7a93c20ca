//! What a network can be made of, a file a layer: its keys in a model file, its shapes, its variables, and the passes that
//! it emits. A layer is one of these files, a variant of [`Layer`] with its place in `operation`, and a row in each format.

mod activation;
mod conv2d;
mod dense;
mod dropout;
mod flatten;
mod keys;
mod max_pool2d;
mod product;

pub use activation::{Activate, Activation};
pub use conv2d::Conv2d;
pub use dense::Dense;
pub use dropout::Dropout;
pub use flatten::Flatten;
pub use keys::{COMMON_KEYS, Key, Kind, LayerKeys};
pub use max_pool2d::MaxPool2d;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::geometry::{Shape, Window};
use crate::plan::{Tape, ValueId, Weights};

/// One layer, as a TOML or JSON file spells it. Sizes are [height, width]; a file may give one number for both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Layer {
    #[serde(rename = "conv2d")]
    Conv2d(Conv2d),
    #[serde(rename = "max_pool2d")]
    MaxPool2d(MaxPool2d),
    Flatten(Flatten),
    Dense(Dense),
    Dropout(Dropout),
    Activation(Activate),
}

/// Every layer's keys, in the order of [`Layer`].
pub const LAYER_KEYS: [&LayerKeys; 6] =
    [&conv2d::KEYS, &max_pool2d::KEYS, &flatten::KEYS, &dense::KEYS, &dropout::KEYS, &activation::KEYS];

impl Layer {
    /// What every layer can say of itself.
    pub fn operation(&self) -> &dyn Operation {
        match self {
            Layer::Conv2d(layer) => layer,
            Layer::MaxPool2d(layer) => layer,
            Layer::Flatten(layer) => layer,
            Layer::Dense(layer) => layer,
            Layer::Dropout(layer) => layer,
            Layer::Activation(layer) => layer,
        }
    }

    /// The activation that the layer applies to its output.
    pub fn activation(&self) -> Activation {
        self.operation().activation()
    }

    /// Keras' class name.
    pub fn class_name(&self) -> &'static str {
        self.operation().keys().class_name
    }
}

/// A layer's rules: of shapes, of what may be fused with it, and of the passes it becomes.
pub trait Operation {
    fn keys(&self) -> &'static LayerKeys;

    /// What the layer makes of inputs of these shapes, or why it cannot be.
    fn infer(&self, inputs: &[Shape]) -> std::result::Result<Inferred, String>;

    /// What it does to its own output: linear, unless a file can say otherwise.
    fn activation(&self) -> Activation {
        Activation::Linear
    }

    /// What a rewrite may do with it. Nothing is allowed that is not said.
    fn rules(&self) -> Rules;

    /// Adds the forward passes, without the layer's activation, to the tape, and returns what adds the backward ones.
    ///
    /// # Errors
    /// Where the layer cannot be a pass.
    fn emit(&self, place: &Place, tape: &mut Tape) -> Result<Backward>;
}

/// Adds a layer's backward passes to the tape, when those of all layers behind it are there.
pub type Backward = Box<dyn FnOnce(&mut Tape) -> Result<()>>;

/// What is inferred of a layer.
#[derive(Clone, Debug)]
pub struct Inferred {
    pub output: Shape,
    /// Kernel and bias, if it has any.
    pub weights: Option<Weights>,
    /// Of convolutions and pools.
    pub window: Option<Window>,
}

impl Inferred {
    /// Neither weights nor a window.
    fn of(output: Shape) -> Self {
        Self { output, weights: None, window: None }
    }
}

/// What rewrites may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Its output is its input, value by value, in training and in evaluation.
    pub is_identity: bool,
    /// It is max(x, 0) and nothing else.
    pub is_relu: bool,
    /// A ReLU behind it may as well be ahead of it.
    pub commutes_with_relu: bool,
    /// Without negative inputs it has no negative outputs.
    pub keeps_sign: bool,
    /// It overwrites its input.
    pub is_in_place: bool,
    /// It is a 2 x 2 max-pool with disjoint windows.
    pub pools_by_two: bool,
    /// Its passes can end in a ReLU.
    pub takes_relu: bool,
    /// Its passes can end in a 2 x 2 max-pool with disjoint windows.
    pub takes_pool: bool,
}

impl Rules {
    pub const NONE: Self = Self {
        is_identity: false,
        is_relu: false,
        commutes_with_relu: false,
        keeps_sign: false,
        is_in_place: false,
        pools_by_two: false,
        takes_relu: false,
        takes_pool: false,
    };
}

/// What rewrites have moved into a layer's passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fused {
    pub relu: bool,
    /// A 2 x 2 max-pool with disjoint windows.
    pub pool: bool,
}

/// Where a layer stands in a network.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    pub name: &'a str,
    pub inputs: &'a [ValueId],
    pub output: ValueId,
    pub inferred: &'a Inferred,
    pub fused: Fused,
}

impl Place<'_> {
    fn missing(&self, what: &str) -> Error {
        Error::Failed(format!("{}: has no {what}", self.name))
    }

    fn input(&self) -> Result<ValueId> {
        self.inputs.first().copied().ok_or_else(|| self.missing("input"))
    }

    fn window(&self) -> Result<Window> {
        self.inferred.window.ok_or_else(|| self.missing("window"))
    }

    fn weights(&self) -> Result<&Weights> {
        self.inferred.weights.as_ref().ok_or_else(|| self.missing("weights"))
    }
}

/// The shape of a layer's one input.
fn only(inputs: &[Shape]) -> std::result::Result<Shape, String> {
    match inputs {
        [input] => Ok(*input),
        inputs => Err(format!("it has {} inputs; give one", inputs.len())),
    }
}

fn image(input: Shape) -> std::result::Result<[usize; 3], String> {
    match input {
        Shape::Image(image) => Ok(image),
        Shape::Features(_) => Err("its input is flat; put it before the 'flatten' layer".into()),
    }
}

/// Of a layer that every network is rewritten without.
fn moves_nothing(place: &Place) -> Result<Backward> {
    Err(Error::Failed(format!("{}: moves nothing, and is no pass", place.name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Padding;

    #[test]
    fn the_keys_are_serdes_own() {
        let (size, stride, activation) = ([1, 1], [1, 1], Activation::Relu);
        let layers = [
            Layer::Conv2d(Conv2d { filters: 1, kernel: size, stride, padding: Padding::Same, activation }),
            Layer::MaxPool2d(MaxPool2d { size, stride: Some(stride) }),
            Layer::Flatten(Flatten {}),
            Layer::Dense(Dense { units: 1, activation }),
            Layer::Dropout(Dropout { rate: 0.5 }),
            Layer::Activation(Activate { activation }),
        ];
        for (layer, keys) in layers.iter().zip(LAYER_KEYS) {
            let whole = toml::Table::try_from(layer).unwrap();
            let mut spelled: Vec<&str> = whole.keys().map(String::as_str).filter(|key| *key != "type").collect();
            let mut known: Vec<&str> = [keys.required, keys.optional].concat().iter().map(|(name, _)| *name).collect();
            spelled.sort_unstable();
            known.sort_unstable();
            assert_eq!((whole["type"].as_str(), spelled), (Some(keys.kind), known));
            assert_eq!(layer.operation().keys().kind, keys.kind);
            for (key, value) in &whole {
                let mut without = whole.clone();
                without.remove(key);
                let optional = keys.optional.iter().any(|(name, _)| name == key);
                assert_eq!(without.try_into::<Layer>().is_ok(), optional, "{} without {key}", keys.kind);
                let own = [keys.required, keys.optional].concat().into_iter().find(|(name, _)| name == key);
                assert!(own.is_none_or(|(_, kind)| kind.allows(value)), "{}: {key} = {value}", keys.kind);
            }
        }
    }
}
