//! The threads that the CPU path and the learners compute on.

use std::io;
use std::thread::{Builder, JoinHandle};

use rayon::{ThreadBuilder, ThreadPool, ThreadPoolBuilder};

use crate::parallel::threads_of_each;

/// Of a thread that does a whole command: as large as a main thread's usually is.
const STACK_BYTES: usize = 8 << 20;

/// Does the work with as many threads as there are processors (or `RAYON_NUM_THREADS` says, or are left
/// by other processes of MPI); where the system does not
/// allow these, with those that it does, and at last with this one alone. Left to itself, rayon would panic.
pub fn with_threads<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let mut started = Vec::new();
    let pool = ThreadPoolBuilder::new().num_threads(threads_of_each());
    if pool.spawn_handler(start(&mut started)).build_global().is_ok() {
        return work();
    }
    // rayon does not try twice for its global pool: from here on all work is done within another.
    while let threads @ 1.. = ended(&mut started) {
        let pool = ThreadPoolBuilder::new().num_threads(threads).stack_size(STACK_BYTES);
        if let Ok(pool) = pool.spawn_handler(start(&mut started)).build() {
            return finished(pool, &mut started, work);
        }
    }
    let _pool = ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
    work()
}

/// Does the work on the pool, and returns when its threads have ended. A driver that has worked on one of them cleans up
/// as it ends: while the process ends, too, some crash at that.
fn finished<R: Send>(pool: ThreadPool, started: &mut Vec<JoinHandle<()>>, work: impl FnOnce() -> R + Send) -> R {
    let result = pool.install(work);
    drop(pool);
    ended(started);
    result
}

fn start(started: &mut Vec<JoinHandle<()>>) -> impl FnMut(ThreadBuilder) -> io::Result<()> {
    |thread| {
        let builder = match thread.stack_size() {
            Some(bytes) => Builder::new().stack_size(bytes),
            None => Builder::new(),
        };
        started.push(builder.spawn(|| thread.run())?);
        Ok(())
    }
}

/// How many threads a pool had that lacked others. They end by themselves, and count until they have.
fn ended(started: &mut Vec<JoinHandle<()>>) -> usize {
    let count = started.len();
    started.drain(..).for_each(|thread| drop(thread.join()));
    count
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread::sleep;
    use std::time::Duration;

    use super::*;

    static CLEANED_UP: AtomicBool = AtomicBool::new(false);

    struct Slow;

    impl Drop for Slow {
        fn drop(&mut self) {
            sleep(Duration::from_millis(100));
            CLEANED_UP.store(true, Ordering::SeqCst);
        }
    }

    thread_local!(static OF_THE_THREAD: Slow = const { Slow });

    #[test]
    fn what_a_thread_cleans_up_is_done_before_the_process_goes_on() {
        let mut started = Vec::new();
        let pool = ThreadPoolBuilder::new().num_threads(2).spawn_handler(start(&mut started)).build().unwrap();
        assert_eq!(finished(pool, &mut started, || OF_THE_THREAD.with(|_| 7)), 7);
        assert!(CLEANED_UP.load(Ordering::SeqCst));
    }
}
