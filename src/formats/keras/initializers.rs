//! How kernels begin, as Keras spells it: an object of a class, or its name alone.

use serde_json::{Value, json};

use crate::layers::{Initializer, Layer};

/// What `VarianceScaling` has in place of a class: scale, mode and whether it is normal.
type Scaling = (f64, &'static str, bool);

/// Ours, Keras' class, and what `VarianceScaling` has in place of it.
const CLASSES: [(Initializer, &str, Option<Scaling>); 5] = [
    (Initializer::GlorotUniform, "GlorotUniform", Some((1.0, "fan_avg", false))),
    (Initializer::GlorotNormal, "GlorotNormal", Some((1.0, "fan_avg", true))),
    (Initializer::HeUniform, "HeUniform", Some((2.0, "fan_in", false))),
    (Initializer::HeNormal, "HeNormal", Some((2.0, "fan_in", true))),
    (Initializer::Zeros, "Zeros", None),
];

/// What a layer's configuration calls its kernel's, if it has one.
pub fn key(layer: &Layer) -> Option<&'static str> {
    match layer {
        Layer::Conv2d(_) | Layer::Dense(_) => Some("kernel_initializer"),
        Layer::DepthwiseConv2d(_) => Some("depthwise_initializer"),
        Layer::MaxPool2d(_)
        | Layer::AveragePool2d(_)
        | Layer::GlobalMaxPool2d(_)
        | Layer::GlobalAveragePool2d(_)
        | Layer::Flatten(_)
        | Layer::Dropout(_)
        | Layer::Activation(_)
        | Layer::BatchNormalization(_)
        | Layer::Add(_)
        | Layer::Concatenate(_)
        | Layer::Rescaling(_) => None,
    }
}

/// How the layer's kernel begins, which is or is a part of Keras' layer `source`.
pub fn of(layer: &Layer, source: &Value) -> Initializer {
    let own = match (layer, source["class_name"].as_str()) {
        (Layer::Conv2d(_), Some("SeparableConv2D")) => Some("pointwise_initializer"),
        _ => key(layer),
    };
    own.map(|key| read(&source["config"][key])).unwrap_or_default()
}

/// Keras' class and its configuration; none of Keras' default, which stands for those, too, that Keras has not: its
/// `Identity` is of matrices only, and fails for an image's kernel.
pub fn class_and_config(initializer: Initializer) -> Option<(&'static str, Value)> {
    let (_, class, scaling) = CLASSES.iter().find(|(own, ..)| *own == initializer && !own.is_default())?;
    Some((class, if scaling.is_some() { json!({ "seed": null }) } else { json!({}) }))
}

/// What the JSON spells; the default where we have not such a one, which plays no part once there are weights.
fn read(value: &Value) -> Initializer {
    let class = value["class_name"].as_str().or(value.as_str()).unwrap_or_default();
    let config = &value["config"];
    let is_normal = config["distribution"].as_str().is_some_and(|name| name.ends_with("normal"));
    let spelt = |(_, own, scaling): &&(Initializer, &str, Option<Scaling>)| {
        let is_named = class.replace('_', "").eq_ignore_ascii_case(own);
        let is_scaled = class == "VarianceScaling"
            && scaling.is_some_and(|(scale, mode, normal)| {
                config["scale"] == scale && config["mode"] == mode && is_normal == normal
            });
        is_named || is_scaled
    };
    CLASSES.iter().find(spelt).map(|(own, ..)| *own).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initializers_are_read_as_every_keras_spells_them() {
        let scaling = |scale: f64, mode: &str, distribution: &str| {
            let config = json!({ "scale": scale, "mode": mode, "distribution": distribution, "seed": null });
            json!({ "class_name": "VarianceScaling", "config": config })
        };
        for (spelt, expected) in [
            (json!("he_normal"), Initializer::HeNormal),
            (json!("HeUniform"), Initializer::HeUniform),
            (json!("zeros"), Initializer::Zeros),
            (scaling(1.0, "fan_avg", "uniform"), Initializer::GlorotUniform),
            (scaling(1.0, "fan_avg", "truncated_normal"), Initializer::GlorotNormal),
            (scaling(2.0, "fan_in", "normal"), Initializer::HeNormal),
            (scaling(2.0, "fan_out", "normal"), Initializer::GlorotUniform),
            (json!({ "class_name": "Orthogonal", "config": { "gain": 1.0 } }), Initializer::GlorotUniform),
            (json!(null), Initializer::GlorotUniform),
        ] {
            assert_eq!(read(&spelt), expected, "{spelt}");
        }
        for (own, ..) in CLASSES {
            let written = class_and_config(own).map(|(class, config)| json!({ "class_name": class, "config": config }));
            assert_eq!(read(&written.unwrap_or_default()), own);
        }
        assert_eq!([Initializer::Dirac, Initializer::Whitening].map(class_and_config), [None, None]);
    }
}
