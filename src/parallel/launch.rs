//! Whether a launcher such as `mpirun` or `srun` started this process as one of several.

use std::env;
use std::num::NonZero;
use std::rc::Rc;
use std::thread;

use super::{Alone, Communicator};
use crate::error::Result;

/// A number among the variables of the environment.
fn number(name: &str) -> Option<usize> {
    env::var(name).ok()?.parse().ok()
}

/// How many processes a launcher says it started, by what Open MPI, MPICH and Slurm call it.
fn launched_processes() -> usize {
    let of_slurm = || env::var_os("PMIX_RANK").and_then(|_| number("SLURM_STEP_NUM_TASKS"));
    number("OMPI_COMM_WORLD_SIZE").or_else(|| number("PMI_SIZE")).or_else(of_slurm).unwrap_or(1)
}

/// Threads of this process, where it is one of several on a machine that nobody gave processors of its own; 0: as many as
/// it has processors.
pub fn threads_of_each() -> usize {
    let of_this_machine = number("OMPI_COMM_WORLD_LOCAL_SIZE").or_else(|| number("MPI_LOCALNRANKS")).unwrap_or(1);
    let decided = ["RAYON_NUM_THREADS", "OMPI_MCA_orte_bound_at_launch"].map(env::var_os);
    if of_this_machine <= 1 || decided.iter().any(Option::is_some) {
        return 0;
    }
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    (processors / of_this_machine).max(1)
}

/// The processes that this one was started with; it alone where no launcher started several. MPI is asked only then.
///
/// # Errors
/// [`Error::Usage`](crate::error::Error::Usage) where the program was built without MPI.
pub fn launched() -> Result<Rc<dyn Communicator>> {
    match launched_processes() {
        0 | 1 => Ok(Rc::new(Alone)),
        _size => {
            #[cfg(feature = "mpi")]
            return Ok(Rc::new(super::mpi::Mpi::start()?));
            #[cfg(not(feature = "mpi"))]
            Err(crate::error::Error::Usage(format!(
                "one of {_size} processes, but this program was built without MPI; build it with the \
                 feature mpi, or start one process"
            )))
        }
    }
}
