//! The classes of device, and the profile of each. Another configuration is another order of sums, so a run keeps to one
//! profile from its first step to its last.

use serde::{Deserialize, Serialize};

use super::gpu_profile::REVISIONS;
use super::layout::{Layout, MOST_THREADS, VectorTile};
use super::profile::DeviceProfile;
use super::{Convolution, GemmConfig, GemmKind, GemmProblem};

/// The classes of device that have a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceClass {
    Gpu,
    /// Lavapipe since Mesa 25.1.
    Software,
    /// Lavapipe before Mesa 25.1.
    OldSoftware,
    /// SwiftShader, the software adapter of Chromium's browsers.
    SwiftShader,
    /// The CPU path, whose references tile by themselves: only the words of argmax and the partitions matter.
    Cpu,
}

const SOFTWARE: DeviceProfile = DeviceProfile {
    revision: 0,
    // Lavapipe unrolls 32 trips at most, and 512 multiply-adds fit the first instruction cache: so 32 rows, 16 deep.
    layout: Layout::Vector(VectorTile {
        most_threads: MOST_THREADS,
        rows: 32,
        columns: 1,
        fewer_rows: true,
        depth: 16,
    }),
    accumulators: 4,
    loop_carry: true,
    most_unrolled: usize::MAX,
    least_partition: 128,
    weight_gradient_workgroups: 64,
    even_partitions: false,
    cached_inputs: Some(1 << 18),
    split_forward: None,
    gather_workgroups: None,
    col2im_channels: 128,
    read_ahead: false,
    winograd: false,
    micro_batch: 512,
};

/// It takes long to compile large unrolled loops and gains nothing by them.
const OLD_SOFTWARE: DeviceProfile = DeviceProfile {
    layout: Layout::Vector(VectorTile { most_threads: 64, rows: 8, columns: 1, fewer_rows: false, depth: 4 }),
    accumulators: 1,
    loop_carry: false,
    most_unrolled: 256,
    cached_inputs: None,
    col2im_channels: 0,
    ..SOFTWARE
};

/// A load takes as long as twenty multiply-adds, and its shaders have no barriers: see `gpu/swiftshader.rs`. So a thread has as
/// many rows and columns as it compiles in a second.
const SWIFT_SHADER: DeviceProfile = DeviceProfile {
    layout: Layout::Vector(VectorTile { most_threads: 4, rows: 16, columns: 8, fewer_rows: true, depth: 2 }),
    accumulators: 1,
    loop_carry: false,
    most_unrolled: 256,
    cached_inputs: None,
    ..SOFTWARE
};

const CPU: DeviceProfile = DeviceProfile { revision: 1, winograd: true, ..CPU_0 };

/// As it was before there was Winograd's filtering.
const CPU_0: DeviceProfile =
    DeviceProfile { accumulators: 1, loop_carry: false, cached_inputs: None, col2im_channels: 0, ..SOFTWARE };

impl DeviceClass {
    pub const ALL: [Self; 5] = [Self::Gpu, Self::Software, Self::OldSoftware, Self::SwiftShader, Self::Cpu];

    pub fn profile(self) -> &'static DeviceProfile {
        match self {
            Self::Gpu => &REVISIONS[REVISIONS.len() - 1],
            Self::Software => &SOFTWARE,
            Self::OldSoftware => &OLD_SOFTWARE,
            Self::SwiftShader => &SWIFT_SHADER,
            Self::Cpu => &CPU,
        }
    }

    /// The profile of an earlier revision, or of today's.
    pub fn profile_of(self, revision: u32) -> &'static DeviceProfile {
        let revisions = match self {
            Self::Gpu => &REVISIONS[..],
            Self::Cpu => &[CPU_0, CPU],
            Self::Software | Self::OldSoftware | Self::SwiftShader => &[],
        };
        revisions.get(revision as usize).unwrap_or(self.profile())
    }

    /// The configuration that its profile gives one product of a convolution.
    pub fn config(self, kind: GemmKind, convolution: &Convolution) -> GemmConfig {
        self.profile().config(&GemmProblem::new(kind, convolution))
    }

    /// Whether an adapter of class `adapter` can compile this class' configurations in a sensible time.
    pub fn compiles_on(self, adapter: Self) -> bool {
        self.profile().layout.unrolled() <= adapter.profile().most_unrolled
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::window;
    use super::*;
    use crate::geometry::Padding;

    /// Threads of a workgroup, rows of a thread, depth of a tile, and partitions.
    fn split(rows: usize, inputs: usize, units: usize) -> Option<(usize, usize, usize, usize)> {
        let convolution = Convolution::dense(rows, inputs, units);
        let config = DeviceClass::Gpu.profile().split_forward(&convolution)?;
        let problem = GemmProblem::new(GemmKind::Forward, &convolution);
        assert_eq!(problem.broken_rule(&config), None, "{rows} x {inputs} -> {units}");
        assert!(config.partitions <= problem.most_partitions(DeviceClass::Gpu.profile().least_partition));
        Some((config.workgroup_threads(), config.rows, config.depth, config.partitions))
    }

    #[test]
    fn long_sums_with_few_outputs_are_split_on_a_gpu() {
        // The dense layers of cnn1 and cnn2.
        assert_eq!(split(512, 5408, 128), Some((128, 8, 16, 16)));
        assert_eq!(split(2048, 5408, 128), Some((128, 8, 16, 4)));
        assert_eq!(split(16, 5408, 128), Some((64, 2, 32, 57)));
        assert_eq!(split(512, 576, 128), Some((64, 4, 32, 6)));
        assert_eq!(split(2048, 576, 128), Some((128, 8, 16, 4)));
        // Short sums, and enough outputs.
        assert_eq!(split(512, 256, 128), None);
        assert_eq!(split(2048, 5408, 2048), None);
        let convolution = Convolution::dense(512, 5408, 128);
        assert_eq!(DeviceClass::Gpu.profile().split_forward(&Convolution { pool: 2, ..convolution }), None);
        for class in [DeviceClass::Software, DeviceClass::OldSoftware, DeviceClass::SwiftShader, DeviceClass::Cpu] {
            assert_eq!(class.profile().split_forward(&convolution), None, "{class:?}");
        }
    }

    #[test]
    fn runs_from_before_winograds_filtering_go_on_without() {
        let convolution =
            Convolution { batch: 2, window: window([7, 7, 16], [3, 3], [1, 1], Padding::Same), filters: 32, pool: 1 };
        let filters = |revision| {
            let profile = DeviceClass::Cpu.profile_of(revision);
            GemmKind::ALL.map(|kind| profile.config(&GemmProblem::new(kind, &convolution)).winograd)
        };
        assert_eq!([filters(0), filters(1)], [[false; 3], [true; 3]]);
        assert_eq!(DeviceClass::Cpu.profile().revision, 1);
        // Few channels, other windows, and outputs that are hardly worth a tile.
        let suits = |input, size, stride| {
            let convolution = Convolution { window: window(input, size, stride, Padding::Same), ..convolution };
            GemmProblem::new(GemmKind::Forward, &convolution).winograd_tiles().is_some()
        };
        assert!(suits([3, 3, 16], [3, 3], [1, 1]) && suits([5, 5, 16], [3, 3], [1, 1]));
        assert!(!suits([2, 2, 16], [3, 3], [1, 1]) && !suits([7, 7, 8], [3, 3], [1, 1]));
        assert!(!suits([7, 7, 16], [5, 5], [1, 1]) && !suits([7, 7, 16], [3, 3], [2, 1]));
    }

    #[test]
    fn no_partition_is_empty() {
        for depth in 512..1100 {
            for rows in [1, 40, 512] {
                split(rows, depth, 24).unwrap();
            }
        }
    }

    #[test]
    fn an_old_lavapipe_compiles_its_own_configurations() {
        let compiles = |adapter| DeviceClass::ALL.map(|class: DeviceClass| class.compiles_on(adapter));
        assert_eq!(compiles(DeviceClass::OldSoftware), [false, false, true, true, false]);
        assert_eq!(compiles(DeviceClass::SwiftShader), [false, false, true, true, false]);
        assert_eq!(compiles(DeviceClass::Gpu), [true; 5]);
        assert_eq!(compiles(DeviceClass::Software), [true; 5]);
    }
}
