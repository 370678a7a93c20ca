//! Device profiles: what suits each class of device, as numbers, and how a configuration follows from them. Another
//! configuration is another order of sums, so a run keeps to one profile from its first step to its last.

use serde::{Deserialize, Serialize};

use super::layout::{BlockTile, Layout, MOST_THREADS, Tile, VectorTile};
use super::revisions::EARLIER;
use super::{Convolution, GatherLayout, GemmConfig, GemmKind, GemmProblem};

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

/// What suits a class of device.
#[derive(Clone, Copy, Debug)]
pub struct DeviceProfile {
    /// Counts what has changed since there were runs, which keep to the profile that they began with.
    pub revision: u32,
    pub layout: Layout,
    /// See [`GemmConfig::accumulators`]: several where no multiply-add is fused, and each has to wait for the last.
    pub accumulators: usize,
    /// See [`GemmConfig::loop_carry`].
    pub loop_carry: bool,
    /// Multiply-adds between two barriers that the compiler unrolls in a sensible time, at most.
    pub most_unrolled: usize,
    /// Terms of a partition's sum, at the least: a shorter one is not worth writing it to memory and reading it again.
    pub least_partition: usize,
    /// Workgroups that the partitions of a weight gradient should make, so that every core or compute unit has work.
    pub weight_gradient_workgroups: usize,
    /// Whether partitions should be whole tiles where that is possible: no load then asks whether it is past the end.
    pub even_partitions: bool,
    /// Words of input that a partition of a weight gradient should have at most where it is read again and again, what a
    /// processor's cache holds; `None` where the number of workgroups alone decides.
    pub cached_inputs: Option<usize>,
    /// Whether forward products are divided, too, and when.
    pub split_forward: Option<SplitForward>,
    /// Workgroups that the partitions of a weight gradient should make where only the largest elements of a max-pool's
    /// windows are multiplied; `None` where all are, as in any other product.
    pub gather_workgroups: Option<usize>,
    /// Input gradients of convolutions with fewer channels are made patch by patch and added up by `col2im`: few channels
    /// leave a workgroup few columns, and each would pay for many loads of A. 0 for none.
    pub col2im_channels: usize,
    /// Whether sums over partitions are read several at a time. A GPU then waits for its memory once, not once for each;
    /// lavapipe is faster with one after the other. The order of the sums is the same.
    pub read_ahead: bool,
    /// Rows of a micro-batch, at most. Beyond some size more make nothing faster, and the values between layers leave
    /// the caches and then the largest buffer.
    pub micro_batch: usize,
}

/// Pooled positions of a partition where each is one term of a sum, at the least.
const LEAST_GATHERED: usize = 32;

/// When forward products are divided, and into how much.
#[derive(Clone, Copy, Debug)]
pub struct SplitForward {
    /// Workgroups with which a large device is busy: products with fewer are divided to make so many.
    pub workgroups: usize,
    /// Threads with which it is busy, too: partitions make no more.
    pub threads: usize,
    /// Whether equal partitions are better than those that are wanted, if they are at least half as many.
    pub even: bool,
    /// Terms of the sum, at the least: what a shorter one gains, the reduction takes.
    pub least_sum: usize,
    /// Those of [`BlockTile::forward_tiles`] where partitions make workgroups, too.
    pub tiles: &'static [Tile],
}

/// 64 x 64 outputs, 8 x 4 of a thread: three words from workgroup memory for eight multiply-adds; 4 x 4 take four.
pub(super) const LARGE: Tile =
    Tile { threads: 128, width: 16, rows: 8, columns: 4, depth: 16, enough: Some(128), short_sums: false };
/// 32 x 64 outputs, as many of a thread, where the larger would leave the last round of a large device's units half idle.
const WIDE: Tile = Tile { threads: 64, enough: Some(256), ..LARGE };
/// 32 x 32 outputs, where large tiles would be few.
pub(super) const SMALL: Tile =
    Tile { threads: 64, width: 8, rows: 4, columns: 4, depth: 32, enough: Some(128), short_sums: false };
/// The same of an input gradient, which has more addresses to keep: AMD's compiler would spill them.
pub(super) const SHALLOW: Tile = Tile { depth: 16, ..SMALL };
/// 16 x 32 outputs, where those would be few, too.
pub(super) const LOW: Tile = Tile { rows: 2, enough: None, ..SMALL };
/// Whole windows of a max-pool in a thread, as many as may be: the more, the fewer words has argmax, and a first
/// convolution waits for memory alone.
pub(super) const TALL: Tile = Tile { rows: 16, columns: 2, short_sums: true, ..LARGE };

pub(super) const GPU: DeviceProfile = DeviceProfile {
    revision: 3,
    layout: Layout::Block(BlockTile {
        forward_tiles: &[TALL, Tile { enough: Some(1024), ..LARGE }, WIDE, SMALL, LOW],
        weight_tiles: &[TALL, LARGE, SMALL, LOW],
        input_tiles: &[LARGE, SHALLOW, LOW],
        least_width: 4,
        weight_lanes: 16,
    }),
    accumulators: 1,
    loop_carry: false,
    most_unrolled: usize::MAX,
    least_partition: 64,
    // Three for each compute unit of the largest card: what one waits for memory, another computes.
    weight_gradient_workgroups: 384,
    even_partitions: true,
    cached_inputs: None,
    split_forward: Some(SplitForward {
        workgroups: 512,
        // Two workgroups of 128 for each compute unit of the largest cards.
        threads: 1 << 15,
        even: false,
        least_sum: 512,
        tiles: &[Tile { enough: Some(256), ..LARGE }, SMALL, LOW],
    }),
    gather_workgroups: Some(264),
    col2im_channels: 0,
    read_ahead: true,
    micro_batch: 2048,
};

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

const CPU: DeviceProfile =
    DeviceProfile { accumulators: 1, loop_carry: false, cached_inputs: None, col2im_channels: 0, ..SOFTWARE };

impl DeviceClass {
    pub const ALL: [Self; 5] = [Self::Gpu, Self::Software, Self::OldSoftware, Self::SwiftShader, Self::Cpu];

    pub fn profile(self) -> &'static DeviceProfile {
        match self {
            Self::Gpu => &GPU,
            Self::Software => &SOFTWARE,
            Self::OldSoftware => &OLD_SOFTWARE,
            Self::SwiftShader => &SWIFT_SHADER,
            Self::Cpu => &CPU,
        }
    }

    /// The profile of an earlier revision, or of today's.
    pub fn profile_of(self, revision: u32) -> &'static DeviceProfile {
        let earlier = if self == Self::Gpu { EARLIER.get(revision as usize) } else { None };
        earlier.unwrap_or(self.profile())
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

impl DeviceProfile {
    /// The configuration for a product. A forward product comes undivided: see [`DeviceProfile::split_forward`].
    pub fn config(&self, problem: &GemmProblem) -> GemmConfig {
        let most_partitions = problem.most_partitions(self.least_partition);
        match problem.kind {
            GemmKind::Forward => self.tile(self.layout, problem, problem.convolution.window_elements(), 1),
            GemmKind::InputGradient => self.tile(self.layout, problem, 1, 1),
            GemmKind::WeightGradient => {
                let tile = self.tile(self.layout, problem, 1, most_partitions);
                // The profile counts terms of the sum, this configuration pooled positions.
                let depth = (tile.depth / problem.convolution.window_elements()).max(1);
                let mut config = GemmConfig { depth, ..tile };
                config.threads_per_row = self.weight_lanes(problem, &config);
                GemmConfig { partitions: self.weight_gradient_partitions(problem, &config), ..config }
            }
        }
    }

    /// A forward product in partitions, where its outputs alone would leave much of a large GPU idle and its sum is long:
    /// as in a dense layer after convolutions. The tile may then be larger, since partitions make workgroups, too.
    pub fn split_forward(&self, convolution: &Convolution) -> Option<GemmConfig> {
        let problem = GemmProblem::new(GemmKind::Forward, convolution);
        let split = self.split_forward?;
        let Layout::Block(block) = self.layout else { return None };
        let [_, _, depth] = problem.extents();
        let few = problem.workgroups(&self.config(&problem)) < split.workgroups;
        if convolution.pool > 1 || depth < split.least_sum || !few {
            return None;
        }
        let most = problem.most_partitions(self.least_partition);
        let layout = Layout::Block(BlockTile { forward_tiles: split.tiles, ..block });
        let config = self.tile(layout, &problem, 1, most);
        let workgroups = split.workgroups.min(split.threads / config.workgroup_threads());
        let wanted = (workgroups / problem.workgroups(&config)).clamp(1, most);
        let even = |partitions: &usize| split.even && depth.is_multiple_of(partitions * config.depth);
        let config = match most_even(wanted, even) {
            Some(partitions) => GemmConfig { partitions, ..config },
            None => config.with_forward_partitions(depth, wanted),
        };
        (config.partitions > 1).then_some(config)
    }

    /// Partitions of a weight gradient that only the largest elements of a max-pool's windows are multiplied in, where
    /// that is faster.
    pub fn gathered_partitions(&self, convolution: &Convolution) -> Option<usize> {
        let (wanted, layout) = (self.gather_workgroups?, GatherLayout::of(convolution)?);
        let positions = convolution.positions();
        let of_one: usize = layout.workgroups(convolution).iter().product();
        let wanted = (wanted / of_one).clamp(1, (positions / LEAST_GATHERED).max(1));
        let even = |partitions: &usize| positions.is_multiple_of(partitions * layout.position_tile);
        Some(most_even(wanted, even).unwrap_or(wanted))
    }

    /// Whether an input gradient is better made patch by patch and added up by `col2im`.
    pub fn uses_col2im(&self, convolution: &Convolution) -> bool {
        convolution.window.input[2] < self.col2im_channels && convolution.window.size != [1, 1]
    }

    /// Threads that load a patch of a weight gradient together: where patches are runs of the input, so many that they
    /// read whole lines of memory and write to different banks.
    fn weight_lanes(&self, problem: &GemmProblem, config: &GemmConfig) -> usize {
        let lanes = match self.layout {
            Layout::Block(tile) if problem.convolution.window.input[2] >= tile.weight_lanes => tile.weight_lanes,
            Layout::Block(_) | Layout::Vector(_) => 1,
        };
        problem.threads_per_row(config).max(lanes.min(config.workgroup_rows()))
    }

    fn weight_gradient_partitions(&self, problem: &GemmProblem, config: &GemmConfig) -> usize {
        let GemmProblem { convolution, .. } = problem;
        // All workgroups of a partition read the same input, one after the other.
        let again = convolution.window.size != [1, 1];
        let cached = self.cached_inputs.filter(|_| again).map_or(0, |words| convolution.inputs() / words);
        let busy = self.weight_gradient_workgroups / problem.workgroups(config);
        let wanted = busy.max(cached).clamp(1, problem.most_partitions(self.least_partition));
        let even = |partitions: &usize| {
            self.even_partitions && convolution.positions().is_multiple_of(partitions * config.depth)
        };
        most_even(wanted, even).unwrap_or(wanted)
    }

    /// A product's tile. A thread's rows are whole windows; there can be `partitions` times as many workgroups as the
    /// outputs alone make.
    fn tile(&self, layout: Layout, problem: &GemmProblem, window_elements: usize, partitions: usize) -> GemmConfig {
        let config = layout.config(problem, window_elements, partitions);
        let config = GemmConfig { accumulators: self.accumulators, loop_carry: self.loop_carry, ..config };
        GemmConfig { threads_per_row: problem.threads_per_row(&config), ..config }
    }
}

/// The largest number from `wanted` down to just above half of it that is even: that divides the sum into whole tiles.
fn most_even(wanted: usize, even: impl Fn(&usize) -> bool) -> Option<usize> {
    (wanted / 2 + 1..=wanted).rev().find(even)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Threads of a workgroup, rows of a thread, depth of a tile, and partitions.
    fn split(rows: usize, inputs: usize, units: usize) -> Option<(usize, usize, usize, usize)> {
        let convolution = Convolution::dense(rows, inputs, units);
        let config = GPU.split_forward(&convolution)?;
        let problem = GemmProblem::new(GemmKind::Forward, &convolution);
        assert_eq!(problem.broken_rule(&config), None, "{rows} x {inputs} -> {units}");
        assert!(config.partitions <= problem.most_partitions(GPU.least_partition));
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
        assert_eq!(GPU.split_forward(&Convolution { pool: 2, ..convolution }), None);
        for class in [DeviceClass::Software, DeviceClass::OldSoftware, DeviceClass::SwiftShader, DeviceClass::Cpu] {
            assert_eq!(class.profile().split_forward(&convolution), None, "{class:?}");
        }
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
