//! Drives an executor over the data: uploads, submissions, and the logs that come back.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::{Placement, Source};
use crate::error::{Error, Result};
use crate::kernels::{Adam, Progress};
use crate::model::glorot;
use crate::plan::{BatchLog, BufferId, Executor, Parameter, Plan, Program, Timeline};
use crate::random;

/// Sum of losses and count of hits over some samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Tally {
    pub loss: f64,
    pub hits: u64,
    pub samples: u64,
}

impl Tally {
    /// Mean loss.
    pub fn loss(&self) -> f64 {
        self.loss / self.samples.max(1) as f64
    }

    /// Part of the samples whose largest logit is the label's.
    pub fn accuracy(&self) -> f64 {
        self.hits as f64 / self.samples.max(1) as f64
    }

    fn add(&mut self, log: BatchLog, samples: usize) {
        self.loss += f64::from(log.loss);
        self.hits += u64::from(log.hits);
        self.samples += samples as u64;
    }
}

/// An executor with the data, and how far training has come.
pub struct Engine<'a> {
    executor: Box<dyn Executor>,
    source: Source<'a>,
    placement: Placement,
    seed: u64,
    /// Training steps done: Adam's t and dropout's counter.
    pub time: u32,
    /// Batches in the next submission, so that one takes about [`SUBMISSION`].
    batches: usize,
}

/// How long a submission should keep the device: long enough to hide the host, short enough for a progress bar and for
/// drivers that take a long-busy GPU for a hung one.
const SUBMISSION: Duration = Duration::from_millis(400);

impl<'a> Engine<'a> {
    /// An engine whose weights are still zero; see [`Self::initialise`].
    ///
    /// # Errors
    /// [`Error::Data`] where the samples are not the model's, or more than the plan has room for.
    pub fn new(mut executor: Box<dyn Executor>, source: Source<'a>, placement: Placement, seed: u64) -> Result<Self> {
        // The labels lead kernels to logits, and so are asked here once, where data and model meet.
        let Plan { model, host, .. } = executor.plan();
        for samples in source.parts {
            let fail = |problem| Error::Data(format!("model '{}': {problem}; give the model's own data", model.name));
            samples.check(model.input, model.classes()).map_err(fail)?;
        }
        if placement == Placement::Resident {
            let host = *host;
            let images = words(source.parts.iter().map(|part| part.images.as_slice()));
            let labels = words(source.parts.iter().map(|part| part.labels.as_slice()));
            executor.write(host.images, &images)?;
            executor.write(host.labels, &labels)?;
        }
        Ok(Self { executor, source, placement, seed, time: 0, batches: 1 })
    }

    pub fn plan(&self) -> &Plan {
        self.executor.plan()
    }

    pub fn source(&self) -> &Source<'a> {
        &self.source
    }

    /// Glorot's initial weights, from the engine's seed.
    ///
    /// # Errors
    /// What the device reports.
    pub fn initialise(&mut self) -> Result<()> {
        let parameters = self.plan().parameters.clone();
        for (number, parameter) in (0..).zip(&parameters) {
            self.write(parameter.weights, &glorot(&parameter.shape, self.seed, number))?;
        }
        Ok(())
    }

    /// Overwrites the first values of a buffer.
    ///
    /// # Errors
    /// See [`Executor::write`].
    pub fn write(&mut self, buffer: BufferId, values: &[f32]) -> Result<()> {
        self.executor.write(buffer, bytemuck::cast_slice(values))
    }

    /// The values of a buffer.
    ///
    /// # Errors
    /// See [`Executor::read`].
    pub fn read(&mut self, buffer: BufferId) -> Result<Vec<f32>> {
        Ok(bytemuck::cast_vec(self.executor.read(buffer)?))
    }

    /// The gradient `[rows + 1, columns]` that the last training step left: the sum over its slots.
    pub fn gradient(&mut self, parameter: &Parameter) -> Result<Vec<f32>> {
        let gradient = self.read(parameter.gradient)?;
        let mut slots = parameter.adam.slots(&gradient);
        let mut sum = slots.next().unwrap_or_default().to_vec();
        for slot in slots {
            sum.iter_mut().zip(slot).for_each(|(sum, value)| *sum += value);
        }
        Ok(sum)
    }

    /// Trains one batch after the other over `order`. `visit` sees the tally so far after every submission and may stop.
    ///
    /// # Errors
    /// [`Error::Diverged`] when a loss is not finite, [`Error::Usage`] for a sample that is none.
    pub fn train(
        &mut self,
        order: &[u32],
        learning_rate: f64,
        visit: &mut dyn FnMut(&Tally) -> ControlFlow<()>,
    ) -> Result<Tally> {
        self.train_from(Tally::default(), order, &|_| learning_rate, visit)
    }

    /// Like [`Self::train`], with the learning rate of each step by its number, from 1, and the tally of what an epoch has
    /// already done: sums in f64 depend on where they start.
    ///
    /// # Errors
    /// See [`Self::train`].
    pub fn train_from(
        &mut self,
        tally: Tally,
        order: &[u32],
        learning_rate: &dyn Fn(u32) -> f64,
        visit: &mut dyn FnMut(&Tally) -> ControlFlow<()>,
    ) -> Result<Tally> {
        self.run(Program::Training, tally, order, learning_rate, visit)
    }

    /// Trains the batches of `order`, at most [`Plan::BATCHES`], in one submission whose passes are timed.
    ///
    /// # Errors
    /// More batches than these, a sample that is none, or what the device reports.
    pub fn time(&mut self, order: &[u32], learning_rate: f64) -> Result<Timeline> {
        let batches = order.len().div_ceil(self.plan().batch);
        self.prepare(Program::Training, order, &|_| learning_rate)?;
        self.time += batches as u32;
        self.executor.time(Program::Training, batches)
    }

    /// Loss and hits over `order`, without dropout and without changing anything.
    ///
    /// # Errors
    /// [`Error::Usage`] for a sample that is none, or what the device reports.
    pub fn evaluate(&mut self, order: &[u32]) -> Result<Tally> {
        self.run(Program::Evaluation, Tally::default(), order, &|_| 0.0, &mut |_| ControlFlow::Continue(()))
    }

    /// Like [`Self::evaluate`], and the logits `[N, C]` that the network answers with.
    ///
    /// # Errors
    /// See [`Self::evaluate`].
    pub fn predict(&mut self, order: &[u32]) -> Result<(Tally, Vec<f32>)> {
        let (classes, logits) = (self.plan().model.classes(), self.plan().host.logits);
        let mut tally = Tally::default();
        let mut answers = Vec::with_capacity(order.len() * classes);
        for rows in order.chunks(self.plan().rows(Program::Evaluation)) {
            self.prepare(Program::Evaluation, rows, &|_| 0.0)?;
            self.executor.submit(Program::Evaluation, 1)?;
            self.executor.collect()?.into_iter().for_each(|log| tally.add(log, rows.len()));
            answers.extend(&self.read(logits)?[..rows.len() * classes]);
        }
        Ok((tally, answers))
    }

    fn run(
        &mut self,
        program: Program,
        mut tally: Tally,
        order: &[u32],
        learning_rate: &dyn Fn(u32) -> f64,
        visit: &mut dyn FnMut(&Tally) -> ControlFlow<()>,
    ) -> Result<Tally> {
        let batch = self.plan().rows(program);
        let mut rest = order;
        let mut under_way = VecDeque::new();
        let mut stopped = false;
        let mut last = Instant::now();
        loop {
            while under_way.len() < self.executor.depth() && !rest.is_empty() && !stopped {
                let (rows, later) = rest.split_at(rest.len().min(self.batches * batch));
                rest = later;
                let batches = rows.len().div_ceil(batch);
                self.prepare(program, rows, learning_rate)?;
                self.executor.submit(program, batches)?;
                under_way.push_back((rows.len(), batches, self.time));
                if program == Program::Training {
                    self.time += batches as u32;
                }
            }
            let Some((mut rows, batches, time)) = under_way.pop_front() else { return Ok(tally) };
            for (log, step) in self.executor.collect()?.into_iter().zip(time + 1..) {
                if !log.loss.is_finite() && program == Program::Training {
                    let problem = format!("the loss is {} at step {step}", log.loss);
                    return Err(Error::Diverged(format!("{problem}; try a smaller --learning-rate")));
                }
                tally.add(log, rows.min(batch));
                rows = rows.saturating_sub(batch);
            }
            let each = last.elapsed().div_f64(batches as f64);
            last = Instant::now();
            self.batches =
                (SUBMISSION.as_secs_f64() / each.as_secs_f64().max(1e-6)).clamp(1.0, Plan::BATCHES as f64) as usize;
            stopped |= visit(&tally).is_break();
        }
    }

    /// Uploads what the next submission needs: its order, its rates, and the progress it starts from.
    fn prepare(&mut self, program: Program, rows: &[u32], learning_rate: &dyn Fn(u32) -> f64) -> Result<()> {
        let host = self.plan().host;
        let samples = self.source.len();
        if let Some(number) = rows.iter().max().filter(|&&number| number as usize >= samples) {
            return Err(Error::Usage(format!("sample {number}: there are {samples}, numbered from 0")));
        }
        match self.placement {
            Placement::Resident => self.executor.write(host.order, rows)?,
            Placement::Streamed => {
                let samples = rows.iter().map(|&number| self.source.sample(number));
                let images = words(samples.clone().map(|(pixels, _)| pixels));
                let labels = words(samples.map(|(_, label)| label));
                self.executor.write(host.images, &images)?;
                self.executor.write(host.labels, &labels)?;
                self.executor.write(host.order, &(0..rows.len() as u32).collect::<Vec<_>>())?;
            }
        }
        if program == Program::Training {
            let no_more = || Error::Usage(format!("step {}: no more can be counted; start another run", self.time));
            let last = self.time.checked_add(Plan::BATCHES as u32).ok_or_else(no_more)?;
            let steps = self.time + 1..=last;
            let rates: Vec<f32> = steps.map(|time| Adam::rate(learning_rate(time), time)).collect();
            self.write(host.rates, &rates)?;
        }
        let progress = Progress {
            time: self.time,
            samples: rows.len() as u32,
            seed: random::key(self.seed),
            ..Progress::default()
        };
        self.executor.write(host.progress, bytemuck::cast_slice(&[progress]))
    }
}

/// Runs of bytes as words, four bytes in each, the first one lowest.
fn words<'a>(runs: impl Iterator<Item = &'a [u8]> + Clone) -> Vec<u32> {
    let bytes: usize = runs.clone().map(<[u8]>::len).sum();
    let mut words = vec![0; bytes.div_ceil(4)];
    let mut rest: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
    for run in runs {
        let (target, later) = rest.split_at_mut(run.len());
        target.copy_from_slice(run);
        rest = later;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::Cpu;
    use crate::data::Samples;
    use crate::gemm::DeviceClass;
    use crate::model::{Activation, Layer, Model};
    use crate::plan::{Options, lower};

    fn samples(count: usize) -> Samples {
        Samples { images: vec![9; 4 * count], labels: (0..count).map(|at| at as u8 % 3).collect(), shape: [2, 2, 1] }
    }

    fn model() -> Model {
        let layers = vec![Layer::Flatten {}, Layer::Dense { units: 3, activation: Activation::Linear }];
        Model { name: "small".into(), input: [2, 2, 1], layers }
    }

    /// What an engine with room for six samples of three classes says of these and of an order; nothing where all is well.
    fn problem(train: &Samples, order: &[u32], placement: Placement) -> String {
        let none = samples(0);
        let source = Source { parts: [train, &none] };
        let room = if placement == Placement::Resident { 6 } else { Plan::BATCHES * 4 };
        let plan = lower(&model(), Options::new(4, DeviceClass::Cpu, room)).unwrap();
        let run = |mut engine: Engine| {
            engine.predict(order)?;
            engine.evaluate(order)?;
            engine.time(order, 1e-3)?;
            engine.train(order, 1e-3, &mut |_| ControlFlow::Continue(())).map(drop)
        };
        let engine = Engine::new(Box::new(Cpu::new(plan).unwrap()), source, placement, 0);
        engine.and_then(run).map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn samples_that_are_not_the_models_and_orders_of_others_are_refused() {
        let all: Vec<u32> = (0..6).collect();
        for placement in [Placement::Resident, Placement::Streamed] {
            let refused = |train: Samples, order: &[u32], words: &str| {
                let problem = problem(&train, order, placement);
                assert!(problem.contains(words), "{placement:?}: no '{words}' in '{problem}'");
            };
            assert_eq!(problem(&samples(6), &all, placement), "");
            assert_eq!(problem(&samples(6), &[], placement), "");
            refused(samples(6), &[0, 6], "sample 6: there are 6, numbered from 0");
            refused(samples(6), &[u32::MAX], "sample 4294967295: there are 6");
            refused(samples(0), &[0], "sample 0: there are 0");
            refused(Samples { labels: vec![0, 1, 2, 0, 3, 1], ..samples(6) }, &all, "label 3 of sample 4 is beyond");
            refused(Samples { labels: vec![0; 5], ..samples(6) }, &all, "24 pixels with 5 labels");
            refused(Samples { images: Vec::new(), ..samples(6) }, &all, "0 pixels with 6 labels");
            refused(Samples { shape: [4, 1, 1], ..samples(6) }, &all, "images are [4, 1, 1] [H, W, C]");
        }
        // More than the plan has room for.
        assert!(problem(&samples(7), &all, Placement::Resident).contains("words for images, which has 6"));
        let many: Vec<u32> = all.iter().copied().cycle().take(4 * Plan::BATCHES + 1).collect();
        assert!(problem(&samples(6), &many, Placement::Resident).contains("words for order, which has 64"));
    }

    /// The state of a run may say that it is so old.
    #[test]
    fn steps_end_before_they_wrap() {
        let plan = lower(&model(), Options::new(4, DeviceClass::Cpu, 6)).unwrap();
        let (train, none) = (samples(6), samples(0));
        let source = Source { parts: [&train, &none] };
        let mut engine = Engine::new(Box::new(Cpu::new(plan).unwrap()), source, Placement::Resident, 0).unwrap();
        engine.time = u32::MAX - 3;
        let trained = engine.train(&[0], 1e-3, &mut |_| ControlFlow::Continue(()));
        assert!(trained.unwrap_err().to_string().contains("no more can be counted"));
    }
}
