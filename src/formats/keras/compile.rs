//! How a Keras model was compiled, as JSON: loss, metrics, and Adam.

use serde_json::{Value, json};

/// Keras' default, for a network that comes without Adam's state.
pub const LEARNING_RATE: f64 = 0.001;

/// The configuration of our Adam: Keras' default, but for the learning rate.
pub fn config(learning_rate: f64) -> Value {
    json!({
        "name": "adam", "learning_rate": learning_rate, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": false
    })
}

/// The learning rate of the optimizer that the JSON spells, if it is the Adam that we have: anything else of it, and the
/// schedules of learning rates, cannot be continued here. The weights are of use without.
pub fn learning_rate(optimizer: &Value) -> Option<f64> {
    if optimizer == "adam" {
        return Some(LEARNING_RATE);
    }
    let class = optimizer["class_name"].as_str()?;
    let config = optimizer["config"].as_object()?;
    let ours = matches!(class, "Adam" | "Custom>Adam") && config.iter().all(|(key, value)| is_ours(key, value));
    let learning_rate = config.get("learning_rate")?.as_f64()?;
    (ours && is_learning_rate(learning_rate)).then_some(learning_rate)
}

/// Whether training could use it.
pub fn is_learning_rate(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

/// Whether an Adam with this setting updates weights as ours does.
fn is_ours(key: &str, value: &Value) -> bool {
    // Keras before 2.11 writes f32 as f64: 0.8999999761581421.
    let is = |expected: f32| value.as_f64().is_some_and(|number| number as f32 == expected);
    match key {
        "beta_1" => is(0.9),
        "beta_2" => is(0.999),
        "epsilon" => is(1e-7),
        "name" | "learning_rate" | "jit_compile" | "is_legacy_optimizer" | "ema_momentum" => true,
        // Weight decay, clipping, moving averages ...: off.
        _ => value.is_null() || value == false || is(0.0),
    }
}

/// How the model was compiled, but for the optimizer. Labels are class numbers.
pub fn compiled() -> Value {
    json!({
        "loss": "sparse_categorical_crossentropy", "loss_weights": null, "metrics": ["accuracy"],
        "weighted_metrics": null
    })
}
