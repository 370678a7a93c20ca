//! Several processes that train one network together, each a rank of them: how they talk, and what each does of a step.
//!
//! What they say are bytes. No number is ever added on the way, so that neither the network nor the library that is used
//! for it can change a result.

mod alone;
mod launch;
#[cfg(feature = "mpi")]
mod mpi;
mod share;
mod threads;

pub use alone::Alone;
pub use launch::{launched, threads_of_each};
pub use share::{Share, divide, joins, subtrees};
pub use threads::{Threads, threads};

use crate::error::Result;

/// Waits for what is under way.
pub type UnderWay = Box<dyn FnOnce() -> Result<Vec<u8>>>;

/// The processes that were started together, as one of them sees them. Every call but [`Self::abort`] is made by all of
/// them, in the same order.
pub trait Communicator {
    /// This one's number, from 0.
    fn rank(&self) -> usize;

    /// How many there are.
    fn size(&self) -> usize;

    /// This one's number among those of its machine.
    fn local_rank(&self) -> usize;

    /// Begins to send each rank its part, one after the other in `parts`, of `bytes[r]` bytes. What the ranks send here, of
    /// `from[r]` bytes, one after the other, arrives while this one goes on.
    ///
    /// # Errors
    /// More than can be sent; or, from what is given back, where another rank is gone.
    fn all_to_all(&self, parts: Vec<u8>, bytes: &[usize], from: &[usize]) -> Result<UnderWay>;

    /// Gives what all ranks have, of `bytes[r]` bytes, one after the other.
    ///
    /// # Errors
    /// Where another rank is gone.
    fn all_gather(&self, part: &[u8], bytes: &[usize]) -> Result<Vec<u8>>;

    /// Gives what rank 0 has.
    ///
    /// # Errors
    /// Where another rank is gone.
    fn broadcast(&self, of_first: Vec<u8>) -> Result<Vec<u8>>;

    /// Ends all ranks with this exit code.
    fn abort(&self, code: u8);
}

/// What each rank has, however long that is.
///
/// # Errors
/// See [`Communicator::all_gather`].
pub fn gather(communicator: &dyn Communicator, part: &[u8]) -> Result<Vec<Vec<u8>>> {
    let size = communicator.size();
    let lengths = communicator.all_gather(&(part.len() as u64).to_le_bytes(), &vec![8; size])?;
    let lengths: Vec<usize> = lengths.as_chunks().0.iter().map(|length| u64::from_le_bytes(*length) as usize).collect();
    let all = communicator.all_gather(part, &lengths)?;
    let mut rest = all.as_slice();
    let mut parts = Vec::new();
    for length in lengths {
        let (part, later) = rest.split_at(length);
        parts.push(part.to_vec());
        rest = later;
    }
    Ok(parts)
}
