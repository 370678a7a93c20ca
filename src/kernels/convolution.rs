//! What the three convolution kernels share: the geometry, the tile, and the patches that their twins multiply.

use std::ops::Range;

use super::matrix::{Matrix, Offsets};
use super::scratch::Scratch;
use super::{Constants, MOST_WORDS, floats, floats_mut};
use crate::geometry::{LARGEST_WINDOW, Window};

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

/// Positions of a weight gradient's slot, at the least.
const SLOT_POSITIONS: usize = 128;
/// Depth of a forward product's slot, at the least.
const SLOT_DEPTH: usize = 128;

impl Tile {
    pub fn workgroup_rows(&self) -> usize {
        self.threads[1] * self.rows
    }

    pub fn workgroup_columns(&self) -> usize {
        self.threads[0] * self.columns
    }

    /// The depth of every slot but the last where a forward product's sum over `depth` is cut into so many: whole tiles.
    pub(super) fn slot_depth(&self, depth: usize, slots: usize) -> usize {
        self.depth * depth.div_ceil(self.depth).div_ceil(slots)
    }

    /// As many slots of whole tiles, or one or a few less where some would have none.
    pub fn forward_slots(&self, depth: usize, slots: usize) -> usize {
        depth.div_ceil(self.slot_depth(depth, slots))
    }

    /// The most of `threads` that can load a row of a left matrix together, each an equal part of a tile's `depth`.
    pub(super) fn row_share(threads: usize, depth: usize) -> usize {
        if depth == 0 { threads } else { Self::row_share(depth, threads % depth) }
    }

    /// The most of `threads` that can load one of a weight gradient's `patches` together.
    pub(super) fn patch_share(threads: usize, patches: usize) -> usize {
        if threads.is_multiple_of(patches) { threads / patches } else { 1 }
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

    /// The most slots that a weight gradient's sum over the positions is worth cutting into.
    pub fn most_slots(&self) -> usize {
        (self.positions() / SLOT_POSITIONS).max(1)
    }

    /// The most slots that a forward product's sum over the depth is worth cutting into: a pool needs whole sums.
    pub fn most_forward_slots(&self) -> usize {
        if self.pool == 1 { (self.depth() / SLOT_DEPTH).max(1) } else { 1 }
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

    /// Words of `argmax` with so many positions in each; without a pool the binding is there, but nothing is in it.
    pub(super) fn argmax_words(&self, packed: usize) -> usize {
        if self.pool == 1 { 1 } else { self.positions().div_ceil(packed) * self.filters }
    }

    /// Values of kernel and bias.
    pub fn weights(&self) -> usize {
        (self.depth() + 1) * self.filters
    }

    /// The rule that the geometry breaks, if any, of those that no u32 of a shader's addresses wraps by.
    pub(super) fn broken_rule(&self) -> Option<&'static str> {
        let Self { batch, window: Window { size, stride, pad, input, output }, filters, pool } = *self;
        // The input with the padding that its patches reach.
        let frame = [0, 1].map(|axis| {
            let covered = output[axis].saturating_sub(1).saturating_mul(stride[axis]).saturating_add(size[axis]);
            covered.max(input[axis])
        });
        let fits = |sizes: &[usize]| {
            let product = sizes.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
            product.is_some_and(|values| (1..=MOST_WORDS).contains(&values))
        };
        let whole = |axis: usize| pad[axis] < size[axis] && output[axis] >= pool && output[axis] < MOST_WORDS / 2;
        let rules = [
            (matches!(pool, 1 | 2), "its pool is 1 or 2"),
            (size.iter().chain(&stride).all(|extent| (1..=LARGEST_WINDOW).contains(extent)), "its window has a size"),
            (whole(0) && whole(1), "its windows meet the input"),
            (fits(&input) && fits(&[batch, frame[0], frame[1], input[2]]), "its input can be addressed"),
            (fits(&[batch, output[0], output[1], filters]), "its output can be addressed"),
            (fits(&[size[0], size[1], input[2], filters.saturating_mul(2)]), "its weights can be addressed"),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map(|(_, rule)| rule)
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

    /// Image and output coordinates (before the pool) of each of some rows: those of whole positions.
    fn for_each_place(&self, rows: Range<usize>, mut visit: impl FnMut(usize, usize, usize)) {
        let [height, width] = self.pooled();
        let first = rows.start / self.places();
        let (mut image, mut y, mut x) = (first / (height * width), first / width % height, first % width);
        for _ in rows.step_by(self.places()) {
            for place in 0..self.pool {
                (0..self.pool).for_each(|column| visit(image, y * self.pool + place, x * self.pool + column));
            }
            x += 1;
            if x == width {
                (x, y) = (0, y + 1);
            }
            if y == height {
                (y, image) = (0, image + 1);
            }
        }
    }

    /// The input under one row of the kernel at an output position: where it starts in the image's row `y`, or nothing
    /// where the kernel's row is outside. `visit(tap, source, count)`: `count` values from `source` lie under `tap` on.
    fn visit_runs(&self, [image, y, x]: [usize; 3], mut visit: impl FnMut(usize, usize, usize)) {
        let Window { size, stride, pad, input: [height, width, channels], .. } = self.window;
        let left = (x * stride[1]) as isize - pad[1] as isize;
        let skipped = (-left).clamp(0, size[1] as isize) as usize;
        let count = (width as isize - left).clamp(skipped as isize, size[1] as isize) as usize - skipped;
        for kernel_y in 0..size[0] {
            let y = (y * stride[0] + kernel_y) as isize - pad[0] as isize;
            if (0..height as isize).contains(&y) && count > 0 {
                let source = (image * height + y as usize) * width + (left + skipped as isize) as usize;
                visit((kernel_y * size[1] + skipped) * channels, source * channels, count * channels);
            }
        }
    }

    /// Images with zeros around, or cut: `frame` is the height and width that a patch can be in.
    fn frame(&self, input: &[f32], images: Range<usize>, frame: [usize; 2]) -> Scratch {
        let Window { pad, input: [height, width, channels], .. } = self.window;
        let mut framed = Scratch::new(images.len() * frame[0] * frame[1] * channels);
        let (left, count) = (pad[1] * channels, width.min(frame[1] - pad[1]) * channels);
        for (number, row) in floats_mut(&mut framed).chunks_exact_mut(frame[1] * channels).enumerate() {
            let (image, y) = (images.start + number / frame[0], (number % frame[0]).wrapping_sub(pad[0]));
            row.fill(0.0);
            if y < height {
                row[left..left + count].copy_from_slice(&input[(image * height + y) * width * channels..][..count]);
            }
        }
        framed
    }

    /// Adds patches `[rows, depth]` to the images they came from. `images` starts at image `first_image` of the batch.
    pub(super) fn scatter_patches(&self, patches: &[f32], rows: Range<usize>, first_image: usize, images: &mut [f32]) {
        let offset = first_image * self.window.input.iter().product::<usize>();
        let mut patches = patches.chunks_exact(self.depth());
        self.for_each_place(rows, |image, y, x| {
            let patch = patches.next().unwrap_or_default();
            self.visit_runs([image, y, x], |tap, source, count| {
                let target = &mut images[source - offset..source - offset + count];
                target.iter_mut().zip(&patch[tap..tap + count]).for_each(|(sum, value)| *sum += value);
            });
        });
    }
}

/// The patches of some rows, `[rows, depth]`, without a copy of each: the images they are in, with zeros around where
/// patches reach beyond them, and the place of every patch and of every element within a patch.
pub(super) struct Patches<'a> {
    images: &'a [f32],
    framed: Option<Scratch>,
    corners: Scratch,
    taps: Scratch,
}

impl<'a> Patches<'a> {
    /// Of `rows` in all images `[batch, H, W, C]`.
    pub(super) fn new(convolution: &Convolution, input: &'a [f32], rows: Range<usize>) -> Self {
        let Window { size, stride, pad, input: [height, width, channels], .. } = convolution.window;
        let [pooled_height, pooled_width] = convolution.pooled();
        let rows_of_image = pooled_height * pooled_width * convolution.places();
        let images = rows.start / rows_of_image..rows.end.div_ceil(rows_of_image);
        // What the patches of one image cover.
        let covered =
            [0, 1].map(|axis| (convolution.pooled()[axis] * convolution.pool - 1) * stride[axis] + size[axis]);
        let inside = pad == [0, 0] && covered[0] <= height && covered[1] <= width;
        let frame = if inside { [height, width] } else { covered };
        let framed = (!inside).then(|| convolution.frame(input, images.clone(), frame));

        let mut corners = Scratch::new(rows.len());
        let mut unset = corners.iter_mut();
        convolution.for_each_place(rows, |image, y, x| {
            let pixel = ((image - images.start) * frame[0] + y * stride[0]) * frame[1] + x * stride[1];
            if let Some(corner) = unset.next() {
                *corner = (pixel * channels) as u32;
            }
        });
        let mut taps = Scratch::new(convolution.depth());
        for (tap, offset) in taps.iter_mut().enumerate() {
            let (y, rest) = (tap / (size[1] * channels), tap % (size[1] * channels));
            *offset = (y * frame[1] * channels + rest) as u32;
        }
        Self { images: &input[images.start * height * width * channels..], framed, corners, taps }
    }

    pub(super) fn matrix(&self) -> Matrix<'_> {
        let values = self.framed.as_ref().map_or(self.images, |framed| floats(framed));
        Matrix::with_offsets(values, Offsets::Table(&self.corners), Offsets::Table(&self.taps))
    }
}
