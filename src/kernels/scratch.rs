//! Memory that a CPU reference needs while it runs. A thread keeps what it has used, so that after the first steps of a run
//! none is allocated any more.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

thread_local! {
    /// What this thread has used and not given back to the system, the last used on top.
    static KEPT: RefCell<Vec<Vec<u32>>> = const { RefCell::new(Vec::new()) };
}

/// 32-bit words that hold anything at first. Dropped in the reverse order of their making, as locals are, the same
/// buffers meet the same uses in every step.
pub struct Scratch {
    kept: Vec<u32>,
    words: usize,
}

impl Scratch {
    pub fn new(words: usize) -> Self {
        let mut kept = KEPT.with_borrow_mut(Vec::pop).unwrap_or_default();
        if kept.len() < words {
            kept.resize(words, 0);
        }
        Self { kept, words }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        KEPT.with_borrow_mut(|buffers| buffers.push(std::mem::take(&mut self.kept)));
    }
}

impl Deref for Scratch {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        &self.kept[..self.words]
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [u32] {
        &mut self.kept[..self.words]
    }
}
