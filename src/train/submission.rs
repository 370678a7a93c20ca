//! What a submission is given before it starts.

use rayon::prelude::*;

use super::upload::words;
use super::{Engine, Placement};
use crate::augment::Transform;
use crate::error::{Error, Result};
use crate::kernels::Progress;
use crate::network::TrainingPlan;
use crate::plan::{Plan, Program};
use crate::random;

impl Engine<'_> {
    /// Uploads what the next submission needs: its order, its rates, and the progress it starts from.
    pub(super) fn prepare(&mut self, program: Program, rows: &[u32], learning_rate: &dyn Fn(u32) -> f64) -> Result<()> {
        let host = self.plan().host;
        let samples = self.source.len();
        if let Some(number) = rows.iter().max().filter(|&&number| number as usize >= samples) {
            return Err(Error::Usage(format!("sample {number}: there are {samples}, numbered from 0")));
        }
        match self.placement {
            Placement::Resident => self.executor.write(host.order, rows)?,
            Placement::Streamed => {
                let images = words(rows.iter().map(|&number| self.source.pixels(number).bytes()));
                let labels: Vec<u8> = rows.iter().map(|&number| self.source.label(number)).collect();
                let labels = words([labels.as_slice()].into_iter());
                self.executor.write(host.images, &images)?;
                self.executor.write(host.labels, &labels)?;
                self.executor.write(host.order, &(0..rows.len() as u32).collect::<Vec<_>>())?;
            }
        }
        if let Some(buffer) = host.transforms {
            let transforms = self.transforms(program, rows);
            self.executor.write(buffer, bytemuck::cast_slice(&transforms))?;
        }
        if program == Program::Training {
            let no_more =
                || Error::Usage(format!("step {}: no more can be counted; start another run", self.iterations));
            let last = self.iterations.checked_add(Plan::BATCHES as u32).ok_or_else(no_more)?;
            let steps = self.iterations + 1..=last;
            let optimizer = &self.plan().optimizer;
            let scales = host.loss_scale.is_some();
            let rates: Vec<f32> = steps.flat_map(|time| optimizer.step(learning_rate(time), time, scales)).collect();
            self.write(host.rates, &rates)?;
        }
        self.begin(program, rows.len())
    }

    /// Has the next submission begin with the first batch of so many rows, and with this process' first micro-batch.
    pub(super) fn begin(&mut self, program: Program, rows: usize) -> Result<()> {
        let share = self.plan().exchange.as_ref().filter(|_| program != Program::Evaluation);
        let first = share.map_or(0, |exchange| exchange.share.own().start);
        let progress = Progress {
            batch: 0,
            step: self.iterations,
            samples: rows as u32,
            micro_batch: first as u32,
            seed: random::key(self.seed),
        };
        let buffer = self.plan().host.progress;
        self.executor.write(buffer, bytemuck::cast_slice(&[progress]))
    }

    /// What befalls each row of a submission, whose batches are whole but for the last one.
    fn transforms(&self, program: Program, rows: &[u32]) -> Vec<Transform> {
        let TrainingPlan { augmentation, model, batch, .. } = self.plan();
        let (seed, epoch) = (self.seed, self.epoch);
        match program {
            Program::Evaluation => vec![self.view; rows.len()],
            _ => rows
                .par_chunks(*batch)
                .flat_map_iter(|batch| augmentation.draw(model.input, seed, epoch, batch))
                .collect(),
        }
    }
}
