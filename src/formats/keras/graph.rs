//! A model of Keras' as the calls of its layers, in an order in which they can run: a `Sequential`'s, a functional model's,
//! and those of models within the model, in their place.

use std::collections::HashMap;

use serde_json::Value;

use super::message::{Found, place};
use super::settings::Settings;

/// How deep models may be in each other. The JSON's own depth is bounded, too.
const DEEPEST: usize = 20;

/// The longest name of a layer. Each of its arrays is looked up by it.
const LONGEST_NAME: usize = 1000;

/// A layer, and where files have its arrays.
#[derive(Clone)]
pub struct Leaf<'a> {
    pub layer: &'a Value,
    /// The layer of the outermost model that it is or is in, by name: in a `.h5` file, that one's arrays are in one group.
    pub group: &'a str,
    /// In a `.keras` file: `layers/sequential/layers/conv2d_1`.
    pub path: String,
    /// Whether training changes its weights.
    pub trainable: bool,
}

impl<'a> Leaf<'a> {
    pub fn name(&self) -> &'a str {
        Settings(self.layer).name()
    }
}

/// What a layer is called with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Argument {
    /// 0 is the images, n + 1 what call n gives.
    Value(usize),
    Number(f64),
}

/// A layer, and what it is called with.
pub struct Call<'a> {
    pub leaf: Leaf<'a>,
    pub arguments: Vec<Argument>,
}

/// All calls of a model, and which value is its output.
pub struct Graph<'a> {
    pub calls: Vec<Call<'a>>,
    pub output: usize,
}

/// The calls of the model, those of models within it in their place.
pub fn graph(json: &Value) -> Found<Graph<'_>> {
    let mut calls = Vec::new();
    let root = Leaf { layer: json, group: "", path: String::new(), trainable: true };
    let outputs = unfold(&root, &[Argument::Value(0)], DEEPEST, &mut calls)?;
    match outputs.as_slice() {
        [Argument::Value(output)] => Ok(Graph { calls, output: *output }),
        outputs => Err(format!("has {} outputs; only networks with one are supported", outputs.len())),
    }
}

/// Appends the calls of a model's layers; what the model gives.
fn unfold<'a>(
    model: &Leaf<'a>,
    inputs: &[Argument],
    deepest: usize,
    calls: &mut Vec<Call<'a>>,
) -> Found<Vec<Argument>> {
    if deepest == 0 {
        return Err(format!("has models within models, more than {DEEPEST} deep; save the model in Keras without"));
    }
    let mut wires = Wires::of(model, inputs)?;
    let mut counts = HashMap::new();
    for layer in layers(model.layer) {
        let inner = leaf(model, layer, &mut counts)?;
        let arguments = wires.arguments(layer)?;
        let outputs = if is_model(layer) {
            unfold(&Leaf { path: format!("{}/", inner.path), ..inner }, &arguments, deepest - 1, calls)?
        } else {
            calls.push(Call { leaf: inner, arguments });
            vec![Argument::Value(calls.len())]
        };
        wires.connect(layer, outputs);
    }
    wires.outputs()
}

/// A layer of the model, and where files have it. `counts` are of the layers of each kind before it.
fn leaf<'a>(model: &Leaf<'a>, layer: &'a Value, counts: &mut HashMap<&'static str, usize>) -> Found<Leaf<'a>> {
    let count = counts.entry(snake_case(layer)).or_insert(0);
    let number = if *count == 0 { String::new() } else { format!("_{count}") };
    *count += 1;
    let own_name = Settings(layer).name();
    if own_name.len() > LONGEST_NAME {
        let length = own_name.len();
        return Err(format!("{}: its name has {length} bytes; give it one of at most {LONGEST_NAME}", place(layer)));
    }
    Ok(Leaf {
        layer,
        group: if model.group.is_empty() { own_name } else { model.group },
        path: format!("{}layers/{}{number}", model.path, snake_case(layer)),
        trainable: model.trainable && layer["config"]["trainable"] != false,
    })
}

/// What goes from layer to layer within one model.
enum Wires<'a> {
    /// Each layer takes what the one before it gives.
    Sequence(Vec<Argument>),
    Graph {
        /// What each input layer is given, by its name.
        inputs: HashMap<&'a str, Argument>,
        /// What each layer gives, by its name.
        outputs: HashMap<&'a str, Vec<Argument>>,
        model: &'a Value,
    },
}

impl<'a> Wires<'a> {
    fn of(model: &Leaf<'a>, arguments: &[Argument]) -> Found<Self> {
        let json = model.layer;
        if json["class_name"] == "Sequential" {
            return Ok(Wires::Sequence(arguments.to_vec()));
        }
        let mut names = Vec::new();
        ends(&json["config"]["input_layers"], &mut names);
        if names.len() != arguments.len() {
            let (place, names, given) = (place(json), names.len(), arguments.len());
            return Err(match model.group {
                "" => format!("has {names} inputs; only networks with one are supported"),
                _ => {
                    format!("{place}: it has {names} inputs and is called with {given}; save the model in Keras again")
                }
            });
        }
        let inputs = names.iter().map(|(name, _)| *name).zip(arguments.iter().copied()).collect();
        Ok(Wires::Graph { inputs, outputs: HashMap::new(), model: json })
    }

    /// What the layer is called with.
    fn arguments(&self, layer: &'a Value) -> Found<Vec<Argument>> {
        let (inputs, outputs) = match self {
            Wires::Sequence(before) => return Ok(before.clone()),
            Wires::Graph { inputs, outputs, .. } => (inputs, outputs),
        };
        let calls = layer["inbound_nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
        match calls {
            [] => {
                let given = inputs.get(name(layer)).copied();
                let missing = || format!("{}: nothing is its input; save the model in Keras again", place(layer));
                Ok(vec![given.ok_or_else(missing)?])
            }
            [call] => {
                let mut arguments = Vec::new();
                read(call, outputs, &mut arguments).map_err(|problem| format!("{}: {problem}", place(layer)))?;
                Ok(arguments)
            }
            calls => Err(format!(
                "{}: it is used in {} places, which would share its weights; give each a layer of its own in Keras",
                place(layer),
                calls.len()
            )),
        }
    }

    fn connect(&mut self, layer: &'a Value, given: Vec<Argument>) {
        match self {
            Wires::Sequence(before) => *before = given,
            Wires::Graph { outputs, .. } => {
                outputs.insert(name(layer), given);
            }
        }
    }

    /// What the model gives.
    fn outputs(self) -> Found<Vec<Argument>> {
        match self {
            Wires::Sequence(before) => Ok(before),
            Wires::Graph { outputs, model, .. } => {
                let mut names = Vec::new();
                ends(&model["config"]["output_layers"], &mut names);
                names.into_iter().map(|(name, tensor)| find(&outputs, name, tensor)).collect()
            }
        }
    }
}

/// The name that calls in a functional model know the layer by.
fn name(layer: &Value) -> &str {
    layer["name"].as_str().or(layer["config"]["name"].as_str()).unwrap_or_default()
}

fn find(outputs: &HashMap<&str, Vec<Argument>>, name: &str, tensor: usize) -> Found<Argument> {
    let found = outputs.get(name).and_then(|outputs| outputs.get(tensor)).copied();
    found.ok_or_else(|| {
        let name: String = name.chars().take(60).collect();
        format!("takes what no layer before it gives ('{name}', {tensor}); save the model in Keras again")
    })
}

/// The model's inputs or outputs, as names of layers with the number of the tensor: `[name, node, tensor]`, a list of these
/// as Keras 2 has it, or an object.
fn ends<'a>(value: &'a Value, found: &mut Vec<(&'a str, usize)>) {
    match value {
        Value::Array(values) => match values.as_slice() {
            [Value::String(name), _, tensor] => {
                found.push((name, tensor.as_u64().map_or(usize::MAX, |at| at as usize)))
            }
            values => values.iter().for_each(|value| ends(value, found)),
        },
        Value::Object(values) => values.values().for_each(|value| ends(value, found)),
        _ => {}
    }
}

/// Appends what a layer is called with: Keras 2 has `[[name, node, tensor, arguments]]`, Keras 3 `{"args": [{"config":
/// {"keras_history": [name, node, tensor]}}], "kwargs": arguments}`, where lists stand in lists.
fn read(call: &Value, outputs: &HashMap<&str, Vec<Argument>>, arguments: &mut Vec<Argument>) -> Found<()> {
    let tensor = |history: &Value| {
        let number = history[2].as_u64().map_or(usize::MAX, |number| number as usize);
        find(outputs, history[0].as_str().unwrap_or_default(), number)
    };
    let refusal = || Err("it is called with other arguments than tensors; call it without in Keras".to_owned());
    match call {
        Value::Array(calls) if calls.first().is_some_and(|call| call[0].is_string()) => {
            for call in calls {
                if !is_default(&call[3]) {
                    return refusal();
                }
                arguments.push(tensor(call)?);
            }
        }
        Value::Array(calls) => calls.iter().try_for_each(|call| read(call, outputs, arguments))?,
        Value::Number(number) => arguments.push(Argument::Number(number.as_f64().unwrap_or(f64::NAN))),
        Value::Object(call) if call.contains_key("args") => {
            if !is_default(call.get("kwargs").unwrap_or(&Value::Null)) {
                return refusal();
            }
            read(&call["args"], outputs, arguments)?;
        }
        call if call["config"]["keras_history"].is_array() => arguments.push(tensor(&call["config"]["keras_history"])?),
        _ => return refusal(),
    }
    Ok(())
}

/// Whether none of the arguments asks for anything: `training=True`, say.
fn is_default(arguments: &Value) -> bool {
    match arguments {
        Value::Object(arguments) => arguments.values().all(is_default),
        Value::Array(arguments) => arguments.iter().all(is_default),
        argument => argument.is_null() || *argument == false,
    }
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
        Some("DepthwiseConv2D") => "depthwise_conv2d",
        Some("SeparableConv2D") => "separable_conv2d",
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
