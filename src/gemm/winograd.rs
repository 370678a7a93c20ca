//! Which products the CPU path computes by Winograd's minimal filtering (`src/kernels/winograd.rs`), and what is left to
//! multiply.

use super::{Convolution, GemmConfig, GemmKind, GemmProblem};
use crate::geometry::Window;

/// Outputs of a tile along either axis.
pub const WINOGRAD_TILE: usize = 4;
/// Products of a tile along either axis: one for each of the inputs that it depends on.
pub const WINOGRAD_POINTS: usize = WINOGRAD_TILE + 2;

/// Partitions of a weight gradient: a core takes one, and each is interpolated for itself.
const PARTITIONS: usize = 8;

impl GemmProblem {
    /// Tiles of an image, of a product that can be filtered so and needs at most two thirds of the multiply-adds then:
    /// tiles reach beyond outputs that they do not divide.
    pub fn winograd_tiles(&self) -> Option<usize> {
        // Whole vectors of any processor.
        const LANES: usize = 16;
        let Convolution {
            window: Window { size, stride, input: [height, width, channels], .. }, filters, pool, ..
        } = self.convolution;
        let outputs = match self.kind {
            GemmKind::Forward => self.convolution.pooled().map(|extent| extent * pool),
            GemmKind::InputGradient if pool == 1 => [height, width],
            GemmKind::WeightGradient if pool == 1 => self.convolution.window.output,
            GemmKind::InputGradient | GemmKind::WeightGradient => return None,
        };
        let suits = size == [3, 3] && stride == [1, 1] && [channels, filters].iter().all(|count| count % LANES == 0);
        let tiles = outputs.map(|extent| extent.div_ceil(WINOGRAD_TILE)).iter().product::<usize>();
        let taps = size[0] * size[1] * outputs[0] * outputs[1];
        (suits && 3 * tiles * WINOGRAD_POINTS * WINOGRAD_POINTS <= 2 * taps).then_some(tiles)
    }

    /// Partitions of a weight gradient then, whole images each.
    pub fn winograd_partitions(&self) -> usize {
        PARTITIONS.min(self.convolution.batch)
    }

    /// Multiply-adds, taps outside of the image included; a gradient through a max-pool has one element of each window.
    pub fn multiply_adds(&self, config: &GemmConfig) -> usize {
        let Convolution { batch, window, filters, .. } = self.convolution;
        let tiles = self.winograd_tiles().filter(|_| config.winograd);
        match (tiles, self.kind) {
            (Some(tiles), _) => batch * tiles * WINOGRAD_POINTS * WINOGRAD_POINTS * window.input[2] * filters,
            (None, GemmKind::Forward) => self.convolution.rows() * self.convolution.depth() * filters,
            (None, GemmKind::WeightGradient | GemmKind::InputGradient) => {
                self.convolution.positions() * self.convolution.depth() * filters
            }
        }
    }
}
