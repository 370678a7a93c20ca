//! What configurations a run uses: its device profile's, and what `gpu-fmnist tune` found to be faster for some products.

use std::collections::BTreeMap;
use std::ops::Not;

use serde::{Deserialize, Serialize};

use super::{Convolution, DeviceClass, GemmConfig, GemmKind, GemmProblem};
use crate::error::{Error, Result};

/// Which configuration each product gets. A run keeps to one selection from its first step to its last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GemmSelection {
    /// Whose profile decides for every product that is not tuned.
    #[serde(rename = "table")]
    pub device: DeviceClass,
    /// Whether the profile may divide forward products, too. Runs that began before it did go on without.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub split_forward: bool,
    /// By the products' keys.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tuned: BTreeMap<String, GemmConfig>,
}

impl From<DeviceClass> for GemmSelection {
    /// The profile alone.
    fn from(device: DeviceClass) -> Self {
        Self { device, split_forward: device.profile().split_forward.is_some(), tuned: BTreeMap::new() }
    }
}

impl GemmSelection {
    pub fn config(&self, kind: GemmKind, convolution: &Convolution) -> GemmConfig {
        let tuned = self.tuned(&GemmProblem::new(kind, convolution)).copied();
        let split = || match kind {
            GemmKind::Forward if self.split_forward => self.device.profile().split_forward(convolution),
            GemmKind::Forward | GemmKind::WeightGradient | GemmKind::InputGradient => None,
        };
        tuned.or_else(split).unwrap_or_else(|| self.device.config(kind, convolution))
    }

    /// See [`DeviceProfile::uses_col2im`](super::DeviceProfile::uses_col2im): the profile alone decides.
    pub fn uses_col2im(&self, convolution: &Convolution) -> bool {
        self.device.profile().uses_col2im(convolution)
    }

    /// Refuses what no shader can run, since files are not trusted.
    ///
    /// # Errors
    /// [`Error::Data`] naming the product and the rule that its configuration breaks.
    pub fn check(&self, convolution: &Convolution) -> Result<()> {
        let products = GemmKind::ALL.map(|kind| GemmProblem::new(kind, convolution));
        let patches = GemmProblem::new(GemmKind::InputGradient, &convolution.patches());
        for product in products.into_iter().chain([patches]) {
            if let Some(rule) = self.tuned(&product).and_then(|config| product.broken_rule(config)) {
                return Err(Error::Data(format!(
                    "the tile of {product} is impossible: {rule}; give a checkpoint that 'train' wrote"
                )));
            }
        }
        Ok(())
    }

    fn tuned(&self, problem: &GemmProblem) -> Option<&GemmConfig> {
        self.tuned.get(&problem.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::convolutions;
    use super::*;

    #[test]
    fn only_what_is_tuned_differs_from_the_profile() {
        let convolutions = convolutions();
        let (tuned, other) = (convolutions[3], convolutions[4]);
        let mut selection = GemmSelection::from(DeviceClass::Gpu);
        for (kind, rows) in GemmKind::ALL.into_iter().zip([8, 2, 16]) {
            let config = DeviceClass::Gpu.config(GemmKind::Forward, &tuned);
            let config = GemmConfig { rows, partitions: rows, ..config };
            selection.tuned.insert(GemmProblem::new(kind, &tuned).to_string(), config);
        }
        let configs =
            |selection: &GemmSelection, convolution| GemmKind::ALL.map(|kind| selection.config(kind, convolution));
        assert_eq!(configs(&selection, &tuned).map(|config| config.rows), [8, 2, 16]);
        assert_eq!(configs(&selection, &tuned)[1].partitions, 2);
        assert_eq!(configs(&selection, &other), configs(&DeviceClass::Gpu.into(), &other));
        assert_eq!(configs(&selection, &other)[1], DeviceClass::Gpu.config(GemmKind::WeightGradient, &other));
    }

    /// What a checkpoint says of its configurations decides the order of sums.
    #[test]
    fn a_run_from_before_forward_products_were_divided_goes_on_without() {
        let convolution = Convolution::dense(512, 5408, 128);
        let whole = DeviceClass::Gpu.config(GemmKind::Forward, &convolution);
        let read = |text: &str| serde_json::from_str::<GemmSelection>(text).unwrap();
        let old = read(r#"{"table":"gpu"}"#);
        assert_eq!(old.config(GemmKind::Forward, &convolution), whole);
        assert_eq!(whole.partitions, 1);
        assert_eq!(serde_json::to_string(&old).unwrap(), r#"{"table":"gpu"}"#);
        let mut new = GemmSelection::from(DeviceClass::Gpu);
        assert_eq!(new, read(r#"{"table":"gpu","split_forward":true}"#));
        assert_eq!(read(&serde_json::to_string(&new).unwrap()), new);
        let split = DeviceClass::Gpu.profile().split_forward(&convolution);
        assert_eq!(Some(new.config(GemmKind::Forward, &convolution)), split);
        let config = GemmConfig { partitions: 7, ..whole };
        new.tuned.insert(GemmProblem::new(GemmKind::Forward, &convolution).to_string(), config);
        assert_eq!(new.config(GemmKind::Forward, &convolution), config);
        let software = GemmSelection::from(DeviceClass::Software);
        assert_eq!(serde_json::to_string(&software).unwrap(), r#"{"table":"software"}"#);
    }

    #[test]
    fn a_configuration_that_no_shader_can_run_is_refused() {
        let convolution = convolutions()[3];
        let mut selection = GemmSelection::from(DeviceClass::Gpu);
        selection.check(&convolution).unwrap();
        let product = GemmProblem::new(GemmKind::Forward, &convolution);
        let config = GemmConfig { rows: 0, ..DeviceClass::Gpu.config(GemmKind::Forward, &convolution) };
        selection.tuned.insert(product.to_string(), config);
        let error = selection.check(&convolution).unwrap_err().to_string();
        assert!(error.contains("conv_forward 2x8x8x1 * 3x3 -> 6x6x5 pool 2 is impossible"), "{error}");
    }
}
