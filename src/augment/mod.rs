//! Augmentation: what befalls a sample on its way into a batch. The host draws it, by (seed, epoch, sample) alone; kernels
//! apply it to the bytes. So it is the same on every device, in any number of micro-batches, and in a resumed run.

mod augmentation;
mod beta;
mod draw;
#[cfg(test)]
mod tests;
mod transform;
mod views;

pub use augmentation::{Augmentation, Flip, Pad};
pub use transform::{Transform, WHOLE};
pub use views::Views;
