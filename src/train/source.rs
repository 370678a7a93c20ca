//! The samples that an engine visits, and where they are meanwhile.

use crate::data::{Dataset, LentSamples, Pixels, Samples};
use crate::plan::Plan;

/// All samples a run may visit, numbered through: the training file's, then the test file's.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    pub parts: [LentSamples<'a>; 2],
}

impl<'a> From<&'a Dataset> for Source<'a> {
    fn from(dataset: &'a Dataset) -> Self {
        [&dataset.train, &dataset.test].into()
    }
}

/// Samples alone: there is no test file.
impl<'a> From<&'a Samples> for Source<'a> {
    fn from(samples: &'a Samples) -> Self {
        LentSamples::from(samples).into()
    }
}

impl<'a> From<LentSamples<'a>> for Source<'a> {
    fn from(samples: LentSamples<'a>) -> Self {
        Self { parts: [samples, LentSamples::NONE] }
    }
}

/// Those to train with, then others.
impl<'a> From<[&'a Samples; 2]> for Source<'a> {
    fn from(parts: [&'a Samples; 2]) -> Self {
        Self { parts: parts.map(LentSamples::from) }
    }
}

impl<'a> Source<'a> {
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| part.len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the images are numbers and no bytes.
    pub fn has_floats(&self) -> bool {
        self.parts.iter().any(|part| part.pixels.are_floats())
    }

    /// The bytes that all images take.
    pub fn image_bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.pixels.bytes().len() as u64).sum()
    }

    /// Pixels `[H*W*C]` of a sample.
    ///
    /// # Panics
    /// Where the source has no sample of that number.
    pub fn pixels(&self, number: u32) -> Pixels<'a> {
        let (part, at) = self.place(number);
        let pixels: usize = part.shape.iter().product();
        part.pixels.part(at * pixels, pixels)
    }

    /// The class of a sample.
    ///
    /// # Panics
    /// Where the source has no sample of that number.
    pub fn label(&self, number: u32) -> u8 {
        let (part, at) = self.place(number);
        part.labels[at]
    }

    fn place(&self, number: u32) -> (&LentSamples<'a>, usize) {
        let first = self.parts[0].len();
        match number as usize {
            at if at < first => (&self.parts[0], at),
            at => (&self.parts[1], at - first),
        }
    }
}

/// Where the samples are while a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// All on the device from the start.
    Resident,
    /// Each submission brings its own; for data sets beyond the device's buffers.
    Streamed,
}

impl Placement {
    /// Samples that the device's buffers hold.
    pub fn samples(self, source: &Source, batch: usize) -> usize {
        match self {
            Placement::Resident => source.len(),
            Placement::Streamed => Plan::BATCHES * batch,
        }
    }
}
