//! What befalls training samples: how the section `[augmentation]` is spelt.

use super::Section;
use crate::layers::{Key, Kind};

/// The keys of the section; without one, there is nothing of the kind.
pub const AUGMENTATION_KEYS: [Key; 7] = [
    ("flip", Kind::Choice(&["none", "horizontal", "alternating"])),
    ("shift", Kind::Whole),
    ("pad", Kind::Choice(&["zero", "edge", "reflect"])),
    ("cutout", Kind::Whole),
    ("random_erasing", Kind::Number),
    ("mixup", Kind::Number),
    ("cutmix", Kind::Number),
];

pub(super) const SECTION: Section = Section { name: "augmentation", keys: &AUGMENTATION_KEYS, types: &[] };
