//! Batch gather and normalisation: host side and CPU twin of `shaders/gather.wgsl`.

use rayon::prelude::*;

use super::case::{Case, Draw, case, progress, unwritten};
use super::{BINDINGS, Constants, Kernel, Progress, Row, floats_mut, read_words, write, write_words};

pub const ROW: Row = Row {
    name: "gather",
    about: "copies a batch out of the data set, as f32 in [0, 1], and its labels",
    wgsl: include_str!("../../shaders/gather.wgsl"),
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

/// input `[batch, pixels]` and labels `[batch]` of the present batch.
#[derive(Clone, Copy, Debug)]
pub struct Gather {
    pub batch: usize,
    /// Values of one image.
    pub pixels: usize,
}

const THREADS: usize = 64;

impl Kernel for Gather {
    fn row(&self) -> &'static Row {
        &ROW
    }

    fn constants(&self) -> Constants {
        vec![("BATCH", self.batch.into()), ("PIXELS", self.pixels.into()), ("THREADS", THREADS.into())]
    }

    fn workgroups(&self) -> [usize; 3] {
        [self.pixels.div_ceil(THREADS), self.batch, 1]
    }

    fn operations(&self) -> usize {
        self.batch * self.pixels
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "images" => (self.batch * self.pixels).div_ceil(4),
            "labels" => self.batch.div_ceil(4),
            "order" => self.batch,
            _ => words,
        }
    }

    fn twin(&self, memory: &mut [&mut [u32]]) {
        let [images, labels, order, progress, input, batch_labels] = memory else { unreachable!("{BINDINGS}") };
        let (images, labels): (&[u8], &[u8]) = (bytemuck::cast_slice(images), bytemuck::cast_slice(labels));
        let progress = Progress::read(progress);
        let rows = progress.rows(self.batch);
        let order = &order[progress.batch as usize * self.batch..][..rows];
        let input = &mut floats_mut(input)[..self.batch * self.pixels];
        input.par_chunks_exact_mut(self.pixels).zip(batch_labels.par_iter_mut()).enumerate().for_each(
            |(row, (pixels, label))| {
                let sample = order.get(row).map(|&sample| sample as usize);
                *label = sample.map_or(0, |sample| labels[sample].into());
                match sample {
                    None => pixels.fill(0.0),
                    Some(sample) => {
                        let bytes = &images[sample * self.pixels..][..self.pixels];
                        pixels.iter_mut().zip(bytes).for_each(|(pixel, &byte)| *pixel = f32::from(byte) / 255.0);
                    }
                }
            },
        );
    }
}

fn cases() -> Vec<Case> {
    let make = |(number, (batch, pixels, present, samples)): (usize, (usize, usize, u32, u32))| {
        let draw = &mut Draw::new(number);
        let available = 50;
        let memory = vec![
            draw.bytes(available * pixels, 256),
            draw.bytes(available, 10),
            draw.below(samples as usize, available as u32),
            progress(present, 3, samples),
            unwritten(batch * pixels),
            unwritten(batch),
        ];
        let label = format!("batch {batch} of {pixels} pixels, number {present} of {samples} samples");
        case(label, Gather { batch, pixels }, memory, 0.0)
    };
    [(4, 784, 0, 12), (5, 27, 2, 13), (1, 1, 6, 7), (33, 65, 0, 20)].into_iter().enumerate().map(make).collect()
}
