//! How a workgroup shares out the gradients of a convolution with a max-pool behind it, where only the largest element of
//! a window has one: the weights' gathers each filter's patch from under its winner, the input's spreads over it.

use super::Convolution;
use super::layout::MOST_THREADS;
use crate::geometry::Window;

/// Of `shaders/pooled_weight_gradient.wgsl`: the threads of a workgroup, what each has, and the positions between two
/// barriers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatherLayout {
    /// Threads with neighbouring channels.
    pub channel_lanes: usize,
    /// Threads with neighbouring filters.
    pub filter_lanes: usize,
    /// Threads that share the positions.
    pub position_lanes: usize,
    /// Filters of a thread.
    pub thread_filters: usize,
    /// Pooled positions of a tile: the same number for each of `position_lanes`.
    pub position_tile: usize,
}

/// Neighbouring threads that read workgroup memory at a time.
const LANES: usize = 32;
/// Sums of a thread where channels make the threads: what leaves several workgroups on a compute unit.
const MOST_SUMS: usize = 36;
/// Sums of a thread that a compiler keeps in registers.
const MOST_TAPS: usize = 64;
/// Filters of a workgroup.
const MOST_FILTERS: usize = 32;
/// Pooled positions of a workgroup, if an image has fewer: each is worth a part of loading the kernel.
const ENOUGH_POSITIONS: usize = 8;
/// Bytes of workgroup memory: three quarters of what WebGPU promises.
const MOST_BYTES: usize = 12_288;

impl GatherLayout {
    /// What suits the convolution; `None` without a pool, or where a kernel or its region is too large for the shader.
    pub fn of(convolution: &Convolution) -> Option<Self> {
        let Convolution { window, filters, pool, .. } = *convolution;
        let taps = window.size[0] * window.size[1];
        if pool == 1 || convolution.broken_rule().is_some() || taps > MOST_TAPS {
            return None;
        }
        let channels = window.input[2];
        let channel_lanes = channels.div_ceil(channels.div_ceil(LANES));
        let thread_filters = if channel_lanes >= 8 { (MOST_SUMS / taps).clamp(1, 4) } else { 1 };
        let filter_lanes = filters.min(MOST_FILTERS).div_ceil(thread_filters).min(MOST_THREADS / channel_lanes);
        let position_lanes = (MOST_THREADS / (channel_lanes * filter_lanes)).max(1);
        let lanes = Self { channel_lanes, filter_lanes, position_lanes, thread_filters, position_tile: position_lanes };
        let doubled = |lanes: &Self| Some(Self { position_tile: 2 * lanes.position_tile, ..*lanes });
        let fits = |lanes: &Self| lanes.workgroup_bytes(convolution) <= MOST_BYTES;
        std::iter::successors(Some(lanes), doubled).take_while(fits).last()
    }

    pub fn threads(&self) -> usize {
        self.channel_lanes * self.filter_lanes * self.position_lanes
    }

    /// Rows and columns of the input under all patches of a window.
    pub(super) fn region(convolution: &Convolution) -> [usize; 2] {
        let Convolution { window, pool, .. } = convolution;
        [0, 1].map(|axis| (pool - 1) * window.stride[axis] + window.size[axis])
    }

    /// Filters of a workgroup.
    pub fn tile_filters(&self) -> usize {
        self.filter_lanes * self.thread_filters
    }

    /// Workgroups of one partition, along the channels and along the filters.
    pub fn workgroups(&self, convolution: &Convolution) -> [usize; 2] {
        let channels = convolution.window.input[2];
        [channels.div_ceil(self.channel_lanes), convolution.filters.div_ceil(self.tile_filters())]
    }

    /// Bytes of the shader's workgroup memory.
    pub fn workgroup_bytes(&self, convolution: &Convolution) -> usize {
        let region: usize = Self::region(convolution).iter().product();
        let regions = self.position_tile * region * self.channel_lanes;
        let sums = self.position_lanes * self.channel_lanes * (self.tile_filters() + 1);
        size_of::<f32>() * (regions.max(sums) + 2 * self.position_tile * self.tile_filters())
    }
}

/// Of `shaders/pooled_input_gradient.wgsl`: the threads of a workgroup, each with a row of pooled positions, and the
/// filters between two barriers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpreadLayout {
    /// Threads with neighbouring channels.
    pub channel_lanes: usize,
    /// Images, all of whose rows the workgroup has.
    pub images: usize,
    pub filter_tile: usize,
}

/// Sums of a thread of [`SpreadLayout`], all of which are in registers.
const MOST_SPREAD: usize = 80;
/// Multiply-adds of a thread for a filter, which a compiler writes out: most are jumped over.
const MOST_BRANCHES: usize = 1024;

impl SpreadLayout {
    /// What suits the convolution; `None` without a pool, or where a row or an image is too large for the shader, or
    /// strides leave rows that no patch meets.
    pub fn of(convolution: &Convolution) -> Option<Self> {
        let Convolution { window, pool, .. } = *convolution;
        if pool == 1 || convolution.broken_rule().is_some() || window.size[0] < window.stride[0] {
            return None;
        }
        let [height, width] = convolution.pooled();
        let [sums_high, sums_wide] = Self::region(convolution);
        let unrolled =
            convolution.window_elements().checked_mul(width)?.checked_mul(window.size[0] * window.size[1])?;
        if sums_high.saturating_mul(sums_wide) > MOST_SPREAD || unrolled > MOST_BRANCHES {
            return None;
        }
        let channels = window.input[2];
        let channel_lanes = channels.div_ceil(channels.div_ceil(LANES));
        let images = (MOST_THREADS / channel_lanes / height).min(ENOUGH_POSITIONS.div_ceil(height * width));
        let layout = |filter_tile| Self { channel_lanes, images, filter_tile };
        let fits = |layout: &Self| images > 0 && layout.workgroup_bytes(convolution) <= 16_384;
        [8, 4, 2].map(layout).into_iter().find(fits)
    }

    /// Rows and columns of the input under a row of pooled positions.
    fn region(convolution: &Convolution) -> [usize; 2] {
        let Convolution { window: Window { size, stride, .. }, pool, .. } = *convolution;
        [(pool - 1) * stride[0] + size[0], (convolution.pooled()[1] * pool - 1) * stride[1] + size[1]]
    }

    pub fn threads(&self, convolution: &Convolution) -> usize {
        self.channel_lanes * self.images * convolution.pooled()[0]
    }

    /// Workgroups along the images and along the channels.
    pub fn workgroups(&self, convolution: &Convolution) -> [usize; 2] {
        let channels = convolution.window.input[2];
        [convolution.batch.div_ceil(self.images), channels.div_ceil(self.channel_lanes)]
    }

    /// Bytes of the shader's workgroup memory.
    pub fn workgroup_bytes(&self, convolution: &Convolution) -> usize {
        let Convolution { window: Window { size, .. }, .. } = *convolution;
        let ([height, width], [region_height, _]) = (convolution.pooled(), Self::region(convolution));
        let kernels = self.filter_tile * (size[0] * size[1] * self.channel_lanes + (32 / self.filter_tile).max(1));
        let gradients = self.images * height * width * self.filter_tile;
        size_of::<f32>() * (kernels.max(region_height * self.threads(convolution)) + 2 * gradients)
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::{convolutions, window};
    use super::*;
    use crate::geometry::Padding;

    fn layout(channels: usize, size: usize, filters: usize, pool: usize) -> Option<GatherLayout> {
        let window = window([16, 16, channels], [size; 2], [1, 1], Padding::Same);
        let convolution = Convolution { batch: 2, window, filters, pool };
        let layout = GatherLayout::of(&convolution)?;
        assert!(layout.threads() <= MOST_THREADS && layout.workgroup_bytes(&convolution) <= MOST_BYTES, "{layout:?}");
        assert!(layout.position_tile.is_multiple_of(layout.position_lanes), "{layout:?}");
        Some(layout)
    }

    #[test]
    fn channels_filters_and_then_positions_make_the_threads() {
        let numbers = |channels, size, filters| {
            let layout = layout(channels, size, filters, 2).unwrap();
            let GatherLayout { channel_lanes, filter_lanes, position_lanes, thread_filters, position_tile } = layout;
            [channel_lanes, filter_lanes, position_lanes, thread_filters, position_tile]
        };
        assert_eq!(numbers(1, 3, 32), [1, 32, 8, 1, 32]);
        assert_eq!(numbers(1, 3, 16), [1, 16, 16, 1, 64]);
        assert_eq!(numbers(3, 3, 64), [3, 32, 2, 1, 16]);
        assert_eq!(numbers(32, 3, 64), [32, 8, 1, 4, 4]);
        assert_eq!(numbers(48, 3, 10), [24, 3, 3, 4, 6]);
        assert_eq!(numbers(64, 5, 64), [32, 8, 1, 1, 2]);
    }

    #[test]
    fn rows_of_whole_images_make_the_threads() {
        let numbers = |batch, extent, channels, stride| {
            let window = window([extent, extent, channels], [3, 3], [stride; 2], Padding::Same);
            let convolution = Convolution { batch, window, filters: 64, pool: 2 };
            let layout = SpreadLayout::of(&convolution)?;
            assert!(layout.threads(&convolution) <= MOST_THREADS, "{layout:?}");
            Some([layout.channel_lanes, layout.images, layout.filter_tile])
        };
        assert_eq!(numbers(256, 14, 32, 1), Some([32, 1, 8]));
        assert_eq!(numbers(256, 7, 64, 1), Some([32, 1, 8]));
        assert_eq!(numbers(256, 3, 64, 1), Some([32, 8, 8]));
        assert_eq!(numbers(512, 13, 64, 2), Some([32, 1, 8]));
        // A row has too many sums, and a stride leaves holes.
        assert_eq!(numbers(256, 28, 32, 1), None);
        assert_eq!(numbers(256, 16, 32, 4), None);
        assert_eq!(SpreadLayout::of(&convolutions()[6]), None);
    }

    #[test]
    fn other_products_have_none() {
        assert_eq!(layout(32, 3, 64, 1), None);
        assert_eq!(layout(1, 9, 8, 2), None);
        let wide = Convolution { window: window([99, 99, 32], [1, 1], [40, 40], Padding::Valid), ..convolutions()[3] };
        assert_eq!(GatherLayout::of(&wide), None);
    }
}
