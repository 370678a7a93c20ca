//! What makes a plan one that can run. Its fields are anyone's to change, so every executor asks before it takes one; what
//! is asked of it later has limits, too.

use super::{BufferId, Pass, Plan};
use crate::error::{Error, Result};
use crate::kernels::{BINDING_ALIGNMENT, MOST_WORDS, Progress, misfit};

/// The most bindings of a kernel: as many as WebGPU promises to any.
pub const MOST_BINDINGS: usize = 8;

impl Plan {
    /// Refuses a plan that cannot run: a buffer too large to address, a pass whose buffers are not its kernel's, or which
    /// binds one twice (WebGPU forbids it where one use writes, and the CPU executor lends each buffer once), or buffers of
    /// the host that are none.
    ///
    /// # Errors
    /// [`Error::Usage`] for what is too large, [`Error::Failed`] naming the pass for what does not fit together.
    pub fn check(&self) -> Result<()> {
        if let Some(buffer) = self.buffers.iter().find(|buffer| buffer.words > MOST_WORDS) {
            return Err(Error::Usage(format!(
                "{} would need {:.1} GB; make --batch-size or the model smaller",
                buffer.name,
                buffer.words as f64 * 4e-9
            )));
        }
        for pass in self.training.iter().chain(&self.evaluation) {
            if let Some(problem) = self.problem(pass) {
                return Err(Error::Failed(format!("{}: {problem}", pass.layer)));
            }
        }
        let host = &self.host;
        let needed = [
            (host.progress, Progress::WORDS),
            (host.log, 2 * Self::BATCHES),
            (host.rates, Self::BATCHES),
            (host.order, 0),
            (host.images, 0),
            (host.labels, 0),
            (host.logits, 0),
            (host.probabilities, 0),
        ];
        match needed.into_iter().find(|(id, words)| self.buffers.get(id.0).is_none_or(|own| own.words < *words)) {
            Some((BufferId(number), words)) => Err(Error::Failed(format!("no buffer {number} of {words} words"))),
            None if self.portion == 0 || self.portion > self.batch => {
                Err(Error::Failed(format!("portions of {} rows of a batch of {}", self.portion, self.batch)))
            }
            None => Ok(()),
        }
    }

    fn problem(&self, pass: &Pass) -> Option<String> {
        let Pass { kernel, buffers, offsets, .. } = pass;
        let name = kernel.row().name;
        if buffers.len() > MOST_BINDINGS {
            return Some(format!("{name} has {} bindings; {MOST_BINDINGS} are the most", buffers.len()));
        }
        if offsets.len() != buffers.len() || !offsets.iter().all(|offset| offset.is_multiple_of(BINDING_ALIGNMENT)) {
            return Some(format!("{name} binds {} buffers at {offsets:?}", buffers.len()));
        }
        if (1..buffers.len()).any(|place| buffers[..place].contains(&buffers[place])) {
            return Some(format!("{name} binds a buffer twice"));
        }
        let words = buffers.iter().zip(offsets).map(|(id, first)| self.buffers.get(id.0)?.words.checked_sub(*first));
        match words.collect::<Option<Vec<usize>>>() {
            None => Some(format!("{name} binds a buffer that is none, or starts behind its end")),
            Some(words) => misfit(&**kernel, &words),
        }
    }

    /// Refuses to write beyond a buffer.
    pub(crate) fn check_write(&self, id: BufferId, words: &[u32]) -> Result<()> {
        self.check_read(id)?;
        let (buffer, count) = (self.buffer(id), words.len());
        if count <= buffer.words {
            return Ok(());
        }
        Err(Error::Failed(format!(
            "{count} words for {}, which has {}; write as many at most",
            buffer.name, buffer.words
        )))
    }

    /// Refuses a buffer that is none.
    pub(crate) fn check_read(&self, BufferId(number): BufferId) -> Result<()> {
        let count = self.buffers.len();
        match number < count {
            true => Ok(()),
            false => Err(Error::Failed(format!("there is no buffer {number}: the plan has {count}"))),
        }
    }

    /// Refuses more batches than the log has rows for.
    pub(crate) fn check_batches(batches: usize) -> Result<()> {
        let most = Self::BATCHES;
        match batches <= most {
            true => Ok(()),
            false => Err(Error::Failed(format!("{batches} batches in one submission; give at most {most}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cpu::Cpu;
    use crate::kernels::{CeilingBandwidth, Tiles};
    use crate::model::notebook;
    use crate::plan::{Executor, Options, Program, lower, single};

    fn plan() -> Plan {
        lower(&notebook("cnn1").unwrap().0, Options::new(4, Tiles::Cpu, 10)).unwrap()
    }

    fn refused(change: impl FnOnce(&mut Plan), words: &str) {
        let mut plan = plan();
        change(&mut plan);
        let error = Cpu::new(plan).err().expect(words).to_string();
        assert!(error.contains(words) && !error.contains('\n'), "{error}");
    }

    #[test]
    fn a_plan_that_was_changed_into_one_that_cannot_run_is_refused() {
        plan().check().unwrap();
        refused(|plan| plan.buffers[0].words = MOST_WORDS + 1, "images would need 4.3 GB");
        refused(|plan| plan.buffers[plan.training[1].buffers[1].0].words -= 1, "the buffer has 319");
        refused(|plan| plan.training[1].buffers[0] = BufferId(999), "a buffer that is none");
        refused(|plan| plan.training[1].buffers[0] = plan.training[1].buffers[1], "binds a buffer twice");
        refused(|plan| _ = plan.training[1].buffers.pop(), "binds 3 buffers at [0, 0, 0, 0]");
        refused(|plan| plan.evaluation[1].offsets[0] = 1, "binds 4 buffers at [1, 0, 0, 0]");
        refused(|plan| plan.evaluation[1].offsets[0] = 1 << 40, "starts behind its end");
        refused(|plan| plan.evaluation[1].offsets[0] = 64, "needs 3136 words of input, the buffer has 3072");
        refused(|plan| plan.host.log = BufferId(999), "no buffer 999 of 32 words");
        refused(|plan| plan.host.log = plan.host.progress, "of 32 words");
        refused(|plan| plan.portion = 0, "portions of 0 rows");
        let kernel = Arc::new(CeilingBandwidth { words: 10 });
        assert!(single(kernel.clone(), &[10, 9], Tiles::Cpu).is_err());
        assert!(single(kernel, &[10], Tiles::Cpu).is_err());
    }

    #[test]
    fn what_an_executor_cannot_do_is_an_error() {
        let mut cpu = Cpu::new(plan()).unwrap();
        let progress = cpu.plan().host.progress;
        cpu.write(progress, &[0; Progress::WORDS]).unwrap();
        assert!(cpu.write(progress, &[0; Progress::WORDS + 1]).unwrap_err().to_string().contains("which has 6"));
        assert!(cpu.write(BufferId(999), &[]).is_err() && cpu.read(BufferId(999)).is_err());
        assert!(cpu.submit(Program::Training, Plan::BATCHES + 1).is_err());
        assert!(cpu.time(Program::Training, Plan::BATCHES + 1).is_err());
    }

    /// Numbers that lead out of other buffers, without an engine that asks first.
    #[test]
    fn wild_numbers_in_buffers_harm_nothing() {
        let mut cpu = Cpu::new(plan()).unwrap();
        let host = cpu.plan().host;
        cpu.write(host.order, &[u32::MAX, 10, 0, 1]).unwrap();
        cpu.write(host.labels, &[u32::MAX; 3]).unwrap();
        for progress in [[0, 0, 4, 0, 0, 0], [0, u32::MAX, u32::MAX, 0, 0, 0], [u32::MAX; 6], [15, 1, 400, 7, 0, 0]] {
            for program in [Program::Evaluation, Program::Training] {
                cpu.write(host.progress, &progress).unwrap();
                cpu.submit(program, Plan::BATCHES).unwrap();
                cpu.collect().unwrap();
            }
        }
    }
}
