//! In how many bits a number is stored.

use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};
use half::{bf16, f16};
use serde::{Deserialize, Serialize};

/// A floating-point format of IEEE 754, or bfloat16, which is the upper half of f32's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 8 bits of exponent and 23 of fraction.
    #[default]
    F32,
    /// 8 and 7: as large as f32, to three digits.
    Bf16,
    /// 5 and 10: up to 65,504, to four digits.
    F16,
}

impl Precision {
    pub const ALL: [Self; 3] = [Precision::F32, Precision::Bf16, Precision::F16];

    /// Whether nothing is rounded.
    pub fn is_f32(&self) -> bool {
        *self == Self::F32
    }

    /// As `--precision` spells it.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::Bf16 => "bf16",
            Precision::F16 => "f16",
        }
    }

    /// Bytes of a number.
    pub fn bytes(self) -> usize {
        match self {
            Precision::F32 => 4,
            Precision::Bf16 | Precision::F16 => 2,
        }
    }

    /// The most that neighbouring numbers are apart, as a part of them; 0 of f32, whose last bits are not looked at.
    pub fn step(self) -> f32 {
        match self {
            Precision::F32 => 0.0,
            Precision::Bf16 => 1.0 / 128.0,
            Precision::F16 => 1.0 / 1024.0,
        }
    }

    /// The nearest number that is stored so; of two, the one whose last bit is 0.
    pub fn rounded(self, value: f32) -> f32 {
        match self {
            Precision::F32 => value,
            Precision::Bf16 => bf16::from_f32(value).to_f32(),
            Precision::F16 => f16::from_f32(value).to_f32(),
        }
    }

    /// The bits of as many numbers, rounded as [`Precision::rounded`] does; f32's as bf16's.
    pub fn narrow(self, values: &[f32], halves: &mut [u16]) {
        assert_eq!(values.len(), halves.len(), "each number has its bits");
        match self {
            Precision::F16 => halves.reinterpret_cast_mut::<f16>().convert_from_f32_slice(values),
            Precision::Bf16 | Precision::F32 => {
                halves.iter_mut().zip(values).for_each(|(half, value)| *half = bf16_bits(*value));
            }
        }
    }

    /// The numbers that [`Precision::narrow`] made bits of.
    pub fn widen(self, halves: &[u16], values: &mut [f32]) {
        assert_eq!(values.len(), halves.len(), "each number has its bits");
        match self {
            Precision::F16 => halves.reinterpret_cast::<f16>().convert_to_f32_slice(values),
            Precision::Bf16 | Precision::F32 => {
                values.iter_mut().zip(halves).for_each(|(value, half)| *value = f32::from_bits(u32::from(*half) << 16));
            }
        }
    }

    /// Numbers as bytes, the lowest first.
    pub fn encode(self, values: &[f32]) -> Vec<u8> {
        if self.is_f32() {
            return values.iter().flat_map(|value| value.to_le_bytes()).collect();
        }
        let mut halves = vec![0; values.len()];
        self.narrow(values, &mut halves);
        halves.into_iter().flat_map(u16::to_le_bytes).collect()
    }

    /// The numbers that [`Precision::encode`] made bytes of.
    pub fn decode(self, bytes: &[u8]) -> Vec<f32> {
        if self.is_f32() {
            return bytes.as_chunks().0.iter().copied().map(f32::from_le_bytes).collect();
        }
        let halves: Vec<u16> = bytes.as_chunks().0.iter().copied().map(u16::from_le_bytes).collect();
        let mut values = vec![0.0; halves.len()];
        self.widen(&halves, &mut values);
        values
    }
}

/// As `bf16::from_f32`, without a branch, so that a loop has vectors of it.
fn bf16_bits(value: f32) -> u16 {
    let bits = value.to_bits();
    let nearest = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
    let quiet = bits >> 16 | 0x40;
    (if value.is_nan() { quiet } else { nearest }) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Halfway cases, the largest and the smallest, by the formats' definitions.
    #[test]
    fn numbers_are_rounded_to_nearest_even() {
        let (up, down) = (1.0 + 3.0 / 256.0, 1.0 + 1.0 / 256.0);
        assert_eq!([up, down].map(|value| Precision::Bf16.rounded(value)), [1.0 + 2.0 / 128.0, 1.0]);
        let (up, down) = (1.0 + 3.0 / 2048.0, 1.0 + 1.0 / 2048.0);
        assert_eq!([up, down].map(|value| Precision::F16.rounded(value)), [1.0 + 2.0 / 1024.0, 1.0]);
        assert_eq!(Precision::F16.rounded(65519.0), 65504.0);
        assert_eq!(Precision::F16.rounded(65520.0), f32::INFINITY);
        let smallest = 2_f32.powi(-24);
        assert_eq!([0.5, 0.51, 1.5].map(|part| Precision::F16.rounded(part * smallest) / smallest), [0.0, 1.0, 2.0]);
        assert_eq!(Precision::Bf16.rounded(f32::MAX), f32::INFINITY);
        assert!(
            Precision::ALL.iter().all(|one| one.rounded(f32::NAN).is_nan() && one.rounded(-0.0).is_sign_negative())
        );
    }

    /// All upper halves of an f32, with lower ones on, beside and between the halfway cases of both formats.
    #[test]
    fn many_numbers_are_rounded_as_one_is() {
        let lower = [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff, 0x0fff, 0x1000, 0x1001, 0x2fff, 0x3000, 0x3001];
        let values: Vec<f32> =
            (0..1 << 16).flat_map(|upper: u32| lower.map(|lower| f32::from_bits(upper << 16 | lower))).collect();
        for precision in [Precision::Bf16, Precision::F16] {
            let (mut halves, mut wide) = (vec![0; values.len()], vec![0.0; values.len()]);
            precision.narrow(&values, &mut halves);
            precision.widen(&halves, &mut wide);
            let differs = |(value, wide): (&f32, &f32)| precision.rounded(*value).to_bits() != wide.to_bits();
            assert_eq!(values.iter().zip(&wide).position(differs), None, "{precision:?}");
        }
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let values = [0.0, -0.0, 1.5, -3.25, 1e-7, 300.0];
        for precision in Precision::ALL {
            let bytes = precision.encode(&values);
            assert_eq!(bytes.len(), values.len() * precision.bytes());
            assert_eq!(precision.decode(&bytes), values.map(|value| precision.rounded(value)));
        }
    }
}
