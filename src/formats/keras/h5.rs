//! The legacy `.h5` file of a whole model, which Keras 2 and 3 write and read: the layers as JSON in the root's
//! attributes, each layer's weights in a group of its own.
//!
//! <https://github.com/keras-team/keras/blob/master/keras/src/legacy/saving/legacy_h5_format.py>

use serde_json::Value;

use super::compile::{self, LEARNING_RATE};
use super::config::Dialect;
use super::hdf5_reader::Reader;
use super::hdf5_writer::{Array, Group};
use super::layers;
use super::message::{Found, refuse};
use super::network::{AdamPaths, Paths, network};
use super::variables::{Variable, variables};
use crate::error::Result;
use crate::formats::Network;
use crate::model::{Resolved, resolve};

/// The Keras whose files these are like.
const KERAS_VERSION: &str = "2.15.0";

/// The bytes of the file. Adam's state is left out, so that `fit` in Keras begins with a new Adam of the network's learning
/// rate: Keras 3 (3.15.1) builds the optimizer of such a file for none of the model's weights if the file has a state, its
/// own files included, and then `fit` fails.
///
/// # Errors
/// [`Error::Failed`](crate::error::Error::Failed) where the tensors are not the model's.
pub fn encode(network: &Network) -> Result<Vec<u8>> {
    let name = layers::plain(&network.model.name);
    let layers = resolve(&network.model)?;
    let variables = variables(&layers);
    let learning_rate = network.adam.map_or(LEARNING_RATE, |adam| adam.learning_rate);
    let adam = Dialect::Keras2.object("keras.optimizers", "Adam", compile::config(learning_rate));
    let mut training = compile::compiled();
    training["optimizer_config"] = adam;
    let mut root = Group::default();
    root.text("keras_version", KERAS_VERSION);
    root.text("backend", "tensorflow");
    root.text("model_config", Dialect::Keras2.sequential(&name, &network.model, &layers).to_string());
    root.text("training_config", training.to_string());
    write_weights(root.group("model_weights"), network, &layers, &variables)?;
    root.encode()
}

fn write_weights(group: &mut Group, network: &Network, layers: &[Resolved], variables: &[Variable]) -> Result<()> {
    group.text("keras_version", KERAS_VERSION);
    group.text("backend", "tensorflow");
    group.texts("layer_names", layers.iter().map(|layer| layer.name.clone()).collect());
    for layer in layers {
        let group = group.group(&layer.name);
        let own = variables.iter().filter(|variable| variable.layer == layer.name);
        let path = |variable: &Variable| format!("{}/{}:0", variable.layer, variable.part);
        if layer.weights.is_some() {
            group.texts("weight_names", own.clone().map(path).collect());
        }
        for variable in own {
            group.array(&path(variable), &variable.shape, Array::F32(variable.values(network, "")?.to_vec()));
        }
    }
    Ok(())
}

/// The network in the file called `name`. The layers' weights are found as Keras finds them: by their order.
///
/// # Errors
/// [`Error::Data`](crate::error::Error::Data) naming the file and, where there is one, the layer or the dataset at fault.
pub fn decode(bytes: &[u8], name: &str) -> Result<Network> {
    read(bytes).map_err(|problem| refuse(name, &problem))
}

fn read(bytes: &[u8]) -> Found<Network> {
    let reader = Reader::open(bytes)?;
    let json = reader.texts("", "model_config")?;
    let [json] = json.as_slice() else {
        return Err("has no 'model_config', only weights perhaps; save the whole model in Keras, by model.save".into());
    };
    let model = layers::model(&layers::parse(json)?)?;
    // There is none where the model was never compiled.
    let training: Value = serde_json::from_str(&reader.texts("", "training_config")?.concat()).unwrap_or_default();
    network(&reader, model, &training["optimizer_config"], |_| {
        Ok(Paths { weights: weights(&reader)?, adam: adam(&reader)? })
    })
}

/// The paths of all weights, in the order of the layers.
fn weights(reader: &Reader) -> Found<Vec<String>> {
    let mut paths = Vec::new();
    for layer in reader.texts("model_weights", "layer_names")? {
        let group = format!("model_weights/{layer}");
        paths.extend(reader.texts(&group, "weight_names")?.iter().map(|path| format!("{group}/{path}")));
    }
    Ok(paths)
}

/// The paths of Adam's state, by their names: Keras 3 has `adam/conv2d_kernel_momentum`, Keras from 2.11 on
/// `Adam/m/conv2d/kernel:0`, and older ones `training/Adam/conv2d/kernel/m:0`, first moments before second ones.
fn adam(reader: &Reader) -> Found<Option<AdamPaths>> {
    let mut iteration = None;
    let mut learning_rate = None;
    let mut moments = [Vec::new(), Vec::new()];
    if !reader.has_group("optimizer_weights") {
        return Ok(None);
    }
    for name in reader.texts("optimizer_weights", "weight_names")? {
        let path = format!("optimizer_weights/{name}");
        let parts: Vec<&str> = name.trim_end_matches(":0").split('/').collect();
        match (parts.last().copied().unwrap_or_default(), parts.get(1).copied().unwrap_or_default()) {
            ("iteration" | "iter", _) => iteration = Some(path),
            ("learning_rate", _) => learning_rate = Some(path),
            (_, "m") | ("m", _) => moments[0].push(path),
            (_, "v") | ("v", _) => moments[1].push(path),
            (last, _) if last.ends_with("_momentum") => moments[0].push(path),
            (last, _) if last.ends_with("_velocity") => moments[1].push(path),
            // Of another optimizer.
            _ => return Ok(None),
        }
    }
    Ok(iteration.map(|iteration| AdamPaths { iteration, learning_rate, moments }))
}
