//! Inverted dropout in place: host side and CPU reference of `shaders/dropout.wgsl`.

use rayon::prelude::*;

use super::case::{Case, Draw, case, progress};
use super::vectors::vectorised;
use super::{BINDINGS, Constants, Descriptor, Kernel, Progress, floats_mut, grid, read_words, write_activation};
use crate::random::{Stream, philox};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "dropout",
    about: "zeroes a random part of the values and scales the others, in place",
    wgsl: shader!("dropout", "progress"),
    bindings: &[read_words("progress"), write_activation("values")],
    cases,
};

/// values become values / (1 - rate) or 0; the same in one step for activations and gradients.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    /// Of a micro-batch.
    pub values: usize,
    /// The number of the dropout layer in its model.
    pub layer: u32,
    pub rate: f32,
}

const THREADS: usize = 64;

impl Dropout {
    /// A value stays when its random word is below this.
    fn keep(&self) -> u32 {
        ((1.0 - f64::from(self.rate)) * 4_294_967_296.0) as u32
    }

    /// What the values that stay are multiplied by.
    pub fn scale(rate: f32) -> f32 {
        (1.0 / (1.0 - f64::from(rate))) as f32
    }
}

impl Kernel for Dropout {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        vec![
            ("VALUES", self.values.into()),
            ("LAYER", self.layer.into()),
            ("KEEP", self.keep().into()),
            ("SCALE", Self::scale(self.rate).into()),
            ("THREADS", THREADS.into()),
            ("GRID_WIDTH", self.workgroups()[0].into()),
        ]
    }

    fn workgroups(&self) -> [usize; 3] {
        let [x, y] = grid(self.values.div_ceil(4 * THREADS));
        [x, y, 1]
    }

    fn operations(&self) -> usize {
        self.values
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "values" => 2 * words,
            _ => words,
        }
    }

    fn words(&self) -> Vec<usize> {
        vec![Progress::WORDS, self.values]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [progress, values] = memory else { unreachable!("{BINDINGS}") };
        let progress = Progress::read(progress);
        let (keep, scale) = (self.keep(), Self::scale(self.rate));
        // Values of one task, and counters of one round: each gives four words.
        const BLOCK: usize = 4096;
        const COUNTERS: usize = 16;
        let micro_batch = progress.micro_batch as usize * self.values.div_ceil(4);
        let blocks = floats_mut(values)[..self.values].par_chunks_mut(BLOCK).enumerate();
        blocks.for_each(|(block, values)| {
            vectorised(
                #[inline(always)]
                || {
                    for (round, values) in values.chunks_mut(4 * COUNTERS).enumerate() {
                        let first = micro_batch + block * BLOCK / 4 + round * COUNTERS;
                        let mut words = [[0; 4]; COUNTERS];
                        for (counter, words) in (first as u32..).zip(&mut words) {
                            *words =
                                philox([counter, progress.step, self.layer, Stream::Dropout as u32], progress.seed);
                        }
                        for (value, &word) in values.iter_mut().zip(words.as_flattened()) {
                            *value = if word < keep { *value * scale } else { 0.0 };
                        }
                    }
                },
            );
        });
    }
}

fn cases() -> Vec<Case> {
    let make = |(number, (values, layer, rate, micro_batch)): (usize, (usize, u32, f32, u32))| {
        let memory = vec![progress(1, 1_000_003, 64, micro_batch), Draw::new(number).numbers(values, 3.0)];
        case(
            format!("{values} values, layer {layer}, rate {rate}, micro-batch {micro_batch}"),
            Dropout { values, layer, rate },
            memory,
        )
    };
    [(4096, 0, 0.25, 0), (1021, 3, 0.5, 0), (3, 1, 0.1, 0), (300, 2, 0.0, 0), (1021, 3, 0.5, 2)]
        .into_iter()
        .enumerate()
        .map(make)
        .collect()
}
