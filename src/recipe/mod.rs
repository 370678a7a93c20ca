//! How a model is trained, as its file says it: a file a section.

mod optimizer;

pub use optimizer::{OPTIMIZER_KEYS, check_optimizer_keys};
