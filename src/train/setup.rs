//! From a model and samples to an engine: the one place where a plan is made of them.

use std::sync::Arc;

use super::weights::Part;
use super::{Config, Engine, Placement, Source};
use crate::error::Result;
use crate::formats::Tensor;
use crate::gemm::GemmSelection;
use crate::model::Model;
use crate::network::{Options, TrainingPlan, equal_parts, lower};
use crate::plan::{Executor, Plan};
use crate::precision::Precision;

/// What an engine is made of, but for the device.
pub struct Setup<'a> {
    pub model: Model,
    pub options: Options,
    pub source: Source<'a>,
    pub placement: Placement,
    /// Of the initial weights and of dropout.
    pub seed: u64,
}

impl<'a> Setup<'a> {
    /// Steps of `batch` samples, all of which are on the device.
    pub fn new(model: &Model, source: impl Into<Source<'a>>, batch: usize, tiles: impl Into<GemmSelection>) -> Self {
        let source = source.into();
        let options = Options::for_model(model, batch, tiles, source.len());
        let options = Options { float_images: source.has_floats(), ..options };
        Self { model: model.clone(), options, source, placement: Placement::Resident, seed: 0 }
    }

    /// The same with the samples kept elsewhere.
    pub fn placed(mut self, placement: Placement) -> Self {
        self.placement = placement;
        self.options.samples = placement.samples(&self.source, self.options.batch);
        self
    }

    /// The same in equal micro-batches of at most so many rows.
    pub fn in_micro_batches(mut self, most: usize) -> Self {
        self.options.micro_batch = equal_parts(self.options.batch, most);
        self
    }

    /// The same as a configuration has it, but for the batches.
    pub fn configured(self, config: &Config) -> Self {
        Self { options: config.applied_to(self.options), ..self }
    }

    /// The same with activations in f32, for which there are no matrix units.
    pub fn in_f32(&self) -> Self {
        let options = self.options.clone();
        let tiles = options.tiles.clone().without_matrices();
        let options = Options { precision: Precision::F32, tiles, ..options };
        Self { options, model: self.model.clone(), ..*self }
    }

    /// The plan, which needs no device.
    ///
    /// # Errors
    /// See [`lower`].
    pub fn plan(&self) -> Result<TrainingPlan> {
        lower(&self.model, self.options.clone())
    }

    /// An engine on the executor that `make` gives for the plan; its weights are still zero.
    ///
    /// # Errors
    /// Where the model, the samples or the device's limits do not allow it.
    pub fn engine(&self, make: impl FnOnce(Arc<Plan>) -> Result<Box<dyn Executor>>) -> Result<Engine<'a>> {
        let plan = self.plan()?;
        let executor = make(plan.steps.clone())?;
        Engine::new(plan, executor, self.source, self.placement, self.seed)
    }

    /// The same with initial weights from the seed.
    ///
    /// # Errors
    /// See [`Setup::engine`].
    pub fn initialised(&self, make: impl FnOnce(Arc<Plan>) -> Result<Box<dyn Executor>>) -> Result<Engine<'a>> {
        let mut engine = self.engine(make)?;
        engine.initialise()?;
        Ok(engine)
    }

    /// The weights that such an engine has.
    ///
    /// # Errors
    /// See [`Setup::engine`].
    pub fn initial_weights(&self, make: impl FnOnce(Arc<Plan>) -> Result<Box<dyn Executor>>) -> Result<Vec<Tensor>> {
        let mut engine = self.initialised(make)?;
        let weights = Part::values(engine.plan());
        Ok(weights.tensors(weights.read(&mut engine)?))
    }
}
