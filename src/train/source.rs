//! The samples that an engine visits, and where they are meanwhile.

use crate::data::{Dataset, Samples};
use crate::plan::Plan;

/// All samples a run may visit, numbered through: the training file's, then the test file's.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    pub parts: [&'a Samples; 2],
}

impl<'a> From<&'a Dataset> for Source<'a> {
    fn from(dataset: &'a Dataset) -> Self {
        Self { parts: [&dataset.train, &dataset.test] }
    }
}

/// Samples alone: there is no test file.
impl<'a> From<&'a Samples> for Source<'a> {
    fn from(samples: &'a Samples) -> Self {
        static NONE: Samples = Samples { images: Vec::new(), labels: Vec::new(), shape: [1; 3] };
        Self { parts: [samples, &NONE] }
    }
}

impl Source<'_> {
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| part.len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Pixels `[H*W*C]` and label of a sample.
    ///
    /// # Panics
    /// Where the source has no sample of that number.
    pub fn sample(&self, number: u32) -> (&[u8], &[u8]) {
        let first = self.parts[0].len();
        let (part, at) = match number as usize {
            at if at < first => (self.parts[0], at),
            at => (self.parts[1], at - first),
        };
        let pixels: usize = part.shape.iter().product();
        (&part.images[at * pixels..][..pixels], &part.labels[at..=at])
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
