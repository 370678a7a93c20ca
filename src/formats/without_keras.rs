//! What there is of Keras' formats, and of npz, where they are not compiled: that a file has one of them is seen and said.

use super::Network;
use crate::error::{Error, Result};

fn not_built<T>(format: &str) -> Result<T> {
    Err(Error::Usage(format!("{format}: built without the feature keras; build with it, or give another format")))
}

pub mod keras_h5 {
    use super::*;
    use crate::model::Model;

    pub fn encode(_: &Network) -> Result<Vec<u8>> {
        not_built("Keras' .h5")
    }

    pub fn decode(_: &[u8], name: &str, _: Option<&Model>) -> Result<Network> {
        not_built(name)
    }
}

pub mod keras_zip {
    use super::*;

    pub fn encode(_: &Network) -> Result<Vec<u8>> {
        not_built("Keras' .keras")
    }

    pub fn decode(_: &[u8], name: &str) -> Result<Network> {
        not_built(name)
    }
}

pub mod npz {
    use super::*;

    pub fn encode(_: &Network) -> Result<Vec<u8>> {
        not_built("NumPy's npz")
    }
}
