//! Ranks that are threads of one process: for tests, and to see what MPI does without it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use super::{Communicator, UnderWay};
use crate::error::{Error, Result};

/// One of the ranks that [`threads`] makes.
pub struct Threads {
    rank: usize,
    common: Arc<Common>,
}

struct Common {
    size: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// What each rank says in the present round.
    said: Vec<Option<Vec<u8>>>,
    /// What they said in the last one, and how many have still to hear it.
    heard: Arc<Vec<Vec<u8>>>,
    to_hear: usize,
    /// Whether one of them is gone.
    gone: bool,
}

/// So many ranks, for a thread each.
pub fn threads(size: usize) -> Vec<Threads> {
    let state = State { said: vec![None; size], ..State::default() };
    let common = Arc::new(Common { size, state: Mutex::new(state), changed: Condvar::new() });
    (0..size).map(|rank| Threads { rank, common: common.clone() }).collect()
}

impl Threads {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.common.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Tells all ranks something; what all of them said.
    fn tell(&self, bytes: Vec<u8>) -> Result<Arc<Vec<Vec<u8>>>> {
        let wait = |state, until: &dyn Fn(&State) -> bool| {
            let waiting = self.common.changed.wait_while(state, |state: &mut State| !state.gone && !until(state));
            let state = waiting.unwrap_or_else(|poisoned| poisoned.into_inner());
            // What all have said can be heard, whoever is gone since.
            if until(&state) { Ok(state) } else { Err(Error::Failed("another rank is gone".into())) }
        };
        // The round before is heard by all.
        let mut state = wait(self.lock(), &|state| state.to_hear == 0)?;
        state.said[self.rank] = Some(bytes);
        if state.said.iter().all(Option::is_some) {
            state.heard = Arc::new(state.said.iter_mut().filter_map(Option::take).collect());
            state.to_hear = self.common.size;
            self.common.changed.notify_all();
        } else {
            state = wait(state, &|state| state.to_hear > 0 && state.said[self.rank].is_none())?;
        }
        let heard = state.heard.clone();
        state.to_hear -= 1;
        self.common.changed.notify_all();
        Ok(heard)
    }
}

impl Communicator for Threads {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.common.size
    }

    fn local_rank(&self) -> usize {
        self.rank
    }

    fn all_to_all(&self, parts: Vec<u8>, bytes: &[usize], from: &[usize]) -> Result<UnderWay> {
        // Each hears everything, and takes its own part of what it hears.
        let mut message = Vec::with_capacity(8 * bytes.len() + parts.len());
        bytes.iter().for_each(|bytes| message.extend((*bytes as u64).to_le_bytes()));
        message.extend(parts);
        let mut received = Vec::new();
        for (message, from) in self.tell(message)?.iter().zip(from) {
            let (lengths, parts) = message.split_at(8 * self.size());
            let lengths = lengths.as_chunks().0.iter().map(|length| u64::from_le_bytes(*length) as usize);
            let start: usize = lengths.take(self.rank).sum();
            received.extend(&parts[start..start + from]);
        }
        Ok(Box::new(|| Ok(received)))
    }

    fn all_gather(&self, part: &[u8], bytes: &[usize]) -> Result<Vec<u8>> {
        let all = self.tell(part.to_vec())?;
        assert!(all.iter().map(Vec::len).eq(bytes.iter().copied()), "ranks agree on what they say");
        Ok(all.concat())
    }

    fn broadcast(&self, of_first: Vec<u8>) -> Result<Vec<u8>> {
        let own = if self.rank == 0 { of_first } else { Vec::new() };
        Ok(self.tell(own)?[0].clone())
    }

    fn abort(&self, _: u8) {
        self.lock().gone = true;
        self.common.changed.notify_all();
    }
}

/// Whoever ends leaves nobody waiting.
impl Drop for Threads {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.abort(1);
        }
    }
}
