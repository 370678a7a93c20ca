//! What configurations a run uses: its device profile's, and what `gpu-fmnist tune` found to be faster for some products.

use std::collections::BTreeMap;
use std::ops::Not;

use serde::{Deserialize, Serialize};

use super::{Convolution, DeviceClass, DeviceProfile, GemmConfig, GemmKind, GemmProblem, SpreadLayout};
use crate::error::{Error, Result};
use crate::precision::Precision;

/// Which configuration each product gets. A run keeps to one selection from its first step to its last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GemmSelection {
    /// Whose profile decides for every product that is not tuned.
    #[serde(rename = "table")]
    pub device: DeviceClass,
    /// Whether the profile may divide forward products, too. Runs that began before it did go on without.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub split_forward: bool,
    /// Which revision of the profile. Runs that began with an earlier one go on with it.
    #[serde(default, skip_serializing_if = "is_first")]
    pub revision: u32,
    /// By the products' keys.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tuned: BTreeMap<String, GemmConfig>,
}

fn is_first(revision: &u32) -> bool {
    *revision == 0
}

impl From<DeviceClass> for GemmSelection {
    /// The profile alone.
    fn from(device: DeviceClass) -> Self {
        let profile = device.profile();
        let (split_forward, revision) = (profile.split_forward.is_some(), profile.revision);
        Self { device, split_forward, revision, tuned: BTreeMap::new() }
    }
}

impl GemmSelection {
    pub fn config(&self, kind: GemmKind, convolution: &Convolution) -> GemmConfig {
        let split = || match kind {
            GemmKind::Forward if self.split_forward => self.profile().split_forward(convolution),
            GemmKind::Forward | GemmKind::WeightGradient | GemmKind::InputGradient => None,
        };
        let problem = GemmProblem::new(kind, convolution);
        let tuned = self.tuned(&problem).copied();
        tuned.or_else(split).unwrap_or_else(|| self.profile().config(&problem))
    }

    pub fn profile(&self) -> &'static DeviceProfile {
        self.device.profile_of(self.revision)
    }

    /// See [`DeviceProfile::gathered_partitions`]. A weight gradient that was tuned as a product is computed as one.
    pub fn gathered_partitions(&self, convolution: &Convolution) -> Option<usize> {
        let product = GemmProblem::new(GemmKind::WeightGradient, convolution);
        let tuned = self.tuned(&product).is_some();
        self.profile().gathered_partitions(convolution).filter(|_| !tuned)
    }

    /// Whether an input gradient is made of the largest elements of a max-pool's windows alone. One that was tuned as a
    /// product is computed as one.
    pub fn spreads(&self, convolution: &Convolution) -> bool {
        let tuned = self.tuned(&GemmProblem::new(GemmKind::InputGradient, convolution)).is_some();
        !tuned && self.profile().gather_workgroups.is_some() && SpreadLayout::of(convolution).is_some()
    }

    /// See [`DeviceProfile::uses_col2im`](super::DeviceProfile::uses_col2im): the profile alone decides.
    pub fn uses_col2im(&self, convolution: &Convolution) -> bool {
        self.profile().uses_col2im(convolution)
    }

    /// The same without matrix units, for another precision than the run's.
    pub fn without_matrices(mut self) -> Self {
        self.tuned.retain(|_, config| config.matrix == 0);
        self
    }

    /// Refuses what no shader can run in a run of that precision, since files are not trusted.
    ///
    /// # Errors
    /// [`Error::Data`] naming the product and the rule that its configuration breaks.
    pub fn check(&self, convolution: &Convolution, precision: Precision) -> Result<()> {
        let known = self.device.profile().revision;
        if self.revision > known {
            let own = self.revision;
            return Err(Error::Data(format!(
                "the run's device profile is revision {own}, and this program has {known}; go on with the one that wrote it"
            )));
        }
        let products = GemmKind::ALL.map(|kind| GemmProblem::new(kind, convolution));
        let patches = GemmProblem::new(GemmKind::InputGradient, &convolution.patches());
        for product in products.into_iter().chain([patches]) {
            let Some(config) = self.tuned(&product) else { continue };
            let rounds = config.matrix > 0 && precision != Precision::F16;
            let rule = rounds.then_some("matrix units multiply in f16, and the run's `precision` is another");
            if let Some(rule) = product.broken_rule(config).or(rule) {
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
    use super::super::examples::{convolutions, window};
    use super::*;
    use crate::geometry::Padding;

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
        assert_eq!(new, read(r#"{"table":"gpu","split_forward":true,"revision":3}"#));
        assert_eq!(read(&serde_json::to_string(&new).unwrap()), new);
        let split = DeviceClass::Gpu.profile().split_forward(&convolution);
        assert_eq!(Some(new.config(GemmKind::Forward, &convolution)), split);
        let config = GemmConfig { partitions: 7, ..whole };
        new.tuned.insert(GemmProblem::new(GemmKind::Forward, &convolution).to_string(), config);
        assert_eq!(new.config(GemmKind::Forward, &convolution), config);
        let software = GemmSelection::from(DeviceClass::Software);
        assert_eq!(serde_json::to_string(&software).unwrap(), r#"{"table":"software"}"#);
    }

    /// The first convolution and the dense layer of cnn1, and a dense layer of cnn2.
    #[test]
    fn a_run_keeps_the_revision_of_the_profile_that_it_began_with() {
        let image = window([28, 28, 1], [3, 3], [1, 1], Padding::Valid);
        let first = Convolution { batch: 512, window: image, filters: 32, pool: 2 };
        let (dense, small) = (Convolution::dense(512, 5408, 128), Convolution::dense(512, 128, 256));
        let numbers = |text: &str| {
            let selection: GemmSelection = serde_json::from_str(text).unwrap();
            let partitions = |kind, convolution: &Convolution| selection.config(kind, convolution).partitions;
            (
                partitions(GemmKind::Forward, &dense),
                [&first, &dense, &small].map(|convolution| partitions(GemmKind::WeightGradient, convolution)),
                [selection.config(GemmKind::Forward, &small).rows, selection.config(GemmKind::Forward, &small).depth],
                selection.config(GemmKind::Forward, &first).threads,
                selection.config(GemmKind::Forward, &first).rows,
                selection.gathered_partitions(&first),
            )
        };
        assert_eq!(numbers(r#"{"table":"gpu","split_forward":true}"#), (13, [104, 1, 4], [4, 16], [8, 32], 4, None));
        let first_seen = r#"{"table":"gpu","split_forward":true,"revision":1}"#;
        assert_eq!(numbers(first_seen), (26, [338, 2, 8], [2, 32], [8, 32], 4, Some(208)));
        let last_seen = first_seen.replace(":1}", ":2}");
        assert_eq!(numbers(&last_seen), (26, [338, 2, 8], [4, 32], [16, 8], 16, Some(208)));
        let today = first_seen.replace(":1}", ":3}");
        assert_eq!(serde_json::to_string(&GemmSelection::from(DeviceClass::Gpu)).unwrap(), today);
        assert_eq!(numbers(&today), (16, [338, 2, 8], [4, 32], [16, 8], 16, Some(208)));
        let selection: GemmSelection = serde_json::from_str(&today.replace(":3}", ":4}")).unwrap();
        assert!(
            selection
                .check(&first, Precision::F32)
                .unwrap_err()
                .to_string()
                .contains("revision 4, and this program has 3")
        );
    }

    #[test]
    fn a_weight_gradient_that_was_tuned_as_a_product_is_one() {
        let convolution = convolutions()[3];
        let mut selection = GemmSelection::from(DeviceClass::Gpu);
        assert_eq!(selection.gathered_partitions(&convolution), Some(1));
        let problem = GemmProblem::new(GemmKind::WeightGradient, &convolution);
        let config = DeviceClass::Gpu.config(GemmKind::WeightGradient, &convolution);
        selection.tuned.insert(problem.to_string(), config);
        assert_eq!(selection.gathered_partitions(&convolution), None);
        let software = GemmSelection::from(DeviceClass::Software);
        assert_eq!(software.gathered_partitions(&convolution), None);
    }

    #[test]
    fn a_configuration_that_no_shader_can_run_is_refused() {
        let convolution = convolutions()[3];
        let mut selection = GemmSelection::from(DeviceClass::Gpu);
        selection.check(&convolution, Precision::F32).unwrap();
        let product = GemmProblem::new(GemmKind::Forward, &convolution);
        let config = GemmConfig { rows: 0, ..DeviceClass::Gpu.config(GemmKind::Forward, &convolution) };
        selection.tuned.insert(product.to_string(), config);
        let error = selection.check(&convolution, Precision::F32).unwrap_err().to_string();
        assert!(error.contains("conv_forward 2x8x8x1 * 3x3 -> 6x6x5 pool 2 is impossible"), "{error}");
    }
}
