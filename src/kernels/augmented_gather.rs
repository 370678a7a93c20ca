//! Batch gather with augmentation: host side and CPU reference of `shaders/augmented_gather.wgsl`.

use rayon::prelude::*;

use super::case::{Case, Draw, Tolerance, case, progress, unwritten};
use super::rescale::OF_PRODUCT_AND_SUM;
use super::scratch::Scratch;
use super::vectors::vectorised;
use super::{
    BINDINGS, Constants, Descriptor, Kernel, PixelScaling, Progress, floats_mut, read_words, write, write_words,
};
use crate::augment::{Pad, Transform, WHOLE};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "augmented_gather",
    about: "copies a batch out of the data set as gather does, each image augmented and mixed with others",
    wgsl: shader!("augmented_gather", "progress"),
    bindings: &[
        read_words("images"),
        read_words("labels"),
        read_words("order"),
        read_words("transforms"),
        read_words("progress"),
        write("input"),
        write_words("batch_labels"),
    ],
    cases,
};

/// input `[micro_batch, H, W, C]` and labels of the present micro-batch of the present batch, as each place's [`Transform`]
/// says. Labels are `[micro_batch]`, or where images are mixed `[micro_batch, 3]`: a row's own, its partner's, and its own
/// share as the bits of an f32.
#[derive(Clone, Copy, Debug)]
pub struct AugmentedGather {
    pub batch: usize,
    /// Rows of it at a time.
    pub micro_batch: usize,
    /// Of an image, `[H, W, C]`.
    pub shape: [usize; 3],
    pub pad: Pad,
    pub mixed: bool,
    /// Whether images are f32, a word each, which are taken as they are; else they are bytes.
    pub floats: bool,
    /// Of byte / 255, or of the number.
    pub rescaling: PixelScaling,
}

const THREADS: usize = 64;

impl AugmentedGather {
    fn pixels(&self) -> usize {
        self.shape.iter().product()
    }

    /// Words of one row's labels.
    pub fn label_words(&self) -> usize {
        if self.mixed { 3 } else { 1 }
    }

    /// Images that a row is made of.
    fn images(&self) -> usize {
        1 + usize::from(self.mixed)
    }
}

impl Kernel for AugmentedGather {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        vec![
            ("BATCH", self.batch.into()),
            ("MICRO_BATCH", self.micro_batch.into()),
            ("HEIGHT", self.shape[0].into()),
            ("WIDTH", self.shape[1].into()),
            ("CHANNELS", self.shape[2].into()),
            ("PAD", (self.pad as u32).into()),
            ("MIXED", self.mixed.into()),
            ("FLOATS", self.floats.into()),
            ("FACTOR", (self.rescaling.scale as f32).into()),
            ("OFFSET", (self.rescaling.offset as f32).into()),
            ("THREADS", THREADS.into()),
        ]
    }

    fn workgroups(&self) -> [usize; 3] {
        [self.pixels().div_ceil(THREADS), self.micro_batch, 1]
    }

    fn operations(&self) -> usize {
        let mixing = if self.mixed { 3 } else { 0 };
        self.micro_batch * self.pixels() * (1 + mixing)
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        let rows = self.micro_batch * self.images();
        match binding {
            "images" => (rows * self.pixels()).div_ceil(if self.floats { 1 } else { 4 }),
            "labels" => rows.div_ceil(4),
            "order" => rows,
            "transforms" => rows * Transform::WORDS,
            _ => words,
        }
    }

    fn words(&self) -> Vec<usize> {
        let rows = self.micro_batch;
        vec![1, 1, 1, Transform::WORDS, Progress::WORDS, rows * self.pixels(), rows * self.label_words()]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [images, labels, order, transforms, progress, input, batch_labels] = memory else {
            unreachable!("{BINDINGS}")
        };
        let progress = Progress::read(progress);
        let rows = progress.micro_batch_rows(self.batch, self.micro_batch);
        let first = progress.batch as usize * self.batch;
        let whole = transforms.len() / Transform::WORDS * Transform::WORDS;
        let samples = Samples {
            kernel: self,
            images,
            labels: bytemuck::cast_slice(labels),
            order,
            transforms: bytemuck::cast_slice(&transforms[..whole]),
        };
        let input = floats_mut(input)[..self.micro_batch * self.pixels()].par_chunks_exact_mut(self.pixels());
        let batch_labels = batch_labels.par_chunks_exact_mut(self.label_words());
        input.zip(batch_labels).enumerate().for_each(|(row, (pixels, labels))| {
            let place = first + progress.micro_batch as usize * self.micro_batch + row;
            match samples.transforms.get(place).filter(|_| row < rows) {
                Some(transform) => {
                    let partner = first + transform.partner as usize;
                    match self.floats {
                        true => samples.image::<f32>([place, partner], transform, pixels),
                        false => samples.image::<u8>([place, partner], transform, pixels),
                    }
                    labels[0] = samples.label(place);
                    if let [_, other, share] = labels {
                        (*other, *share) = (samples.label(partner), transform.share.to_bits());
                    }
                }
                None => {
                    pixels.fill(self.rescaling.offset as f32);
                    labels.fill(0);
                }
            }
        });
    }
}

/// The samples to visit. Of what would lead out of a buffer there is nothing; whoever fills the buffers has an error to give.
struct Samples<'a> {
    kernel: &'a AugmentedGather,
    images: &'a [u32],
    labels: &'a [u8],
    order: &'a [u32],
    transforms: &'a [Transform],
}

impl Samples<'_> {
    fn label(&self, place: usize) -> u32 {
        let label = self.order.get(place).and_then(|&sample| self.labels.get(sample as usize));
        label.map_or(0, |&label| label.into())
    }

    /// The image at a place, mixed with its partner's at the other one as its transform says.
    fn image<V: Value>(&self, [place, partner]: [usize; 2], transform: &Transform, pixels: &mut [f32]) {
        let [_, width, channels] = self.kernel.shape;
        let mut lines = Scratch::new((2 * width * channels * size_of::<V>()).div_ceil(4));
        let (line, other) = bytemuck::cast_slice_mut::<u32, V>(&mut lines).split_at_mut(width * channels);
        for (y, pixels) in pixels.chunks_exact_mut(width * channels).enumerate() {
            self.line(place, y, line);
            if self.kernel.mixed {
                self.line(partner, y, other);
                if let Some(pasted) = part(&transform.pasted, y, self.kernel.shape) {
                    line[pasted.clone()].copy_from_slice(&other[pasted]);
                }
            }
            let own = if self.kernel.mixed { transform.own } else { WHOLE };
            let [factor, offset] =
                [self.kernel.rescaling.scale, self.kernel.rescaling.offset].map(|number| number as f32);
            vectorised(
                #[inline(always)]
                || {
                    for ((pixel, &value), &other) in pixels.iter_mut().zip(&*line).zip(&*other) {
                        *pixel = value.mixed(own, other) * factor + offset;
                    }
                },
            );
        }
    }

    /// A row of the image at a place, as its transform leaves it ahead of mixing.
    fn line<V: Value>(&self, place: usize, y: usize, line: &mut [V]) {
        let AugmentedGather { shape, pad, .. } = *self.kernel;
        let [height, width, channels] = shape;
        line.fill(V::zeroed());
        let (Some(transform), Some(&sample)) = (self.transforms.get(place), self.order.get(place)) else { return };
        let [down, right] = transform.shift.map(i64::from);
        let Some(from_y) = source(pad, y as i64 - down, height) else { return };
        let first = (sample as usize * height + from_y) * width * channels;
        let images: &[V] = bytemuck::cast_slice(self.images);
        let Some(from) = images.get(first..first + width * channels) else { return };
        // Those whose pixels are in the image, and before and behind them those whose are not.
        let inside = right.clamp(0, width as i64) as usize..(width as i64 + right).clamp(0, width as i64) as usize;
        let from_x = |x: usize| {
            let moved = source(pad, x as i64 - right, width)?;
            Some(if transform.flip == 1 { width - 1 - moved } else { moved })
        };
        if let Some(start) = from_x(inside.start).filter(|_| !inside.is_empty()) {
            let to = &mut line[inside.start * channels..inside.end * channels];
            if transform.flip == 1 {
                let from = from[..(start + 1) * channels].rchunks_exact(channels);
                to.chunks_exact_mut(channels).zip(from).for_each(|(to, from)| to.copy_from_slice(from));
            } else {
                to.copy_from_slice(&from[start * channels..][..to.len()]);
            }
        }
        for x in (0..inside.start).chain(inside.end..width) {
            if let Some(from_x) = from_x(x) {
                line[x * channels..][..channels].copy_from_slice(&from[from_x * channels..][..channels]);
            }
        }
        for zeros in [&transform.cutout, &transform.erased] {
            if let Some(zeros) = part(zeros, y, shape) {
                line[zeros].fill(V::zeroed());
            }
        }
    }
}

/// A value of an image.
trait Value: bytemuck::Pod {
    /// So many parts of [`WHOLE`] of it and the rest of another one, as f32.
    fn mixed(self, own: u32, other: Self) -> f32;
}

impl Value for u8 {
    #[inline(always)]
    fn mixed(self, own: u32, other: Self) -> f32 {
        let rest = WHOLE.wrapping_sub(own);
        let sum = u32::from(self).wrapping_mul(own).wrapping_add(u32::from(other).wrapping_mul(rest));
        sum as f32 / (255 * WHOLE) as f32
    }
}

impl Value for f32 {
    #[inline(always)]
    fn mixed(self, own: u32, other: Self) -> f32 {
        // All of it is the number itself, whatever the other one is.
        let share = own as f32 / WHOLE as f32;
        if own == WHOLE { self } else { self * share + other * (1.0 - share) }
    }
}

/// What a box `[top, left, bottom, right]` has of row `y` of an image, as values of the row.
fn part(area: &[u32; 4], y: usize, [_, width, channels]: [usize; 3]) -> Option<std::ops::Range<usize>> {
    let [top, left, bottom, right] = area.map(|edge| edge as usize);
    let right = right.min(width);
    (top <= y && y < bottom && left < right).then(|| left * channels..right * channels)
}

/// The row or column, of so many, that one of a moved image is from.
fn source(pad: Pad, moved: i64, extent: usize) -> Option<usize> {
    let last = extent as i64 - 1;
    let from = match pad {
        _ if (0..=last).contains(&moved) => moved,
        Pad::Zero => return None,
        Pad::Edge => moved,
        Pad::Reflect if moved > 0 => 2 * last - moved,
        Pad::Reflect => -moved,
    };
    Some(from.clamp(0, last) as usize)
}

fn cases() -> Vec<Case> {
    type Rows = (usize, usize, u32, u32);
    let make = |(number, ((batch, micro_batches, present, samples), shape, pad, mixed)): (
        usize,
        (Rows, [usize; 3], Pad, bool),
    )| {
        let draw = &mut Draw::new(number);
        let (available, micro_batch) = (50, batch.div_ceil(micro_batches));
        let pixels = shape.iter().product::<usize>();
        let floats = number % 4 == 3;
        let images = if floats { draw.numbers(available * pixels, 2.0) } else { draw.bytes(available * pixels, 256) };
        let labels = draw.bytes(available, 10);
        let order = draw.below(samples as usize, available as u32);
        let last_rows = samples - present * batch as u32;
        let transforms: Vec<Transform> =
            (0..samples).map(|_| draw.transform(shape, last_rows.min(batch as u32))).collect();
        let rescaling = match number % 3 {
            0 => PixelScaling { scale: 2.5, offset: -0.75 },
            _ => PixelScaling::NONE,
        };
        let kernel = AugmentedGather { batch, micro_batch, shape, pad, mixed, floats, rescaling };
        let memory = vec![
            images,
            labels,
            order,
            bytemuck::cast_slice(&transforms).to_vec(),
            progress(present, 3, samples, micro_batches as u32 - 1),
            unwritten(micro_batch * pixels),
            unwritten(micro_batch * kernel.label_words()),
        ];
        let of = format!("{micro_batch} of batch {batch} of {shape:?}, number {present} of {samples} samples");
        let is_exact = rescaling == PixelScaling::NONE && !(floats && mixed);
        let of_input = if is_exact { Tolerance::EXACT } else { OF_PRODUCT_AND_SUM };
        let tolerances = [&[Tolerance::EXACT; 5][..], &[of_input]].concat();
        let label = format!("{of}, {pad:?}, mixed {mixed}, floats {floats}, {rescaling:?}");
        Case { tolerances, ..case(label, kernel, memory) }
    };
    let cases = [
        ((4, 1, 0, 12), [28, 28, 1], Pad::Zero, true),
        ((5, 1, 2, 13), [5, 9, 3], Pad::Edge, false),
        ((9, 1, 1, 20), [7, 4, 2], Pad::Reflect, true),
        ((9, 1, 1, 20), [7, 4, 2], Pad::Reflect, false),
        ((1, 1, 6, 7), [1, 1, 1], Pad::Reflect, true),
        ((33, 1, 0, 20), [11, 13, 1], Pad::Edge, true),
        ((9, 2, 1, 40), [3, 8, 2], Pad::Zero, true),
        ((9, 3, 2, 26), [6, 5, 3], Pad::Reflect, true),
        ((8, 4, 1, 9), [4, 4, 1], Pad::Zero, false),
        ((9, 1, 1, 20), [7, 4, 2], Pad::Reflect, false),
        ((9, 3, 2, 26), [6, 5, 3], Pad::Reflect, true),
        ((9, 2, 1, 40), [3, 8, 2], Pad::Zero, true),
    ];
    cases.into_iter().enumerate().map(make).collect()
}

impl Draw {
    /// Anything that may befall an image, and often more than one thing; partners are among `rows`.
    fn transform(&mut self, [height, width, _]: [usize; 3], rows: u32) -> Transform {
        let mut place = |extent: usize| self.0.below(extent as u32);
        let mut area = || {
            let [[top, bottom], [left, right]] = [height, width].map(|extent| [place(extent), place(extent + 1)]);
            [top, left, bottom, right]
        };
        let [cutout, erased, pasted] = [area(), area(), area()];
        let [down, right] = [height, width].map(|extent| place(2 * extent - 1) as i32 + 1 - extent as i32);
        Transform {
            flip: place(2),
            shift: [down, right],
            cutout,
            erased,
            partner: place(rows as usize),
            own: place(WHOLE as usize + 1),
            pasted,
            share: place(17) as f32 / 16.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `numpy.pad` makes of 1, 2, 3 in each of its modes, two numbers on either side.
    #[test]
    fn what_comes_in_is_numpys() {
        let padded = |pad| (-2..5).map(|moved| source(pad, moved, 3).map_or(0, |place| place + 1)).collect::<Vec<_>>();
        assert_eq!(padded(Pad::Zero), [0, 0, 1, 2, 3, 0, 0]);
        assert_eq!(padded(Pad::Edge), [1, 1, 1, 2, 3, 3, 3]);
        assert_eq!(padded(Pad::Reflect), [3, 2, 1, 2, 3, 2, 1]);
    }
}
