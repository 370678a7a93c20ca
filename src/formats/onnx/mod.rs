//! Networks as ONNX files. What is read back is only what was written here: the model and its weights are in the file
//! beside the graph, which must be the one that belongs to them.

mod fields;
mod nodes;
mod protobuf;

use fields::{FLOAT, entry, graph, model, node, operators, tensor};
use nodes::{Graph, channels_first, channels_last};
use protobuf::{Fields, Message, Value, bytes};

use super::checkpoint::{KEY, floats};
use super::network::About;
use super::{Network, Tensor};
use crate::error::{Error, Result};

/// The first that has opset 17.
const IR_VERSION: u64 = 8;
const OPSET: u64 = 17;

/// The bytes of the file.
///
/// # Errors
/// Where the tensors are not the model's.
pub fn encode(network: &Network) -> Result<Vec<u8>> {
    let Graph { nodes, input, output } = Graph::of(&network.model)?;
    let weights: Vec<Message> = network.weights()?.into_iter().map(initializer).collect();
    let graph = Message::default()
        .messages(graph::NODE, &nodes)
        .text(graph::NAME, &network.model.name)
        .messages(graph::INITIALIZER, &weights)
        .message(graph::INPUT, &input)
        .message(graph::OUTPUT, &output);
    let metadata = Message::default().text(entry::KEY, KEY).text(entry::VALUE, &network.about()?);
    let model = Message::default()
        .number(model::IR_VERSION, IR_VERSION)
        .text(model::PRODUCER_NAME, env!("CARGO_PKG_NAME"))
        .text(model::PRODUCER_VERSION, env!("CARGO_PKG_VERSION"))
        .message(model::GRAPH, &graph)
        .message(model::OPSET_IMPORT, &operators())
        .message(model::METADATA, &metadata);
    Ok(model.into_bytes())
}

fn operators() -> Message {
    Message::default().text(operators::DOMAIN, "").number(operators::VERSION, OPSET)
}

fn initializer(weight: Tensor) -> Message {
    let Tensor { name, shape, values } = channels_first(weight);
    let dimensions = shape.iter().fold(Message::default(), |all, &size| all.number(tensor::DIMENSION, size as u64));
    let values: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    dimensions.number(tensor::DATA_TYPE, FLOAT).text(tensor::NAME, &name).bytes(tensor::RAW_DATA, &values)
}

/// Whether the bytes may be an ONNX file: they begin with the version of its format, as every writer orders them.
pub fn is_onnx(bytes: &[u8]) -> bool {
    matches!(Fields::of(bytes).next(), Some(Some((model::IR_VERSION, Value::Number(1..100)))))
}

/// The network in a file that [`encode`] wrote.
///
/// # Errors
/// [`Error::Data`] naming the file, and the first node that is none of [`encode`]'s.
pub fn decode(file: &[u8], name: &str) -> Result<Network> {
    let fail = |problem: String| Error::Data(format!("{name}: {problem}; give an ONNX file that 'export' wrote"));
    let (about, graph) = parts(file).map_err(fail)?;
    about.model.check().map_err(|error| Error::Data(format!("{name}: {error}")))?;
    let weights = weights(graph, &Graph::of(&about.model)?).map_err(fail)?;
    Ok(Network::of(about, weights))
}

const NOT_WHOLE: &str = "not a whole ONNX file";

/// What the file says of its network, and its graph.
fn parts(file: &[u8]) -> std::result::Result<(About, &[u8]), String> {
    let mut about = None;
    let mut operators_fit = false;
    for field in Fields::of(file) {
        match field.ok_or(NOT_WHOLE)? {
            (model::IR_VERSION | model::PRODUCER_NAME | model::PRODUCER_VERSION | model::GRAPH, _) => {}
            (model::OPSET_IMPORT, Value::Bytes(set)) => operators_fit = set == operators().as_bytes(),
            (model::METADATA, Value::Bytes(pair)) if bytes(pair, entry::KEY) == Some(KEY.as_bytes()) => {
                about = bytes(pair, entry::VALUE);
            }
            (model::METADATA, _) => {}
            (number, _) => return Err(format!("its model has a field {number}, which 'export' does not write")),
        }
    }
    let graph = bytes(file, model::GRAPH).ok_or(NOT_WHOLE)?;
    let Some(about) = about else {
        let producer = shown(bytes(file, model::PRODUCER_NAME));
        let node = |field: Option<(u64, Value)>| match field {
            Some((graph::NODE, Value::Bytes(node))) => Some(described(node)),
            _ => None,
        };
        let node = Fields::of(graph).find_map(node).unwrap_or_else(|| "none".into());
        return Err(format!("another program's ONNX file (producer {producer}, first node {node})"));
    };
    match operators_fit {
        true => Ok((About::parse(about)?, graph)),
        false => Err(format!("its operators are not those of opset {OPSET}")),
    }
}

/// The weights of a graph that is otherwise the `expected` one.
fn weights(graph: &[u8], expected: &Graph) -> std::result::Result<Vec<Tensor>, String> {
    let mut weights = Vec::new();
    let mut nodes = expected.nodes.iter().map(Message::as_bytes);
    for field in Fields::of(graph) {
        match field.ok_or(NOT_WHOLE)? {
            (graph::NODE, Value::Bytes(node)) if nodes.next() == Some(node) => {}
            (graph::NODE, Value::Bytes(node)) => {
                return Err(format!("its node {} is none of the model's layers", described(node)));
            }
            (graph::INITIALIZER, Value::Bytes(initializer)) if weights.len() < 2 * expected.nodes.len() => {
                weights.push(weight(initializer)?);
            }
            (graph::INPUT, Value::Bytes(input)) if input == expected.input.as_bytes() => {}
            (graph::OUTPUT, Value::Bytes(output)) if output == expected.output.as_bytes() => {}
            (graph::NAME, _) => {}
            (number, _) => return Err(format!("its graph has a field {number} that is none of the model's")),
        }
    }
    match nodes.next() {
        None => Ok(weights),
        Some(node) => Err(format!("its graph has no node {}", described(node))),
    }
}

/// What [`initializer`] made of a weight.
fn weight(message: &[u8]) -> std::result::Result<Tensor, String> {
    let (mut shape, mut float) = (Vec::new(), false);
    for field in Fields::of(message) {
        match field.ok_or(NOT_WHOLE)? {
            (tensor::DIMENSION, Value::Number(size)) if shape.len() < 4 => {
                shape.push(usize::try_from(size).map_err(|_| NOT_WHOLE)?);
            }
            (tensor::DATA_TYPE, Value::Number(kind)) => float = kind == FLOAT,
            (tensor::NAME | tensor::RAW_DATA, _) => {}
            (number, _) => return Err(format!("a tensor has a field {number}, which 'export' does not write")),
        }
    }
    let name = String::from_utf8_lossy(bytes(message, tensor::NAME).unwrap_or_default()).into_owned();
    let raw = bytes(message, tensor::RAW_DATA).unwrap_or_default();
    let size = shape.iter().try_fold(size_of::<f32>(), |product, &size| product.checked_mul(size));
    if !float || size != Some(raw.len()) {
        return Err(format!("tensor {name:?} has not the values in f32 that its shape {shape:?} needs"));
    }
    Ok(channels_last(Tensor { name, shape, values: floats(raw) }))
}

/// A node's operator and name.
fn described(node: &[u8]) -> String {
    format!("{} {}", shown(bytes(node, node::OPERATOR)), shown(bytes(node, node::NAME)))
}

/// A text of a file, no longer than a message can bear.
fn shown(text: Option<&[u8]>) -> String {
    let text = String::from_utf8_lossy(text.unwrap_or_default());
    format!("{:?}", text.chars().take(60).collect::<String>())
}
