//! What may befall a training sample, as a model file's `[augmentation]` says it.

use std::fmt::{self, Display};
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// In this order, on the bytes of an image: ahead of the division by 255. By default, nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augmentation {
    pub flip: Flip,
    /// The most whole pixels that an image moves, up or down and left or right, each from -shift to shift alike often.
    pub shift: u32,
    /// What comes in where it moves away.
    pub pad: Pad,
    /// The side of a square of zeros whose centre is any pixel; what is beyond the image is cut off.
    pub cutout: u32,
    /// How likely a rectangle of 0.02 to 0.4 of the image becomes zeros.
    pub random_erasing: f64,
    /// Of Beta(mixup, mixup), an image's share of its mixture with another one of the batch; 0: none is mixed.
    pub mixup: f64,
    /// The same for the part of an image that a rectangle of another one does not replace.
    pub cutmix: f64,
}

/// Which images are mirrored, left to right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flip {
    #[default]
    None,
    /// By a coin for each sample in each epoch.
    Horizontal,
    /// By a coin for each sample in the first epoch, the others in the next one, and so on.
    Alternating,
}

/// What is beyond an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pad {
    #[default]
    Zero,
    /// The outermost pixel again.
    Edge,
    /// The image mirrored at its outermost pixel, which is not repeated; as NumPy's and PyTorch's.
    Reflect,
}

/// Parameters of Beta distributions: below, every share is 0 or 1 already, and beyond, a half.
const ALPHAS: RangeInclusive<f64> = 1e-3..=1e3;

impl Augmentation {
    /// Whether samples stay as they are.
    pub fn is_nothing(&self) -> bool {
        *self == Self { pad: self.pad, ..Self::default() }
    }

    /// Whether images and labels are mixed with others.
    pub fn mixes(&self) -> bool {
        self.mixup > 0.0 || self.cutmix > 0.0
    }

    /// Refuses what cannot be, or would leave nothing of images `input` `[H, W, C]`.
    ///
    /// # Errors
    /// In the words `key is value: problem; give ...`.
    pub fn check(&self, [height, width, _]: [usize; 3]) -> Result<(), String> {
        let Self { shift, cutout, random_erasing, mixup, cutmix, .. } = self;
        let images = format!("images of {height} x {width}");
        if *shift as usize >= height.min(width) && *shift > 0 {
            return Err(format!("shift is {shift}: moves {images} away; give at most {}", height.min(width) - 1));
        }
        if *cutout as usize >= 2 * height.max(width) {
            let most = 2 * height.max(width) - 1;
            return Err(format!("cutout is {cutout}: leaves nothing of {images}; give at most {most}"));
        }
        if !(0.0..=1.0).contains(random_erasing) {
            return Err(format!("random_erasing is {random_erasing}: no probability; give 0 to 1"));
        }
        match [("mixup", mixup), ("cutmix", cutmix)].into_iter().find(|(_, alpha)| !is_alpha(**alpha)) {
            Some((key, alpha)) => {
                Err(format!("{key} is {alpha}: no alpha of Beta(alpha, alpha); give 0.001 to 1000, or 0 for none"))
            }
            None => Ok(()),
        }
    }
}

fn is_alpha(alpha: f64) -> bool {
    alpha == 0.0 || ALPHAS.contains(&alpha)
}

/// `flip=alternating, shift=2`: what there is, by its keys.
impl Display for Augmentation {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let Self { flip, shift, pad, cutout, random_erasing, mixup, cutmix } = self;
        let words = [("flip", format!("{flip:?}")), ("shift", shift.to_string()), ("pad", format!("{pad:?}"))];
        let numbers = [("random_erasing", random_erasing), ("mixup", mixup), ("cutmix", cutmix)];
        let numbers = numbers.map(|(key, number)| (key, number.to_string()));
        let all = words.into_iter().chain([("cutout", cutout.to_string())]).chain(numbers);
        let said = all.filter(|(_, value)| !["None", "0", "Zero"].contains(&value.as_str()));
        let said: Vec<String> = said.map(|(key, value)| format!("{key}={}", value.to_lowercase())).collect();
        write!(out, "{}", said.join(", "))
    }
}
