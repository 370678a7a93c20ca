//! `gpu-fmnist data grid --augment`: a row a sample, and what befalls it in some epochs.

use std::path::Path;

use crate::augment::Augmentation;
use crate::data;
use crate::error::{Error, Result};
use crate::kernels::{AugmentedGather, Kernel, PixelScaling, Progress};
use crate::plot::{self, Epochs, INK, Sample, save_as};

/// What is drawn of each row, the sample as it is included.
const COLUMNS: usize = 8;

/// What to draw: samples by number, which are one batch, and how many pictures of each.
pub struct AugmentedGrid<'a> {
    pub samples: &'a data::Samples,
    pub names: &'a [String],
    pub chosen: Vec<usize>,
    pub columns: Option<u16>,
    pub augmentation: Augmentation,
    pub seed: u64,
}

/// A picture with what is written below it.
struct Picture {
    pixels: Vec<u8>,
    caption: String,
}

impl AugmentedGrid<'_> {
    /// Draws the grid.
    ///
    /// # Errors
    /// [`Error::Usage`] where images cannot be augmented so, [`Error::Failed`] where the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        self.augmentation.check(self.samples.shape).map_err(|problem| Error::Usage(format!("--augment: {problem}")))?;
        let columns = self.columns.map_or(COLUMNS, usize::from);
        if columns < 2 {
            return Err(Error::Usage("--columns 1: shows no epoch; give 2 or more".into()));
        }
        let columns: Vec<Vec<Picture>> = (0..columns as u32).map(|column| self.column(column)).collect();
        let rows = (0..self.chosen.len()).flat_map(|row| columns.iter().map(move |column| &column[row]));
        let samples = rows.map(|Picture { pixels, caption }| Sample { pixels, caption: caption.clone(), colour: INK });
        let samples = plot::Samples { shape: self.samples.shape, columns: columns.len(), samples: samples.collect() };
        save_as(&Epochs { title: self.augmentation.to_string(), samples }, path)
    }

    /// The samples as they are, or as an epoch (from 1) sees them.
    fn column(&self, epoch: u32) -> Vec<Picture> {
        let size: usize = self.samples.shape.iter().product();
        let pixels = |&sample: &usize| self.samples.images[sample * size..][..size].to_vec();
        let name = |sample: usize| self.names[usize::from(self.samples.labels[sample])].as_str();
        let Some(epoch_from_0) = epoch.checked_sub(1) else {
            let picture = |sample| Picture { pixels: pixels(sample), caption: name(*sample).to_owned() };
            return self.chosen.iter().map(picture).collect();
        };
        let numbers: Vec<u32> = self.chosen.iter().map(|&sample| sample as u32).collect();
        let drawn = self.augmentation.draw(self.samples.shape, self.seed, epoch_from_0, &numbers);
        let transforms: Vec<_> = drawn.collect();
        let seen = self.seen(bytemuck::cast_slice(&transforms));
        let picture = |(row, pixels): (usize, &[f32])| {
            let (own, other) = (name(self.chosen[row]), name(self.chosen[transforms[row].partner as usize]));
            let share = 100.0 * transforms[row].share;
            let caption = match self.augmentation.mixes() {
                false => String::new(),
                true if own == other => format!("100 % {own}"),
                true => format!("{share:.0} % {own}\n{:.0} % {other}", 100.0 - share.round()),
            };
            let pixels = pixels.iter().map(|value| (255.0 * value).round() as u8).collect();
            Picture { pixels, caption }
        };
        seen.chunks_exact(size).enumerate().map(picture).collect()
    }

    /// The input `[N, H, W, C]` that a network gets of the chosen samples.
    fn seen(&self, transforms: &[u32]) -> Vec<f32> {
        let (rows, shape) = (self.chosen.len(), self.samples.shape);
        let Augmentation { pad, .. } = self.augmentation;
        let kernel = AugmentedGather {
            batch: rows,
            micro_batch: rows,
            shape,
            pad,
            mixed: self.augmentation.mixes(),
            floats: false,
            rescaling: PixelScaling::NONE,
        };
        let size: usize = shape.iter().product();
        let mut images: Vec<u8> =
            self.chosen.iter().flat_map(|&sample| &self.samples.images[sample * size..][..size]).copied().collect();
        images.resize(images.len().next_multiple_of(4), 0);
        let progress = Progress { samples: rows as u32, ..Progress::default() };
        let mut input = vec![0; rows * size];
        kernel.reference(&mut [
            &mut bytemuck::pod_collect_to_vec(&images),
            &mut vec![0; rows.div_ceil(4)],
            &mut (0..rows as u32).collect::<Vec<u32>>(),
            &mut transforms.to_vec(),
            bytemuck::cast_slice_mut(&mut [progress]),
            &mut input,
            &mut vec![0; rows * kernel.label_words()],
        ]);
        bytemuck::cast_vec(input)
    }
}
