//! A layer of Keras as what it is here. Whatever would make it another network is refused by the layer's name.

use serde_json::Value;

use super::message::{Found, place};
use super::settings::{Settings, size};
use crate::model::{Activation, Layer, Padding};

/// What the layers here are, for messages.
const SUPPORTED: &str = "supported are Conv2D, MaxPooling2D, Flatten, Reshape, Dense, BatchNormalization, Dropout, ReLU, \
                         Activation and Softmax, and layers that only training knows";

/// What a layer of Keras is here, where it predicts.
pub enum Kind {
    /// One of our layers without weights.
    Plain(Layer),
    /// One with weights, and whether it has a bias in Keras.
    Product(Layer, bool),
    Normalisation(Normalisation),
    /// Another view of the same values: its sizes but the batch's, of which one may be -1.
    Reshape(Vec<i64>),
    /// A pixel's byte / 255.
    Rescaling,
    /// The same values.
    Nothing,
}

/// A BatchNormalization.
pub struct Normalisation {
    pub epsilon: f64,
    /// Whether it has a gamma.
    pub scale: bool,
    /// Whether it has a beta.
    pub center: bool,
}

/// What the layer is after values of that shape, the batch's size left out; and in words what of it only training knows.
pub fn kind(layer: &Value, input: &[usize]) -> Found<(Kind, Option<String>)> {
    let settings = Settings(layer);
    if is_noise(settings, input) {
        settings.only("dtype")?;
        return Ok((Kind::Nothing, Some(place(layer))));
    }
    let class = settings.class();
    let own =
        own(class).ok_or_else(|| format!("{}: layers of this class are unsupported; {SUPPORTED}", place(layer)))?;
    let mut left_out = settings.check(own)?;
    let kind = match class {
        "Conv2D" | "Dense" => {
            let has_bias = settings.flag("use_bias")?;
            if !has_bias {
                left_out.push("use_bias is false".into());
            }
            Kind::Product(if class == "Dense" { dense(settings)? } else { convolution(settings)? }, has_bias)
        }
        "MaxPooling2D" => Kind::Plain(pool(settings)?),
        "Flatten" => Kind::Plain(Layer::Flatten {}),
        "Dropout" => Kind::Plain(Layer::Dropout { rate: settings.number("rate")? as f32 }),
        "Activation" => Kind::Plain(Layer::Activation { activation: activation(settings)? }),
        "ReLU" => Kind::Plain(Layer::Activation { activation: Activation::Relu }),
        "Softmax" => Kind::Plain(Layer::Activation { activation: Activation::Softmax }),
        "BatchNormalization" => Kind::Normalisation(normalisation(settings, input.len())?),
        "Reshape" => Kind::Reshape(target(settings)?),
        "Rescaling" => rescaling(settings)?,
        _ => Kind::Nothing,
    };
    Ok((kind, (!left_out.is_empty()).then(|| format!("{}: {}", place(layer), left_out.join(", ")))))
}

/// The settings of a class that are read; none where the class is unknown.
fn own(class: &str) -> Option<&'static [&'static str]> {
    Some(match class {
        "InputLayer" | "Identity" | "Flatten" | "ReLU" | "Softmax" => &[],
        "Conv2D" => &["filters", "kernel_size", "strides", "padding", "activation", "use_bias"],
        "MaxPooling2D" => &["pool_size", "strides", "padding"],
        "Dense" => &["units", "activation", "use_bias"],
        "Dropout" => &["rate"],
        "Activation" => &["activation"],
        "BatchNormalization" => &["axis", "momentum", "epsilon", "center", "scale", "synchronized", "renorm_momentum"],
        "Reshape" => &["target_shape"],
        "Rescaling" => &["scale", "offset"],
        _ => return None,
    })
}

/// Whether the layer changes values in training only, whatever its settings are.
fn is_noise(settings: Settings, input: &[usize]) -> bool {
    match settings.class() {
        "GaussianNoise" | "GaussianDropout" | "AlphaDropout" | "ActivityRegularization" => true,
        "RandAugment" | "AugMix" | "MixUp" | "CutMix" => true,
        // Where it predicts, it cuts the middle out.
        "RandomCrop" => {
            let side = |key| size(settings.value(key));
            input.len() > 1 && side("height") == Some(input[0]) && side("width") == Some(input[1])
        }
        class => class.starts_with("Random") || class.starts_with("SpatialDropout"),
    }
}

fn convolution(settings: Settings) -> Found<Layer> {
    Ok(Layer::Conv2d {
        filters: settings.count("filters")?,
        kernel: settings.pair("kernel_size")?,
        stride: if settings.value("strides").is_null() { [1, 1] } else { settings.pair("strides")? },
        padding: settings.choice("padding")?,
        activation: activation(settings)?,
    })
}

fn dense(settings: Settings) -> Found<Layer> {
    Ok(Layer::Dense { units: settings.count("units")?, activation: activation(settings)? })
}

/// By its name, or as a layer that is one.
fn activation(settings: Settings) -> Found<Activation> {
    let value = settings.value("activation");
    if value["config"].is_object()
        && let Ok((Kind::Plain(Layer::Activation { activation }), _)) = kind(value, &[])
    {
        return Ok(activation);
    }
    settings.choice("activation")
}

fn pool(settings: Settings) -> Found<Layer> {
    if settings.choice::<Padding>("padding")? != Padding::Valid {
        return Err(settings.wrong("padding"));
    }
    let size = settings.pair("pool_size")?;
    let stride = if settings.value("strides").is_null() { size } else { settings.pair("strides")? };
    Ok(Layer::MaxPool2d { size, stride: Some(stride).filter(|stride| *stride != size) })
}

/// Over the last of so many dimensions; the batch's is counted, too, where the axis is not counted from the end.
fn normalisation(settings: Settings, dimensions: usize) -> Found<Normalisation> {
    let axis = match settings.value("axis").as_array().map(Vec::as_slice) {
        Some([axis]) => axis.as_i64(),
        Some(_) => None,
        None => settings.value("axis").as_i64(),
    };
    if axis != Some(-1) && axis != i64::try_from(dimensions).ok() {
        return Err(settings.wrong("axis"));
    }
    let epsilon = settings.number("epsilon")?;
    Ok(Normalisation { epsilon, scale: settings.flag("scale")?, center: settings.flag("center")? })
}

fn target(settings: Settings) -> Found<Vec<i64>> {
    let sizes = settings.value("target_shape").as_array();
    let sizes = sizes.and_then(|sizes| sizes.iter().map(Value::as_i64).collect());
    sizes.ok_or_else(|| settings.wrong("target_shape"))
}

/// Of bytes, ours being divided already.
fn rescaling(settings: Settings) -> Found<Kind> {
    if (settings.number("scale")? * 255.0 - 1.0).abs() > 1e-6 {
        return Err(settings.wrong("scale"));
    }
    if settings.number("offset")? != 0.0 {
        return Err(settings.wrong("offset"));
    }
    Ok(Kind::Rescaling)
}
