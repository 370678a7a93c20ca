//! Ranks of MPI.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use mpi::Threading;
use mpi::collective::{CommunicatorCollectives, Root};
use mpi::datatype::{Partition, PartitionMut};
use mpi::request::scope;
use mpi::topology::{Communicator as _, SimpleCommunicator};

use super::{Communicator, UnderWay};
use crate::error::{Error, Result};

/// A rank of all that were started together. One thread makes all calls of MPI, so that what is under way gets on while
/// others compute.
pub struct Mpi {
    rank: usize,
    size: usize,
    local_rank: usize,
    /// What the thread is to do, one after the other; it ends MPI once there is nothing more to come.
    calls: Option<Sender<Call>>,
    thread: Option<JoinHandle<()>>,
    /// The exit code by which all are to end at once.
    aborts: Arc<AtomicI32>,
}

type Call = Box<dyn FnOnce(&SimpleCommunicator) + Send>;

/// How often what is under way is looked after while nobody waits for it.
const INTERVAL: Duration = Duration::from_micros(50);
const NO_ABORT: i32 = -1;

impl Mpi {
    /// Starts MPI, once a process.
    ///
    /// # Errors
    /// [`Error::Failed`] where it was started before.
    pub fn start() -> Result<Self> {
        let ((calls, to_do), (says, started)) = (channel::<Call>(), channel());
        let thread = thread::spawn(move || {
            let Some((universe, _)) = mpi::initialize_with_threading(Threading::Funneled) else { return };
            let world = universe.world();
            let local_rank = world.split_shared(world.rank()).rank();
            let _ = says.send([world.rank(), world.size(), local_rank].map(|number| number as usize));
            to_do.iter().for_each(|call| call(&world));
        });
        let started = started.recv().map_err(|_| Error::Failed("MPI was started before".into()));
        let ([rank, size, local_rank], thread) = (started?, Some(thread));
        Ok(Self { rank, size, local_rank, calls: Some(calls), thread, aborts: Arc::new(AtomicI32::new(NO_ABORT)) })
    }

    /// Has the thread make a call; its answer.
    fn begin<T: Send + 'static>(&self, call: impl FnOnce(&SimpleCommunicator) -> T + Send + 'static) -> Receiver<T> {
        let (answers, answer) = channel();
        let call = move |world: &SimpleCommunicator| drop(answers.send(call(world)));
        if let Some(calls) = &self.calls {
            // Who waits for the answer learns that there is none.
            let _ = calls.send(Box::new(call));
        }
        answer
    }
}

/// Ends MPI, as all ranks do.
impl Drop for Mpi {
    fn drop(&mut self) {
        drop(self.calls.take());
        let _ = self.thread.take().map(JoinHandle::join);
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

/// Waits for an answer.
fn answered<T>(answer: &Receiver<T>) -> Result<T> {
    answer.recv().map_err(|_| Error::Failed("MPI has ended".into()))
}

impl Communicator for Mpi {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn local_rank(&self) -> usize {
        self.local_rank
    }

    fn all_to_all(&self, parts: Vec<u8>, bytes: &[usize], from: &[usize]) -> Result<UnderWay> {
        let mut received = vec![0; from.iter().sum()];
        // MPI would take two empty buffers for one, which it refuses. Then nobody has anything.
        if parts.is_empty() && received.is_empty() {
            return Ok(Box::new(|| Ok(received)));
        }
        let (sent, (from, starts)) = (counts(bytes)?, counts(from)?);
        let (awaited, aborts) = (Arc::new(AtomicBool::new(false)), self.aborts.clone());
        let is_awaited = awaited.clone();
        let answer = self.begin(move |world| {
            let sent = Partition::new(parts.as_slice(), sent.0, sent.1);
            let mut target = PartitionMut::new(received.as_mut_slice(), from, starts);
            scope(|scope| {
                let mut request = world.immediate_all_to_all_varcount_into(scope, &sent, &mut target);
                while !is_awaited.load(Ordering::Relaxed) {
                    request = match request.test() {
                        Ok(_) => return,
                        Err(unfinished) => unfinished,
                    };
                    match aborts.load(Ordering::Relaxed) {
                        NO_ABORT => thread::sleep(INTERVAL),
                        code => world.abort(code),
                    }
                }
                request.wait_without_status();
            });
            received
        });
        Ok(Box::new(move || {
            awaited.store(true, Ordering::Relaxed);
            answered(&answer)
        }))
    }

    fn all_gather(&self, part: &[u8], bytes: &[usize]) -> Result<Vec<u8>> {
        let mut all = vec![0; bytes.iter().sum()];
        // As above.
        if all.is_empty() {
            return Ok(all);
        }
        let ((counts, starts), part) = (counts(bytes)?, part.to_vec());
        answered(&self.begin(move |world| {
            let mut target = PartitionMut::new(all.as_mut_slice(), counts, starts);
            world.all_gather_varcount_into(part.as_slice(), &mut target);
            all
        }))
    }

    fn broadcast(&self, of_first: Vec<u8>) -> Result<Vec<u8>> {
        answered(&self.begin(move |world| {
            let first = world.process_at_rank(0);
            let mut length = of_first.len() as u64;
            first.broadcast_into(&mut length);
            let mut bytes = of_first;
            bytes.resize(length as usize, 0);
            for part in bytes.chunks_mut(1 << 30) {
                first.broadcast_into(part);
            }
            bytes
        }))
    }

    fn abort(&self, code: u8) {
        let code = i32::from(code);
        // Also of what nobody waits for any more.
        self.aborts.store(code, Ordering::Relaxed);
        let _ = self.begin::<()>(move |world| world.abort(code)).recv();
    }
}
