//! Keras' activations: by name, as layers, and as formulas.

use super::message::Found;
use super::settings::Settings;
use crate::layers::{Activate, Activation};

/// The activation of a layer, by its name or as a layer that is one.
pub fn activation(settings: Settings) -> Found<Activate> {
    let value = settings.value("activation");
    if value["config"].is_object() {
        let layer = Settings(value);
        layer.check(own(layer.class()).ok_or_else(|| settings.wrong("activation"))?)?;
        return of_layer(layer)?.ok_or_else(|| settings.wrong("activation"));
    }
    let plain = |activation| Ok(Activate::new(activation));
    match settings.text("activation")? {
        "" | "linear" => plain(Activation::Linear),
        "relu" => plain(Activation::Relu),
        "relu6" => Ok(Activate { max_value: Some(6.0), ..Activate::new(Activation::Relu) }),
        "gelu" => plain(Activation::Gelu),
        "silu" | "swish" => plain(Activation::Silu),
        "leaky_relu" => plain(Activation::LeakyRelu),
        "elu" => plain(Activation::Elu),
        "tanh" => plain(Activation::Tanh),
        "sigmoid" => plain(Activation::Sigmoid),
        // TensorFlow's own function is called so.
        "softmax" | "softmax_v2" => plain(Activation::Softmax),
        _ => Err(settings.wrong("activation")),
    }
}

/// The settings of an activation's class that are read; none where it is no such class.
pub fn own(class: &str) -> Option<&'static [&'static str]> {
    Some(match class {
        "Activation" => &["activation"],
        "ReLU" | "Relu" => &["max_value", "negative_slope"],
        "LeakyReLU" | "LeakyRelu" => &["negative_slope", "alpha"],
        "ELU" | "Elu" => &["alpha"],
        "Gelu" => &["approximate"],
        "Softmax" => &["axis"],
        "Relu6" | "Silu" | "Tanh" | "Sigmoid" => &[],
        _ => return None,
    })
}

/// The activation that the layer is; none where it is none.
pub fn of_layer(settings: Settings) -> Found<Option<Activate>> {
    let plain = |activation| Ok(Some(Activate::new(activation)));
    match settings.class() {
        "Activation" => activation(settings).map(Some),
        "ReLU" | "Relu" => rectified(settings).map(Some),
        "Relu6" => Ok(Some(Activate { max_value: Some(6.0), ..Activate::new(Activation::Relu) })),
        "LeakyReLU" | "LeakyRelu" => {
            let key = if settings.value("alpha").is_null() { "negative_slope" } else { "alpha" };
            Ok(Some(leaky(settings.number(key)? as f32)))
        }
        "ELU" | "Elu" => {
            let alpha = Some(settings.number_or("alpha", 1.0)? as f32).filter(|alpha| *alpha != Activate::ALPHA);
            Ok(Some(Activate { alpha, ..Activate::new(Activation::Elu) }))
        }
        "Gelu" if settings.value("approximate") != false => Err(settings.wrong("approximate")),
        "Gelu" => plain(Activation::Gelu),
        "Silu" => plain(Activation::Silu),
        "Tanh" => plain(Activation::Tanh),
        "Sigmoid" => plain(Activation::Sigmoid),
        "Softmax" => {
            settings.only("axis")?;
            plain(Activation::Softmax)
        }
        _ => Ok(None),
    }
}

/// A ReLU that is cut off above, or that leaks below.
fn rectified(settings: Settings) -> Found<Activate> {
    let negative_slope = settings.number_or("negative_slope", 0.0)? as f32;
    if settings.value("max_value").is_null() {
        return Ok(leaky(negative_slope));
    }
    if negative_slope != 0.0 {
        return Err(settings.misplaced("it has both a max_value and a negative_slope"));
    }
    let max_value = Some(settings.number("max_value")? as f32);
    Ok(Activate { max_value, ..Activate::new(Activation::Relu) })
}

/// Our default is that of Keras' function of that name.
fn leaky(negative_slope: f32) -> Activate {
    if negative_slope == 0.0 {
        return Activate::new(Activation::Relu);
    }
    let negative_slope = Some(negative_slope).filter(|slope| *slope != Activate::NEGATIVE_SLOPE);
    Activate { negative_slope, ..Activate::new(Activation::LeakyRelu) }
}
