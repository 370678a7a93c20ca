//! What losses of logits have in common, `shaders/common/cross_entropy.wgsl`: bindings, constants and the CPU reference.

use super::case::{progress, unwritten};
use super::{BINDINGS, Binding, Constants, Progress, floats, floats_mut, read, read_words, write, write_words};

const THREADS: usize = 64;

pub(super) const BUFFERS: &[Binding] = &[
    read("logits"),
    read_words("batch_labels"),
    read_words("progress"),
    write("result"),
    write("losses"),
    write_words("correct"),
];

/// Logits `[micro_batch, classes]`, and what becomes of them.
#[derive(Clone, Copy)]
pub(super) struct CrossEntropy {
    pub batch: usize,
    pub micro_batch: usize,
    pub classes: usize,
    /// Whether `result` is the gradient of the mean loss; else the probabilities.
    pub gradient: bool,
}

/// What a row's logits should be.
pub(super) trait Targets {
    /// How much of the target is that class.
    fn part_of(&self, class: usize) -> f32;

    /// The logits less the largest, each by its part.
    fn logit(&self, logits: &[f32], largest: f32) -> f32;

    /// The class that is correct.
    fn wanted(&self) -> usize;
}

impl CrossEntropy {
    pub fn constants(self) -> Constants {
        vec![
            ("BATCH", self.batch.into()),
            ("MICRO_BATCH", self.micro_batch.into()),
            ("CLASSES", self.classes.into()),
            ("GRADIENT", self.gradient.into()),
            ("THREADS", THREADS.into()),
        ]
    }

    pub fn workgroups(self) -> [usize; 3] {
        [self.micro_batch.div_ceil(THREADS), 1, 1]
    }

    /// Words of the buffers, where a row's labels have so many.
    pub fn words(self, labels: usize) -> Vec<usize> {
        let (rows, values) = (self.micro_batch, self.micro_batch * self.classes);
        vec![values, labels * rows, Progress::WORDS, values, rows, rows]
    }

    /// `targets` makes them of all labels and the row's number.
    pub fn reference<T: Targets>(self, memory: &mut [&mut [u32]], targets: impl Fn(&[u32], usize) -> T) {
        let [logits, labels, progress, result, losses, correct] = memory else { unreachable!("{BINDINGS}") };
        let (logits, result, losses) = (floats(logits), floats_mut(result), floats_mut(losses));
        let progress = Progress::read(progress);
        let rows = progress.rows(self.batch);
        let counted = progress.micro_batch_rows(self.batch, self.micro_batch);
        for row in 0..self.micro_batch {
            let at = row * self.classes..(row + 1) * self.classes;
            let (logits, result) = (&logits[at.clone()], &mut result[at]);
            let (targets, counts) = (targets(labels, row), row < counted);
            let (mut largest, mut likeliest) = (logits[0], 0);
            for (class, &logit) in logits.iter().enumerate() {
                if logit > largest {
                    (largest, likeliest) = (logit, class);
                }
            }
            let sum: f32 = logits.iter().map(|logit| (logit - largest).exp()).sum();
            for (class, (result, logit)) in result.iter_mut().zip(logits).enumerate() {
                let probability = (logit - largest).exp() / sum;
                *result = match (self.gradient, counts) {
                    (false, _) => probability,
                    (true, true) => (probability - targets.part_of(class)) / rows as f32,
                    (true, false) => 0.0,
                };
            }
            losses[row] = if counts { sum.ln() - targets.logit(logits, largest) } else { 0.0 };
            correct[row] = (counts && likeliest == targets.wanted()).into();
        }
    }

    /// A case's buffers in the second batch of so many samples, and its rows that count.
    pub fn memory(self, logits: Vec<u32>, labels: Vec<u32>, samples: u32) -> (Vec<Vec<u32>>, f32) {
        let (rows, micro_batches) = (self.micro_batch, self.batch.div_ceil(self.micro_batch) as u32);
        let now = progress(1, 5, samples, micro_batches - 1);
        let outputs = [rows * self.classes, rows, rows].map(unwritten);
        let counted = (samples as usize - self.batch).min(self.batch) as f32;
        ([logits, labels, now].into_iter().chain(outputs).collect(), counted)
    }
}
