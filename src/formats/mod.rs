//! Files the program writes and reads beside the data set.

mod bounded_read;
mod checkpoint;
mod exchange;
#[cfg(feature = "keras")]
mod keras;
mod network;
#[cfg(feature = "keras")]
mod npz;
mod onnx;
mod protobuf;
mod safetensors;
#[cfg(feature = "cli")]
mod shader;
pub mod tensorboard;
mod trace;
mod whole_file;
#[cfg(not(feature = "keras"))]
mod without_keras;

pub use bounded_read::{read_text, read_text_of};
pub use checkpoint::{Checkpoint, Tensor, take_averages};
pub use exchange::{Format, decode, read};
#[cfg(feature = "keras")]
pub use keras::{h5 as keras_h5, zip as keras_zip};
pub use network::{Network, OptimizerState};
#[cfg(feature = "cli")]
pub use shader::{Language, translate};
pub use trace::{Event, trace};
pub use whole_file::{make_folder, write_own, write_whole};
