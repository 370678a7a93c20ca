//! The comparator: asserts what must hold, so that a NaN or an unwritten word can never pass.

use std::borrow::Cow;

use crate::kernels::{Case, Element, Tolerance};
use crate::precision::Precision;

/// The largest part of the tolerance that was used, or which number is wrong and by how much.
pub fn compare(case: &Case, actual: &[Vec<u32>]) -> Result<f32, String> {
    let mut worst = 0.0_f32;
    let expected = case.expected();
    for (place, binding) in case.kernel.descriptor().bindings.iter().enumerate() {
        let (expected, actual) = (&expected[place], &actual[place]);
        if expected.len() != actual.len() {
            return Err(format!("{}: {} words, the reference has {}", binding.name, actual.len(), expected.len()));
        }
        let Tolerance { relative, absolute } = case.tolerance(place);
        let [expected, actual] = [expected, actual].map(|words| numbers(words, case.kernel.precision(place)));
        for (index, (&expected, &actual)) in expected.iter().zip(&*actual).enumerate() {
            if equal(expected, actual, binding.element) {
                continue;
            }
            let at = format!("{}[{index}]", binding.name);
            if binding.element == Element::Words {
                return Err(format!("{at}: shader {actual:#x}, reference {expected:#x}"));
            }
            let (expected, actual) = (f32::from_bits(expected), f32::from_bits(actual));
            let used = (actual - expected).abs() / (relative * expected.abs() + absolute);
            // What must hold is asked, so that a NaN fails.
            if !(actual.is_finite() && expected.is_finite() && used <= 1.0) {
                return Err(format!("{at}: shader {actual}, reference {expected}, {used:.1} times the tolerance"));
            }
            worst = worst.max(used);
        }
    }
    Ok(worst)
}

/// Words as f32s' bits, of which a word has two where numbers have 16 bits.
fn numbers(words: &[u32], precision: Precision) -> Cow<'_, [u32]> {
    match precision {
        Precision::F32 => Cow::Borrowed(words),
        _ => precision.decode(bytemuck::cast_slice(words)).into_iter().map(f32::to_bits).collect(),
    }
}

/// The same bits, or both zero: a sum of nothing may be +0 or -0. A NaN only equals the very same word where neither
/// side has written it.
fn equal(expected: u32, actual: u32, element: Element) -> bool {
    expected == actual && (element == Element::Words || !f32::from_bits(actual).is_nan())
        || element.is_number() && f32::from_bits(expected) == 0.0 && f32::from_bits(actual) == 0.0
}
