//! Softmax and cross-entropy with smoothed and mixed targets: host side and CPU reference of
//! `shaders/soft_cross_entropy.wgsl`.

use super::case::{Case, Draw, Tolerance, case};
use super::cross_entropy::{BUFFERS, CrossEntropy, Targets};
use super::{Constants, Descriptor, Kernel};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "soft_cross_entropy",
    about: "softmax_cross_entropy with smoothed labels, and with two labels a row",
    wgsl: shader!("soft_cross_entropy", "cross_entropy", "progress"),
    bindings: BUFFERS,
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

/// A row's labels, of which the first has that share.
struct Labels<'a> {
    kernel: &'a SoftCrossEntropy,
    label: usize,
    other: usize,
    share: f32,
}

impl Targets for Labels<'_> {
    fn part_of(&self, class: usize) -> f32 {
        let SoftCrossEntropy { smoothing, classes, .. } = *self.kernel;
        let own = if class == self.label { self.share } else { 0.0 };
        let others = if class == self.other { 1.0 - self.share } else { 0.0 };
        (1.0 - smoothing) * (own + others) + smoothing / classes as f32
    }

    fn logit(&self, logits: &[f32], largest: f32) -> f32 {
        logits.iter().enumerate().map(|(class, logit)| self.part_of(class) * (logit - largest)).sum()
    }

    fn wanted(&self) -> usize {
        if self.share >= 0.5 { self.label } else { self.other }
    }
}

impl SoftCrossEntropy {
    fn shared(&self) -> CrossEntropy {
        let Self { batch, micro_batch, classes, gradient, .. } = *self;
        CrossEntropy { batch, micro_batch, classes, gradient }
    }
}

impl Kernel for SoftCrossEntropy {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        let own = [("SMOOTHING", self.smoothing.into()), ("MIXED", self.mixed.into())];
        self.shared().constants().into_iter().chain(own).collect()
    }

    fn workgroups(&self) -> [usize; 3] {
        self.shared().workgroups()
    }

    fn operations(&self) -> usize {
        6 * self.micro_batch * self.classes
    }

    fn words(&self) -> Vec<usize> {
        self.shared().words(if self.mixed { 3 } else { 1 })
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        self.shared().reference(memory, |labels, row| {
            let (label, other, share) = match self.mixed {
                true => (labels[3 * row], labels[3 * row + 1], f32::from_bits(labels[3 * row + 2])),
                false => (labels[row], 0, 1.0),
            };
            Labels { kernel: self, label: label as usize, other: other as usize, share }
        });
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
        let kernel = SoftCrossEntropy { batch, micro_batch, classes, smoothing, mixed, gradient };
        let (memory, rows) = kernel.shared().memory(logits, labels.collect(), samples);
        let of = format!("{micro_batch} of batch {batch}, {classes} classes, {samples} samples, logits to {limit}");
        let label = format!("{of}, smoothing {smoothing}, mixed {mixed}, gradient {gradient}");
        // As of softmax_cross_entropy; a loss adds up as many products as there are classes.
        let within = |relative, absolute| Tolerance { relative, absolute };
        let result = if gradient { within(3e-6, 8e-7 / rows) } else { within(4e-6, 1e-30) };
        let tolerances = [&[Tolerance::EXACT; 3][..], &[result, within(1e-6, 1e-6 + 4e-7 * limit)]].concat();
        Case { tolerances, ..case(label, kernel, memory) }
    };
    let cases = [
        ((64, 1, 10, 128), 4.0, 0.1, [false, true]),
        ((33, 1, 10, 40), 4.0, 0.2, [true, true]),
        ((5, 1, 2, 10), 1.0, 0.5, [false, false]),
        ((1, 1, 37, 2), 9.0, 0.0, [true, true]),
        ((70, 1, 10, 100), 9.0, 0.1, [true, false]),
        ((33, 2, 10, 70), 4.0, 0.1, [true, true]),
        ((33, 2, 10, 57), 4.0, 0.1, [false, true]),
        ((8, 4, 3, 10), 4.0, 0.0, [true, true]),
    ];
    cases.into_iter().enumerate().map(make).collect()
}
