//! The legacy `.h5` file of a whole model, which Keras 2 and 3 write and read: the layers as JSON in the root's
//! attributes, each layer's weights in a group of its own.
//!
//! <https://github.com/keras-team/keras/blob/master/keras/src/legacy/saving/legacy_h5_format.py>

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::compile;
use super::config::Dialect;
use super::contents::{Array, Contents};
use super::hdf5_reader::Reader;
use super::hdf5_writer::{Group, Values};
use super::message::{Found, refuse};
use super::network::network;
use super::optimizer::StatePaths;
use super::variables::{Variable, variables};
use super::walk::{contents, parse};
use super::written::layers;
use crate::error::Result;
use crate::formats::Network;
use crate::formats::network::plain;
use crate::model::{Model, Resolved, in_keras_order, resolve};
use crate::precision::Precision;

/// The Keras whose files these are like.
const KERAS_VERSION: &str = "2.15.0";

/// The group of the layers' groups.
const MODEL_WEIGHTS: &str = "model_weights";

/// The bytes of the file. The optimizer's state is left out, so that `fit` in Keras begins with a new one of the network's
/// learning rate: Keras 3 (3.15.1) builds the optimizer of such a file for none of the model's weights if the file has a state, its
/// own files included, and then `fit` fails.
///
/// # Errors
/// [`Error::Failed`](crate::error::Error::Failed) where the tensors are not the model's.
pub fn encode(network: &Network, precision: Precision) -> Result<Vec<u8>> {
    let name = plain(&network.model.name);
    let layers = layers(&network.model)?;
    let variables = variables(&layers);
    let (class, optimizer) = compile::optimizer(network);
    let mut training = compile::compiled();
    training["optimizer_config"] = Dialect::Keras2.object("keras.optimizers", class, optimizer);
    let mut root = Group::default();
    root.text("keras_version", KERAS_VERSION);
    root.text("backend", "tensorflow");
    root.text("model_config", Dialect::Keras2.model(&name, network.model.input, &layers).to_string());
    root.text("training_config", training.to_string());
    write_weights(root.group(MODEL_WEIGHTS), (network, precision), &layers, &variables)?;
    root.encode()
}

fn write_weights(
    group: &mut Group,
    (network, precision): (&Network, Precision),
    layers: &[Resolved],
    variables: &[Variable],
) -> Result<()> {
    group.text("keras_version", KERAS_VERSION);
    group.text("backend", "tensorflow");
    group.texts("layer_names", layers.iter().map(|layer| layer.name.clone()).collect());
    for layer in layers {
        let group = group.group(&layer.name);
        let own = variables.iter().filter(|variable| variable.layer == layer.name);
        let path = |variable: &Variable| format!("{}/{}:0", variable.layer, variable.part);
        if !layer.inferred.variables.is_empty() {
            group.texts("weight_names", own.clone().map(path).collect());
        }
        for variable in own {
            group.array(&path(variable), &variable.shape, Values::weights(variable.values(network)?, precision));
        }
    }
    Ok(())
}

/// The network in the file called `name`; `model` is whose weights they are where the file has nothing else.
///
/// # Errors
/// [`Error::Data`](crate::error::Error::Data) naming the file and, where there is one, the layer or the dataset at fault.
pub fn decode(bytes: &[u8], name: &str, model: Option<&Model>) -> Result<Network> {
    read(bytes, model).map_err(|problem| refuse(name, &problem))
}

fn read(bytes: &[u8], model: Option<&Model>) -> Found<Network> {
    let reader = Reader::open(bytes.to_vec())?;
    let json = reader.texts("", "model_config")?;
    let [json] = json.as_slice() else { return weights_alone(&reader, model) };
    if reader.texts("", "backend")?.concat().starts_with("theano") {
        return Err("was saved on Theano, whose kernels are the other way round; load and save it on TensorFlow".into());
    }
    let contents = contents(&parse(json)?)?;
    let paths = paths(&reader, &contents.arrays)?;
    // There is none where the model was never compiled.
    let training = reader.texts("", "training_config").unwrap_or_default().concat();
    let training: Value = serde_json::from_str(&training).unwrap_or_default();
    network(&reader, contents, &paths, &training["optimizer_config"], &|_, _| state_paths(&reader))
}

/// The file's paths of the arrays. Keras goes by their order in a group, where those that it trains come first, if need be
/// from one model within to the next; their names say the same wherever no two are alike.
fn paths(reader: &Reader, arrays: &[Array]) -> Found<Vec<String>> {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (number, array) in arrays.iter().enumerate() {
        groups.entry(&array.group).or_default().push(number);
    }
    let mut paths = vec![String::new(); arrays.len()];
    for (name, mut own) in groups {
        own.sort_by_key(|&number| !arrays[number].is_trained);
        let mut found = in_group(reader, &format!("{MODEL_WEIGHTS}/{name}"))?;
        if found.len() != own.len() {
            let (name, found, expected) = (name.chars().take(60).collect::<String>(), found.len(), own.len());
            return Err(format!(
                "has {found} arrays for layer '{name}', not {expected}; save the model in Keras again"
            ));
        }
        if let Some(named) = by_name(&found, own.iter().map(|&number| &arrays[number])) {
            found = named;
        }
        for (number, path) in own.into_iter().zip(found) {
            let names = arrays[number].names;
            // TensorFlow 1 may number them: `kernel_1:0`.
            let is = |name: &str| names.iter().any(|known| name.starts_with(known));
            if !path.rsplit('/').next().is_some_and(is) {
                let path: String = path.chars().take(100).collect();
                let part = names[0];
                return Err(format!("has '{path}' where a {part} is expected; save the model as .keras instead"));
            }
            paths[number] = path;
        }
    }
    Ok(paths)
}

/// The paths of the arrays among `found`, by their last two names; none where those are not one of each.
fn by_name<'a>(found: &[String], arrays: impl Iterator<Item = &'a Array>) -> Option<Vec<String>> {
    let mut named = HashMap::new();
    for path in found {
        let mut names = path.trim_end_matches(":0").rsplit('/');
        let part = names.next()?;
        if named.insert((names.next()?, part), path).is_some() {
            return None;
        }
    }
    let find =
        |array: &'a Array| array.names.iter().find_map(|name| named.remove(&(array.layer.as_str(), *name)).cloned());
    arrays.map(find).collect()
}

/// The paths of a group's arrays.
fn in_group(reader: &Reader, group: &str) -> Found<Vec<String>> {
    let names = reader.texts(group, "weight_names")?;
    Ok(names.iter().map(|name| format!("{group}/{name}")).collect())
}

/// The network of a file that `save_weights` made, by the order of its layers: Keras 2 has them in groups by name, Keras 3 as
/// in a `.keras` file.
fn weights_alone(reader: &Reader, model: Option<&Model>) -> Found<Network> {
    let names = reader.texts("", "layer_names")?;
    if names.is_empty() && !reader.has_group("layers") {
        return Err("has neither a 'model_config' nor weights; save the whole model in Keras, by model.save".into());
    }
    let model = model.ok_or("has weights alone, without their layers; give the `model` that they are of")?.clone();
    let layers = in_keras_order(resolve(&model).map_err(|error| error.to_string())?);
    let contents = Contents { variables: variables(&layers), model, arrays: Vec::new(), left_out: Vec::new() };
    let (paths, found) = if names.is_empty() {
        let groups = reader.groups("layers");
        let found = groups.iter().map(|name| reader.datasets(&format!("layers/{name}/vars"))).sum();
        (contents.variables.iter().map(Variable::path).collect(), found)
    } else {
        let paths = names.iter().map(|name| in_group(reader, name)).collect::<Found<Vec<_>>>()?.concat();
        let found = paths.len();
        (paths, found)
    };
    if found != contents.variables.len() {
        let (name, expected) = (&contents.model.name, contents.variables.len());
        return Err(format!(
            "has {found} arrays of weights, the model '{name}' {expected}; give the `model` that they are of"
        ));
    }
    network(reader, contents, &paths, &Value::Null, &|_, _| None)
}

/// The paths of an optimizer's state, by their names: Keras 3 has `adam/conv2d_kernel_momentum`, Keras from 2.11 on
/// `Adam/m/conv2d/kernel:0`, and older ones `training/Adam/conv2d/kernel/m:0`, first moments before second ones. An SGD's
/// velocity is a `momentum` or an `m`.
fn state_paths(reader: &Reader) -> Option<StatePaths> {
    let mut iteration = None;
    let mut learning_rate = None;
    let mut states: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for name in reader.texts("optimizer_weights", "weight_names").ok()? {
        let path = format!("optimizer_weights/{name}");
        let parts: Vec<&str> = name.trim_end_matches(":0").split('/').collect();
        let state = match (parts.last().copied().unwrap_or_default(), parts.get(1).copied().unwrap_or_default()) {
            ("iteration" | "iter", _) => {
                iteration = Some(path);
                continue;
            }
            ("learning_rate", _) => {
                learning_rate = Some(path);
                continue;
            }
            (_, "m") | ("m" | "momentum", _) => "momentum",
            (_, "v") | ("v", _) => "velocity",
            (_, "average") => "average",
            (last, _) => ["momentum", "velocity", "average"]
                .into_iter()
                .find(|state| last.strip_suffix(state).is_some_and(|before| before.ends_with('_')))?, // Else of another optimizer.
        };
        states.entry(state).or_default().push(path);
    }
    iteration.map(|iteration| StatePaths { iteration, learning_rate, states })
}
