//! Batch gather and normalisation: host side and CPU reference of `shaders/gather.wgsl`.

use rayon::prelude::*;

use super::case::{Case, Draw, Tolerance, case, progress, unwritten};
use super::rescale::OF_PRODUCT_AND_SUM;
use super::{BINDINGS, Constants, Descriptor, Kernel, Progress, floats_mut, read_words, write, write_words};
use crate::data::Pixels;

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "gather",
    about: "copies a batch out of the data set, bytes as f32 in [0, 1], f32 as they are, or rescaled, and its labels",
    wgsl: shader!("gather", "progress"),
    bindings: &[
        read_words("images"),
        read_words("labels"),
        read_words("order"),
        read_words("progress"),
        write("input"),
        write_words("batch_labels"),
    ],
    cases,
};

/// input `[micro_batch, pixels]` and labels `[micro_batch]` of the present micro-batch of the present batch.
#[derive(Clone, Copy, Debug)]
pub struct Gather {
    pub batch: usize,
    /// Rows of it at a time.
    pub micro_batch: usize,
    /// Values of one image.
    pub pixels: usize,
    /// Whether images are f32, a word each, which are taken as they are; else they are bytes.
    pub floats: bool,
    /// Of byte / 255, or of the number.
    pub rescaling: PixelScaling,
}

/// What becomes of a number: number * scale + offset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PixelScaling {
    pub scale: f64,
    pub offset: f64,
}

impl PixelScaling {
    /// Nothing.
    pub const NONE: Self = Self { scale: 1.0, offset: 0.0 };

    /// One after the other.
    pub fn then(self, Self { scale, offset }: Self) -> Self {
        Self { scale: self.scale * scale, offset: self.offset * scale + offset }
    }

    /// Whether no pixel, of 0 to 1, becomes negative.
    pub fn keeps_pixels_positive(self) -> bool {
        self.offset >= 0.0 && self.scale + self.offset >= 0.0
    }
}

const THREADS: usize = 64;

impl Kernel for Gather {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        vec![
            ("BATCH", self.batch.into()),
            ("MICRO_BATCH", self.micro_batch.into()),
            ("PIXELS", self.pixels.into()),
            ("FLOATS", self.floats.into()),
            ("FACTOR", (self.rescaling.scale as f32).into()),
            ("OFFSET", (self.rescaling.offset as f32).into()),
            ("THREADS", THREADS.into()),
        ]
    }

    fn workgroups(&self) -> [usize; 3] {
        [self.pixels.div_ceil(THREADS), self.micro_batch, 1]
    }

    fn operations(&self) -> usize {
        self.micro_batch * self.pixels
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "images" => (self.micro_batch * self.pixels).div_ceil(if self.floats { 1 } else { 4 }),
            "labels" => self.micro_batch.div_ceil(4),
            "order" => self.micro_batch,
            _ => words,
        }
    }

    fn words(&self) -> Vec<usize> {
        vec![1, 1, 1, Progress::WORDS, self.micro_batch * self.pixels, self.micro_batch]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [images, labels, order, progress, input, batch_labels] = memory else { unreachable!("{BINDINGS}") };
        let labels: &[u8] = bytemuck::cast_slice(labels);
        let images = match self.floats {
            true => Pixels::Floats(bytemuck::cast_slice(images)),
            false => Pixels::Bytes(bytemuck::cast_slice(images)),
        };
        let progress = Progress::read(progress);
        let rows = progress.micro_batch_rows(self.batch, self.micro_batch);
        let first = progress.batch as usize * self.batch + progress.micro_batch as usize * self.micro_batch;
        // What would lead out of a buffer is a row past the end; whoever fills the buffers has an error to give.
        let order = order.get(first..).map_or(&[][..], |order| &order[..rows.min(order.len())]);
        let input = &mut floats_mut(input)[..self.micro_batch * self.pixels];
        let (factor, summand) = (self.rescaling.scale as f32, self.rescaling.offset as f32);
        input.par_chunks_exact_mut(self.pixels).zip(batch_labels.par_iter_mut()).enumerate().for_each(
            |(row, (pixels, label))| {
                let sample = order.get(row).map(|&sample| sample as usize);
                *label = sample.and_then(|sample| labels.get(sample)).map_or(0, |&label| label.into());
                let whole = |sample: &usize| (sample + 1) * self.pixels <= images.len();
                match sample.filter(whole).map(|sample| images.part(sample * self.pixels, self.pixels)) {
                    None => pixels.fill(summand),
                    Some(Pixels::Bytes(bytes)) => {
                        let pairs = pixels.iter_mut().zip(bytes);
                        pairs.for_each(|(pixel, &byte)| *pixel = f32::from(byte) / 255.0 * factor + summand);
                    }
                    Some(Pixels::Floats(floats)) => {
                        let pairs = pixels.iter_mut().zip(floats);
                        pairs.for_each(|(pixel, &float)| *pixel = float * factor + summand);
                    }
                }
            },
        );
    }
}

fn cases() -> Vec<Case> {
    type Rows = (usize, usize, usize, u32, u32);
    let make = |(number, ((batch, micro_batches, pixels, present, samples), floats, rescaling)): (
        usize,
        (Rows, bool, PixelScaling),
    )| {
        let draw = &mut Draw::new(number);
        let available = 50;
        let micro_batch = batch.div_ceil(micro_batches);
        let memory = vec![
            if floats { draw.numbers(available * pixels, 2.0) } else { draw.bytes(available * pixels, 256) },
            draw.bytes(available, 10),
            draw.below(samples as usize, available as u32),
            progress(present, 3, samples, micro_batches as u32 - 1),
            unwritten(micro_batch * pixels),
            unwritten(micro_batch),
        ];
        let label = format!(
            "{micro_batch} of batch {batch} of {pixels} pixels, number {present} of {samples} samples, floats {floats}, \
             {rescaling:?}"
        );
        let of_input = if rescaling == PixelScaling::NONE { Tolerance::EXACT } else { OF_PRODUCT_AND_SUM };
        let tolerances = [&[Tolerance::EXACT; 4][..], &[of_input]].concat();
        Case { tolerances, ..case(label, Gather { batch, micro_batch, pixels, floats, rescaling }, memory) }
    };
    // The last micro-batch of each batch: with rows past the end of the batch, of the order, or nothing but such rows.
    let none = PixelScaling::NONE;
    let cases = [
        ((4, 1, 784, 0, 12), false, none),
        ((5, 1, 27, 2, 13), false, none),
        ((1, 1, 1, 6, 7), false, none),
        ((33, 1, 65, 0, 20), false, none),
        ((9, 2, 6, 1, 40), false, none),
        ((9, 3, 6, 2, 26), false, none),
        ((8, 4, 5, 1, 9), false, none),
        ((5, 1, 70, 2, 13), false, PixelScaling { scale: 2.8329, offset: -0.8102 }),
        ((9, 3, 6, 2, 26), true, none),
        ((5, 1, 70, 2, 13), true, PixelScaling { scale: 2.8329, offset: -0.8102 }),
    ];
    cases.into_iter().enumerate().map(make).collect()
}
