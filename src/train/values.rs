//! What an engine's buffers hold: initial values, and those that are written and read.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::Engine;
use crate::data::Pixels;
use crate::error::Result;
use crate::kernels::LossScale;
use crate::optimizers::StateInitial;
use crate::plan::{BufferId, Place, Training, VariableKind, Whitening};

impl Engine<'_> {
    /// Initial values of all variables, from the engine's seed, and an optimizer at its beginning. What is of the images
    /// is of the first ones.
    ///
    /// # Errors
    /// What the device reports, and [`Error::Data`](crate::Error::Data) where there is no image.
    pub fn initialise(&mut self) -> Result<()> {
        self.initialise_by(&(0..self.source.parts[0].len() as u32).collect::<Vec<_>>())
    }

    /// The same, where only these samples are known to training.
    ///
    /// # Errors
    /// See [`Self::initialise`].
    pub fn initialise_by(&mut self, samples: &[u32]) -> Result<()> {
        let (variables, states) = (self.plan().variables.clone(), self.plan().optimizer.states());
        self.set_loss_scale(LossScale::FIRST)?;
        let source = self.source;
        let seen = samples.iter().take(Whitening::IMAGES);
        let images: Vec<Pixels> = seen.map(|&number| source.pixels(number)).collect();
        let mut kernels = 0;
        for variable in &variables {
            let values = variable.initial.values(variable.values.words, self.seed, kernels, &images)?;
            kernels += u32::from(variable.kind == VariableKind::Kernel);
            self.put(variable.values, &values)?;
            for (place, state) in variable.training.iter().flat_map(|training| &training.states).zip(&states) {
                match state.initial {
                    StateInitial::Zeros => self.put(*place, &vec![0.0; place.words])?,
                    StateInitial::Values => self.put(*place, &values)?,
                }
            }
        }
        Ok(())
    }

    /// Overwrites the values of a place, as many as are given.
    ///
    /// # Errors
    /// See [`Executor::write_at`](crate::plan::Executor::write_at).
    pub fn put(&mut self, place: Place, values: &[f32]) -> Result<()> {
        self.executor.write_at(place.buffer, place.first, bytemuck::cast_slice(values))
    }

    /// The values of a place.
    ///
    /// # Errors
    /// See [`Executor::read_at`](crate::plan::Executor::read_at).
    pub fn get(&mut self, place: Place) -> Result<Vec<f32>> {
        Ok(bytemuck::cast_vec(self.executor.read_at(place.buffer, place.first..place.first + place.words)?))
    }

    /// The values of many places, each buffer read once.
    ///
    /// # Errors
    /// See [`Executor::read`](crate::plan::Executor::read).
    pub fn get_all(&mut self, places: &[Place]) -> Result<Vec<Vec<f32>>> {
        let mut buffers = HashMap::new();
        for Place { buffer, .. } in places {
            if let Entry::Vacant(entry) = buffers.entry(*buffer) {
                entry.insert(self.read(*buffer)?);
            }
        }
        let values = |Place { buffer, first, words }: &Place| buffers[buffer][*first..first + words].to_vec();
        Ok(places.iter().map(values).collect())
    }

    /// Overwrites the first values of a buffer.
    ///
    /// # Errors
    /// See [`Executor::write`](crate::plan::Executor::write).
    pub fn write(&mut self, buffer: BufferId, values: &[f32]) -> Result<()> {
        self.executor.write(buffer, bytemuck::cast_slice(values))
    }

    /// The values of a buffer.
    ///
    /// # Errors
    /// See [`Executor::read`](crate::plan::Executor::read).
    pub fn read(&mut self, buffer: BufferId) -> Result<Vec<f32>> {
        Ok(bytemuck::cast_vec(self.executor.read(buffer)?))
    }

    /// The gradients of all variables as the last training step left them, in the plan's order, times the step's
    /// [`LossScale`] where there is one; empty where a variable is not trained.
    ///
    /// # Errors
    /// What the device reports.
    pub fn gradients(&mut self) -> Result<Vec<Vec<f32>>> {
        let variables = self.plan().variables.clone();
        let mut read: Option<(BufferId, Vec<f32>)> = None;
        let mut gradients = Vec::new();
        for variable in &variables {
            let Some(Training { gradient, .. }) = &variable.training else {
                gradients.push(Vec::new());
                continue;
            };
            let buffer = match read.take() {
                Some((id, buffer)) if id == gradient.buffer => buffer,
                _ => self.read(gradient.buffer)?,
            };
            gradients.push(gradient.sum(&buffer));
            read = Some((gradient.buffer, buffer));
        }
        Ok(gradients)
    }
}
