//! What makes a plan one that can run. Its fields are anyone's to change, so every executor asks before it takes one; what
//! is asked of it later has limits, too.

use std::ops::Range;

use super::{BufferId, Pass, Plan, Program};
use crate::error::{Error, Result};
use crate::gemm::MOST_WORDS;
use crate::kernels::{BINDING_ALIGNMENT, misfit};

/// The most bindings of a kernel: as many as WebGPU promises to any.
pub const MOST_BINDINGS: usize = 8;

impl Plan {
    /// Refuses a plan that cannot run: a buffer too large to address, a pass whose buffers are not its kernel's, or which
    /// binds one twice (WebGPU forbids it where one use writes, and the CPU executor lends each buffer once), or no log.
    ///
    /// # Errors
    /// [`Error::Usage`] for what is too large, [`Error::Failed`] naming the pass for what does not fit together.
    pub fn check(&self) -> Result<()> {
        if let Some(buffer) = self.buffers.iter().find(|buffer| buffer.words > MOST_WORDS) {
            return Err(Error::Usage(format!(
                "{} would need {:.1} GB; make `batch_size` or the model smaller",
                buffer.name,
                buffer.words as f64 * 4e-9
            )));
        }
        if let Some(buffer) = self.buffers.iter().find(|buffer| buffer.initial.len() > buffer.words) {
            let (initial, words) = (buffer.initial.len(), buffer.words);
            return Err(Error::Failed(format!("{} begins with {initial} words and has {words}", buffer.name)));
        }
        for pass in Program::ALL.into_iter().flat_map(|program| self.passes(program)) {
            if let Some(problem) = self.problem(pass) {
                return Err(Error::Failed(format!("{}: {problem}", pass.layer)));
            }
        }
        let words = (2 * Self::BATCHES).saturating_mul(self.log_rows(Program::Training));
        match self.buffers.get(self.log.0) {
            Some(log) if log.words >= words => Ok(()),
            _ => Err(Error::Failed(format!("its log is no buffer of {words} words"))),
        }
    }

    fn problem(&self, pass: &Pass) -> Option<String> {
        let Pass { kernel, buffers, offsets, .. } = pass;
        let name = kernel.descriptor().name;
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

    /// Refuses words that a buffer does not have, or a buffer that is none.
    pub(crate) fn check_words(&self, BufferId(number): BufferId, words: &Range<usize>) -> Result<()> {
        let count = self.buffers.len();
        let Some(buffer) = self.buffers.get(number) else {
            return Err(Error::Failed(format!("there is no buffer {number}: the plan has {count}")));
        };
        match words.start <= words.end && words.end <= buffer.words {
            true => Ok(()),
            false => Err(Error::Failed(format!(
                "{} words for {}, which has {}; give as many at most",
                words.end, buffer.name, buffer.words
            ))),
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
