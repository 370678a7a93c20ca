//! How a Keras model was compiled, as JSON: loss, metrics, and Adam.

use serde_json::{Value, json};

use crate::formats::Network;
use crate::optimizers::{Adam, Optimizer};

/// Keras' default, for a network that comes without an optimizer's state.
const LEARNING_RATE: f64 = 0.001;

/// The class and the configuration of the optimizer that trains the network on; of a new Adam where nothing is known.
pub fn optimizer(network: &Network) -> (&'static str, Value) {
    let (optimizer, learning_rate) = match &network.optimizer {
        Some(state) => (state.optimizer.clone(), state.learning_rate),
        None => (Optimizer::default(), LEARNING_RATE),
    };
    match optimizer {
        Optimizer::Adam(Adam { beta_1, beta_2, epsilon }) => {
            let config = json!({
                "name": "adam", "learning_rate": learning_rate, "beta_1": beta_1, "beta_2": beta_2, "epsilon": epsilon,
                "amsgrad": false
            });
            ("Adam", config)
        }
    }
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
    let is = |expected: f64| value.as_f64().is_some_and(|number| number as f32 == expected as f32);
    let Adam { beta_1, beta_2, epsilon } = Adam::default();
    match key {
        "beta_1" => is(beta_1),
        "beta_2" => is(beta_2),
        "epsilon" => is(epsilon),
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
