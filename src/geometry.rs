//! Shapes of values and windows over images: what layers and kernels have in common.

use std::fmt::{self, Display};
use std::ops::Range;

use serde::{Deserialize, Serialize};

/// The most values of one sample, or of one layer's weights: far beyond any GPU's memory, and far from where the
/// arithmetic of sizes would wrap.
pub const MOST_VALUES: usize = 1 << 30;
/// The most filters or units of a layer.
pub const MOST_COLUMNS: usize = 1 << 24;
/// The largest window and the longest stride, along either axis.
pub const LARGEST_WINDOW: usize = 1 << 20;

/// The shape of one sample between two layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `[H, W, C]`
    Image([usize; 3]),
    /// `[features]`
    Features(usize),
}

impl Shape {
    /// Values in one sample.
    pub fn values(self) -> usize {
        match self {
            Shape::Image([height, width, channels]) => height * width * channels,
            Shape::Features(features) => features,
        }
    }

    /// The size of the last axis.
    pub fn channels(self) -> usize {
        match self {
            Shape::Image([.., channels]) | Shape::Features(channels) => channels,
        }
    }

    /// The same with another last axis.
    pub fn with_channels(self, channels: usize) -> Self {
        match self {
            Shape::Image([height, width, _]) => Shape::Image([height, width, channels]),
            Shape::Features(_) => Shape::Features(channels),
        }
    }
}

impl Display for Shape {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Shape::Image(image) => write!(out, "{image:?}"),
            Shape::Features(features) => write!(out, "[{features}]"),
        }
    }
}

/// The geometry of a convolution or pooling window over one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    pub size: [usize; 2],
    pub stride: [usize; 2],
    /// Zeros above and to the left of the image.
    pub pad: [usize; 2],
    /// `[H, W, C]`
    pub input: [usize; 3],
    /// `[OH, OW]`
    pub output: [usize; 2],
}

/// How a convolution treats the border, as TensorFlow does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// Windows stay inside the image.
    #[default]
    Valid,
    /// Zeros around the image, so that the output has ceil(input / stride) positions; the odd one goes below and right.
    Same,
}

impl Window {
    /// The window's positions over an image `[H, W, C]`, or why there are none.
    pub fn new(input: [usize; 3], size: [usize; 2], stride: [usize; 2], padding: Padding) -> Result<Self, String> {
        Self::named("size", input, size, stride, padding)
    }

    /// Like [`Self::new`]; `key` is what a file calls the window's size.
    pub fn named(
        key: &str,
        input: [usize; 3],
        size: [usize; 2],
        stride: [usize; 2],
        padding: Padding,
    ) -> Result<Self, String> {
        if input.contains(&0) {
            return Err(format!("its input {input:?} has no values; make it larger"));
        }
        let mut window = Window { size, stride, pad: [0; 2], input, output: [0; 2] };
        for (axis, extent) in ["height", "width"].into_iter().enumerate() {
            bounded(size[axis], LARGEST_WINDOW, key)?;
            bounded(stride[axis], LARGEST_WINDOW, "stride")?;
            let length = input[axis];
            window.output[axis] = match padding {
                Padding::Same => length.div_ceil(stride[axis]),
                Padding::Valid if size[axis] > length => {
                    let size = size[axis];
                    return Err(format!(
                        "{key} {size} is larger than its input's {extent} of {length}; give at most {length}"
                    ));
                }
                Padding::Valid => (length - size[axis]) / stride[axis] + 1,
            };
            // TensorFlow's rule; with 'valid' nothing is ever missing.
            let covered = (window.output[axis] - 1) * stride[axis] + size[axis];
            window.pad[axis] = covered.saturating_sub(length) / 2;
        }
        Ok(window)
    }

    /// One window, which is the whole image `[H, W, C]`.
    pub fn whole(input: [usize; 3]) -> Result<Self, String> {
        let size = [input[0], input[1]];
        Self::new(input, size, size, Padding::Valid)
    }

    /// Rows (axis 0) or columns (axis 1) of the window at an output position that lie in the image.
    pub fn inside(&self, axis: usize, at: usize) -> Range<usize> {
        let [first, pad] = [at * self.stride[axis], self.pad[axis]];
        let end = (self.input[axis] + pad).saturating_sub(first).min(self.size[axis]);
        pad.saturating_sub(first).min(end)..end
    }

    /// The pixel, of all in row-major order, under an element of the window at an output position, if it lies in the image.
    pub fn pixel(&self, at: [usize; 2], element: [usize; 2]) -> Option<usize> {
        let [y, x] = [0, 1].map(|axis| (at[axis] * self.stride[axis] + element[axis]).wrapping_sub(self.pad[axis]));
        (y < self.input[0] && x < self.input[1]).then(|| y * self.input[1] + x)
    }

    /// The window at an output position, as far as it lies in the image `[H, W, C]`: the values of each of its rows.
    pub fn lines<'a>(&self, at: [usize; 2], image: &'a [f32]) -> impl Iterator<Item = &'a [f32]> {
        let (window, columns, channels) = (*self, self.inside(1, at[1]), self.input[2]);
        let first = move |y| window.pixel(at, [y, columns.start]);
        let values = self.inside(1, at[1]).len() * channels;
        self.inside(0, at[0]).filter_map(first).map(move |first| &image[first * channels..][..values])
    }

    /// The shape of what a pool leaves: a value for each position and channel.
    pub fn pooled(&self) -> Shape {
        Shape::Image([self.output[0], self.output[1], self.input[2]])
    }
}

/// The product of sizes, unless it is more than [`MOST_VALUES`].
pub fn product(sizes: &[usize]) -> Option<usize> {
    sizes.iter().try_fold(1_usize, |product, &size| product.checked_mul(size)).filter(|&values| values <= MOST_VALUES)
}

/// Refuses a size that is 0 or more than `most`; `key` is what a file calls it.
pub fn bounded(value: usize, most: usize, key: &str) -> Result<(), String> {
    if (1..=most).contains(&value) { Ok(()) } else { Err(format!("{key} is {value}; give 1 to {most}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_over_the_border_say_what_of_them_lies_in_the_image() {
        // One row of padding above, one below; none beside.
        let window = Window::new([5, 5, 1], [3, 2], [2, 3], Padding::Same).unwrap();
        assert_eq!((window.pad, window.output), ([1, 0], [3, 2]));
        assert_eq!([0, 1, 2].map(|at| window.inside(0, at)), [1..3, 0..3, 0..2]);
        assert_eq!([0, 1].map(|at| window.inside(1, at)), [0..2, 0..2]);
        assert_eq!(window.pixel([0, 1], [0, 0]), None);
        assert_eq!(window.pixel([0, 1], [2, 1]), Some(5 + 4));
        assert_eq!(window.pixel([2, 0], [2, 0]), None);
        let wide = Window::new([4, 4, 1], [3, 3], [3, 3], Padding::Same).unwrap();
        assert_eq!((wide.pad, [0, 1].map(|at| wide.inside(0, at))), ([1, 1], [1..3, 0..2]));
        let beyond = Window { output: [9, 9], ..wide };
        assert_eq!(beyond.inside(0, 8), 0..0);
    }

    #[test]
    fn a_window_over_nothing_is_refused() {
        for padding in [Padding::Same, Padding::Valid] {
            for input in [[0, 3, 1], [3, 0, 1], [3, 3, 0]] {
                assert!(Window::new(input, [2, 2], [1, 1], padding).unwrap_err().contains("has no values"));
            }
        }
    }
}
