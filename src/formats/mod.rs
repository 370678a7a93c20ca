//! Files the program writes and reads beside the data set.

mod bounded_read;
mod checkpoint;
mod exchange;
mod keras;
mod network;
mod npz;
mod onnx;
mod safetensors;
mod shader;
mod trace;
mod whole_file;

pub use bounded_read::read_text;
pub use checkpoint::{Checkpoint, Tensor};
pub use exchange::{Format, decode, read};
pub use keras::{h5 as keras_h5, zip as keras_zip};
pub use network::{Network, OptimizerState};
pub use shader::{Language, translate};
pub use trace::{Event, trace};
pub use whole_file::{make_folder, write_whole};
