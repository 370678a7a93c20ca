//! Our model as the JSON of a Keras `Sequential`.

use serde_json::{Value, json};

use crate::layers::{Activate, Activation, Conv2d, Dense, Dropout, Flatten, Layer, MaxPool2d};
use crate::model::{Model, Resolved};

/// Whose JSON: they differ in what the input's shape and an object's origin are called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Of Keras 2, which Keras 3 reads in `.h5` files, too.
    Keras2,
    /// Of Keras 3.
    Keras3,
}

impl Dialect {
    /// An object of one of Keras' own classes.
    pub fn object(self, module: &str, class: &str, config: Value) -> Value {
        match self {
            Dialect::Keras2 => json!({ "class_name": class, "config": config }),
            Dialect::Keras3 => {
                json!({ "module": module, "class_name": class, "config": config, "registered_name": null })
            }
        }
    }

    /// The model as a `Sequential`; its name has [`super::walk::plain`] letters only.
    pub fn sequential(self, name: &str, model: &Model, layers: &[Resolved]) -> Value {
        let [height, width, channels] = model.input;
        let shape = match self {
            Dialect::Keras2 => "batch_input_shape",
            Dialect::Keras3 => "batch_shape",
        };
        let input = json!({ "name": "input", "dtype": "float32", shape: [null, height, width, channels] });
        let mut objects = vec![self.object("keras.layers", "InputLayer", input)];
        for (index, layer) in layers.iter().enumerate() {
            let config = config(layer, index + 1 == layers.len());
            objects.push(self.object("keras.layers", layer.layer.class_name(), config));
        }
        self.object("keras", "Sequential", json!({ "name": name, "layers": objects }))
    }
}

/// What the layer is made with. The softmax is the last layer's activation, since Keras' loss expects probabilities.
fn config(layer: &Resolved, last: bool) -> Value {
    let mut config = match &layer.layer {
        Layer::Conv2d(Conv2d { filters, kernel, stride, padding, use_bias, activation }) => json!({
            "filters": filters, "kernel_size": kernel, "strides": stride, "padding": padding, "use_bias": use_bias,
            "activation": activation
        }),
        Layer::MaxPool2d(MaxPool2d { size, stride, padding }) => {
            json!({ "pool_size": size, "strides": stride.unwrap_or(*size), "padding": padding })
        }
        Layer::Flatten(Flatten {}) => json!({}),
        Layer::Dense(Dense { units, use_bias, activation }) => {
            let activation = if last { Activation::Softmax } else { *activation };
            json!({ "units": units, "use_bias": use_bias, "activation": activation })
        }
        Layer::Dropout(Dropout { rate }) => json!({ "rate": decimal(*rate) }),
        Layer::Activation(Activate { activation, .. }) => json!({ "activation": activation }),
        // Not written yet.
        Layer::DepthwiseConv2d(_)
        | Layer::BatchNormalization(_)
        | Layer::AveragePool2d(_)
        | Layer::GlobalAveragePool2d(_)
        | Layer::GlobalMaxPool2d(_)
        | Layer::Add(_)
        | Layer::Concatenate(_)
        | Layer::Rescaling(_) => json!({}),
    };
    config["name"] = json!(layer.name);
    config["dtype"] = json!("float32");
    if matches!(layer.layer, Layer::Conv2d(_) | Layer::MaxPool2d(_) | Layer::Flatten(Flatten {})) {
        config["data_format"] = json!("channels_last");
    }
    config
}

/// The shortest decimal number that is this f32: 0.1, where a plain conversion gives 0.10000000149011612.
fn decimal(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}
