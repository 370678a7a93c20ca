//! Softmax and cross-entropy: host side and CPU reference of `shaders/softmax_cross_entropy.wgsl`.

use super::case::{Case, Draw, Tolerance, case};
use super::cross_entropy::{BUFFERS, CrossEntropy, Targets};
use super::{Constants, Descriptor, Kernel};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "softmax_cross_entropy",
    about: "loss of each row and whether it is correct, and the gradient of the logits or the probabilities",
    wgsl: shader!("softmax_cross_entropy", "cross_entropy", "progress"),
    bindings: BUFFERS,
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

/// A row's label.
struct Label(usize);

impl Targets for Label {
    fn part_of(&self, class: usize) -> f32 {
        if class == self.0 { 1.0 } else { 0.0 }
    }

    /// A label that is no class has no logit.
    fn logit(&self, logits: &[f32], largest: f32) -> f32 {
        logits.get(self.0).copied().unwrap_or(0.0) - largest
    }

    fn wanted(&self) -> usize {
        self.0
    }
}

impl SoftmaxCrossEntropy {
    fn shared(&self) -> CrossEntropy {
        let Self { batch, micro_batch, classes, gradient } = *self;
        CrossEntropy { batch, micro_batch, classes, gradient }
    }
}

impl Kernel for SoftmaxCrossEntropy {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        self.shared().constants()
    }

    fn workgroups(&self) -> [usize; 3] {
        self.shared().workgroups()
    }

    fn operations(&self) -> usize {
        4 * self.micro_batch * self.classes
    }

    fn words(&self) -> Vec<usize> {
        self.shared().words(1)
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        self.shared().reference(memory, |labels, row| Label(labels[row] as usize));
    }
}

fn cases() -> Vec<Case> {
    let make = |(number, (batch, micro_batches, classes, samples, limit, gradient)): (
        usize,
        (usize, usize, usize, u32, f32, bool),
    )| {
        let micro_batch = batch.div_ceil(micro_batches);
        let draw = &mut Draw::new(number);
        let kernel = SoftmaxCrossEntropy { batch, micro_batch, classes, gradient };
        let (logits, labels) = (draw.numbers(micro_batch * classes, limit), draw.below(micro_batch, classes as u32));
        let (memory, rows) = kernel.shared().memory(logits, labels, samples);
        let label = format!(
            "{micro_batch} of batch {batch}, {classes} classes, {samples} samples, logits to {limit}, gradient {gradient}"
        );
        // A gradient may be what a probability near 1 leaves of 1, and a loss what such a one's logarithm leaves. A
        // probability is all there is, but an exponential loses with its argument.
        let within = |relative, absolute| Tolerance { relative, absolute };
        let result = if gradient { within(3e-6, 5e-7 / rows) } else { within(4e-6, 1e-30) };
        let tolerances = [&[Tolerance::EXACT; 3][..], &[result, within(1e-6, 1e-6)]].concat();
        Case { tolerances, ..case(label, kernel, memory) }
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
