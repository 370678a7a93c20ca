//! The layers a model is made of, as a TOML or JSON file spells them.

use serde::{Deserialize, Deserializer, Serialize};

/// One layer. Sizes are [height, width]; a file may give one number for both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Layer {
    /// Convolution: input `[N, H, W, C]`, kernel `[KH, KW, C, filters]`, output `[N, OH, OW, filters]`.
    #[serde(rename = "conv2d")]
    Conv2d {
        filters: usize,
        #[serde(deserialize_with = "pair")]
        kernel: [usize; 2],
        #[serde(default = "ones", deserialize_with = "pair")]
        stride: [usize; 2],
        #[serde(default)]
        padding: Padding,
        #[serde(default)]
        activation: Activation,
    },
    /// Largest value of each window, without padding. The stride is the size where none is given.
    #[serde(rename = "max_pool2d")]
    MaxPool2d {
        #[serde(deserialize_with = "pair")]
        size: [usize; 2],
        #[serde(default, deserialize_with = "optional_pair", skip_serializing_if = "Option::is_none")]
        stride: Option<[usize; 2]>,
    },
    /// `[N, H, W, C]` to `[N, H*W*C]`, channels last: nothing moves.
    Flatten {},
    /// Matrix product: input `[N, in]`, kernel `[in, units]`, output `[N, units]`.
    Dense {
        units: usize,
        #[serde(default)]
        activation: Activation,
    },
    /// In training, zeroes a fraction `rate` of the values and scales the others by 1/(1-rate).
    Dropout { rate: f32 },
    /// An activation as a layer of its own.
    Activation { activation: Activation },
}

/// A layer's type in a model file with its keys.
pub struct LayerKeys {
    pub kind: &'static str,
    pub required: &'static [&'static str],
    /// Those with a default.
    pub optional: &'static [&'static str],
}

/// What each layer type has beside `type`, for messages that say more than serde's.
pub const LAYER_KEYS: [LayerKeys; 6] = [
    LayerKeys { kind: "conv2d", required: &["filters", "kernel"], optional: &["stride", "padding", "activation"] },
    LayerKeys { kind: "max_pool2d", required: &["size"], optional: &["stride"] },
    LayerKeys { kind: "flatten", required: &[], optional: &[] },
    LayerKeys { kind: "dense", required: &["units"], optional: &["activation"] },
    LayerKeys { kind: "dropout", required: &["rate"], optional: &[] },
    LayerKeys { kind: "activation", required: &["activation"], optional: &[] },
];

/// How a convolution treats the border, as TensorFlow does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// Windows stay inside the image.
    #[default]
    Valid,
    /// Zeros around the image, so that the output has ceil(input / stride) positions; the odd one goes below and right.
    Same,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    #[default]
    Linear,
    Relu,
    /// Only on the last layer, where it is part of the loss.
    Softmax,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrTwo {
    One(usize),
    Two([usize; 2]),
}

fn pair<'de, D: Deserializer<'de>>(source: D) -> Result<[usize; 2], D::Error> {
    OneOrTwo::deserialize(source).map(|value| match value {
        OneOrTwo::One(size) => [size, size],
        OneOrTwo::Two(sizes) => sizes,
    })
}

fn optional_pair<'de, D: Deserializer<'de>>(source: D) -> Result<Option<[usize; 2]>, D::Error> {
    pair(source).map(Some)
}

fn ones() -> [usize; 2] {
    [1, 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_are_serdes_own() {
        let layers = [
            Layer::Conv2d {
                filters: 1,
                kernel: [1, 1],
                stride: [1, 1],
                padding: Padding::Same,
                activation: Activation::Relu,
            },
            Layer::MaxPool2d { size: [2, 2], stride: Some([1, 1]) },
            Layer::Flatten {},
            Layer::Dense { units: 1, activation: Activation::Relu },
            Layer::Dropout { rate: 0.5 },
            Layer::Activation { activation: Activation::Relu },
        ];
        for (layer, keys) in layers.iter().zip(LAYER_KEYS) {
            let whole = toml::Table::try_from(layer).unwrap();
            let mut spelled: Vec<&str> = whole.keys().map(String::as_str).filter(|key| *key != "type").collect();
            let mut known = [keys.required, keys.optional].concat();
            spelled.sort_unstable();
            known.sort_unstable();
            assert_eq!((whole["type"].as_str(), spelled), (Some(keys.kind), known));
            for key in whole.keys() {
                let mut without = whole.clone();
                without.remove(key);
                let optional = keys.optional.contains(&key.as_str());
                assert_eq!(without.try_into::<Layer>().is_ok(), optional, "{} without {key}", keys.kind);
            }
        }
    }
}
