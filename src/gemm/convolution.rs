//! The geometry of a convolution, which decides the extents of its three products.

use crate::geometry::{LARGEST_WINDOW, Window};

/// Words of the largest buffer: the shaders count elements in u32, and bytes have to fit, too.
pub const MOST_WORDS: usize = 1 << 30;

/// A convolution of a batch. A dense layer is one with a 1 x 1 kernel over 1 x 1 images: see [`Convolution::dense`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Convolution {
    pub batch: usize,
    pub window: Window,
    pub filters: usize,
    /// Size and stride of the max-pool in the epilogue; 1 for none.
    pub pool: usize,
}

impl Convolution {
    /// `[batch, inputs] x [inputs, units]`.
    pub fn dense(batch: usize, inputs: usize, units: usize) -> Self {
        let window = Window { size: [1, 1], stride: [1, 1], pad: [0, 0], input: [1, 1, inputs], output: [1, 1] };
        Self { batch, window, filters: units, pool: 1 }
    }

    /// The product whose input gradient is the gradient of every patch, for `col2im` to add up: a 1 x 1 convolution whose
    /// input channels are the kernel's taps and channels.
    pub fn patches(&self) -> Self {
        let [height, width] = self.pooled().map(|extent| extent * self.pool);
        let window = Window {
            size: [1, 1],
            stride: [1, 1],
            pad: [0, 0],
            input: [height, width, self.depth()],
            output: [height, width],
        };
        Self { window, ..*self }
    }

    /// Height and width of the output, after the pool.
    pub fn pooled(&self) -> [usize; 2] {
        self.window.output.map(|extent| extent / self.pool)
    }

    /// Elements of one pooling window; 1 without a pool.
    pub fn window_elements(&self) -> usize {
        self.pool * self.pool
    }

    /// Positions of the whole batch's output, after the pool.
    pub fn positions(&self) -> usize {
        let [height, width] = self.pooled();
        self.batch * height * width
    }

    /// Rows of the forward product: every window element of every position.
    pub fn rows(&self) -> usize {
        self.positions() * self.window_elements()
    }

    /// Columns of the forward product's left matrix: taps times channels.
    pub fn depth(&self) -> usize {
        self.window.size[0] * self.window.size[1] * self.window.input[2]
    }

    /// Values of the input of the whole batch.
    pub fn inputs(&self) -> usize {
        self.batch * self.window.input.iter().product::<usize>()
    }

    /// Values of the kernel, and of the bias if there is one.
    pub fn weights(&self, bias: bool) -> usize {
        (self.depth() + usize::from(bias)) * self.filters
    }

    /// Height and width of the part of the input that any pooled output reaches; the rest gets no gradient.
    pub fn reached(&self) -> [usize; 2] {
        let Window { size, stride, pad, input, .. } = self.window;
        let pooled = self.pooled();
        [0, 1].map(|axis| input[axis].min((pooled[axis] * self.pool - 1) * stride[axis] + size[axis] - pad[axis]))
    }

    /// Whether a patch is the input's own row, as in a dense layer.
    pub fn is_dense(&self) -> bool {
        self.window.input[..2] == [1, 1] && self.window.size == [1, 1] && self.pool == 1
    }

    /// The rule that the geometry breaks, if any, of those that no u32 of a shader's addresses wraps by.
    pub fn broken_rule(&self) -> Option<&'static str> {
        let Self { batch, window: Window { size, stride, pad, input, output }, filters, pool } = *self;
        // The input with the padding that its patches reach.
        let frame = [0, 1].map(|axis| {
            let covered = output[axis].saturating_sub(1).saturating_mul(stride[axis]).saturating_add(size[axis]);
            covered.max(input[axis])
        });
        let fits = |sizes: &[usize]| {
            let product = sizes.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
            product.is_some_and(|values| (1..=MOST_WORDS).contains(&values))
        };
        let whole = |axis: usize| pad[axis] < size[axis] && output[axis] >= pool && output[axis] < MOST_WORDS / 2;
        let rules = [
            (matches!(pool, 1 | 2), "its pool is 1 or 2"),
            (size.iter().chain(&stride).all(|extent| (1..=LARGEST_WINDOW).contains(extent)), "its window has a size"),
            (whole(0) && whole(1), "its windows meet the input"),
            (fits(&input) && fits(&[batch, frame[0], frame[1], input[2]]), "its input can be addressed"),
            (fits(&[batch, output[0], output[1], filters]), "its output can be addressed"),
            (fits(&[size[0], size[1], input[2], filters.saturating_mul(2)]), "its weights can be addressed"),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map(|(_, rule)| rule)
    }
}
