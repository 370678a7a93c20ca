//! Networks as ONNX files. Ours have the model in their metadata, beside the graph, which must be the one that
//! belongs to it; other programs' files are read node by node ([`import`]).

mod fields;
mod import;
mod messages;
mod nodes;
mod own;
mod permuted;
mod shown;
mod stored;

use std::path::Path;

use super::protobuf::{Fields, Message, Value, bytes};
use fields::{entry, graph, model, operators};
use nodes::Graph;
use shown::NOT_WHOLE;

use super::Network;
use super::checkpoint::KEY;
use super::network::About;
use crate::error::{Error, Result};
use crate::precision::Precision;

/// The first that has opset 17.
const IR_VERSION: u64 = 8;
const OPSET: u64 = 17;
const PROGRAM: &str = env!("CARGO_PKG_NAME");

/// The bytes of the file.
///
/// # Errors
/// Where the tensors are not the model's.
pub fn encode(network: &Network, precision: Precision) -> Result<Vec<u8>> {
    let Graph { nodes, weights, constants, input, output } = Graph::of(&network.model, precision)?;
    let tensors = network.weights()?;
    let initializers: Vec<Message> =
        weights.iter().zip(&tensors).map(|(stored, weight)| stored.message(weight, precision)).collect();
    let graph = Message::default()
        .messages(graph::NODE, &nodes)
        .text(graph::NAME, &network.model.name)
        .messages(graph::INITIALIZER, &initializers)
        .messages(graph::INITIALIZER, &constants)
        .message(graph::INPUT, &input)
        .message(graph::OUTPUT, &output);
    let metadata = Message::default().text(entry::KEY, KEY).text(entry::VALUE, &network.about()?);
    let model = Message::default()
        .number(model::IR_VERSION, IR_VERSION)
        .text(model::PRODUCER_NAME, PROGRAM)
        .text(model::PRODUCER_VERSION, env!("CARGO_PKG_VERSION"))
        .message(model::GRAPH, &graph)
        .message(model::OPSET_IMPORT, &operators())
        .message(model::METADATA, &metadata);
    Ok(model.into_bytes())
}

fn operators() -> Message {
    Message::default().text(operators::DOMAIN, "").number(operators::VERSION, OPSET)
}

/// Whether the bytes may be an ONNX file: they begin with the version of its format, as every writer orders them.
pub fn is_onnx(bytes: &[u8]) -> bool {
    matches!(Fields::of(bytes).next(), Some(Some((model::IR_VERSION, Value::Number(1..100)))))
}

/// The network in a file, ours or another program's, which may have weights in other files of its `folder`.
///
/// # Errors
/// [`Error::Data`] naming the file, and the node that cannot be read or is none of [`encode`]'s.
pub fn decode(file: &[u8], name: &str, folder: Option<&Path>) -> Result<Network> {
    let fail = |problem: String| refuse(name, &format!("{problem}; give an ONNX file as 'export' wrote it"));
    let about = match about(file)
        .map_err(|problem| refuse(name, &format!("{problem}; copy it, or export it, again")))?
    {
        Some(about) => about,
        // Cut off where the metadata would begin.
        None if bytes(file, model::PRODUCER_NAME) == Some(PROGRAM.as_bytes()) => return Err(fail(NOT_WHOLE.into())),
        None => return import::decode(file, name, folder).map_err(|problem| refuse(name, &problem)),
    };
    own::check(file, &operators()).map_err(fail)?;
    let about = About::parse(about).map_err(fail)?;
    about.model.check().map_err(|error| Error::Data(format!("{name}: {error}")))?;
    let graph = bytes(file, model::GRAPH).ok_or_else(|| fail(NOT_WHOLE.into()))?;
    let precision = own::precision(graph);
    let weights = own::weights(graph, &Graph::of(&about.model, precision)?, precision).map_err(fail)?;
    Ok(Network::of(about, weights))
}

/// The most letters of a message: names in a file may have any length.
const LONGEST_MESSAGE: usize = 500;

/// The error of the file `name`, in one line whatever is in the file.
fn refuse(name: &str, problem: &str) -> Error {
    let letters = problem.chars().take(LONGEST_MESSAGE);
    let line: String = letters.map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    Error::Data(format!("{name}: {line}"))
}

/// What a file of ours says of its network, as JSON; none in other programs' files.
fn about(file: &[u8]) -> std::result::Result<Option<&[u8]>, &'static str> {
    let mut about = None;
    for field in Fields::of(file) {
        match field.ok_or(NOT_WHOLE)? {
            (model::METADATA, Value::Bytes(pair)) if bytes(pair, entry::KEY) == Some(KEY.as_bytes()) => {
                about = Some(bytes(pair, entry::VALUE).unwrap_or_default());
            }
            _ => {}
        }
    }
    Ok(about)
}
