//! Drives an executor over the data: uploads, submissions, and the logs that come back.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use web_time::Instant;

use super::upload::upload;
use super::{Placement, Source, StepResult, now};
use crate::augment::Transform;
use crate::callback::ProgressCallback;
use crate::error::{Error, Result};
use crate::network::TrainingPlan;
use crate::parallel::{Alone, Communicator};
use crate::plan::{BatchLog, Executor, Plan, Program, Timeline};

/// Sum of losses and count of correct predictions over some samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Metrics {
    pub loss: f64,
    /// Samples whose largest logit is the label's.
    #[serde(rename = "hits")]
    pub correct: u64,
    pub samples: u64,
}

impl Metrics {
    /// Mean loss.
    pub fn loss(&self) -> f64 {
        self.loss / self.samples.max(1) as f64
    }

    /// Part of the samples whose largest logit is the label's.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.samples.max(1) as f64
    }

    pub(super) fn add(&mut self, log: BatchLog, samples: usize) {
        self.loss += f64::from(log.loss);
        self.correct += u64::from(log.correct);
        self.samples += samples as u64;
    }
}

/// An executor with the data, and how far training has come.
pub struct Engine<'a> {
    plan: TrainingPlan,
    pub(super) executor: Box<dyn Executor>,
    pub(super) source: Source<'a>,
    pub(super) placement: Placement,
    pub(super) seed: u64,
    /// Training steps done: the optimizer's t and dropout's counter.
    pub iterations: u32,
    /// The epoch under way, from 0, by which augmentations are drawn.
    pub epoch: u32,
    /// How evaluation sees each sample, where the plan lets it.
    pub(super) view: Transform,
    /// Who is told of each training step.
    step_results: Option<Sender<StepResult>>,
    /// Batches in the next submission, so that one takes about [`SUBMISSION`].
    batches: usize,
    pub(super) communicator: Rc<dyn Communicator>,
    /// Whether another process' device may round otherwise than this one's.
    pub rounds_otherwise: bool,
}

/// How long a submission should keep the device: long enough to hide the host, short enough for a progress bar and for
/// drivers that take a long-busy GPU for a hung one.
const SUBMISSION: Duration = Duration::from_millis(400);

impl<'a> Engine<'a> {
    /// An engine whose weights are still zero, over an executor of the plan's steps; see [`Self::initialise`].
    ///
    /// # Errors
    /// [`Error::Data`] where the samples are not the model's, or more than the plan has room for.
    pub fn new(
        plan: TrainingPlan,
        mut executor: Box<dyn Executor>,
        source: Source<'a>,
        placement: Placement,
        seed: u64,
    ) -> Result<Self> {
        plan.check()?;
        if !std::ptr::eq(executor.plan(), &*plan.steps) {
            return Err(Error::Failed("the executor runs another plan; make it of this one's steps".into()));
        }
        // The labels lead kernels to logits, and so are asked here once, where data and model meet.
        let TrainingPlan { model, host, .. } = &plan;
        for samples in source.parts.iter().filter(|samples| !samples.is_empty()) {
            let fail = |problem| Error::Data(format!("model '{}': {problem}; give the model's own data", model.name));
            samples.check(model.input, plan.classes()).map_err(fail)?;
            if samples.pixels.are_floats() != plan.float_images {
                let problem = "images are bytes and numbers, or not what the plan is of; give all of one kind";
                return Err(Error::Data(problem.into()));
            }
        }
        if placement == Placement::Resident {
            upload(&mut *executor, host.images, source.parts.map(|part| part.pixels.bytes()))?;
            upload(&mut *executor, host.labels, source.parts.map(|part| part.labels))?;
        }
        Ok(Self {
            plan,
            executor,
            source,
            placement,
            seed,
            iterations: 0,
            epoch: 0,
            view: Transform::NONE,
            step_results: None,
            batches: 1,
            communicator: Rc::new(Alone),
            rounds_otherwise: false,
        })
    }

    pub fn plan(&self) -> &TrainingPlan {
        &self.plan
    }

    /// From now on `receiver` is told of each training step, once its submission came back.
    pub fn send_steps_to(&mut self, receiver: Sender<StepResult>) {
        self.step_results = Some(receiver);
    }

    pub fn source(&self) -> &Source<'a> {
        &self.source
    }

    /// Trains one batch after the other over `order`. `callback` is told the metrics so far after every submission, and may stop.
    ///
    /// # Errors
    /// [`Error::Diverged`] when a loss is not finite, [`Error::Usage`] for a sample that is none.
    pub fn train(&mut self, order: &[u32], learning_rate: f64, callback: ProgressCallback<Metrics>) -> Result<Metrics> {
        self.train_from(Metrics::default(), order, &|_| learning_rate, callback)
    }

    /// Like [`Self::train`], with the learning rate of each step by its number, from 1, and the metrics of what an epoch has
    /// already done: sums in f64 depend on where they start.
    ///
    /// # Errors
    /// See [`Self::train`].
    pub fn train_from(
        &mut self,
        metrics: Metrics,
        order: &[u32],
        learning_rate: &dyn Fn(u32) -> f64,
        callback: ProgressCallback<Metrics>,
    ) -> Result<Metrics> {
        match self.communicator.size() {
            1 => self.run(Program::Training, metrics, order, learning_rate, callback),
            _ => self.train_together(metrics, order, learning_rate, callback),
        }
    }

    /// Trains the batches of `order`, at most [`Plan::BATCHES`], in one submission whose passes are timed.
    ///
    /// # Errors
    /// More batches than these, a sample that is none, or what the device reports.
    pub fn time(&mut self, order: &[u32], learning_rate: f64) -> Result<Timeline> {
        let batches = order.len().div_ceil(self.plan().batch);
        self.prepare(Program::Training, order, &|_| learning_rate)?;
        self.iterations += batches as u32;
        self.executor.time(Program::Training, batches)
    }

    /// Loss and correct predictions over `order`, without dropout and without changing anything.
    ///
    /// # Errors
    /// [`Error::Usage`] for a sample that is none, or what the device reports.
    pub fn evaluate(&mut self, order: &[u32]) -> Result<Metrics> {
        let own = &order[self.evaluated_by_each(order)[self.communicator.rank()].clone()];
        let go_on = &mut |_| ControlFlow::Continue(());
        let mut logs = Vec::new();
        let metrics = self.run_logged(Program::Evaluation, Metrics::default(), own, &|_| 0.0, go_on, &mut logs)?;
        if self.communicator.size() == 1 { Ok(metrics) } else { self.metrics_together(order, &logs) }
    }

    /// Like [`Self::evaluate`], and the logits `[N, C]` that the network answers with.
    ///
    /// # Errors
    /// See [`Self::evaluate`].
    pub fn predict(&mut self, order: &[u32]) -> Result<(Metrics, Vec<f32>)> {
        let (classes, logits) = (self.plan().classes(), self.plan().host.logits);
        let own = &order[self.evaluated_by_each(order)[self.communicator.rank()].clone()];
        let (mut metrics, mut logs) = (Metrics::default(), Vec::new());
        let mut answers = Vec::with_capacity(own.len() * classes);
        for rows in own.chunks(self.plan().rows(Program::Evaluation)) {
            self.prepare(Program::Evaluation, rows, &|_| 0.0)?;
            self.executor.submit(Program::Evaluation, 1)?;
            for log in self.executor.collect()? {
                metrics.add(log, rows.len());
                logs.push(log);
            }
            answers.extend(&self.read(logits)?[..rows.len() * classes]);
        }
        if self.communicator.size() > 1 {
            return Ok((self.metrics_together(order, &logs)?, self.logits_together(order, &answers)?));
        }
        Ok((metrics, answers))
    }

    /// Like [`Self::predict`], each sample seen as `view` says; mixed with none.
    ///
    /// # Errors
    /// [`Error::Failed`] where the plan has no [`views`](crate::network::Options::views); else see [`Self::evaluate`].
    pub fn predict_as(&mut self, view: Transform, order: &[u32]) -> Result<(Metrics, Vec<f32>)> {
        if !self.plan().views {
            return Err(Error::Failed("the plan sees samples as they are; make one with `views`".into()));
        }
        self.view = view;
        let predicted = self.predict(order);
        self.view = Transform::NONE;
        predicted
    }

    fn run(
        &mut self,
        program: Program,
        metrics: Metrics,
        order: &[u32],
        learning_rate: &dyn Fn(u32) -> f64,
        callback: ProgressCallback<Metrics>,
    ) -> Result<Metrics> {
        self.run_logged(program, metrics, order, learning_rate, callback, &mut Vec::new())
    }

    /// Adds a batch of training, which had this learning rate, to the metrics, and tells who wants to know of it.
    ///
    /// # Errors
    /// [`Error::Diverged`] where its loss is not finite.
    pub(super) fn add(
        &self,
        metrics: &mut Metrics,
        log: BatchLog,
        samples: usize,
        (step, learning_rate): (u32, f64),
    ) -> Result<()> {
        if !log.loss.is_finite() {
            let problem = format!("the loss is {} at step {step}", log.loss);
            return Err(Error::Diverged(format!("{problem}; try a smaller `learning_rate`")));
        }
        metrics.add(log, samples);
        if let Some(receiver) = &self.step_results {
            let [loss, accuracy] = [f64::from(log.loss), f64::from(log.correct)].map(|sum| sum / samples as f64);
            let epoch = self.epoch as usize + 1;
            // Who has gone away wants to know no more.
            let _ = receiver.send(StepResult { step, epoch, loss, accuracy, learning_rate, samples, time: now() });
        }
        Ok(())
    }

    /// The logs of all batches go to `all`.
    fn run_logged(
        &mut self,
        program: Program,
        mut metrics: Metrics,
        order: &[u32],
        learning_rate: &dyn Fn(u32) -> f64,
        callback: ProgressCallback<Metrics>,
        all: &mut Vec<BatchLog>,
    ) -> Result<Metrics> {
        let batch = self.plan().rows(program);
        let mut rest = order;
        let mut under_way = VecDeque::new();
        let mut stopped = false;
        let mut last = Instant::now();
        loop {
            while under_way.len() < self.executor.in_flight() && !rest.is_empty() && !stopped {
                let (rows, later) = rest.split_at(rest.len().min(self.batches * batch));
                rest = later;
                let batches = rows.len().div_ceil(batch);
                self.prepare(program, rows, learning_rate)?;
                self.executor.submit(program, batches)?;
                under_way.push_back((rows.len(), batches, self.iterations));
                if program == Program::Training {
                    self.iterations += batches as u32;
                }
            }
            let Some((mut rows, batches, time)) = under_way.pop_front() else { return Ok(metrics) };
            let logs = self.executor.collect()?;
            let of_batches = logs.chunks(self.plan().steps.log_rows(program)).map(BatchLog::of_batch);
            for (log, step) in of_batches.zip(time + 1..) {
                match program {
                    Program::Training => self.add(&mut metrics, log, rows.min(batch), (step, learning_rate(step)))?,
                    _ => metrics.add(log, rows.min(batch)),
                }
                all.push(log);
                rows = rows.saturating_sub(batch);
            }
            let each = last.elapsed().div_f64(batches as f64);
            last = Instant::now();
            self.batches =
                (SUBMISSION.as_secs_f64() / each.as_secs_f64().max(1e-6)).clamp(1.0, Plan::BATCHES as f64) as usize;
            stopped |= callback(metrics).is_break();
        }
    }
}
