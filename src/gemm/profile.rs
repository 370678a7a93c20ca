//! Device profiles: what suits a class of device, as numbers, and how a configuration follows from them.

use super::layout::{BlockTile, Layout, Tile};
use super::{Convolution, GatherLayout, GemmConfig, GemmKind, GemmProblem};

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
    /// Whether Winograd's minimal filtering computes the products that it suits.
    pub winograd: bool,
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
                let partitions = match config.winograd {
                    false => self.weight_gradient_partitions(problem, &config),
                    true => problem.winograd_partitions(),
                };
                GemmConfig { partitions, ..config }
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
        let winograd = self.winograd && problem.winograd_tiles().is_some();
        let config = GemmConfig { accumulators: self.accumulators, loop_carry: self.loop_carry, winograd, ..config };
        GemmConfig { threads_per_row: problem.threads_per_row(&config), ..config }
    }
}

/// The largest number from `wanted` down to just above half of it that is even: that divides the sum into whole tiles.
fn most_even(wanted: usize, even: impl Fn(&usize) -> bool) -> Option<usize> {
    (wanted / 2 + 1..=wanted).rev().find(even)
}
