//! Softmax and cross-entropy: host side and CPU reference of `shaders/softmax_cross_entropy.wgsl`.

use super::case::{Case, Draw, Tolerance, case, progress, unwritten};
use super::{
    BINDINGS, Constants, Descriptor, Kernel, Progress, floats, floats_mut, read, read_words, write, write_words,
};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "softmax_cross_entropy",
    about: "loss of each row and whether it is correct, and the gradient of the logits or the probabilities",
    wgsl: shader!("softmax_cross_entropy", "progress"),
    bindings: &[
        read("logits"),
        read_words("batch_labels"),
        read_words("progress"),
        write("result"),
        write("losses"),
        write_words("correct"),
    ],
    cases,
};

/// result `[micro_batch, classes]`, losses and correct predictions `[micro_batch]` of logits `[micro_batch, classes]`.
#[derive(Clone, Copy, Debug)]
pub struct SoftmaxCrossEntropy {
    pub batch: usize,
    /// Rows of it at a time.
    pub micro_batch: usize,
    pub classes: usize,
    /// Whether `result` is the gradient of the mean loss; else the probabilities.
    pub gradient: bool,
}

const THREADS: usize = 64;

impl Kernel for SoftmaxCrossEntropy {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        vec![
            ("BATCH", self.batch.into()),
            ("MICRO_BATCH", self.micro_batch.into()),
            ("CLASSES", self.classes.into()),
            ("GRADIENT", self.gradient.into()),
            ("THREADS", THREADS.into()),
        ]
    }

    fn workgroups(&self) -> [usize; 3] {
        [self.micro_batch.div_ceil(THREADS), 1, 1]
    }

    fn operations(&self) -> usize {
        4 * self.micro_batch * self.classes
    }

    fn words(&self) -> Vec<usize> {
        let values = self.micro_batch * self.classes;
        vec![values, self.micro_batch, Progress::WORDS, values, self.micro_batch, self.micro_batch]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [logits, batch_labels, progress, result, losses, correct] = memory else { unreachable!("{BINDINGS}") };
        let (logits, result, losses) = (floats(logits), floats_mut(result), floats_mut(losses));
        let progress = Progress::read(progress);
        let rows = progress.rows(self.batch);
        let counted = progress.micro_batch_rows(self.batch, self.micro_batch);
        for row in 0..self.micro_batch {
            let at = row * self.classes..(row + 1) * self.classes;
            let (logits, result) = (&logits[at.clone()], &mut result[at]);
            let label = batch_labels[row] as usize;
            let (mut largest, mut class_of_largest) = (logits[0], 0);
            for (class, &logit) in logits.iter().enumerate() {
                if logit > largest {
                    (largest, class_of_largest) = (logit, class);
                }
            }
            let sum: f32 = logits.iter().map(|logit| (logit - largest).exp()).sum();
            for (class, (result, logit)) in result.iter_mut().zip(logits).enumerate() {
                let probability = (logit - largest).exp() / sum;
                let target = if class == label { 1.0 } else { 0.0 };
                *result = match (self.gradient, row < counted) {
                    (false, _) => probability,
                    (true, true) => (probability - target) / rows as f32,
                    (true, false) => 0.0,
                };
            }
            // A label that is no class has no logit.
            let logit = logits.get(label).copied().unwrap_or(0.0);
            losses[row] = if row < counted { sum.ln() - (logit - largest) } else { 0.0 };
            correct[row] = (row < counted && class_of_largest == label).into();
        }
    }
}

fn cases() -> Vec<Case> {
    let make = |(number, (batch, micro_batches, classes, samples, limit, gradient)): (
        usize,
        (usize, usize, usize, u32, f32, bool),
    )| {
        let micro_batch = batch.div_ceil(micro_batches);
        let draw = &mut Draw::new(number);
        let memory = vec![
            draw.numbers(micro_batch * classes, limit),
            draw.below(micro_batch, classes as u32),
            progress(1, 5, samples, micro_batches as u32 - 1),
            unwritten(micro_batch * classes),
            unwritten(micro_batch),
            unwritten(micro_batch),
        ];
        let label = format!(
            "{micro_batch} of batch {batch}, {classes} classes, {samples} samples, logits to {limit}, gradient {gradient}"
        );
        // A gradient may be what a probability near 1 leaves of 1, and a loss what such a one's logarithm leaves. A
        // probability is all there is, but an exponential loses with its argument.
        let rows = (samples as usize - batch).min(batch) as f32;
        let within = |relative, absolute| Tolerance { relative, absolute };
        let result = if gradient { within(3e-6, 5e-7 / rows) } else { within(4e-6, 1e-30) };
        let tolerances = [&[Tolerance::EXACT; 3][..], &[result, within(1e-6, 1e-6)]].concat();
        Case { tolerances, ..case(label, SoftmaxCrossEntropy { batch, micro_batch, classes, gradient }, memory) }
    };
    let cases = [
        (64, 1, 10, 128, 4.0, true),
        (33, 1, 10, 40, 80.0, true),
        (5, 1, 2, 10, 1.0, false),
        (1, 1, 37, 2, 9.0, true),
        (70, 1, 10, 100, 500.0, false),
        (33, 2, 10, 70, 4.0, true),
        (33, 2, 10, 57, 4.0, true),
        (8, 4, 3, 10, 4.0, true),
    ];
    cases.into_iter().enumerate().map(make).collect()
}
