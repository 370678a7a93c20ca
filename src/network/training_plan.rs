//! A plan with what there is to know of it to train and evaluate a model.

use std::sync::Arc;

use crate::augment::{Augmentation, Transform};
use crate::error::{Error, Result};
use crate::gemm::GemmSelection;
use crate::kernels::{LossScale, Progress};
use crate::model::Model;
use crate::optimizers::Optimizer;
use crate::plan::{BufferId, Exchange, HostBuffers, Plan, Program, Variable};
use crate::precision::Precision;

/// How one model is trained and evaluated with one batch size.
#[derive(Clone, Debug)]
pub struct TrainingPlan {
    /// What an executor runs.
    pub steps: Arc<Plan>,
    pub model: Model,
    pub batch: usize,
    /// Rows of a batch that go through the network at a time: see [`Options::micro_batch`](super::Options::micro_batch).
    pub micro_batch: usize,
    pub tiles: GemmSelection,
    /// Samples that the image and label buffers hold.
    pub samples: usize,
    /// Whether images are numbers and no bytes.
    pub float_images: bool,
    pub optimizer: Optimizer,
    /// Of activations and their gradients.
    pub precision: Precision,
    pub augmentation: Augmentation,
    /// Whether evaluation is told how to see each sample.
    pub views: bool,
    pub label_smoothing: f32,
    /// In the order of the layers.
    pub variables: Vec<Variable>,
    pub host: HostBuffers,
    /// What this process exchanges with others that share its steps.
    pub exchange: Option<Exchange>,
}

impl TrainingPlan {
    /// Rows of one run of a program: evaluation has no reason to take more than a micro-batch.
    pub fn rows(&self, program: Program) -> usize {
        match program {
            Program::Training | Program::Rest | Program::Joining | Program::Update => self.batch,
            Program::Evaluation => self.micro_batch,
        }
    }

    /// Classes told apart.
    pub fn classes(&self) -> usize {
        let logits = self.steps.buffers.get(self.host.logits.0);
        logits.and_then(|logits| logits.shape.last().copied()).unwrap_or(0)
    }

    /// Numbers in all variables.
    pub fn weights(&self) -> usize {
        self.variables.iter().map(|variable| variable.values.words).sum()
    }

    /// Refuses one that no data can go through: its fields are anyone's to change.
    ///
    /// # Errors
    /// [`Error::Failed`] naming what does not fit together.
    pub fn check(&self) -> Result<()> {
        let host = &self.host;
        let needed = [
            (host.progress, Progress::WORDS),
            (host.rates, Plan::BATCHES * self.optimizer.numbers(host.loss_scale.is_some()).count),
            (host.order, 0),
            (host.images, 0),
            (host.labels, 0),
            (host.logits, 0),
            (host.probabilities, 0),
        ];
        let transforms = host.transforms.map(|id| (id, Transform::WORDS));
        let loss_scale = host.loss_scale.map(|id| (id, LossScale::WORDS));
        let buffers = &self.steps.buffers;
        match needed
            .into_iter()
            .chain(transforms)
            .chain(loss_scale)
            .find(|(id, words)| buffers.get(id.0).is_none_or(|own| own.words < *words))
        {
            Some((BufferId(number), words)) => Err(Error::Failed(format!("no buffer {number} of {words} words"))),
            None if self.micro_batch == 0 || self.micro_batch > self.batch => {
                Err(Error::Failed(format!("micro-batches of {} rows of a batch of {}", self.micro_batch, self.batch)))
            }
            None if host.transforms.is_none() && (self.views || !self.augmentation.is_nothing()) => {
                Err(Error::Failed("no buffer says how samples are augmented".into()))
            }
            None => Ok(()),
        }
    }
}
