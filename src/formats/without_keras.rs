//! What there is of Keras' formats, and of npz, where they are not compiled: that a file has one of them is seen and said.

use super::Network;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::precision::Precision;

fn not_built<T>(what: &str) -> Result<T> {
    Err(Error::Usage(format!("{what}: built without the feature keras; build with it, or give another format")))
}

pub fn encode_h5(_: &Network, _: Precision) -> Result<Vec<u8>> {
    not_built("Keras' .h5")
}

pub fn decode_h5(_: &[u8], name: &str, _: Option<&Model>) -> Result<Network> {
    not_built(name)
}

pub fn encode_keras(_: &Network, _: Precision) -> Result<Vec<u8>> {
    not_built("Keras' .keras")
}

pub fn decode_keras(_: &[u8], name: &str) -> Result<Network> {
    not_built(name)
}

pub fn encode_npz(_: &Network, _: Precision) -> Result<Vec<u8>> {
    not_built("NumPy's npz")
}
