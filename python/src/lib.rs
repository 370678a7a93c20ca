//! `gpu_fmnist._engine`: the crate's facade as a small module of Python, which the package beside it makes friendly.
//! Whatever computes runs without the interpreter's lock; nothing here writes to standard output.

mod errors;
mod fit;
mod guard;
mod lent;
mod network;
mod proofs;
mod record;
mod search;

use pyo3::prelude::*;

#[pymodule]
mod _engine {
    #[pymodule_export]
    use super::errors::{AdapterError, DeviceError, DivergedError};
    #[pymodule_export]
    use super::network::Network;
    #[pymodule_export]
    use super::proofs::{bench, devices, fashion_mnist, k_folds, nearest, selftest, train_test_split};
    #[pymodule_export]
    use super::search::{Lock, SearchSpace, collect, end_task};

    /// The built-in networks' names.
    #[pymodule_export]
    const BUILT_IN: [&str; gpu_fmnist::model::NAMES.len()] = gpu_fmnist::model::NAMES;

    /// What Fashion-MNIST's classes are called.
    #[pymodule_export]
    const FASHION_MNIST: [&str; 10] = gpu_fmnist::data::FASHION_MNIST;

    /// The version of package and crate.
    #[pymodule_export]
    #[allow(non_upper_case_globals)]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
