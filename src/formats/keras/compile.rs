//! How a Keras model was compiled, as JSON: loss, metrics, and the optimizer.

use serde_json::{Map, Value, json};

use crate::formats::Network;
use crate::optimizers::{Algorithm, Optimizer, State};

/// An optimizer as we spell its type, Keras' class, and Keras' default learning rate. Its own keys are Keras'.
struct Class {
    kind: &'static str,
    name: &'static str,
    learning_rate: f64,
}

const CLASSES: [Class; 3] = [
    Class { kind: "adam", name: "Adam", learning_rate: 0.001 },
    Class { kind: "adamw", name: "AdamW", learning_rate: 0.001 },
    Class { kind: "sgd", name: "SGD", learning_rate: 0.01 },
];

/// What Keras calls the states of its optimizers, by our names.
const STATES: [(&str, &str); 3] =
    [("first_moment", "momentum"), ("second_moment", "velocity"), ("velocity", "momentum")];

/// What Keras calls a state.
pub fn state_name(state: &State) -> &'static str {
    STATES.iter().find(|(own, _)| *own == state.name).map_or(state.name, |(_, name)| name)
}

/// The class and the configuration of the optimizer that trains the network on; of a new Adam where nothing is known.
/// Which variables do not decay has no place in it.
pub fn optimizer(network: &Network) -> (&'static str, Value) {
    let state = network.optimizer.as_ref();
    let optimizer = state.map(|state| state.optimizer.clone()).unwrap_or_default();
    let kind = optimizer.rule().name();
    let class = CLASSES.iter().find(|class| class.kind == kind).unwrap_or(&CLASSES[0]);
    let mut config = keys(&optimizer.algorithm);
    config.remove("type");
    // Of Adam without, Keras says null, which its AdamW does not take.
    if kind != "adamw" && optimizer.rule().weight_decay() == 0.0 {
        config.remove("weight_decay");
    }
    if config.contains_key("beta_2") {
        config.insert("amsgrad".into(), false.into());
    }
    let learning_rate = state.map_or(class.learning_rate, |state| state.learning_rate);
    config.extend([("name".into(), kind.into()), ("learning_rate".into(), learning_rate.into())]);
    if optimizer.clips() {
        config.insert("global_clipnorm".into(), optimizer.global_clipnorm.into());
    }
    if optimizer.averages() {
        config.extend([("use_ema".into(), true.into()), ("ema_momentum".into(), optimizer.ema_momentum.into())]);
    }
    (class.name, config.into())
}

/// An optimizer's type and its own keys.
fn keys(algorithm: &Algorithm) -> Map<String, Value> {
    let value = serde_json::to_value(algorithm).unwrap_or_default();
    value.as_object().cloned().unwrap_or_default()
}

/// The optimizer that the JSON spells and its learning rate, if we have such a one: anything else of it, and the
/// schedules of learning rates, cannot be continued here. The weights are of use without.
pub fn read(optimizer: &Value) -> Option<(Optimizer, f64)> {
    let class = optimizer.as_str().or(optimizer["class_name"].as_str())?.trim_start_matches("Custom>");
    let Class { kind, learning_rate, .. } = CLASSES.iter().find(|one| one.name == class || optimizer == one.kind)?;
    let default: Algorithm = serde_json::from_value(json!({ "type": kind })).ok()?;
    if optimizer.is_string() {
        return Some((default.into(), *learning_rate));
    }
    let config = optimizer["config"].as_object()?;
    let (mut own, default) = (json!({ "type": kind }), keys(&default));
    let uses_averages = config.get("use_ema").is_some_and(|value| value == true);
    for (key, value) in config {
        match key.as_str() {
            "name" | "learning_rate" | "jit_compile" | "is_legacy_optimizer" | "use_ema" => {}
            "ema_momentum" | "ema_overwrite_frequency" if !uses_averages => {}
            "ema_momentum" => own[key] = shortest(value),
            "weight_decay" | "global_clipnorm" if value.is_null() => own[key] = 0.0.into(),
            "global_clipnorm" => own[key] = shortest(value),
            _ if default.contains_key(key) => own[key] = shortest(value),
            // Another way of clipping, a scale of the loss, ...
            _ if is_off(value) => {}
            _ => return None,
        }
    }
    let optimizer: Optimizer = serde_json::from_value(own).ok()?;
    let learning_rate = config.get("learning_rate")?.as_f64()?;
    let ours = optimizer.check().is_ok() && optimizer.averages() == uses_averages && is_learning_rate(learning_rate);
    ours.then_some((optimizer, learning_rate))
}

/// Whether training could use it.
pub fn is_learning_rate(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

fn is_off(value: &Value) -> bool {
    value.is_null() || value == false || value.as_f64() == Some(0.0)
}

/// A number as it was meant: Keras before 2.11 writes f32 as f64, 0.8999999761581421.
fn shortest(value: &Value) -> Value {
    let short = |number: f64| (number as f32).to_string().parse::<f64>().ok();
    match value.as_f64().filter(|number| f64::from(*number as f32) == *number).and_then(short) {
        Some(number) => number.into(),
        None => value.clone(),
    }
}

/// How the model was compiled, but for the optimizer. Labels are class numbers.
pub fn compiled() -> Value {
    json!({
        "loss": "sparse_categorical_crossentropy", "loss_weights": null, "metrics": ["accuracy"],
        "weighted_metrics": null
    })
}
