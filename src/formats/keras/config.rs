//! Our model as Keras' JSON: a `Sequential` where it is a sequence, else a functional model.

use serde_json::{Value, json};

use super::initializers;
use crate::geometry::Shape;
use crate::layers::{
    Activate, Activation, Add, AveragePool2d, BatchNormalization, Concatenate, Conv2d, Dense, DepthwiseConv2d, Dropout,
    Flatten, GlobalAveragePool2d, GlobalMaxPool2d, Layer, MaxPool2d, Rescaling,
};
use crate::model::{IMAGES, Resolved, is_sequence};

/// Whose JSON: they differ in what the input's shape and an object's origin are called, and in how a graph's connections are
/// spelt.
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

    /// The model of these layers, which are in Keras' order; its name has [`super::walk::plain`] letters only.
    pub fn model(self, name: &str, input: [usize; 3], layers: &[Resolved]) -> Value {
        let is_sequence = is_sequence(layers);
        let mut objects = vec![self.input(input)];
        objects.extend(layers.iter().enumerate().map(|(index, layer)| self.layer(layer, index + 1 == layers.len())));
        if is_sequence {
            return self.object("keras", "Sequential", json!({ "name": name, "layers": objects }));
        }
        let names: Vec<&str> = [IMAGES].into_iter().chain(layers.iter().map(|layer| layer.name.as_str())).collect();
        let shapes = [Shape::Image(input)].into_iter().chain(layers.iter().map(|layer| layer.inferred.output));
        let tensors: Vec<Value> = names.iter().zip(shapes).map(|(name, shape)| self.tensor(name, shape)).collect();
        let inputs = layers.iter().map(|layer| layer.inputs.iter().map(|&input| tensors[input].clone()).collect());
        let inputs: Vec<Vec<Value>> = [Vec::new()].into_iter().chain(inputs).collect();
        for ((object, name), inputs) in objects.iter_mut().zip(&names).zip(inputs) {
            object["name"] = json!(name);
            object["inbound_nodes"] = self.calls(inputs);
        }
        let end = |name: &str| match self {
            Dialect::Keras2 => json!([[name, 0, 0]]),
            Dialect::Keras3 => json!([name, 0, 0]),
        };
        let config = json!({
            "name": name, "trainable": true, "layers": objects, "input_layers": end(IMAGES),
            "output_layers": end(names[layers.len()])
        });
        self.object("keras.src.models.functional", "Functional", config)
    }

    fn input(self, [height, width, channels]: [usize; 3]) -> Value {
        let shape = match self {
            Dialect::Keras2 => "batch_input_shape",
            Dialect::Keras3 => "batch_shape",
        };
        let config = json!({ "name": IMAGES, "dtype": "float32", shape: [null, height, width, channels] });
        self.object("keras.layers", "InputLayer", config)
    }

    fn layer(self, layer: &Resolved, last: bool) -> Value {
        let (class, mut config) = class_and_config(layer, last);
        if !layer.trainable {
            config["trainable"] = json!(false);
        }
        let initializer = initializers::class_and_config(layer.kernel_initializer);
        if let (Some((class, of_class)), Some(key)) = (initializer, initializers::key(&layer.layer)) {
            config[key] = self.object("keras.initializers", class, of_class);
        }
        self.object("keras.layers", class, config)
    }

    /// What a layer of that name puts out.
    fn tensor(self, name: &str, shape: Shape) -> Value {
        match self {
            Dialect::Keras2 => json!([name, 0, 0, {}]),
            Dialect::Keras3 => {
                let shape = match shape {
                    Shape::Image([height, width, channels]) => json!([null, height, width, channels]),
                    Shape::Features(features) => json!([null, features]),
                };
                let config = json!({ "shape": shape, "dtype": "float32", "keras_history": [name, 0, 0] });
                json!({ "class_name": "__keras_tensor__", "config": config })
            }
        }
    }

    /// How a layer is called with these tensors; with none, it is not called.
    fn calls(self, tensors: Vec<Value>) -> Value {
        match (self, tensors.as_slice()) {
            (_, []) => json!([]),
            (Dialect::Keras2, _) => json!([tensors]),
            (Dialect::Keras3, [tensor]) => json!([{ "args": [tensor], "kwargs": {} }]),
            (Dialect::Keras3, _) => json!([{ "args": [tensors], "kwargs": {} }]),
        }
    }
}

/// Keras' class for the layer, and what it is made with. The softmax is the last layer's activation, since Keras' loss
/// expects probabilities.
fn class_and_config(layer: &Resolved, last: bool) -> (&'static str, Value) {
    let mut class = layer.layer.class_name();
    let mut config = match &layer.layer {
        Layer::Conv2d(Conv2d { filters, kernel, stride, padding, use_bias, activation }) => json!({
            "filters": filters, "kernel_size": kernel, "strides": stride, "padding": padding, "use_bias": use_bias,
            "activation": activation
        }),
        Layer::DepthwiseConv2d(DepthwiseConv2d { kernel, stride, padding, depth_multiplier, use_bias, activation }) => {
            json!({
                "kernel_size": kernel, "strides": stride, "padding": padding, "depth_multiplier": depth_multiplier,
                "use_bias": use_bias, "activation": activation
            })
        }
        Layer::MaxPool2d(MaxPool2d(pool)) | Layer::AveragePool2d(AveragePool2d(pool)) => {
            json!({ "pool_size": pool.size, "strides": pool.stride(), "padding": pool.padding })
        }
        Layer::GlobalAveragePool2d(GlobalAveragePool2d {}) | Layer::GlobalMaxPool2d(GlobalMaxPool2d {}) => {
            json!({ "keepdims": false })
        }
        Layer::Flatten(Flatten {}) | Layer::Add(Add {}) => json!({}),
        Layer::Concatenate(Concatenate {}) => json!({ "axis": -1 }),
        Layer::Dense(Dense { units, use_bias, activation }) => {
            let activation = if last { Activation::Softmax } else { *activation };
            json!({ "units": units, "use_bias": use_bias, "activation": activation })
        }
        Layer::Dropout(Dropout { rate }) => json!({ "rate": decimal(*rate) }),
        Layer::BatchNormalization(BatchNormalization { momentum, epsilon, center, scale }) => {
            json!({ "axis": -1, "momentum": momentum, "epsilon": epsilon, "center": center, "scale": scale })
        }
        Layer::Rescaling(Rescaling { scale, offset }) => json!({ "scale": scale, "offset": offset }),
        Layer::Activation(activate) => {
            let (own, config) = activation(activate);
            class = own;
            config
        }
    };
    config["name"] = json!(layer.name);
    config["dtype"] = json!("float32");
    if layer.inferred.window.is_some() || matches!(layer.layer, Layer::Flatten(_)) {
        config["data_format"] = json!("channels_last");
    }
    (class, config)
}

/// An activation with parameters is a class of its own, and spelt as both versions of Keras do: they have other names for a
/// `LeakyReLU`'s slope, but not for a `ReLU`'s.
fn activation(activate: &Activate) -> (&'static str, Value) {
    match *activate {
        Activate { max_value: Some(value), .. } => ("ReLU", json!({ "max_value": decimal(value) })),
        Activate { negative_slope: Some(value), .. } => ("ReLU", json!({ "negative_slope": decimal(value) })),
        Activate { alpha: Some(value), .. } => ("ELU", json!({ "alpha": decimal(value) })),
        Activate { activation, .. } => ("Activation", json!({ "activation": activation })),
    }
}

/// The shortest decimal number that is this f32: 0.1, where a plain conversion gives 0.10000000149011612.
fn decimal(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}
