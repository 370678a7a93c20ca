//! Host side and CPU reference of the part `shaders/common/squares.wgsl`: the sum of all gradients' squares, and where a
//! step's factor goes.

use super::step_numbers::StepNumbers;
use super::{Constants, floats};

const THREADS: usize = 256;

/// The part's constants.
pub(super) fn constants(sums: usize, clip: f64, numbers: StepNumbers) -> Constants {
    vec![
        ("SUMS", sums.into()),
        ("THREADS", THREADS.into()),
        ("CLIP", (clip as f32).into()),
        ("NUMBERS", numbers.count.into()),
        ("FACTOR", numbers.factor_place().into()),
    ]
}

/// Words that move through a binding, see [`super::Kernel::traffic`].
pub(super) fn traffic(sums: usize, binding: &str, words: usize) -> usize {
    match binding {
        "squares" => sums,
        "rates" => 1,
        _ => words,
    }
}

/// The sum of so many squares, added up in the shader's order.
pub(super) fn sum(squares: &[u32], sums: usize) -> f32 {
    let mut of_threads = [0.0; THREADS];
    for (place, square) in floats(squares)[..sums].iter().enumerate() {
        of_threads[place % THREADS] += square;
    }
    of_threads[1..].iter().fold(of_threads[0], |sum, value| sum + value)
}
