//! What the three convolution kernels share: the geometry, the tile, and the patches that their twins multiply.

use std::ops::Range;

use super::Constants;
use crate::model::Window;

/// A convolution of a batch. A dense layer is one with a 1 x 1 kernel over 1 x 1 images: see [`Convolution::dense`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Convolution {
    pub batch: usize,
    pub window: Window,
    pub filters: usize,
    /// Size and stride of the max-pool in the epilogue; 1 for none.
    pub pool: usize,
}

/// How a product is cut up: threads of a workgroup, products of a thread, and the depth staged at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Tile {
    pub threads: [usize; 2],
    /// Rows of one thread; a multiple of the pooling window's positions in `conv_forward`.
    pub rows: usize,
    pub columns: usize,
    pub depth: usize,
    /// Neighbouring threads that load one row of the left matrix together; divides the threads, and `depth` too but in
    /// weight gradients.
    pub share: usize,
    /// Whether the right matrix goes through workgroup memory too.
    pub stage_columns: bool,
    /// Sums that a tile's products of one output are shared out to.
    pub chains: usize,
    /// Whether the loop carries what a thread knows of its place: see the shaders' `kept`.
    pub keep: bool,
}

impl Tile {
    pub fn workgroup_rows(&self) -> usize {
        self.threads[1] * self.rows
    }

    pub fn workgroup_columns(&self) -> usize {
        self.threads[0] * self.columns
    }

    pub(super) fn constants(&self) -> Constants {
        vec![
            ("THREADS_X", self.threads[0].into()),
            ("THREADS_Y", self.threads[1].into()),
            ("THREAD_ROWS", self.rows.into()),
            ("THREAD_COLUMNS", self.columns.into()),
            ("DEPTH_TILE", self.depth.into()),
            ("SHARE", self.share.into()),
            ("STAGE_COLUMNS", self.stage_columns.into()),
            ("CHAINS", self.chains.into()),
            ("KEEP", self.keep.into()),
        ]
    }
}

impl Convolution {
    /// `[batch, inputs] x [inputs, units]`.
    pub fn dense(batch: usize, inputs: usize, units: usize) -> Self {
        let window = Window { size: [1, 1], stride: [1, 1], pad: [0, 0], input: [1, 1, inputs], output: [1, 1] };
        Self { batch, window, filters: units, pool: 1 }
    }

    /// Height and width of the output, after the pool.
    pub fn pooled(&self) -> [usize; 2] {
        self.window.output.map(|extent| extent / self.pool)
    }

    /// Places of one pooling window.
    pub fn places(&self) -> usize {
        self.pool * self.pool
    }

    /// Positions of the whole batch's output, after the pool.
    pub fn positions(&self) -> usize {
        let [height, width] = self.pooled();
        self.batch * height * width
    }

    /// Rows of the forward product: every place of every position.
    pub fn rows(&self) -> usize {
        self.positions() * self.places()
    }

    /// Columns of the forward product's left matrix: taps times channels.
    pub fn depth(&self) -> usize {
        self.window.size[0] * self.window.size[1] * self.window.input[2]
    }

    /// Values of the input of the whole batch.
    pub fn inputs(&self) -> usize {
        self.batch * self.window.input.iter().product::<usize>()
    }

    /// Height and width of the part of the input that any pooled output reaches; the rest gets no gradient.
    pub fn reached(&self) -> [usize; 2] {
        let Window { size, stride, pad, input, .. } = self.window;
        let pooled = self.pooled();
        [0, 1].map(|axis| input[axis].min((pooled[axis] * self.pool - 1) * stride[axis] + size[axis] - pad[axis]))
    }

    /// Values of kernel and bias.
    pub fn weights(&self) -> usize {
        (self.depth() + 1) * self.filters
    }

    /// Whether a patch is the input's own row, as in a dense layer.
    pub(super) fn is_dense(&self) -> bool {
        self.window.input[..2] == [1, 1] && self.window.size == [1, 1] && self.pool == 1
    }

    pub(super) fn constants(&self) -> Constants {
        [self.geometry(), vec![("FILTERS", self.filters.into())]].concat()
    }

    /// The constants of images, kernel and positions.
    pub(super) fn geometry(&self) -> Constants {
        let Window { size, stride, pad, input, output } = self.window;
        vec![
            ("BATCH", self.batch.into()),
            ("HEIGHT", input[0].into()),
            ("WIDTH", input[1].into()),
            ("CHANNELS", input[2].into()),
            ("KERNEL_HEIGHT", size[0].into()),
            ("KERNEL_WIDTH", size[1].into()),
            ("STRIDE_Y", stride[0].into()),
            ("STRIDE_X", stride[1].into()),
            ("PAD_TOP", pad[0].into()),
            ("PAD_LEFT", pad[1].into()),
            ("OUTPUT_HEIGHT", output[0].into()),
            ("OUTPUT_WIDTH", output[1].into()),
            ("POOL", self.pool.into()),
        ]
    }

    /// Image and output coordinates (before the pool) of a row.
    fn place_of(&self, row: usize) -> (usize, usize, usize) {
        let [height, width] = self.pooled();
        let (position, place) = (row / self.places(), row % self.places());
        let (image, pooled) = (position / (height * width), position % (height * width));
        let y = pooled / width * self.pool + place / self.pool;
        let x = pooled % width * self.pool + place % self.pool;
        (image, y, x)
    }

    /// The input under one row of the kernel at one output position: where it starts in the image's row `y`, or nothing
    /// where the kernel's row is outside. `visit(tap, source, count)`: `count` values from `source` lie under `tap` on.
    fn visit_runs(&self, row: usize, mut visit: impl FnMut(usize, usize, usize)) {
        let Window { size, stride, pad, input: [height, width, channels], .. } = self.window;
        let (image, output_y, output_x) = self.place_of(row);
        let left = (output_x * stride[1]) as isize - pad[1] as isize;
        let skipped = (-left).clamp(0, size[1] as isize) as usize;
        let count = (width as isize - left).clamp(skipped as isize, size[1] as isize) as usize - skipped;
        for kernel_y in 0..size[0] {
            let y = (output_y * stride[0] + kernel_y) as isize - pad[0] as isize;
            if (0..height as isize).contains(&y) && count > 0 {
                let source = (image * height + y as usize) * width + (left + skipped as isize) as usize;
                visit((kernel_y * size[1] + skipped) * channels, source * channels, count * channels);
            }
        }
    }

    /// Rows of the left matrix `[rows, depth]`, from `input` `[batch, H, W, C]`.
    pub(super) fn gather_patches(&self, input: &[f32], rows: Range<usize>, patches: &mut [f32]) {
        for (row, patch) in rows.zip(patches.chunks_exact_mut(self.depth())) {
            patch.fill(0.0);
            self.visit_runs(row, |tap, source, count| {
                patch[tap..tap + count].copy_from_slice(&input[source..source + count]);
            });
        }
    }

    /// The transpose of [`Self::gather_patches`]: adds patches to the images they came from. `images` starts at image
    /// `first_image` of the batch.
    pub(super) fn scatter_patches(&self, patches: &[f32], rows: Range<usize>, first_image: usize, images: &mut [f32]) {
        let offset = first_image * self.window.input.iter().product::<usize>();
        for (row, patch) in rows.zip(patches.chunks_exact(self.depth())) {
            self.visit_runs(row, |tap, source, count| {
                let target = &mut images[source - offset..source - offset + count];
                target.iter_mut().zip(&patch[tap..tap + count]).for_each(|(sum, value)| *sum += value);
            });
        }
    }

    /// The output gradient of `rows` as a matrix `[rows, filters]`: a pooled position's gradient stands in the row of
    /// its largest place, the other rows are zero.
    pub(super) fn expand_gradient(
        &self,
        gradient: &[f32],
        argmax: &[u32],
        packed: usize,
        positions: Range<usize>,
        expanded: &mut [f32],
    ) {
        expanded.fill(0.0);
        for (position, rows) in positions.zip(expanded.chunks_exact_mut(self.places() * self.filters)) {
            for filter in 0..self.filters {
                let word = argmax[position / packed * self.filters + filter];
                let place = (word >> (4 * (position % packed)) & 15) as usize;
                rows[place * self.filters + filter] = gradient[position * self.filters + filter];
            }
        }
    }
}
