//! Data for measurements: what the images show has no influence on how long a step takes, so no data set is needed.

use crate::data::Samples;
use crate::gemm::GemmSelection;
use crate::model::Model;
use crate::random::{Sequence, Stream};
use crate::train::Setup;

/// Batches of different samples; further steps visit them again.
const BATCHES: usize = 4;

/// Adam's, and the seed of the initial weights.
pub(super) const LEARNING_RATE: f64 = 1e-3;
const SEED: u64 = 2020;

/// Pseudo-random images of classes that can be told apart, and labels for one model and one batch size.
pub struct Synthetic {
    samples: Samples,
    batch: usize,
}

impl Synthetic {
    pub fn new(model: &Model, batch: usize) -> Self {
        let (count, classes) = (BATCHES * batch, model.classes());
        let pixels: usize = model.input.iter().product();
        let mut random = Sequence::new(SEED, Stream::Cases, 1 << 21);
        let labels: Vec<u8> = (0..count).map(|_| random.below(classes as u32) as u8).collect();
        let words = (0..(count * pixels).div_ceil(4)).map(|_| random.word());
        let noise: Vec<u8> = words.flat_map(u32::to_le_bytes).take(count * pixels).collect();
        // A class has bright places of its own. Of labels that nothing can be learnt of, the samples' gradients would
        // cancel out, the more the larger the batch, until rounding is all that is left to compare.
        let image = |(image, &label): (&[u8], &u8)| {
            let bright = |place: usize| place % classes == usize::from(label);
            let byte = |(place, &byte): (usize, &u8)| if bright(place) { byte } else { byte / 4 };
            image.iter().enumerate().map(byte).collect::<Vec<u8>>()
        };
        let images = noise.chunks_exact(pixels).zip(&labels).flat_map(image).collect();
        Self { samples: Samples { images, labels, shape: model.input }, batch }
    }

    /// The samples' numbers for so many steps.
    pub fn order(&self, steps: usize) -> Vec<u32> {
        let all = 0..self.samples.len() as u32;
        all.cycle().take(steps * self.batch).collect()
    }

    /// What trains on the samples, with initial weights that are the same on every executor.
    pub fn setup(&self, model: &Model, tiles: impl Into<GemmSelection>) -> Setup<'_> {
        Setup { seed: SEED, ..Setup::new(model, &self.samples, self.batch, tiles) }
    }
}
