//! What a network does to its pixels first: Keras' `Rescaling`, and formulas such as `images / 127.5 - 1`. Ours are bytes that
//! are divided by 255, Keras' may be those, or bytes.

use super::graph::Argument;
use super::message::Found;
use super::settings::Settings;
use crate::layers::Rescaling;

/// The largest pixel.
const WHITE: f64 = 255.0;

/// x * scale + offset
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    pub scale: f64,
    pub offset: f64,
    /// Whether a layer before it says that what comes is divided already: one that leaves it as it is.
    divided: bool,
}

impl Affine {
    fn new(scale: f64, offset: f64) -> Self {
        Self { scale, offset, divided: (scale, offset) == (1.0, 0.0) }
    }

    /// This one first, then the other.
    pub fn then(self, next: Self) -> Self {
        let Self { scale, offset, divided } = self;
        Self { scale: scale * next.scale, offset: offset * next.scale + next.offset, divided }
    }

    /// Of bytes divided by 255; none where it changes nothing. It is of bytes where that brings their range nearer to 1.
    pub fn layer(self) -> Option<Rescaling> {
        let is_of_bytes = !self.divided && is_of_bytes(self.scale);
        let scale = if is_of_bytes { rounded(self.scale * WHITE) } else { self.scale };
        let changes = (scale - 1.0).abs() > 1e-6 || self.offset != 0.0;
        changes.then_some(Rescaling { scale, offset: self.offset })
    }
}

/// Whether a layer with this scale would be taken for one of bytes.
pub fn is_of_bytes(scale: f64) -> bool {
    scale.abs() < 1.0 / WHITE.sqrt()
}

/// To 12 digits: 2, where 255 / 127.5 may be 2.0000000000000004.
fn rounded(value: f64) -> f64 {
    format!("{value:.11e}").parse().unwrap_or(value)
}

pub fn rescaling(settings: Settings) -> Found<Affine> {
    Ok(Affine::new(settings.number("scale")?, settings.number_or("offset", 0.0)?))
}

/// A `Normalization` that was given its mean and its variance: one of each for all pixels.
pub fn normalization(settings: Settings) -> Found<Affine> {
    if settings.value("mean").is_null() || settings.value("variance").is_null() {
        return Err(settings.misplaced("its mean and variance are not in its settings, but adapted to data"));
    }
    let (mean, variance) = (settings.one("mean")?, settings.one("variance")?);
    // Keras' smallest divisor.
    let deviation = variance.sqrt().max(1e-7);
    Ok(Affine::new(1.0 / deviation, -mean / deviation))
}

/// What a formula of one value and one number does; none where that is not what the class with these arguments is.
pub fn arithmetic(class: &str, arguments: &[Argument]) -> Option<Affine> {
    use Argument::{Number, Value};
    let (scale, offset) = match (class, arguments) {
        ("Add", [Value(_), Number(number)] | [Number(number), Value(_)]) => (1.0, *number),
        ("Subtract", [Value(_), Number(number)]) => (1.0, -number),
        ("Subtract", [Number(number), Value(_)]) => (-1.0, *number),
        ("Multiply", [Value(_), Number(number)] | [Number(number), Value(_)]) => (*number, 0.0),
        ("Divide" | "TrueDivide", [Value(_), Number(number)]) => (1.0 / number, 0.0),
        _ => return None,
    };
    Some(Affine::new(scale, offset))
}
