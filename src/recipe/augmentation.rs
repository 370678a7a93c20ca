//! What is done to the training images before the network sees them: how the section `[augmentation]` is spelt.

use crate::layers::{Key, Kind};

/// Without a key, there is nothing of the kind.
pub const AUGMENTATION_KEYS: [Key; 7] = [
    ("flip", Kind::Choice(&["none", "horizontal", "alternating"])),
    ("shift", Kind::Whole),
    ("pad", Kind::Choice(&["zero", "edge", "reflect"])),
    ("cutout", Kind::Whole),
    ("random_erasing", Kind::Number),
    ("mixup", Kind::Number),
    ("cutmix", Kind::Number),
];
