//! Geometries small enough to compute by hand and odd enough to break what rounds: the kernels' cases have each.

use super::Convolution;
use crate::geometry::{Padding, Window};

pub fn window(input: [usize; 3], size: [usize; 2], stride: [usize; 2], padding: Padding) -> Window {
    Window::new(input, size, stride, padding).expect("the examples' windows fit their images")
}

/// A convolution with a 2 x 2 max-pool behind it.
pub fn pooled(
    batch: usize,
    input: [usize; 3],
    size: [usize; 2],
    stride: [usize; 2],
    padding: Padding,
    filters: usize,
) -> Convolution {
    Convolution { batch, window: window(input, size, stride, padding), filters, pool: 2 }
}

/// The geometries of the three convolution kernels: dense ones, and kernels 1 to 5, strides to 3, both paddings.
pub fn convolutions() -> Vec<Convolution> {
    use Padding::{Same, Valid};
    let conv = |batch, input, size, stride, padding, filters, pool| Convolution {
        batch,
        window: window(input, size, stride, padding),
        filters,
        pool,
    };
    vec![
        Convolution::dense(5, 7, 3),
        Convolution::dense(33, 130, 10),
        Convolution::dense(64, 96, 136),
        conv(2, [8, 8, 1], [3, 3], [1, 1], Valid, 5, 2),
        conv(3, [9, 11, 2], [3, 3], [1, 1], Valid, 33, 2),
        conv(3, [13, 13, 3], [3, 3], [2, 2], Same, 16, 2),
        conv(2, [7, 6, 4], [2, 2], [1, 1], Same, 9, 1),
        conv(2, [11, 10, 3], [4, 4], [3, 3], Valid, 8, 1),
        conv(3, [10, 9, 2], [5, 5], [2, 2], Same, 7, 2),
        conv(2, [6, 5, 17], [1, 1], [1, 1], Valid, 12, 1),
        conv(2, [7, 8, 3], [1, 1], [3, 2], Valid, 4, 1),
        conv(2, [8, 7, 2], [1, 3], [2, 1], Same, 6, 2),
        conv(130, [2, 2, 3], [1, 1], [1, 1], Valid, 3, 1),
        // Primes, so that no tile divides them.
        Convolution::dense(37, 41, 43),
    ]
}
