//! Functional models: taken where they are a plain chain of layers, as a `Sequential` is.

use serde_json::Value;

use super::message::{Found, place};

/// Refuses a graph in which a layer has another input than the layer before it, or whose output is not the last layer's.
pub fn check(config: &Value, layers: &[Value]) -> Found<()> {
    let mut before = Vec::new();
    for layer in layers {
        if inputs(layer).as_ref() != Some(&before) {
            return Err(format!(
                "{}: its input is not just the layer before it; only plain chains of layers are supported",
                place(layer)
            ));
        }
        before = vec![layer["name"].as_str().unwrap_or_default()];
    }
    // Keras 2 lists the outputs, each as [name, node, tensor]; Keras 3 gives a single one without a list.
    let outputs = config["output_layers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let outputs: Vec<&str> = match outputs {
        [Value::String(output), ..] => vec![output],
        _ => outputs.iter().map(|output| output[0].as_str().unwrap_or_default()).collect(),
    };
    if outputs != before {
        return Err("its output is not just its last layer's; only plain chains of layers are supported".into());
    }
    Ok(())
}

/// The names of the layers whose outputs the layer is called with; none where it is called in a way unknown here.
fn inputs(layer: &Value) -> Option<Vec<&str>> {
    let nodes = layer["inbound_nodes"].as_array()?;
    let [node] = nodes.as_slice() else { return nodes.is_empty().then(Vec::new) };
    match node.as_array() {
        // Keras 2: [[name, node, tensor, arguments]]
        Some(calls) => calls.iter().map(|call| default(&call[3]).then(|| call[0].as_str())?).collect(),
        // Keras 3: {"args": [{"config": {"keras_history": [name, node, tensor]}}], "kwargs": arguments}
        None => {
            let calls = node["args"].as_array().filter(|_| default(&node["kwargs"]))?;
            calls.iter().map(|call| call["config"]["keras_history"][0].as_str()).collect()
        }
    }
}

/// Whether none of the arguments asks for anything: `training=True`, say.
fn default(arguments: &Value) -> bool {
    arguments.as_object().is_none_or(|arguments| arguments.values().all(|value| value.is_null() || value == false))
}
