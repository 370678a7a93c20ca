//! Files the program writes and reads beside the data set.

mod checkpoint;
mod keras;
mod network;
mod shader;
mod trace;
mod whole_file;

pub use checkpoint::{Checkpoint, Tensor};
pub use keras::{h5 as keras_h5, zip as keras_zip};
pub use network::{AdamState, Network};
pub use shader::{Language, translate};
pub use trace::{Event, trace};
pub use whole_file::write_whole;
