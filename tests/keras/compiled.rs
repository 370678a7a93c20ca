//! How Keras compiled a model: which optimizers go on here, and that no other stops a network.

use gpu_fmnist::formats::{Network, keras_zip};
use gpu_fmnist::optimizers::{Adam, AdamW, Algorithm, Optimizer};
use serde_json::{Value, json};

use super::refusals::{archive, edited, members};
use super::support::folder;

/// `keras3.keras` with another class and other settings of its optimizer.
fn compiled_by(class: &str, settings: &Value) -> Network {
    let bytes = edited("keras3.keras", &|json| {
        let optimizer = &mut json["compile_config"]["optimizer"];
        optimizer["class_name"] = class.into();
        for (key, value) in settings.as_object().unwrap() {
            optimizer["config"][key] = value.clone();
        }
    });
    keras_zip::decode(&bytes, "my.keras").unwrap()
}

#[test]
fn optimizers_that_cannot_go_on_are_left_out() {
    for (class, settings) in [
        ("Lion", json!({})),
        ("adam", json!({})),
        // Whose arrays are fewer.
        ("SGD", json!({"beta_1": null, "beta_2": null, "epsilon": null, "momentum": 0.9})),
        ("SGD", json!({"momentum": 0.9})),
        ("Adam", json!({"momentum": 0.9})),
        ("Adam", json!({"amsgrad": true})),
        ("Adam", json!({"beta_1": 1.0})),
        ("Adam", json!({"beta_1": "0.9"})),
        ("Adam", json!({"beta_2": null})),
        ("Adam", json!({"epsilon": 0.0})),
        ("Adam", json!({"epsilon": 1e300})),
        ("Adam", json!({"weight_decay": -0.1})),
        ("Adam", json!({"clipnorm": 1.0})),
        ("Adam", json!({"clipvalue": 1.0})),
        ("Adam", json!({"loss_scale_factor": 2.0})),
        ("Adam", json!({"gradient_accumulation_steps": 2})),
        // Averages that the file does not have; then none that are worth keeping.
        ("Adam", json!({"use_ema": true, "ema_momentum": 0.9})),
        ("Adam", json!({"use_ema": true, "ema_momentum": 0.0})),
        ("Adam", json!({"learning_rate": {"class_name": "CosineDecay"}})),
    ] {
        let network = compiled_by(class, &settings);
        assert_eq!((network.optimizer, network.tensors.len()), (None, 6), "{class} {settings}");
        assert_eq!(network.left_out, [format!("the optimizer's state ({class})")]);
    }
}

#[test]
fn settings_of_optimizers_are_read() {
    let adam = Adam::default();
    let decayed = Adam { weight_decay: 0.01, ..adam };
    let clipped = Optimizer { global_clipnorm: 1.5, ..Optimizer::default() };
    let adamw = AdamW { beta_1: 0.8, weight_decay: 0.5, ..AdamW::default() };
    // As Keras before 2.11 writes numbers.
    let singles = json!({"beta_1": 0.800_000_011_920_929, "epsilon": f64::from(1e-5_f32)});
    for (class, settings, expected) in [
        ("Adam", json!({"beta_1": 0.0}), Algorithm::Adam(Adam { beta_1: 0.0, ..adam }).into()),
        ("Custom>Adam", singles, Algorithm::Adam(Adam { beta_1: 0.8, epsilon: 1e-5, ..adam }).into()),
        ("Adam", json!({"weight_decay": 0.01, "clipnorm": null}), Algorithm::Adam(decayed).into()),
        ("Adam", json!({"global_clipnorm": 1.5, "ema_overwrite_frequency": 100}), clipped),
        ("AdamW", json!({"beta_1": 0.8, "weight_decay": 0.5}), Algorithm::AdamW(adamw).into()),
        ("AdamW", json!({"weight_decay": 0.004}), Algorithm::AdamW(AdamW::default()).into()),
    ] {
        let network = compiled_by(class, &settings);
        assert_eq!(network.optimizer.map(|state| state.optimizer), Some(expected), "{class} {settings}");
        assert_eq!(network.tensors.len(), 18);
    }
}

/// However the model was compiled, and whatever became of the optimizer's state.
#[test]
fn no_optimizer_stops_a_network() {
    let whole = keras_zip::decode(&edited("keras3.keras", &|_| {}), "a").unwrap();
    for compiled in [
        json!(null),
        json!("mine"),
        json!({"optimizer": "adam", "loss": {"class_name": "mine>loss"}, "metrics": [[{"a": null}]]}),
        json!({"optimizer": {"class_name": "LossScaleOptimizer", "config": {"inner_optimizer": []}}}),
        json!({"optimizer": {"class_name": "Adam", "config": null}}),
        json!({"optimizer": {"class_name": "Adam", "config": {"learning_rate": -1.0}}}),
        json!({"optimizer": [1, 2]}),
    ] {
        let bytes = edited("keras3.keras", &|json| json["compile_config"] = compiled.clone());
        let network = keras_zip::decode(&bytes, "a").unwrap();
        assert!(network.tensors[..6] == whole.tensors[..6], "{compiled}");
        let said = !compiled["optimizer"].is_null() && network.optimizer.is_none();
        assert_eq!(network.left_out.iter().any(|what| what.starts_with("the optimizer's state (")), said, "{compiled}");
    }
    // Its arrays, each of another type, size, or not there.
    let mut weights = members(&std::fs::read(folder().join("keras3.keras")).unwrap());
    let h5 = weights[2].1.clone();
    let name = b"optimizer\0";
    let places: Vec<usize> = (0..h5.len() - name.len()).filter(|&at| h5[at..at + name.len()] == *name).collect();
    assert!(!places.is_empty());
    for place in places {
        weights[2].1[place] = b'O';
    }
    let network = keras_zip::decode(&archive(&weights), "a").unwrap();
    assert_eq!((network.optimizer, network.tensors.len()), (None, 6));
}
