//! Softmax and cross-entropy with smoothed and mixed targets: host side and CPU reference of
//! `shaders/soft_cross_entropy.wgsl`.

use super::case::{Case, Draw, Tolerance, case, progress, unwritten};
use super::{
    BINDINGS, Constants, Descriptor, Kernel, Progress, floats, floats_mut, read, read_words, write, write_words,
};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "soft_cross_entropy",
    about: "softmax_cross_entropy with smoothed labels, and with two labels a row",
    wgsl: shader!("soft_cross_entropy", "progress"),
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
pub struct SoftCrossEntropy {
    pub batch: usize,
    /// Rows of it at a time.
    pub micro_batch: usize,
    pub classes: usize,
    /// The part of each target that all classes share.
    pub smoothing: f32,
    /// Whether labels are `[micro_batch, 3]`, as [`AugmentedGather`](super::AugmentedGather) leaves them; else
    /// `[micro_batch]`.
    pub mixed: bool,
    /// Whether `result` is the gradient of the mean loss; else the probabilities.
    pub gradient: bool,
}

const THREADS: usize = 64;

impl Kernel for SoftCrossEntropy {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        vec![
            ("BATCH", self.batch.into()),
            ("MICRO_BATCH", self.micro_batch.into()),
            ("CLASSES", self.classes.into()),
            ("SMOOTHING", self.smoothing.into()),
            ("MIXED", self.mixed.into()),
            ("GRADIENT", self.gradient.into()),
            ("THREADS", THREADS.into()),
        ]
    }

    fn workgroups(&self) -> [usize; 3] {
        [self.micro_batch.div_ceil(THREADS), 1, 1]
    }

    fn operations(&self) -> usize {
        6 * self.micro_batch * self.classes
    }

    fn words(&self) -> Vec<usize> {
        let (rows, values) = (self.micro_batch, self.micro_batch * self.classes);
        vec![values, if self.mixed { 3 * rows } else { rows }, Progress::WORDS, values, rows, rows]
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
            let (label, other, share) = match self.mixed {
                true => (batch_labels[3 * row], batch_labels[3 * row + 1], f32::from_bits(batch_labels[3 * row + 2])),
                false => (batch_labels[row], 0, 1.0),
            };
            let part_of = |class: usize| {
                let own = if class == label as usize { share } else { 0.0 };
                let others = if class == other as usize { 1.0 - share } else { 0.0 };
                (1.0 - self.smoothing) * (own + others) + self.smoothing / self.classes as f32
            };
            let (mut largest, mut likeliest) = (logits[0], 0);
            for (class, &logit) in logits.iter().enumerate() {
                if logit > largest {
                    (largest, likeliest) = (logit, class as u32);
                }
            }
            let (mut sum, mut hit) = (0.0, 0.0);
            for (class, logit) in logits.iter().enumerate() {
                sum += (logit - largest).exp();
                hit += part_of(class) * (logit - largest);
            }
            let counts = row < counted;
            for (class, (result, logit)) in result.iter_mut().zip(logits).enumerate() {
                let probability = (logit - largest).exp() / sum;
                *result = match (self.gradient, counts) {
                    (false, _) => probability,
                    (true, true) => (probability - part_of(class)) / rows as f32,
                    (true, false) => 0.0,
                };
            }
            losses[row] = if counts { sum.ln() - hit } else { 0.0 };
            correct[row] = (counts && likeliest == if share >= 0.5 { label } else { other }).into();
        }
    }
}

fn cases() -> Vec<Case> {
    type Shape = (usize, usize, usize, u32);
    let make = |(number, ((batch, micro_batches, classes, samples), limit, smoothing, [mixed, gradient])): (
        usize,
        (Shape, f32, f32, [bool; 2]),
    )| {
        let micro_batch = batch.div_ceil(micro_batches);
        let draw = &mut Draw::new(number);
        let logits = draw.numbers(micro_batch * classes, limit);
        let labels = (0..micro_batch).flat_map(|row| {
            let labels = draw.below(2, classes as u32);
            // A half, all and nothing, and what is between.
            let share = [0.5, 1.0, 0.0, 0.25, 0.875][row % 5_usize];
            if mixed { vec![labels[0], labels[1], f32::to_bits(share)] } else { vec![labels[0]] }
        });
        let memory = vec![
            logits,
            labels.collect(),
            progress(1, 5, samples, micro_batches as u32 - 1),
            unwritten(micro_batch * classes),
            unwritten(micro_batch),
            unwritten(micro_batch),
        ];
        let of = format!("{micro_batch} of batch {batch}, {classes} classes, {samples} samples, logits to {limit}");
        let label = format!("{of}, smoothing {smoothing}, mixed {mixed}, gradient {gradient}");
        // As of softmax_cross_entropy; a loss adds up as many products as there are classes.
        let rows = (samples as usize - batch).min(batch) as f32;
        let within = |relative, absolute| Tolerance { relative, absolute };
        let result = if gradient { within(3e-6, 8e-7 / rows) } else { within(4e-6, 1e-30) };
        let tolerances = [&[Tolerance::EXACT; 3][..], &[result, within(1e-6, 1e-6 + 4e-7 * limit)]].concat();
        let kernel = SoftCrossEntropy { batch, micro_batch, classes, smoothing, mixed, gradient };
        Case { tolerances, ..case(label, kernel, memory) }
    };
    let cases = [
        ((64, 1, 10, 128), 4.0, 0.1, [false, true]),
        ((33, 1, 10, 40), 4.0, 0.2, [true, true]),
        ((5, 1, 2, 10), 1.0, 0.5, [false, false]),
        ((1, 1, 37, 2), 9.0, 0.0, [true, true]),
        ((70, 1, 10, 100), 50.0, 0.1, [true, false]),
        ((33, 2, 10, 70), 4.0, 0.1, [true, true]),
        ((33, 2, 10, 57), 4.0, 0.1, [false, true]),
        ((8, 4, 3, 10), 4.0, 0.0, [true, true]),
    ];
    cases.into_iter().enumerate().map(make).collect()
}
