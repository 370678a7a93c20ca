//! The passes at both ends of a network: its samples ahead of it, its loss behind it.

use std::sync::Arc;

use crate::augment::{Augmentation, Pad};
use crate::kernels::{
    Advance, AugmentedGather, Gather, Kernel, PixelScaling, ScaleLoss, SoftCrossEntropy, SoftmaxCrossEntropy,
};
use crate::plan::{BufferId, HostBuffers, Pass, Program, pass, pass_of};

/// What both ends are made of: see [`Options`](super::Options).
pub struct Ends {
    pub batch: usize,
    pub micro_batch: usize,
    pub float_images: bool,
    /// Of the pixels.
    pub rescaling: PixelScaling,
    pub augmentation: Augmentation,
    pub views: bool,
    pub label_smoothing: f32,
    /// Of a sample, `[H, W, C]`.
    pub shape: [usize; 3],
    pub classes: usize,
    pub host: HostBuffers,
    pub input: BufferId,
    pub labels: BufferId,
    pub losses: BufferId,
    pub correct: BufferId,
    pub log: BufferId,
    /// Rows of the log that a batch of training has.
    pub log_rows: usize,
}

impl Ends {
    /// What gathers the samples, what judges the logits and leaves `result`, and what moves on.
    pub fn passes(&self, program: Program, result: BufferId) -> [Pass; 3] {
        let Self { host, micro_batch, losses, correct, log, .. } = *self;
        let training = program == Program::Training;
        // A program's runs are whole batches, or micro-batches where it does not train.
        let batch = if training { self.batch } else { micro_batch };
        let rows = if training { self.log_rows } else { 1 };
        let advance = Advance { micro_batch, micro_batches: batch.div_ceil(micro_batch), training, rows };
        [
            self.gather(batch, training),
            self.loss(batch, training, result),
            pass("loss", advance, &[losses, correct, host.progress, log]),
        ]
    }

    /// The pass that scales the loss's gradient, where it is scaled.
    pub fn scaled(&self, gradient: BufferId) -> Vec<Pass> {
        let kernel = ScaleLoss { values: self.micro_batch * self.classes };
        self.host.loss_scale.map(|scale| pass("loss", kernel, &[scale, gradient])).into_iter().collect()
    }

    /// Whether a row is made of two samples.
    fn mixed(&self, training: bool) -> bool {
        training && self.augmentation.mixes()
    }

    fn gather(&self, batch: usize, training: bool) -> Pass {
        let Self { augmentation, micro_batch, float_images: floats, rescaling, shape, host, input, labels, .. } = *self;
        let transformed = if training { !augmentation.is_nothing() } else { self.views };
        let Some(transforms) = host.transforms.filter(|_| transformed) else {
            let gather = Gather { batch, micro_batch, pixels: shape.iter().product(), floats, rescaling };
            return pass("input", gather, &[host.images, host.labels, host.order, host.progress, input, labels]);
        };
        let pad = if training { augmentation.pad } else { Pad::Zero };
        let gather = AugmentedGather { batch, micro_batch, shape, pad, mixed: self.mixed(training), floats, rescaling };
        pass("input", gather, &[host.images, host.labels, host.order, transforms, host.progress, input, labels])
    }

    fn loss(&self, batch: usize, gradient: bool, result: BufferId) -> Pass {
        let Self { micro_batch, classes, label_smoothing: smoothing, host, .. } = *self;
        let mixed = self.mixed(gradient);
        let kernel: Arc<dyn Kernel> = match mixed || smoothing > 0.0 {
            true => Arc::new(SoftCrossEntropy { batch, micro_batch, classes, smoothing, mixed, gradient }),
            false => Arc::new(SoftmaxCrossEntropy { batch, micro_batch, classes, gradient }),
        };
        let buffers = vec![host.logits, self.labels, host.progress, result, self.losses, self.correct];
        pass_of("loss", kernel, buffers)
    }
}
