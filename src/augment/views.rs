//! Test-time augmentation: a picture is seen several ways, and what a network answers is the mean of its logits.

use std::fmt::{self, Display};
use std::str::FromStr;

use super::Transform;
use crate::error::{Error, Result};

/// The ways in which a picture is seen. By default as it is; written as `flip`, `flip,shift:1` or `shift:1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Views {
    /// Each view counts half, its mirror image the other half.
    pub flip: bool,
    /// The picture itself counts half; a quarter each, moved by so many pixels up and to the left, and down and to the
    /// right. Zeros come in.
    pub shift: u32,
}

impl Views {
    /// Whether a picture is seen as it is alone.
    pub fn is_one(&self) -> bool {
        *self == Self::default()
    }

    /// Each view's transform, and what it counts in the mean.
    pub fn transforms(&self) -> Vec<(Transform, f64)> {
        let shift = self.shift as i32;
        let moved = if shift == 0 { vec![(0, 1.0)] } else { vec![(0, 0.5), (-shift, 0.25), (shift, 0.25)] };
        // A transform mirrors first: what was moved to the right, mirrored, is its mirror image moved to the left.
        let view = |pixels: i32, flip: bool, part| {
            let right = if flip { -pixels } else { pixels };
            (Transform { flip: flip.into(), shift: [pixels, right], ..Transform::NONE }, part)
        };
        let both = |(pixels, part): (i32, f64)| match self.flip {
            true => vec![view(pixels, false, part / 2.0), view(pixels, true, part / 2.0)],
            false => vec![view(pixels, false, part)],
        };
        moved.into_iter().flat_map(both).collect()
    }

    /// Refuses to move images `input` `[H, W, C]` away.
    ///
    /// # Errors
    /// [`Error::Usage`]
    pub fn check(&self, [height, width, _]: [usize; 3]) -> Result<()> {
        let most = height.min(width).saturating_sub(1);
        if self.shift as usize > most {
            let problem = format!("moves images of {height} x {width} away");
            return Err(Error::Usage(format!("`tta` shift:{}: {problem}; give at most shift:{most}", self.shift)));
        }
        Ok(())
    }
}

impl FromStr for Views {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut views = Self::default();
        let wrong = |part: &str| {
            Error::Usage(format!("`tta` {text}: '{part}' is no view; give flip, shift:1, or both with a comma"))
        };
        for part in text.split(',').map(str::trim) {
            let pixels = part.strip_prefix("shift:").map(str::parse);
            match pixels {
                None if part == "flip" && !views.flip => views.flip = true,
                Some(Ok(pixels @ 1..)) if pixels < 1 << 20 && views.shift == 0 => views.shift = pixels,
                _ => return Err(wrong(part)),
            }
        }
        Ok(views)
    }
}

impl Display for Views {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let flip = self.flip.then(|| "flip".to_owned());
        let shift = (self.shift > 0).then(|| format!("shift:{}", self.shift));
        write!(out, "{}", flip.into_iter().chain(shift).collect::<Vec<_>>().join(","))
    }
}
