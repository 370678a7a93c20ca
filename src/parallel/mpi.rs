//! Ranks of MPI.

use mpi::Threading;
use mpi::collective::{CommunicatorCollectives, Root};
use mpi::datatype::{Partition, PartitionMut};
use mpi::environment::Universe;
use mpi::topology::{Communicator as _, SimpleCommunicator};

use super::Communicator;
use crate::error::{Error, Result};

/// A rank of all that were started together.
pub struct Mpi {
    world: SimpleCommunicator,
    local_rank: usize,
    /// Ends MPI when it is dropped.
    _universe: Universe,
}

impl Mpi {
    /// Starts MPI, once a process.
    ///
    /// # Errors
    /// [`Error::Failed`] where it was started before.
    pub fn start() -> Result<Self> {
        // Calls come from one thread at a time, which need not be the main one.
        let started = mpi::initialize_with_threading(Threading::Serialized);
        let (universe, _) = started.ok_or_else(|| Error::Failed("MPI was started before".into()))?;
        let world = universe.world();
        let local_rank = world.split_shared(world.rank()).rank() as usize;
        Ok(Self { world, local_rank, _universe: universe })
    }
}

/// Counts of bytes as MPI has them, and where each begins.
fn counts(bytes: &[usize]) -> Result<(Vec<i32>, Vec<i32>)> {
    let mut all = 0_i32;
    let mut ends = Vec::new();
    for &count in bytes {
        let too_many =
            || Error::Usage("weights of more than 2 GB: MPI cannot exchange so many; start one process".into());
        let count = i32::try_from(count).map_err(|_| too_many())?;
        ends.push((count, all));
        all = all.checked_add(count).ok_or_else(too_many)?;
    }
    Ok(ends.into_iter().unzip())
}

impl Communicator for Mpi {
    fn rank(&self) -> usize {
        self.world.rank() as usize
    }

    fn size(&self) -> usize {
        self.world.size() as usize
    }

    fn local_rank(&self) -> usize {
        self.local_rank
    }

    fn all_to_all(&self, parts: &[u8], bytes: &[usize], from: &[usize]) -> Result<Vec<u8>> {
        let mut received = vec![0; from.iter().sum()];
        let (sent, (received_counts, starts)) = (counts(bytes)?, counts(from)?);
        let sent = Partition::new(parts, sent.0, sent.1);
        let mut target = PartitionMut::new(received.as_mut_slice(), received_counts, starts);
        self.world.all_to_all_varcount_into(&sent, &mut target);
        Ok(received)
    }

    fn all_gather(&self, part: &[u8], bytes: &[usize]) -> Result<Vec<u8>> {
        let mut all = vec![0; bytes.iter().sum()];
        // Where nobody has anything, MPI takes the two buffers for one, which it refuses.
        if all.is_empty() {
            return Ok(all);
        }
        let (counts, starts) = counts(bytes)?;
        self.world.all_gather_varcount_into(part, &mut PartitionMut::new(all.as_mut_slice(), counts, starts));
        Ok(all)
    }

    fn broadcast(&self, of_first: Vec<u8>) -> Result<Vec<u8>> {
        let first = self.world.process_at_rank(0);
        let mut length = of_first.len() as u64;
        first.broadcast_into(&mut length);
        let mut bytes = of_first;
        bytes.resize(length as usize, 0);
        for part in bytes.chunks_mut(1 << 30) {
            first.broadcast_into(part);
        }
        Ok(bytes)
    }

    fn abort(&self, code: u8) {
        self.world.abort(code.into());
    }
}
