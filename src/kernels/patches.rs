//! What the three products' kernels share: the shaders' constants, and the patches that their CPU references multiply.

use std::borrow::Cow;
use std::ops::Range;

use super::matrix::{Matrix, Offsets};
use super::scratch::Scratch;
use super::{Constants, Descriptor, floats, floats_mut};
use crate::gemm::{ArgmaxWord, Convolution, GemmConfig};
use crate::geometry::Window;
use crate::precision::Precision;

/// Rows of the forward product, or of its gradient, that a reference makes patches of at a time: what they are and what
/// becomes of them stays in a core's cache.
pub(super) const BLOCK_ROWS: usize = 192;

/// The constants of a configuration's tile.
pub(super) fn tile_constants(config: &GemmConfig) -> Constants {
    let mut constants: Constants = vec![
        ("THREADS_X", config.threads[0].into()),
        ("THREADS_Y", config.threads[1].into()),
        ("THREAD_ROWS", config.rows.into()),
        ("THREAD_COLUMNS", config.columns.into()),
        ("DEPTH_TILE", config.depth.into()),
        ("THREADS_PER_ROW", config.threads_per_row.into()),
        ("STAGE_B", config.stage_b.into()),
        ("ACCUMULATORS", config.accumulators.into()),
        ("LOOP_CARRY", config.loop_carry.into()),
    ];
    if config.matrix > 0 {
        let [across, down] = config.subgroups;
        constants.extend([("SUBGROUPS_X", across.into()), ("SUBGROUPS_Y", down.into())]);
    }
    constants
}

impl GemmConfig {
    /// A product's kernel: the one by `threads`, or one of those by matrix units.
    pub(super) fn descriptor(
        &self,
        threads: &'static Descriptor,
        by_matrices: &'static [Descriptor; 2],
    ) -> &'static Descriptor {
        match self.matrix {
            0 => threads,
            8 => &by_matrices[0],
            _ => &by_matrices[1],
        }
    }

    /// What the product multiplies: values as they are, or for matrix units rounded to f16.
    pub(super) fn operand<'a>(&self, values: &'a [f32]) -> Cow<'a, [f32]> {
        match self.matrix {
            0 => Cow::Borrowed(values),
            _ => Cow::Owned(values.iter().map(|&value| Precision::F16.rounded(value)).collect()),
        }
    }
}

impl ArgmaxWord {
    pub(super) fn constants(self) -> Constants {
        vec![("POSITIONS_PER_WORD", self.positions.into()), ("FILTERS_PER_WORD", self.filters.into())]
    }
}

impl Convolution {
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

    /// Values of a patch that are neighbours in an image: a row of the kernel's.
    pub(super) fn run(&self) -> usize {
        self.window.size[1] * self.window.input[2]
    }

    /// Image and output coordinates (before the pool) of each of some rows: those of whole pooled positions.
    fn for_each_row(&self, rows: Range<usize>, mut visit: impl FnMut(usize, usize, usize)) {
        let [height, width] = self.pooled();
        let first = rows.start / self.window_elements();
        let (mut image, mut y, mut x) = (first / (height * width), first / width % height, first % width);
        for _ in rows.step_by(self.window_elements()) {
            for row in 0..self.pool {
                (0..self.pool).for_each(|column| visit(image, y * self.pool + row, x * self.pool + column));
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

    /// The input under the kernel at an output position, a row of the kernel at a time, but for what is outside of the image:
    /// `visit(first, source, count)` says that `count` values of the input `[batch, H, W, C]`, from `source` on, are the
    /// patch's values `[KH, KW, C]` from `first` on.
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

    /// Images with zeros around, or without what no patch reaches: `frame` is the height and width that patches are in.
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
        self.for_each_row(rows, |image, y, x| {
            let patch = patches.next().unwrap_or_default();
            self.visit_runs([image, y, x], |first, source, count| {
                let target = &mut images[source - offset..source - offset + count];
                target.iter_mut().zip(&patch[first..first + count]).for_each(|(sum, value)| *sum += value);
            });
        });
    }
}

/// The patches of some rows, `[rows, depth]`, without a copy of each: the images they are in, with zeros around where
/// patches reach beyond them, where every patch starts, and where in it every element is.
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
        let rows_of_image = pooled_height * pooled_width * convolution.window_elements();
        let images = rows.start / rows_of_image..rows.end.div_ceil(rows_of_image);
        // What the patches of one image cover.
        let covered =
            [0, 1].map(|axis| (convolution.pooled()[axis] * convolution.pool - 1) * stride[axis] + size[axis]);
        let inside = pad == [0, 0] && covered[0] <= height && covered[1] <= width;
        let frame = if inside { [height, width] } else { covered };
        let framed = (!inside).then(|| convolution.frame(input, images.clone(), frame));

        let mut corners = Scratch::new(rows.len());
        let mut unset = corners.iter_mut();
        convolution.for_each_row(rows, |image, y, x| {
            let pixel = ((image - images.start) * frame[0] + y * stride[0]) * frame[1] + x * stride[1];
            if let Some(corner) = unset.next() {
                *corner = (pixel * channels) as u32;
            }
        });
        let mut taps = Scratch::new(convolution.depth());
        for (tap, offset) in taps.iter_mut().enumerate() {
            let (y, rest) = (tap / convolution.run(), tap % convolution.run());
            *offset = (y * frame[1] * channels + rest) as u32;
        }
        Self { images: &input[images.start * height * width * channels..], framed, corners, taps }
    }

    pub(super) fn matrix(&self) -> Matrix<'_> {
        let values = self.framed.as_ref().map_or(self.images, |framed| floats(framed));
        Matrix::with_offsets(values, Offsets::Table(&self.corners), Offsets::Table(&self.taps))
    }
}
