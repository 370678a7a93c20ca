//! Which adapter and driver: what a tuned tile is for, and what a checkpoint says it was trained on.

use serde::{Deserialize, Serialize};

use super::Adapter;

/// What makes one adapter another: a new driver may round otherwise, and want other tiles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub name: String,
    pub backend: String,
    pub driver: String,
    pub driver_info: String,
}

impl Identity {
    pub fn of(adapter: &Adapter) -> Self {
        let wgpu::AdapterInfo { name, driver, driver_info, .. } = &adapter.info;
        let backend = adapter.backend().to_owned();
        Self { name: name.trim().to_owned(), backend, driver: driver.clone(), driver_info: driver_info.clone() }
    }

    /// The CPU path's, which has no driver.
    pub fn cpu() -> Self {
        let [name, backend, driver, driver_info] = ["cpu", "cpu", "", ""].map(str::to_owned);
        Self { name, backend, driver, driver_info }
    }
}
