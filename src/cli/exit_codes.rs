//! What every subcommand that can fail says at the end of its help.

pub const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    error; also a failed selftest
  2    the command line or a model file asks for something impossible
  3    the data set, a checkpoint, a picture or a run's metrics are missing or corrupt
  4    no such adapter, or its limits are too small
  5    the device was lost, does not answer or is out of memory
  6    diverged: the loss is no longer a finite number
  7    another process runs the task of a sweep
  130  interrupted by Ctrl-C after saving";
