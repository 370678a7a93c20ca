//! What a network can be made of, a file a layer: its keys in a model file, its shapes, its variables, and the passes that
//! it emits. A layer is one of these files, a row in the list below, and a row in each format.

mod activate;
mod activation;
mod add;
mod average_pool2d;
mod batch_normalization;
mod concatenate;
mod conv2d;
mod dense;
mod depthwise_conv2d;
mod dropout;
mod flatten;
mod global_average_pool2d;
mod global_max_pool2d;
mod initializer;
mod keys;
mod max_pool2d;
mod operation;
mod pointwise;
mod pool;
mod product;
mod rescaling;

pub use activate::Activate;
pub use activation::Activation;
pub use add::Add;
pub use average_pool2d::AveragePool2d;
pub use batch_normalization::BatchNormalization;
pub use concatenate::Concatenate;
pub use conv2d::Conv2d;
pub use dense::Dense;
pub use depthwise_conv2d::DepthwiseConv2d;
pub use dropout::Dropout;
pub use flatten::Flatten;
pub use global_average_pool2d::GlobalAveragePool2d;
pub use global_max_pool2d::GlobalMaxPool2d;
pub use initializer::Initializer;
pub use keys::{COMMON_KEYS, Key, Kind, LayerKeys};
pub use max_pool2d::MaxPool2d;
pub use operation::{Added, Backward, Fused, Inferred, Operation, Place, Rules};
pub use pool::Pool;
pub use rescaling::Rescaling;

use serde::{Deserialize, Serialize};

/// Makes the enum of all layers from one list, and with it everything that has a row for each.
macro_rules! layers {
    ($($(#[$attribute:meta])* $variant:ident($layer:ty) $keys:path,)*) => {
        /// One layer, as a TOML or JSON file spells it. Sizes are [height, width]; a file may give one number for both.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "type", rename_all = "snake_case")]
        pub enum Layer {
            $($(#[$attribute])* $variant($layer),)*
        }

        /// Every layer's keys, in the order of [`Layer`].
        pub const LAYER_KEYS: &[&LayerKeys] = &[$(&$keys),*];

        impl Layer {
            /// What every layer can say of itself.
            pub fn operation(&self) -> &dyn Operation {
                match self {
                    $(Layer::$variant(layer) => layer,)*
                }
            }
        }
    };
}

layers! {
    #[serde(rename = "conv2d")]
    Conv2d(Conv2d) conv2d::KEYS,
    #[serde(rename = "max_pool2d")]
    MaxPool2d(MaxPool2d) max_pool2d::KEYS,
    Flatten(Flatten) flatten::KEYS,
    Dense(Dense) dense::KEYS,
    Dropout(Dropout) dropout::KEYS,
    Activation(Activate) activate::KEYS,
    #[serde(rename = "depthwise_conv2d")]
    DepthwiseConv2d(DepthwiseConv2d) depthwise_conv2d::KEYS,
    BatchNormalization(BatchNormalization) batch_normalization::KEYS,
    #[serde(rename = "average_pool2d")]
    AveragePool2d(AveragePool2d) average_pool2d::KEYS,
    #[serde(rename = "global_average_pool2d")]
    GlobalAveragePool2d(GlobalAveragePool2d) global_average_pool2d::KEYS,
    #[serde(rename = "global_max_pool2d")]
    GlobalMaxPool2d(GlobalMaxPool2d) global_max_pool2d::KEYS,
    Add(Add) add::KEYS,
    Concatenate(Concatenate) concatenate::KEYS,
    Rescaling(Rescaling) rescaling::KEYS,
}

impl Layer {
    /// The activation that the layer applies to its output.
    pub fn activation(&self) -> Activation {
        self.operation().activation()
    }

    /// Where that is said of a layer that does something else before.
    pub fn own_activation(&mut self) -> Option<&mut Activation> {
        match self {
            Self::Conv2d(Conv2d { activation, .. })
            | Self::DepthwiseConv2d(DepthwiseConv2d { activation, .. })
            | Self::Dense(Dense { activation, .. }) => Some(activation),
            Self::MaxPool2d(_)
            | Self::Flatten(_)
            | Self::Dropout(_)
            | Self::Activation(_)
            | Self::BatchNormalization(_)
            | Self::AveragePool2d(_)
            | Self::GlobalAveragePool2d(_)
            | Self::GlobalMaxPool2d(_)
            | Self::Add(_)
            | Self::Concatenate(_)
            | Self::Rescaling(_) => None,
        }
    }

    /// Keras' class name.
    pub fn class_name(&self) -> &'static str {
        self.operation().keys().class_name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Padding;

    #[test]
    fn the_keys_are_serdes_own() {
        let (size, stride, padding) = ([1, 1], [1, 1], Padding::Same);
        let (use_bias, activation) = (false, Activation::Relu);
        let layers = [
            Layer::Conv2d(Conv2d { filters: 1, kernel: size, stride, padding, use_bias, activation }),
            Layer::MaxPool2d(MaxPool2d(Pool { size, stride: Some(stride), padding })),
            Layer::Flatten(Flatten {}),
            Layer::Dense(Dense { units: 1, use_bias, activation }),
            Layer::Dropout(Dropout { rate: 0.5 }),
            Layer::Activation(Activate {
                activation,
                max_value: Some(6.0),
                negative_slope: Some(0.1),
                alpha: Some(2.0),
            }),
            Layer::DepthwiseConv2d(DepthwiseConv2d {
                kernel: size,
                stride,
                padding,
                depth_multiplier: 2,
                use_bias,
                activation,
            }),
            Layer::BatchNormalization(BatchNormalization::default()),
            Layer::AveragePool2d(AveragePool2d(Pool { size, stride: Some(stride), padding })),
            Layer::GlobalAveragePool2d(GlobalAveragePool2d {}),
            Layer::GlobalMaxPool2d(GlobalMaxPool2d {}),
            Layer::Add(Add {}),
            Layer::Concatenate(Concatenate {}),
            Layer::Rescaling(Rescaling { scale: 2.0, offset: 0.5 }),
        ];
        assert_eq!(layers.len(), LAYER_KEYS.len(), "a layer of each kind");
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
