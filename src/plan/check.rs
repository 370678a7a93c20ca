//! What makes a plan one that can run. Its fields are anyone's to change, so every executor asks before it takes one; what
//! is asked of it later has limits, too.

use super::{BufferId, Pass, Plan};
use crate::error::{Error, Result};
use crate::gemm::MOST_WORDS;
use crate::kernels::{BINDING_ALIGNMENT, Progress, misfit};

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
