//! What engines do that share steps with those of other processes. Every one of them calls the same, in the same order.

use std::ops::Range;
use std::rc::Rc;

use sha2::{Digest, Sha256};

use super::weights::Part;
use super::{Engine, Metrics};
use crate::callback::ProgressCallback;
use crate::error::{Error, Result};
use crate::parallel::{Communicator, UnderWay};
use crate::plan::{BatchLog, Exchange, Program, Round};

impl<'a> Engine<'a> {
    /// An engine that is one of several; its plan must be of its share.
    ///
    /// # Errors
    /// [`Error::Failed`] where it is not.
    pub fn among(mut self, communicator: Rc<dyn Communicator>) -> Result<Self> {
        let share = self.plan().exchange.as_ref().map(|exchange| &exchange.share);
        let (rank, ranks) = share.map_or((0, 1), |share| (share.rank, share.ranges.len()));
        if (rank, ranks) != (communicator.rank(), communicator.size()) {
            return Err(Error::Failed(format!(
                "the plan is of rank {rank} of {ranks}; make one of this process' share"
            )));
        }
        self.communicator = communicator;
        Ok(self)
    }

    /// Whether any process says so.
    ///
    /// # Errors
    /// Where another one is gone.
    pub fn any(&self, own: bool) -> Result<bool> {
        let all = self.communicator.all_gather(&[own.into()], &vec![1; self.communicator.size()])?;
        Ok(all.contains(&1))
    }

    /// See [`Self::train_from`]. Once a callback stops, one more step is trained, by which everyone knows of it.
    pub(super) fn train_together(
        &mut self,
        mut metrics: Metrics,
        order: &[u32],
        learning_rate: &dyn Fn(u32) -> f64,
        callback: ProgressCallback<Metrics>,
    ) -> Result<Metrics> {
        let mut wants_to_stop = false;
        for rows in order.chunks(self.plan().batch) {
            let (log, stops) = self.step_together(rows, learning_rate, wants_to_stop)?;
            self.add(&mut metrics, log, rows.len(), (self.iterations, learning_rate(self.iterations)))?;
            wants_to_stop |= callback(metrics).is_break();
            if stops {
                break;
            }
        }
        Ok(metrics)
    }

    /// One step: its log, and whether any process wanted to stop before it.
    fn step_together(
        &mut self,
        rows: &[u32],
        learning_rate: &dyn Fn(u32) -> f64,
        wants_to_stop: bool,
    ) -> Result<(BatchLog, bool)> {
        let Some(exchange) = self.plan().exchange.clone() else {
            return Err(Error::Failed("the plan is of no share of a step".into()));
        };
        self.prepare(Program::Training, rows, learning_rate)?;
        let (mut logs, mut under_way) = (Vec::new(), Vec::new());
        for round in &exchange.rounds {
            logs = self.submit_alone(round.program)?;
            under_way.push(self.send_sums(&exchange, round)?);
        }
        for (round, received) in exchange.rounds.iter().zip(under_way) {
            self.executor.write(round.received, &words(&received()?))?;
        }
        self.submit_alone(Program::Joining)?;

        // What all need to know, and each rank knows a part of.
        let Exchange { share, rounds } = &exchange;
        let mut message = vec![u8::from(wants_to_stop), 0, 0, 0];
        message.extend(bytes(&logs[share.own()]));
        for Round { added_up, ranges, .. } in rounds {
            let own = self.executor.read_at(*added_up, 0..ranges[share.rank].len())?;
            message.extend(bytemuck::cast_slice::<u32, u8>(&own));
        }
        let added_up = |rank: usize| rounds.iter().map(|round| round.ranges[rank].len()).sum::<usize>();
        let lengths = share.ranges.iter().enumerate().map(|(rank, logs)| 4 + 8 * logs.len() + 4 * added_up(rank));
        let lengths: Vec<usize> = lengths.collect();
        let all = self.communicator.all_gather(&message, &lengths)?;

        let (mut rest, mut stops, mut logs) = (all.as_slice(), false, Vec::new());
        let mut totals = vec![Vec::new(); rounds.len()];
        for (rank, length) in lengths.iter().enumerate() {
            let (message, later) = rest.split_at(*length);
            stops |= message[0] == 1;
            let words: Vec<u32> = words(&message[4..]);
            let (of_logs, mut sums) = words.split_at(2 * share.ranges[rank].len());
            logs.extend(BatchLog::read(of_logs));
            for (totals, round) in totals.iter_mut().zip(rounds) {
                let (own, later) = sums.split_at(round.ranges[rank].len());
                totals.extend_from_slice(own);
                sums = later;
            }
            rest = later;
        }
        for (Round { parts, .. }, totals) in rounds.iter().zip(&totals) {
            let mut rest = totals.as_slice();
            for part in parts {
                let (own, later) = rest.split_at(part.words);
                self.executor.write_at(part.totals, part.first, own)?;
                rest = later;
            }
        }
        self.begin(Program::Update, rows.len())?;
        self.submit_alone(Program::Update)?;
        self.iterations += 1;
        Ok((BatchLog::of_batch(&logs), stops))
    }

    /// One batch, and its rows of the log.
    fn submit_alone(&mut self, program: Program) -> Result<Vec<BatchLog>> {
        self.executor.submit(program, 1)?;
        self.executor.collect()
    }

    /// Sends each rank this one's sums of the words that it adds up. What arrives is the sums of all ranks' subtrees of the
    /// words that this one does.
    fn send_sums(&mut self, exchange: &Exchange, round: &Round) -> Result<UnderWay> {
        let (counts, rank) = (exchange.subtrees(), exchange.share.rank);
        let mut sums = vec![Vec::new(); counts[rank]];
        for part in &round.parts {
            let read = self.executor.read(part.sums)?;
            sums.iter_mut().zip(read.chunks_exact(part.words)).for_each(|(sums, read)| sums.extend_from_slice(read));
        }
        let mut parts = Vec::new();
        for words in round.ranges.iter().flat_map(|range| sums.iter().map(|sums| &sums[range.clone()])) {
            parts.extend_from_slice(bytemuck::cast_slice(words));
        }
        let bytes: Vec<usize> = round.ranges.iter().map(|range| 4 * range.len() * counts[rank]).collect();
        let from: Vec<usize> = counts.iter().map(|count| 4 * round.ranges[rank].len() * count).collect();
        self.communicator.all_to_all(parts, &bytes, &from)
    }

    /// The parts of an order that each process evaluates: whole runs of the program.
    pub(super) fn evaluated_by_each(&self, order: &[u32]) -> Vec<Range<usize>> {
        let rows = self.plan().rows(Program::Evaluation);
        let ranks = self.communicator.size();
        let cuts: Vec<usize> = (0..=ranks).map(|rank| order.len().div_ceil(rows) * rank / ranks).collect();
        cuts.windows(2).map(|cut| (cut[0] * rows).min(order.len())..(cut[1] * rows).min(order.len())).collect()
    }

    /// The metrics of what all processes evaluated of an order, of which this one's logs are `own`; added up as one
    /// process alone does.
    pub(super) fn metrics_together(&self, order: &[u32], own: &[BatchLog]) -> Result<Metrics> {
        let rows = self.plan().rows(Program::Evaluation);
        let lengths = self.evaluated_by_each(order).into_iter().map(|range| 8 * range.len().div_ceil(rows));
        let all = self.communicator.all_gather(&bytes(own), &lengths.collect::<Vec<usize>>())?;
        let mut metrics = Metrics::default();
        let logs = BatchLog::read(&words(&all)).into_iter().zip(order.chunks(rows));
        logs.for_each(|(log, rows)| metrics.add(log, rows.len()));
        Ok(metrics)
    }

    /// What all processes answered to an order, `[N, C]`, of which this one's part is `own`.
    pub(super) fn logits_together(&self, order: &[u32], own: &[f32]) -> Result<Vec<f32>> {
        let classes = self.plan().classes();
        let lengths = self.evaluated_by_each(order).into_iter().map(|range| 4 * classes * range.len());
        let all = self.communicator.all_gather(bytemuck::cast_slice(own), &lengths.collect::<Vec<usize>>())?;
        Ok(bytemuck::cast_vec(words(&all)))
    }

    /// Sees to it that all processes have the same weights, and the same that the optimizer keeps of them. Where their
    /// devices are of one kind they have; elsewhere each may round an update otherwise, and all go on with the first
    /// one's.
    ///
    /// # Errors
    /// [`Error::Device`] naming the ranks that differ though they should not.
    pub(super) fn compare_weights(&mut self) -> Result<()> {
        if self.communicator.size() == 1 {
            return Ok(());
        }
        let parts = Part::all(self.plan());
        let mut all = Vec::new();
        for part in &parts {
            all.extend(part.read(self)?.concat());
        }
        let hash = Sha256::digest(bytemuck::cast_slice::<f32, u8>(&all));
        let hashes = self.communicator.all_gather(&hash, &vec![hash.len(); self.communicator.size()])?;
        let hashes: Vec<&[u8]> = hashes.chunks_exact(hash.len()).collect();
        let others: Vec<usize> = (1..hashes.len()).filter(|rank| hashes[*rank] != hashes[0]).collect();
        if others.is_empty() {
            return Ok(());
        }
        if !self.rounds_otherwise {
            let others: Vec<String> = others.iter().map(usize::to_string).collect();
            return Err(Error::Device(format!(
                "after step {} the weights of rank {} are not those of rank 0, on devices of the same name; one of them \
                 miscalculates: run 'gpu-fmnist selftest' there",
                self.iterations,
                others.join(", ")
            )));
        }
        let first = self.communicator.broadcast(bytemuck::cast_slice(&all).to_vec())?;
        let first: Vec<f32> = bytemuck::cast_vec(words(&first));
        let mut rest = first.as_slice();
        for part in &parts {
            rest = part.put(self, rest)?;
        }
        Ok(())
    }
}

/// Rows of the log as bytes.
fn bytes(logs: &[BatchLog]) -> Vec<u8> {
    let words: Vec<u32> = logs.iter().flat_map(|log| [log.loss.to_bits(), log.correct]).collect();
    bytemuck::cast_slice(&words).to_vec()
}

/// Bytes that came as words.
fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks().0.iter().map(|word| u32::from_ne_bytes(*word)).collect()
}
