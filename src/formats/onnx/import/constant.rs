//! Values that a file has rather than computes: weights, and the sizes and numbers that nodes take as inputs. Large
//! ones stay in the file until a layer takes them.

use std::rc::Rc;

use half::{bf16, f16};

use super::external::{External, is_external};
use super::file::{MOST_NUMBERS, REMEDY, number};
use crate::formats::onnx::fields::tensor;
use crate::formats::onnx::permuted::permuted;
use crate::formats::onnx::shown::{Found, NOT_WHOLE, shown};
use crate::formats::protobuf::{Fields, Value, bytes, packed};
use crate::geometry::product;

/// The size of a batch among a shape's sizes, which no file can know.
pub const BATCH: i64 = i64::MIN;

/// The most axes.
const MOST_AXES: usize = 6;
/// The most integers that are not as bytes in a file: each takes eight times as much memory.
const MOST_INTEGERS: usize = 4096;

/// A number's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    Float,
    Double,
    Half,
    Bfloat,
    /// Of so many bytes.
    Signed(usize),
    Unsigned(usize),
}

impl Element {
    /// `TensorProto.DataType`
    pub fn of(code: u64) -> Option<Self> {
        Some(match code {
            1 => Self::Float,
            2 | 9 => Self::Unsigned(1),
            3 => Self::Signed(1),
            4 => Self::Unsigned(2),
            5 => Self::Signed(2),
            6 => Self::Signed(4),
            7 => Self::Signed(8),
            10 => Self::Half,
            11 => Self::Double,
            12 => Self::Unsigned(4),
            13 => Self::Unsigned(8),
            16 => Self::Bfloat,
            _ => return None,
        })
    }

    /// Whether it counts.
    pub fn is_integer(self) -> bool {
        matches!(self, Self::Signed(_) | Self::Unsigned(_))
    }

    fn bytes(self) -> usize {
        match self {
            Self::Float => 4,
            Self::Double => 8,
            Self::Half | Self::Bfloat => 2,
            Self::Signed(bytes) | Self::Unsigned(bytes) => bytes,
        }
    }

    /// Of its bytes, the lowest first.
    fn bits(raw: &[u8]) -> u64 {
        raw.iter().rev().fold(0, |bits, &byte| bits << 8 | u64::from(byte))
    }

    fn float(self, raw: &[u8]) -> f32 {
        let bits = Self::bits(raw);
        match self {
            Self::Float => f32::from_bits(bits as u32),
            Self::Double => f64::from_bits(bits) as f32,
            Self::Half => f16::from_bits(bits as u16).to_f32(),
            Self::Bfloat => bf16::from_bits(bits as u16).to_f32(),
            Self::Signed(_) | Self::Unsigned(_) => self.integer(raw) as f32,
        }
    }

    fn integer(self, raw: &[u8]) -> i64 {
        let (bits, unused) = (Self::bits(raw), 64 - 8 * raw.len() as u32);
        match self {
            Self::Signed(_) => (bits << unused) as i64 >> unused,
            Self::Unsigned(_) => bits as i64,
            Self::Float | Self::Double | Self::Half | Self::Bfloat => self.float(raw) as i64,
        }
    }
}

#[derive(Clone)]
enum Values<'a> {
    Raw(Element, &'a [u8]),
    Floats(Rc<Vec<f32>>),
    Integers(Rc<Vec<i64>>),
}

#[derive(Clone)]
pub struct Constant<'a> {
    pub shape: Vec<usize>,
    values: Values<'a>,
}

impl<'a> Constant<'a> {
    pub fn floats(shape: Vec<usize>, values: Vec<f32>) -> Self {
        Self { shape, values: Values::Floats(values.into()) }
    }

    pub fn integers(shape: Vec<usize>, values: Vec<i64>) -> Self {
        Self { shape, values: Values::Integers(values.into()) }
    }

    /// Of a `TensorProto`.
    pub fn read(message: &'a [u8], external: &'a External) -> Found<Self> {
        let mut shape = Vec::new();
        let (mut raw, mut loose, mut integers) = (None, Vec::new(), Vec::new());
        let code = number(message, tensor::DATA_TYPE).unwrap_or(0);
        let name = shown(bytes(message, tensor::NAME).unwrap_or_default());
        let not_whole = || format!("{NOT_WHOLE}; copy it, or export it, again");
        let element = Element::of(code)
            .ok_or_else(|| format!("tensor {name} has values of the type {code}, which are not read; {REMEDY}"))?;
        for field in Fields::of(message) {
            match field.ok_or_else(not_whole)? {
                (tensor::DIMENSION, Value::Number(size)) => shape.push(size as usize),
                (tensor::DIMENSION, Value::Bytes(sizes)) => {
                    let sizes: Option<Vec<u64>> = packed(sizes).take(MOST_AXES + 1).collect();
                    shape.extend(sizes.ok_or_else(not_whole)?.into_iter().map(|size| size as usize));
                }
                (tensor::RAW_DATA | tensor::FLOATS | tensor::DOUBLES, Value::Bytes(values)) => raw = Some(values),
                (tensor::FLOATS, Value::Fixed32(bits)) => loose.push(f32::from_bits(bits)),
                (tensor::DOUBLES, Value::Fixed64(bits)) => loose.push(f64::from_bits(bits) as f32),
                (tensor::INTEGERS_32 | tensor::INTEGERS_64, Value::Number(value)) => integers.push(value as i64),
                // Half numbers stand there, too, as their bits.
                (tensor::INTEGERS_32, Value::Bytes(many)) if matches!(element, Element::Half | Element::Bfloat) => {
                    for bits in packed(many) {
                        loose.push(element.float(&(bits.ok_or_else(not_whole)? as u16).to_le_bytes()));
                    }
                }
                (tensor::INTEGERS_32 | tensor::INTEGERS_64, Value::Bytes(many)) => {
                    let many: Option<Vec<u64>> = packed(many).take(MOST_INTEGERS + 1).collect();
                    integers.extend(many.ok_or_else(not_whole)?.into_iter().map(|value| value as i64));
                }
                _ => {}
            }
            if shape.len() > MOST_AXES || integers.len() > MOST_INTEGERS {
                return Err(format!(
                    "tensor {name} has more than {MOST_AXES} axes or {MOST_INTEGERS} integers; {REMEDY}"
                ));
            }
        }
        if is_external(message) {
            let length = product(&shape).and_then(|count| count.checked_mul(element.bytes()));
            raw = Some(external.values(message, length.ok_or_else(|| not_the_values(&name))?)?);
        }
        let values = match raw {
            Some(raw) => Values::Raw(element, raw),
            None if !integers.is_empty() => Values::Integers(integers.into()),
            None => Values::Floats(loose.into()),
        };
        let constant = Self { shape, values };
        match product(&constant.shape) == Some(constant.count()) && !constant.is_ragged() {
            true => Ok(constant),
            false => Err(not_the_values(&name)),
        }
    }

    fn is_ragged(&self) -> bool {
        matches!(self.values, Values::Raw(element, raw) if !raw.len().is_multiple_of(element.bytes()))
    }

    /// How many values it has.
    pub fn count(&self) -> usize {
        match &self.values {
            Values::Raw(element, raw) => raw.len() / element.bytes(),
            Values::Floats(values) => values.len(),
            Values::Integers(values) => values.len(),
        }
    }

    /// Whether it counts: sizes and indices.
    pub fn is_integer(&self) -> bool {
        match self.values {
            Values::Raw(element, _) => element.is_integer(),
            Values::Floats(_) => false,
            Values::Integers(_) => true,
        }
    }

    /// The value at a place, row by row.
    pub fn at(&self, place: usize) -> f32 {
        match &self.values {
            Values::Raw(element, raw) => element.float(&raw[place * element.bytes()..][..element.bytes()]),
            Values::Floats(values) => values[place],
            Values::Integers(values) => values[place] as f32,
        }
    }

    /// All of a short one as integers.
    pub fn numbers(&self) -> Found<Vec<i64>> {
        if self.count() > MOST_NUMBERS {
            return Err(format!("it takes {} sizes or indices, more than {MOST_NUMBERS}; {REMEDY}", self.count()));
        }
        let number = |place: usize| match &self.values {
            Values::Raw(element, raw) => element.integer(&raw[place * element.bytes()..][..element.bytes()]),
            Values::Floats(values) => values[place] as i64,
            Values::Integers(values) => values[place],
        };
        Ok((0..self.count()).map(number).collect())
    }

    /// The one value, where all are the same.
    pub fn scalar(&self) -> Option<f32> {
        let first = (self.count() > 0).then(|| self.at(0))?;
        (1..self.count()).all(|place| self.at(place) == first).then_some(first)
    }

    /// The same values in another shape of as many.
    pub fn reshaped(&self, shape: Vec<usize>) -> Self {
        Self { shape, values: self.values.clone() }
    }

    /// The values with the axes of `shape` in another order.
    pub fn permuted(&self, shape: &[usize], order: &[usize]) -> Vec<f32> {
        permuted(|place| self.at(place), shape, order)
    }
}

fn not_the_values(name: &str) -> String {
    format!("tensor {name} has not the values that its shape needs; {REMEDY}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_number_is_read() {
        for (element, raw, value) in [
            (Element::Float, &1.5_f32.to_le_bytes()[..], 1.5),
            (Element::Double, &(-2.25_f64).to_le_bytes(), -2.25),
            (Element::Half, &[0x00, 0xc1], -2.5),
            (Element::Half, &[0x01, 0x00], 2_f32.powi(-24)),
            (Element::Half, &[0x00, 0x7c], f32::INFINITY),
            (Element::Bfloat, &[0x20, 0x40], 2.5),
            (Element::Signed(1), &[0xff], -1.0),
            (Element::Unsigned(1), &[0xff], 255.0),
            (Element::Signed(8), &(-3_i64).to_le_bytes(), -3.0),
            (Element::Unsigned(2), &[0x01, 0x80], 32769.0),
        ] {
            assert_eq!(element.float(raw), value, "{element:?}");
        }
        assert!(Element::Half.float(&[0x01, 0x7c]).is_nan());
        assert_eq!(Element::Signed(4).integer(&(-7_i32).to_le_bytes()), -7);
    }
}
