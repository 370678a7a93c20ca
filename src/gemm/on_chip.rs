//! What a product asks of a GPU's compute units, as its configuration says: an estimate that needs neither a compiler nor
//! a device. It was fitted to what NVIDIA's compiler made of the shaders, and is within a tenth of that for most.

use super::{Convolution, GatherLayout, GemmConfig, GemmKind, GemmProblem, SpreadLayout};

/// Of one workgroup.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OnChip {
    /// Those whose outputs are none, too.
    pub multiply_adds: f64,
    /// Instructions of a thread for each of its multiply-adds, that one included.
    pub instructions: f64,
    /// Turns of workgroup memory and first cache for each of 32 threads' multiply-adds: one moves 32 words.
    pub turns: f64,
    /// Tiles, one after the other, each of which waits for memory.
    pub tiles: f64,
}

/// Turns to bring a word from memory to workgroup memory: a load, a store, and what is not in whole lines; and where it is
/// stored transposed.
const STAGING_TURNS: f64 = 2.5;
const TRANSPOSED_TURNS: f64 = 3.5;
/// Instructions of the same, where its address is at hand, and where it has to be found in an image.
const STAGING: f64 = 4.0;
const STAGING_FROM_IMAGE: f64 = 10.0;
const STAGING_FROM_REGION: f64 = 30.0;

impl GemmProblem {
    pub fn on_chip(&self, config: &GemmConfig) -> OnChip {
        let Convolution { window, filters, .. } = self.convolution;
        let tile_depth = self.tile_depth(config);
        let taps: usize = window.size.iter().product();
        let tiles = match self.kind {
            GemmKind::Forward => self.convolution.depth().div_ceil(tile_depth).div_ceil(config.partitions),
            GemmKind::WeightGradient => self.convolution.positions().div_ceil(config.partitions).div_ceil(config.depth),
            // With a stride each position meets a part of the taps.
            GemmKind::InputGradient => taps.div_ceil(window.stride.iter().product()) * filters.div_ceil(tile_depth),
        };
        let [rows, columns] = [config.rows as f64, config.columns as f64];
        let [high, wide] = [config.workgroup_rows() as f64, config.workgroup_columns() as f64];
        let address = if window.size == [1, 1] { STAGING } else { STAGING_FROM_IMAGE };
        OnChip {
            multiply_adds: high * wide * (tiles * tile_depth) as f64,
            // Words come four at a time, and neighbouring threads read the same.
            instructions: 1.0
                + 0.25 / columns
                + 0.25 / rows
                + 2.0 / tile_depth as f64
                + address / wide
                + STAGING / high,
            turns: 0.5 / columns + 0.5 / rows + TRANSPOSED_TURNS * (1.0 / wide + 1.0 / high),
            tiles: tiles as f64,
        }
    }
}

impl GatherLayout {
    pub fn on_chip(&self, convolution: &Convolution, partitions: usize) -> OnChip {
        let taps = convolution.window.size.iter().product::<usize>() as f64;
        let region: usize = Self::region(convolution).iter().product();
        let positions = convolution.positions().div_ceil(partitions) as f64;
        let [filters, channels] = [self.tile_filters() as f64, self.channel_lanes as f64];
        // Words that are brought in for each multiply-add: of the input, and a gradient with its winner's place.
        let (inputs, gradients) = (region as f64 / (taps * filters), 2.0 / (taps * channels));
        OnChip {
            multiply_adds: positions * taps * channels * filters,
            instructions: 2.0 + 3.0 / taps + STAGING_FROM_REGION * inputs,
            turns: 1.0 + 2.0 / taps + STAGING_TURNS * (inputs + gradients),
            tiles: (positions / self.position_tile as f64).ceil(),
        }
    }
}

impl SpreadLayout {
    pub fn on_chip(&self, convolution: &Convolution) -> OnChip {
        let taps = convolution.window.size.iter().product::<usize>() as f64;
        let [height, width] = convolution.pooled().map(|extent| extent as f64);
        let [rows, channels] = [self.images as f64 * height, self.channel_lanes as f64];
        let filters = convolution.filters as f64;
        let (kernels, gradients) = (1.0 / (rows * width), 2.0 / (taps * channels));
        // Each element of the window is asked whether it is the winner.
        let asked = 2.0 + 2.0 * convolution.window_elements() as f64;
        OnChip {
            multiply_adds: filters * rows * width * taps * channels,
            instructions: 1.0 + 1.0 / width + asked / taps + 2.0 * STAGING_FROM_IMAGE * kernels,
            turns: 1.0 / width + 2.0 / taps + STAGING_TURNS * (kernels + gradients),
            tiles: (filters / self.filter_tile as f64).ceil(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::window;
    use super::super::{DeviceClass, DeviceProfile};
    use super::*;
    use crate::geometry::Padding;

    fn close(value: f64, compiled: f64) -> bool {
        (value / compiled - 1.0).abs() < 0.12
    }

    /// Of NVIDIA's compiler, for sm_86, and a count of what a warp's accesses cost: the dense layer of cnn1, and two of
    /// cnn2.
    #[test]
    fn the_estimate_is_near_what_a_compiler_made() {
        let compiled = |inputs, units, config: GemmConfig, instructions: f64, turns: f64| {
            let problem = GemmProblem::new(GemmKind::Forward, &Convolution::dense(512, inputs, units));
            let on_chip = problem.on_chip(&config);
            assert!(close(on_chip.instructions, instructions) && close(on_chip.turns, turns), "{on_chip:?}");
            let [high, wide] = [config.workgroup_rows(), config.workgroup_columns()];
            assert_eq!(on_chip.multiply_adds, (high * wide * (inputs / config.partitions)) as f64);
        };
        let large = GemmConfig { threads: [16, 8], rows: 8, columns: 4, depth: 16, ..GemmConfig::PLAIN };
        compiled(5408, 128, GemmConfig { partitions: 26, ..large }, 1.30, 0.30);
        let small = GemmConfig { threads: [8, 8], rows: 4, columns: 4, depth: 32, ..GemmConfig::PLAIN };
        compiled(128, 256, small, 1.45, 0.50);
        compiled(256, 128, GemmConfig { rows: 2, ..small }, 1.70, 0.67);
    }

    /// The second convolution of cnn3 and the first of cnn1, behind their max-pools.
    #[test]
    fn so_it_is_behind_a_max_pool() {
        let second = window([13, 13, 64], [3, 3], [2, 2], Padding::Same);
        let second = Convolution { batch: 512, window: second, filters: 128, pool: 2 };
        let first = window([28, 28, 1], [3, 3], [1, 1], Padding::Valid);
        let first = Convolution { batch: 512, window: first, filters: 32, pool: 2 };
        let gathered = |convolution: &Convolution| {
            let profile: &DeviceProfile = DeviceClass::Gpu.profile();
            let partitions = profile.gathered_partitions(convolution).unwrap();
            GatherLayout::of(convolution).unwrap().on_chip(convolution, partitions)
        };
        assert!(close(gathered(&second).turns, 1.38), "{:?}", gathered(&second));
        assert!(close(gathered(&first).turns, 2.16), "{:?}", gathered(&first));
        let spread = SpreadLayout::of(&second).unwrap().on_chip(&second);
        assert!(close(spread.turns, 0.85), "{spread:?}");
        assert_eq!(spread.multiply_adds * 1024.0, (512 * 9 * second.depth() * 128) as f64);
    }
}
