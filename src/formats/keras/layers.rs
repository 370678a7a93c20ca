//! The JSON of a Keras model as our model. Whatever would make it another network here, or train it in another way, is
//! refused by the layer's name.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::chain;
use super::message::{Found, place, shown};
use crate::model::{Activation, Layer, Model, Padding};

/// The longest JSON that is read: that of a thousand layers is shorter.
pub const LONGEST_JSON: usize = 1 << 22;

/// What the layers here are, for messages.
const SUPPORTED: &str = "supported are Conv2D, MaxPooling2D, Flatten, Dense, Dropout, ReLU, Activation and Softmax";

/// What to do about a setting that we lack.
const REMEDY: &str = "change the layer in Keras and save the model again";

/// Keys that say nothing of a trained layer, or that are read elsewhere.
const IGNORED: [&str; 7] =
    ["name", "seed", "kernel_initializer", "bias_initializer", "batch_shape", "batch_input_shape", "input_shape"];

/// The one value that a key may have, in whichever layer it stands. A key that is null is not set.
const ONLY: [(&str, &str); 12] = [
    ("dtype", "\"float32\""),
    ("trainable", "true"),
    ("data_format", "\"channels_last\""),
    ("dilation_rate", "[1,1]"),
    ("groups", "1"),
    ("use_bias", "true"),
    ("negative_slope", "0"),
    ("threshold", "0"),
    ("axis", "-1"),
    ("sparse", "false"),
    ("ragged", "false"),
    ("optional", "false"),
];

/// The JSON in a file.
pub fn parse(text: &str) -> Found<Value> {
    if text.len() > LONGEST_JSON {
        return Err(format!("its configuration is {} bytes long; at most {LONGEST_JSON} are read", text.len()));
    }
    serde_json::from_str(text)
        .map_err(|error| format!("its configuration is not JSON ({error}); save the model in Keras again"))
}

/// The model that the JSON spells: a `Sequential`, or a functional model that is a plain chain.
pub fn model(json: &Value) -> Found<Model> {
    let config = &json["config"];
    let layers = config["layers"].as_array().map(Vec::as_slice).unwrap_or_default();
    match json["class_name"].as_str() {
        Some("Sequential") => {}
        Some("Functional" | "Model") => chain::check(config, layers)?,
        _ => {
            let class = shown(&json["class_name"]);
            return Err(format!("is a model of the class {class}; supported are Sequential and Functional"));
        }
    }
    let first = layers.first().ok_or("has no layers; save the model in Keras again")?;
    let has_input_layer = first["class_name"] == "InputLayer";
    if has_input_layer {
        check(first, &[])?;
    }
    let mut model = Model {
        name: plain(config["name"].as_str().unwrap_or_default()),
        input: input(config, first)?,
        layers: layers[usize::from(has_input_layer)..].iter().map(layer).collect::<Found<_>>()?,
    };
    // The softmax is part of our loss.
    match model.layers.as_mut_slice() {
        [
            ..,
            Layer::Dense { activation: Activation::Linear, .. },
            Layer::Activation { activation: Activation::Softmax },
        ] => {
            model.layers.pop();
        }
        [.., Layer::Dense { activation: activation @ Activation::Softmax, .. }] => *activation = Activation::Linear,
        _ => {}
    }
    Ok(model)
}

/// `[height, width, channels]` of the images: the batch's size stands before them.
fn input(config: &Value, first: &Value) -> Found<[usize; 3]> {
    let own = &first["config"];
    let candidates = [
        &own["batch_shape"],
        &own["batch_input_shape"],
        &config["build_input_shape"],
        &first["build_config"]["input_shape"],
    ];
    let shape = candidates.into_iter().find(|shape| !shape.is_null()).unwrap_or(&Value::Null);
    let sizes = |shape: &[Value]| Some([size(&shape[0])?, size(&shape[1])?, size(&shape[2])?]);
    match shape.as_array().map(Vec::as_slice) {
        Some([_, image @ ..]) if image.len() == 3 => sizes(image),
        _ => None,
    }
    .ok_or_else(|| {
        let shape = shown(shape);
        format!("{}: its input has the shape {shape}; supported is [batch, height, width, channels]", place(first))
    })
}

/// One layer after the input.
fn layer(layer: &Value) -> Found<Layer> {
    let config = &layer["config"];
    let supported = |own: &[&str]| check(layer, own);
    let value = |key: &str| &config[key];
    let wrong = |key: &str| format!("{}: {key} is {}, which is unsupported; {REMEDY}", place(layer), shown(value(key)));
    let count = |key: &str| size(value(key)).ok_or_else(|| wrong(key));
    let pair = |key: &str| match value(key).as_array().map(Vec::as_slice) {
        None => count(key).map(|size| [size; 2]),
        Some([height, width]) => size(height).zip(size(width)).map(<[usize; 2]>::from).ok_or_else(|| wrong(key)),
        Some(_) => Err(wrong(key)),
    };
    let activation = || choice(value("activation")).ok_or_else(|| wrong("activation"));
    match layer["class_name"].as_str().unwrap_or_default() {
        "Conv2D" => {
            supported(&["filters", "kernel_size", "strides", "padding", "activation"])?;
            Ok(Layer::Conv2d {
                filters: count("filters")?,
                kernel: pair("kernel_size")?,
                stride: if value("strides").is_null() { [1, 1] } else { pair("strides")? },
                padding: choice(value("padding")).ok_or_else(|| wrong("padding"))?,
                activation: activation()?,
            })
        }
        "MaxPooling2D" => {
            supported(&["pool_size", "strides", "padding"])?;
            if choice(value("padding")) != Some(Padding::Valid) {
                return Err(wrong("padding"));
            }
            let size = pair("pool_size")?;
            let stride = if value("strides").is_null() { size } else { pair("strides")? };
            Ok(Layer::MaxPool2d { size, stride: Some(stride).filter(|stride| *stride != size) })
        }
        "Flatten" => supported(&[]).map(|()| Layer::Flatten {}),
        "Dense" => {
            supported(&["units", "activation"])?;
            Ok(Layer::Dense { units: count("units")?, activation: activation()? })
        }
        "Dropout" => {
            supported(&["rate"])?;
            let rate = value("rate").as_f64().ok_or_else(|| wrong("rate"))?;
            Ok(Layer::Dropout { rate: rate as f32 })
        }
        "Activation" => {
            supported(&["activation"])?;
            Ok(Layer::Activation { activation: activation()? })
        }
        "ReLU" => supported(&[]).map(|()| Layer::Activation { activation: Activation::Relu }),
        "Softmax" => supported(&[]).map(|()| Layer::Activation { activation: Activation::Softmax }),
        _ => Err(format!("{}: layers of this class are unsupported; {SUPPORTED}", place(layer))),
    }
}

/// Refuses a layer with a setting beside `own` that is none of its class's defaults.
fn check(layer: &Value, own: &[&str]) -> Found<()> {
    let settings = layer["config"].as_object().into_iter().flatten();
    for (key, value) in settings.filter(|(_, value)| !value.is_null()) {
        if own.contains(&key.as_str()) || IGNORED.contains(&key.as_str()) {
            continue;
        }
        let only = ONLY.iter().find(|(known, _)| known == key).map(|(_, only)| *only);
        if !only.is_some_and(|only| is(simple(value), only)) {
            let remedy = only.map_or(REMEDY.into(), |only| format!("only {only} is supported"));
            return Err(format!("{}: {key} is {}, which is unsupported; {remedy}", place(layer), shown(simple(value))));
        }
    }
    Ok(())
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

/// A choice by its name in Keras, which is ours; null is the default.
fn choice<T: DeserializeOwned + Default>(value: &Value) -> Option<T> {
    if value.is_null() { Some(T::default()) } else { serde_json::from_value(simple(value).clone()).ok() }
}

fn size(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|size| usize::try_from(size).ok())
}

/// A name that both our folders and Keras' graphs allow: letters and digits, `_`, `-` and `.`, at most 100.
pub fn plain(name: &str) -> String {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
    let plain: String = name.chars().take(100).map(|letter| if allowed(letter) { letter } else { '_' }).collect();
    let plain = plain.trim_start_matches(['.', '_', '-']);
    if plain.is_empty() { "model".into() } else { plain.into() }
}
