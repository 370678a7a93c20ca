//! Files that this program wrote: the model is in the metadata, and the graph must be the one that belongs to it.

use super::fields::{data_type, graph, model, tensor};
use super::nodes::Graph;
use super::shown::{Found, NOT_WHOLE, described, shown};
use super::stored::Stored;
use crate::formats::Tensor;
use crate::formats::protobuf::{Fields, Message, Value, bytes};
use crate::precision::Precision;

/// Refuses a file that has more than it was written with; `operators` is the set that it must be of.
pub fn check(file: &[u8], operators: &Message) -> Found<()> {
    let mut operators_fit = false;
    for field in Fields::of(file) {
        match field.ok_or(NOT_WHOLE)? {
            (model::OPSET_IMPORT, Value::Bytes(set)) => operators_fit = set == operators.as_bytes(),
            (
                model::IR_VERSION | model::PRODUCER_NAME | model::PRODUCER_VERSION | model::GRAPH | model::METADATA,
                _,
            ) => {}
            (number, _) => return Err(format!("its model has a field {number}, which 'export' does not write")),
        }
    }
    if operators_fit { Ok(()) } else { Err("its operators are not of the opset that 'export' writes".into()) }
}

/// The precision of a graph's weights: that of the first one.
pub fn precision(graph: &[u8]) -> Precision {
    let number = |field| match field {
        (tensor::DATA_TYPE, Value::Number(number)) => Some(number),
        _ => None,
    };
    let kind = bytes(graph, graph::INITIALIZER).and_then(|first| Fields::of(first).flatten().find_map(number));
    Precision::ALL.into_iter().find(|&one| Some(data_type(one)) == kind).unwrap_or_default()
}

/// The weights, in that precision, of a graph that is otherwise the `expected` one.
pub fn weights(graph: &[u8], expected: &Graph, precision: Precision) -> Found<Vec<Tensor>> {
    let mut weights = Vec::new();
    let mut nodes = expected.nodes.iter().map(Message::as_bytes);
    for field in Fields::of(graph) {
        match field.ok_or(NOT_WHOLE)? {
            (graph::NODE, Value::Bytes(node)) if nodes.next() == Some(node) => {}
            (graph::NODE, Value::Bytes(node)) => {
                return Err(format!("its node {} is none of the model's layers", described(node)));
            }
            (graph::INITIALIZER, Value::Bytes(initializer))
                if expected.constants.iter().any(|constant| constant.as_bytes() == initializer) => {}
            (graph::INITIALIZER, Value::Bytes(initializer)) if weights.len() < expected.weights.len() => {
                weights.push(weight(initializer, &expected.weights, precision)?);
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

/// One of the `expected` weights.
fn weight(message: &[u8], expected: &[Stored], precision: Precision) -> Found<Tensor> {
    let (mut shape, mut fits) = (Vec::new(), false);
    for field in Fields::of(message) {
        match field.ok_or(NOT_WHOLE)? {
            (tensor::DIMENSION, Value::Number(size)) if shape.len() < 4 => {
                shape.push(usize::try_from(size).map_err(|_| NOT_WHOLE)?);
            }
            (tensor::DATA_TYPE, Value::Number(kind)) => fits = kind == data_type(precision),
            (tensor::NAME | tensor::RAW_DATA, _) => {}
            (number, _) => return Err(format!("a tensor has a field {number}, which 'export' does not write")),
        }
    }
    let name = bytes(message, tensor::NAME);
    let raw = bytes(message, tensor::RAW_DATA).unwrap_or_default();
    let size = shape.iter().try_fold(precision.bytes(), |product, &size| product.checked_mul(size));
    if !fits || size != Some(raw.len()) {
        return Err(format!(
            "tensor {} has not the values in {} that its shape {shape:?} needs",
            shown(name.unwrap_or_default()),
            precision.name()
        ));
    }
    let stored = expected.iter().find(|stored| Some(stored.initializer(precision).as_bytes()) == name);
    let stored = stored
        .ok_or_else(|| format!("has a tensor {}, which no layer of the model has", shown(name.unwrap_or_default())))?;
    if stored.shape != shape {
        return Err(format!("{} has the shape {shape:?}, the model's has {:?}", stored.name, stored.shape));
    }
    Ok(stored.tensor(precision.decode(raw)))
}
