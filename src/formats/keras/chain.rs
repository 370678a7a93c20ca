//! The layers of a model in their order: a `Sequential`'s, or a functional model's where it is a plain chain; models within
//! the model are such layers, too.

use std::collections::HashMap;

use serde_json::Value;

use super::message::{Found, place};

/// How deep models may be in each other. The JSON's own depth is bounded, too.
const DEEPEST: usize = 20;

/// The longest name of a layer. Each of its arrays is looked up by it.
const LONGEST_NAME: usize = 1000;

/// A layer, and where files have its arrays.
pub struct Leaf<'a> {
    pub layer: &'a Value,
    /// The layer of the outermost model that it is or is in, by name: in a `.h5` file, that one's arrays are in one group.
    pub group: &'a str,
    /// In a `.keras` file: `layers/sequential/layers/conv2d_1`.
    pub path: String,
    /// Whether training changes its weights.
    pub trainable: bool,
}

/// All layers of the model, those of models within it in their place.
pub fn leaves(json: &Value) -> Found<Vec<Leaf<'_>>> {
    let mut leaves = Vec::new();
    let root = Leaf { layer: json, group: "", path: String::new(), trainable: true };
    unfold(&root, DEEPEST, &mut leaves)?;
    Ok(leaves)
}

/// Appends the layers of a model.
fn unfold<'a>(model: &Leaf<'a>, deepest: usize, leaves: &mut Vec<Leaf<'a>>) -> Found<()> {
    let layers = layers(model.layer);
    if deepest == 0 {
        return Err(format!("has models within models, more than {DEEPEST} deep; save the model in Keras without"));
    }
    match model.layer["class_name"].as_str() {
        Some("Sequential") => {}
        _ => check(&model.layer["config"], layers)?,
    }
    let mut counts = HashMap::new();
    for layer in layers {
        let count = counts.entry(snake_case(layer)).or_insert(0);
        let number = if *count == 0 { String::new() } else { format!("_{count}") };
        *count += 1;
        let own_name = layer["config"]["name"].as_str().unwrap_or_default();
        if own_name.len() > LONGEST_NAME {
            let length = own_name.len();
            return Err(format!(
                "{}: its name has {length} bytes; give it one of at most {LONGEST_NAME}",
                place(layer)
            ));
        }
        let inner = Leaf {
            layer,
            group: if model.group.is_empty() { own_name } else { model.group },
            path: format!("{}layers/{}{number}", model.path, snake_case(layer)),
            trainable: model.trainable && layer["config"]["trainable"] != false,
        };
        if is_model(layer) {
            unfold(&Leaf { path: format!("{}/", inner.path), ..inner }, deepest - 1, leaves)?;
        } else {
            leaves.push(inner);
        }
    }
    Ok(())
}

pub fn is_model(layer: &Value) -> bool {
    matches!(layer["class_name"].as_str(), Some("Sequential" | "Functional" | "Model"))
}

/// The model's layers. Keras before 2.2.3 has a `Sequential`'s as its whole configuration.
pub fn layers(model: &Value) -> &[Value] {
    let config = &model["config"];
    config.as_array().or(config["layers"].as_array()).map(Vec::as_slice).unwrap_or_default()
}

/// What Keras 3 calls the arrays of such a layer: its class, of those that have arrays or layers.
fn snake_case(layer: &Value) -> &'static str {
    match layer["class_name"].as_str() {
        Some("Conv2D") => "conv2d",
        Some("Dense") => "dense",
        Some("BatchNormalization") => "batch_normalization",
        Some("Sequential") => "sequential",
        Some("Functional" | "Model") => "functional",
        _ => "",
    }
}

/// The shape of the model's input, `[batch, ...]`, wherever the file has it; null where it does not.
pub fn input_shape(model: &Value) -> &Value {
    let first = layers(model).first().unwrap_or(&Value::Null);
    let own = &first["config"];
    let within = if is_model(first) { input_shape(first) } else { &Value::Null };
    let places = [
        &own["batch_shape"],
        &own["batch_input_shape"],
        within,
        &model["config"]["build_input_shape"],
        &first["build_config"]["input_shape"],
    ];
    places.into_iter().find(|shape| !shape.is_null()).unwrap_or(&Value::Null)
}

/// Refuses a graph in which a layer has another input than the layer before it, or whose output is not the last layer's.
fn check(config: &Value, layers: &[Value]) -> Found<()> {
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
