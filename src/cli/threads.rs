//! The threads that the CPU path and the learners compute on.

use std::thread::{Builder, JoinHandle};

use rayon::{ThreadPool, ThreadPoolBuilder};

/// As large as a main thread's usually is: drivers compile shaders on it.
const STACK_BYTES: usize = 8 << 20;

/// Does the work on as many threads as there are processors (or `RAYON_NUM_THREADS` says), or as many as the system
/// allows; at last on this one alone. rayon's own pool would panic.
pub fn on_a_pool<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    match pool() {
        Some(pool) => pool.install(work),
        None => {
            // Whatever asks for rayon's pool in this thread finds this one.
            let _pool = ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
            work()
        }
    }
}

fn pool() -> Option<ThreadPool> {
    // rayon takes 0 for its own choice.
    let mut threads = 0;
    loop {
        let mut started: Vec<JoinHandle<()>> = Vec::new();
        let pool = ThreadPoolBuilder::new().num_threads(threads).spawn_handler(|thread| {
            started.push(Builder::new().stack_size(STACK_BYTES).spawn(|| thread.run())?);
            Ok(())
        });
        match pool.build() {
            Ok(pool) => return Some(pool),
            Err(_) => {
                threads = started.len();
                if threads == 0 {
                    return None;
                }
                // They end by themselves, and count until they have.
                started.into_iter().for_each(|thread| drop(thread.join()));
            }
        }
    }
}
