//! Keras 3's `.keras` file: a zip archive with `config.json`, the layers and how they are compiled, and
//! `model.weights.h5`, the weights and the optimizer's state, so that `fit` goes on where training here stopped.
//!
//! <https://github.com/keras-team/keras/blob/master/keras/src/saving/saving_lib.py>

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{Cursor, Read, Write};

use serde_json::json;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use super::compile::{self, state_name};
use super::config::Dialect;
use super::contents::Array;
use super::hdf5_reader::{LARGEST, Reader};
use super::hdf5_writer::{Group, Values};
use super::message::{Found, refuse};
use super::network::network;
use super::optimizer::{StatePaths, in_order};
use super::variables::{Variable, variables};
use super::walk::{LONGEST_JSON, contents, parse};
use super::written::layers;
use crate::error::{Error, Result};
use crate::formats::network::plain;
use crate::formats::{Network, OptimizerState};
use crate::optimizers::Optimizer;
use crate::precision::Precision;

const METADATA: &str = "metadata.json";
const CONFIG: &str = "config.json";
const WEIGHTS: &str = "model.weights.h5";

/// The Keras whose files these are like.
const KERAS_VERSION: &str = "3.0.0";

/// The bytes of the file. Without an optimizer's state, Keras warns that `fit` begins with a new one, as it does for its own
/// models that never trained.
///
/// # Errors
/// [`Error::Failed`] where the tensors are not the model's.
pub fn encode(network: &Network, precision: Precision) -> Result<Vec<u8>> {
    let name = plain(&network.model.name);
    let layers = layers(&network.model)?;
    let (class, optimizer) = compile::optimizer(network);
    let mut config = Dialect::Keras3.model(&name, network.model.input, &layers);
    config["compile_config"] = compile::compiled();
    config["compile_config"]["optimizer"] = Dialect::Keras3.object("keras.optimizers", class, optimizer);
    let mut root = Group::default();
    root.group("vars").text("name", name);
    let variables = variables(&layers);
    for variable in &variables {
        root.group(&variable.group).text("name", &variable.layer);
        root.array(&variable.path(), &variable.shape, Values::weights(variable.values(network)?, precision));
    }
    if let Some(OptimizerState { optimizer, learning_rate, iterations }) = &network.optimizer {
        let group = root.group("optimizer/vars");
        group.text("name", optimizer.rule().name());
        group.array("0", &[], Values::I64(vec![(*iterations).into()]));
        group.array("1", &[], Values::F32(vec![*learning_rate as f32]));
        let trained: Vec<&Variable> = variables.iter().filter(|variable| variable.is_trained).collect();
        for (number, (state, variable)) in in_order(optimizer, trained.len()).into_iter().enumerate() {
            let variable = trained[variable];
            let values = variable.state_values(network, &state)?.to_vec();
            group.array(&(number + 2).to_string(), &variable.shape, Values::F32(values));
        }
    }
    // Without the date that Keras puts beside it: the same network gives the same bytes.
    let metadata = json!({ "keras_version": KERAS_VERSION });
    archive([
        (METADATA, metadata.to_string().into_bytes()),
        (CONFIG, config.to_string().into_bytes()),
        (WEIGHTS, root.encode()?),
    ])
    .map_err(|error| Error::Failed(format!("the zip archive cannot be made: {error}")))
}

fn archive(members: [(&str, Vec<u8>); 3]) -> zip::result::ZipResult<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::DEFAULT);
    for (name, bytes) in members {
        archive.start_file(name, options)?;
        archive.write_all(&bytes)?;
    }
    Ok(archive.finish()?.into_inner())
}

/// The network in the file called `name`.
///
/// # Errors
/// [`Error::Data`] naming the file and, where there is one, the layer or the dataset at fault.
pub fn decode(bytes: &[u8], name: &str) -> Result<Network> {
    read(bytes).map_err(|problem| refuse(name, &problem))
}

fn read(bytes: &[u8]) -> Found<Network> {
    let mut archive =
        ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged("is no whole zip archive", &error))?;
    // A model of our layers has no other files. So a path that leads elsewhere is none of its members either.
    let names: Vec<String> = archive.file_names_raw().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    if let Some(other) = names.iter().find(|name| !is_member(name)) {
        let shown: String = other.chars().take(60).collect();
        return Err(format!("has a member {shown:?}, which is none of a Keras model's; save the model in Keras again"));
    }
    let json = String::from_utf8(member(&mut archive, CONFIG, LONGEST_JSON)?)
        .map_err(|error| damaged("has a 'config.json' that is no text", &error))?;
    let json = parse(&json)?;
    let contents = contents(&json)?;
    let reader = Reader::open(member(&mut archive, WEIGHTS, LARGEST)?)?;
    let paths: Vec<String> = contents.arrays.iter().map(Array::path).collect();
    let arrays = reader.datasets("optimizer/vars");
    let find = |optimizer: &Optimizer, variables| state_paths(optimizer, variables, arrays);
    network(&reader, contents, &paths, &json["compile_config"]["optimizer"], &find)
}

/// Whether a model's archive may have it: Keras' own files, and what archivers add when one is packed again.
fn is_member(name: &str) -> bool {
    let is_folder = name.ends_with('/') && !name.starts_with('/') && !name.contains("..");
    [METADATA, CONFIG, WEIGHTS].contains(&name) || is_folder || name.starts_with("__MACOSX/") || name == ".DS_Store"
}

/// The contents of a member, which is not longer than `most`, however it is packed.
fn member(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str, most: usize) -> Found<Vec<u8>> {
    let broken = |error: &dyn Display| damaged(&format!("has no readable member '{name}'"), error);
    let member = archive.by_name(name).map_err(|error| broken(&error))?;
    let mut bytes = Vec::new();
    member.take(most as u64 + 1).read_to_end(&mut bytes).map_err(|error| broken(&error))?;
    if bytes.len() > most { Err(broken(&format!("it has more than {most} bytes"))) } else { Ok(bytes) }
}

/// Where an optimizer's state is among so many arrays: the steps, the learning rate where it is one of them, and what is
/// kept of the variables. None where these are not the arrays of such an optimizer that has trained.
fn state_paths(optimizer: &Optimizer, variables: usize, arrays: usize) -> Option<StatePaths> {
    let path = |number: usize| format!("optimizer/vars/{number}");
    let listed = in_order(optimizer, variables);
    // Keras 2 keeps an SGD's velocities without a momentum, too.
    let unused = if optimizer.rule().states().is_empty() { variables } else { 0 };
    let before = |count: usize| arrays.checked_sub(count).filter(|before| (1..=2).contains(before));
    let before = before(listed.len()).or_else(|| before(listed.len() + unused))?;
    let mut states: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (number, (state, _)) in listed.iter().enumerate() {
        states.entry(state_name(state)).or_default().push(path(before + number));
    }
    Some(StatePaths { iteration: path(0), learning_rate: (before == 2).then(|| path(1)), states })
}

fn damaged(what: &str, error: &dyn Display) -> String {
    format!("{what} ({error}); save the model in Keras again")
}
