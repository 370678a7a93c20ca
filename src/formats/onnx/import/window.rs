//! Where the windows of a file's convolutions and pools are, and how a layer has them there.

use super::file::{Node, REMEDY};
use crate::formats::onnx::shown::Found;
use crate::geometry::{LARGEST_WINDOW, Padding, Window};

/// The most rows or columns of zeros that a kernel may get.
const MOST_ZEROS: usize = 64;

/// What a node says of its windows, over an image of that height and width.
#[derive(Clone, Copy, Debug)]
pub struct Windows {
    pub area: [usize; 2],
    pub size: [usize; 2],
    pub stride: [usize; 2],
    /// Zeros above and to the left, below and to the right.
    before: [usize; 2],
    after: [usize; 2],
    /// Whether there are windows that begin in the image and end outside.
    rounds_up: bool,
}

/// A layer with the same windows: their size, and where in them those of the file begin.
pub struct Fit {
    pub padding: Padding,
    pub size: [usize; 2],
    pub start: [usize; 2],
}

impl Windows {
    /// Of windows of that size.
    pub fn of(node: Node, area: [usize; 2], size: [usize; 2]) -> Found<Self> {
        if node.integers("dilations")?.is_some_and(|dilations| dilations.iter().any(|&dilation| dilation != 1)) {
            return Err(format!("its dilations are more than 1, which no layer has; {REMEDY}"));
        }
        let stride = match node.integers("strides")? {
            None => [1, 1],
            Some(strides) => pair("strides", &strides)?,
        };
        if size.iter().chain(&stride).any(|&length| !(1..=LARGEST_WINDOW).contains(&length)) {
            return Err(format!("its window {size:?} or stride {stride:?} is none; {REMEDY}"));
        }
        let rounds_up = node.integer("ceil_mode", 0) != 0;
        let mut windows = Self { area, size, stride, before: [0; 2], after: [0; 2], rounds_up };
        match node.text("auto_pad").unwrap_or("NOTSET") {
            "NOTSET" => {
                if let Some(pads) = node.integers("pads")? {
                    let [top, left, bottom, right] = pads[..] else { return Err(wrong("pads", &pads)) };
                    windows.before = zeros("pads", &[top, left])?;
                    windows.after = zeros("pads", &[bottom, right])?;
                }
            }
            "VALID" => {}
            same @ ("SAME_UPPER" | "SAME_LOWER") => {
                for axis in 0..2 {
                    let length = area[axis];
                    let covered = (length.div_ceil(stride[axis]) - 1) * stride[axis] + size[axis];
                    let zeros = covered.saturating_sub(length);
                    let less = zeros / 2;
                    windows.before[axis] = if same == "SAME_UPPER" { less } else { zeros - less };
                    windows.after[axis] = zeros - windows.before[axis];
                }
            }
            other => return Err(format!("its auto_pad is {other:?}, which is unknown; {REMEDY}")),
        }
        Ok(windows)
    }

    /// With more zeros around: `[[above, below], [left, right]]`
    pub fn widened(mut self, zeros: [[usize; 2]; 2]) -> Self {
        for (axis, [before, after]) in zeros.into_iter().enumerate() {
            self.before[axis] += before;
            self.after[axis] += after;
        }
        self
    }

    pub fn has_zeros(&self) -> bool {
        [self.before, self.after] != [[0; 2]; 2]
    }

    /// How many windows there are along an axis.
    fn count(&self, axis: usize) -> Option<usize> {
        let Self { area, size, stride, before, after, .. } = self;
        let room = (area[axis] + before[axis] + after[axis]).checked_sub(size[axis])?;
        let whole = room / stride[axis] + 1;
        // None begins behind the image.
        let partly = self.rounds_up && room % stride[axis] != 0 && whole * stride[axis] < area[axis] + before[axis];
        Some(whole + usize::from(partly))
    }

    /// A layer with the same windows, if there is one.
    pub fn fit(&self) -> Option<Fit> {
        self.fits(0)
    }

    /// A layer with windows that may be larger: a convolution's kernel has zeros there. Windows that begin one pixel
    /// above the image and end in it are such ones, as PyTorch has them of stride 2.
    pub fn fit_within(&self) -> Option<Fit> {
        self.fits(self.size[0].max(self.size[1]) + 2 * self.stride[0].max(self.stride[1]))
    }

    fn fits(&self, more: usize) -> Option<Fit> {
        let counts = [self.count(0)?, self.count(1)?];
        let window = |size, padding| Window::new([self.area[0], self.area[1], 1], size, self.stride, padding).ok();
        if let Some(valid) = window(self.size, Padding::Valid)
            && self.before == [0; 2]
            && valid.output == counts
        {
            return Some(Fit { padding: Padding::Valid, size: self.size, start: [0; 2] });
        }
        let mut fit = Fit { padding: Padding::Same, size: self.size, start: [0; 2] };
        for axis in 0..2 {
            let larger = |more: usize| {
                let mut size = [1; 2];
                size[axis] = self.size[axis] + more;
                let same = window(size, Padding::Same)?;
                let start = same.pad[axis].checked_sub(self.before[axis])?;
                (same.output[axis] == counts[axis] && start <= more).then_some((size[axis], start))
            };
            (fit.size[axis], fit.start[axis]) = (0..=more.min(MOST_ZEROS)).find_map(larger)?;
        }
        Some(fit)
    }

    /// Whether windows of the same size at every position of the image are those of padding `same`, and every
    /// stride-th of them are these.
    pub fn are_some_of_all(&self) -> bool {
        (0..2).all(|axis| {
            let every = (self.area[axis] - 1) / self.stride[axis] + 1;
            (self.size[axis] - 1) / 2 == self.before[axis] && self.count(axis) == Some(every)
        })
    }

    /// What is said where no layer has such windows.
    pub fn refusal(&self) -> String {
        let Self { area, size, stride, before, after, .. } = self;
        format!(
            "its windows {size:?} of stride {stride:?} over {area:?} with pads {before:?} and {after:?} are neither \
             those of padding 'valid' nor of 'same'; {REMEDY}"
        )
    }
}

/// Two sizes.
pub fn pair(what: &str, numbers: &[i64]) -> Found<[usize; 2]> {
    let sizes: Option<Vec<usize>> = numbers.iter().map(|&number| usize::try_from(number).ok()).collect();
    sizes.and_then(|sizes| <[usize; 2]>::try_from(sizes).ok()).ok_or_else(|| wrong(what, numbers))
}

/// Two numbers of zeros.
pub fn zeros(what: &str, numbers: &[i64]) -> Found<[usize; 2]> {
    let pair = pair(what, numbers)?;
    if pair.iter().all(|&zeros| zeros <= LARGEST_WINDOW) { Ok(pair) } else { Err(wrong(what, numbers)) }
}

fn wrong(what: &str, numbers: &[i64]) -> String {
    let shown: Vec<String> = numbers.iter().take(8).map(i64::to_string).collect();
    format!("its {what} are [{}], which fits no image; {REMEDY}", shown.join(", "))
}
