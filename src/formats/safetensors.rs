//! Networks as safetensors files: the weights as `LAYER/kernel` and `LAYER/bias` in Keras' shapes, the model in the
//! metadata.

use serde::Deserialize;

use super::checkpoint::{parse, take_averages};
use super::network::About;
use super::{Checkpoint, Network};
use crate::data::fashion_mnist_names;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::plan::VariableKind;
use crate::precision::Precision;

/// The longest header that is read: its entries take several times as much memory as their text.
const LONGEST_HEADER: u64 = 1 << 24;

/// The state that a run's checkpoint has in its metadata, as far as it tells of the network.
#[derive(Deserialize)]
struct RunState {
    config: RunConfig,
    data: Vec<String>,
    #[serde(default)]
    class_names: Vec<String>,
}

#[derive(Deserialize)]
struct RunConfig {
    model: Model,
    /// Whether the averages of the weights are what is evaluated and exported.
    #[serde(default)]
    average: bool,
}

/// The bytes of the file.
///
/// # Errors
/// [`Error::Failed`] for more tensors than the format's header can list.
pub fn encode(network: &Network, precision: Precision) -> Result<Vec<u8>> {
    Checkpoint { about: network.about()?, tensors: network.weights()? }.encode_in(precision)
}

/// Whether the bytes look like such a file: the length of a header in JSON, then the header.
pub fn is_safetensors(bytes: &[u8]) -> bool {
    header_length(bytes).is_some_and(|length| length < bytes.len() as u64) && bytes.get(8) == Some(&b'{')
}

fn header_length(bytes: &[u8]) -> Option<u64> {
    bytes.first_chunk().map(|length| u64::from_le_bytes(*length))
}

/// The network in the file, which may also be a run's checkpoint, or another program's with such names: that says
/// nothing of its model, and is taken to be `model`'s.
///
/// # Errors
/// [`Error::Data`] naming the file and what is wrong with it.
pub fn decode(bytes: &[u8], name: &str, model: Option<&Model>) -> Result<Network> {
    let fail = |problem: String, remedy: &str| Error::Data(format!("{name}: {problem}; {remedy}"));
    let anew = "give a file that 'export' or 'train' wrote";
    if header_length(bytes).is_some_and(|length| length > LONGEST_HEADER) {
        return Err(fail(format!("its header is longer than {LONGEST_HEADER} bytes"), anew));
    }
    let (about, mut tensors) = parse(bytes).map_err(|problem| fail(problem, anew))?;
    let Some(text) = about else {
        let alone = "says nothing of the layers that its tensors are of";
        let remedy = "give the `model` that they are of";
        let model = model.ok_or_else(|| fail(alone.into(), remedy))?.clone();
        return Ok(Network::of(About { model, class_names: Vec::new() }, tensors));
    };
    if let Ok(RunState { config: RunConfig { model, average }, data, mut class_names }) = serde_json::from_str(&text) {
        if average {
            take_averages(&mut tensors);
        }
        // Beside the weights a run keeps its optimizer's states of them, and the weights of another epoch.
        tensors
            .retain(|tensor| VariableKind::ALL.iter().any(|kind| tensor.name.ends_with(&format!(".{}", kind.name()))));
        if class_names.is_empty() {
            class_names = fashion_mnist_names(&data, model.classes());
        }
        return Ok(Network { model, tensors, optimizer: None, class_names, left_out: Vec::new() });
    }
    let about = About::parse(text.as_bytes()).map_err(|problem| fail(problem, anew))?;
    Ok(Network::of(about, tensors))
}
