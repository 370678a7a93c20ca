//! Arrays that Python lends: nothing is copied but labels.

use std::slice;

use gpu_fmnist::Pixels;
use pyo3::buffer::{Element, PyBuffer};
use pyo3::prelude::*;

use crate::errors::refused;

/// Images `[N, ...]`, held for as long as this lives.
pub enum Images {
    Bytes(PyBuffer<u8>),
    Floats(PyBuffer<f32>),
}

impl Images {
    /// # Errors
    /// `ValueError` where it is no C-contiguous array of uint8 or float32, or a number is infinite or none.
    pub fn lent(argument: &str, array: &Bound<PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = contiguous(array) {
            return Ok(Images::Bytes(bytes));
        }
        let Ok(floats) = contiguous::<f32>(array) else {
            return Err(refused(argument, "no C-contiguous array of uint8 or float32; give one"));
        };
        if let Some(place) = values(&floats).iter().position(|value| !value.is_finite()) {
            let images = floats.shape().first().map_or(1, |&count| count);
            let (value, image) = (values(&floats)[place], place / (floats.item_count() / images));
            return Err(refused(argument, format!("a pixel of image {image} is {value}; give finite numbers")));
        }
        Ok(Images::Floats(floats))
    }

    pub fn pixels(&self) -> Pixels<'_> {
        match self {
            Images::Bytes(bytes) => Pixels::Bytes(values(bytes)),
            Images::Floats(floats) => Pixels::Floats(values(floats)),
        }
    }
}

/// A copy of labels `[N]`, which are looked at more than once: nobody may change them meanwhile.
///
/// # Errors
/// `ValueError` where it is no C-contiguous array of uint8.
pub fn labels(argument: &str, array: &Bound<PyAny>) -> PyResult<Vec<u8>> {
    let bytes = contiguous::<u8>(array).map_err(|_| refused(argument, "no C-contiguous array of uint8; give one"))?;
    Ok(values(&bytes).to_vec())
}

/// A copy of numbers.
///
/// # Errors
/// `ValueError` where it is no C-contiguous array of float32.
pub fn floats(argument: &str, array: &Bound<PyAny>) -> PyResult<Vec<f32>> {
    let floats =
        contiguous::<f32>(array).map_err(|_| refused(argument, "no C-contiguous array of float32; give one"))?;
    Ok(values(&floats).to_vec())
}

fn contiguous<T: Element>(array: &Bound<PyAny>) -> PyResult<PyBuffer<T>> {
    let buffer = PyBuffer::<T>::get(array)?;
    match buffer.is_c_contiguous() {
        true => Ok(buffer),
        false => Err(refused("array", "not C-contiguous")),
    }
}

/// The values of a contiguous buffer.
fn values<T: Element>(buffer: &PyBuffer<T>) -> &[T] {
    match buffer.as_slice_ptr() {
        // SAFETY: the buffer is held, contiguous and of this type. Python may write to it meanwhile, as to any array that a
        // thread works on: pixels are read as plain numbers, and none leads to a place in memory.
        Some(values) if buffer.item_count() > 0 => unsafe {
            slice::from_raw_parts(values.cast::<T>().as_ptr(), buffer.item_count())
        },
        _ => &[],
    }
}
