//! The data set: finding it, fetching it, reading it and splitting it.
//!
//! A data set is a folder with four IDX files, plain or gzip-compressed, named as Fashion-MNIST's are, or nearly so. Any
//! other set of images under such names works as well; only [`fetch`] and the checksums are particular to Fashion-MNIST.

mod array;
mod checksums;
mod classes;
mod dataset;
#[cfg(feature = "fetch")]
mod fetch;
mod files;
mod idx;
mod lent;
mod locate;
#[cfg(feature = "fetch")]
mod mirror;
mod names;
mod own;
#[cfg(feature = "fetch")]
mod package;
#[cfg(feature = "fetch")]
mod partial;
mod picture;
mod problem;
mod split;
mod temporary;
mod unpack;

pub(crate) use checksums::sha256;
pub use checksums::{FILES, RawFile};
pub(crate) use classes::check_class_names;
#[cfg(feature = "cli")]
pub(crate) use classes::class_names_in;
pub use classes::{FASHION_MNIST, fashion_mnist_names, numbers, read_class_names};
pub use dataset::{Dataset, Samples};
#[cfg(feature = "fetch")]
pub use fetch::{MIRRORS, Sources, fetch, fetch_from};
pub use idx::{Images, Labels};
pub use lent::{LentSamples, Pixels};
pub use locate::{cache_folder, locate, standard_folders};
#[cfg(feature = "fetch")]
pub use mirror::Progress;
pub use own::fetch_again;
pub use picture::{Framing, Picture, Preparation};
pub use split::{Split, k_folds, train_validation_split};
pub(crate) use temporary::{remove_temporary, temporary};
