//! Many runs as one thing: which there are (a space and its manifest), what became of each, which are not worth going on
//! with, and what their differences did.

mod importance;
mod manifest;
mod outcome;
mod parameter;
mod pruning;
mod space;

pub use importance::{Importance, importance};
pub use manifest::{Manifest, Task};
pub use outcome::{Outcome, Standing, Status, epochs};
pub use parameter::{Parameter, Values, shown};
pub use pruning::{Finished, Pruning};
pub use space::{Assignment, Search, Space};
