//! Pools, of windows and of whole images, and zeros around images.

use super::file::{Node, REMEDY};
use super::view::{Dim, View};
use super::walk::{Form, Operand, Value, Walk};
use super::window::{Windows, pair, zeros};
use crate::formats::onnx::shown::Found;
use crate::geometry::Padding;
use crate::layers::{AveragePool2d, GlobalAveragePool2d, GlobalMaxPool2d, Layer, MaxPool2d, Pool};

impl<'a> Walk<'a> {
    /// A `MaxPool` or `AveragePool` over `[N, C, H, W]`.
    pub fn pool(&mut self, node: Node<'a>) -> Found<()> {
        let known = [
            "auto_pad",
            "ceil_mode",
            "count_include_pad",
            "dilations",
            "kernel_shape",
            "pads",
            "storage_order",
            "strides",
        ];
        node.only(&known)?;
        let value = self.real(node, 0)?;
        let axes = self.axes(&value);
        if axes.flat {
            return Err(format!("its input is no image; {REMEDY}"));
        }
        self.expect(&value, &View::channels_first(axes), "image [N, channels, height, width]")?;
        let size = pair("kernel_shape", &node.integers("kernel_shape")?.unwrap_or_default())?;
        let windows = Windows::of(node, axes.area(), size)?;
        let is_average = node.operator() == "AveragePool";
        if is_average && node.integer("count_include_pad", 0) != 0 && windows.has_zeros() {
            return Err(format!("its averages count the zeros around the image (count_include_pad); {REMEDY}"));
        }
        let layer = |size: [usize; 2], stride: [usize; 2], padding| {
            let stride = Some(stride).filter(|&stride| stride != size);
            let pool = Pool { size, stride, padding };
            if is_average { Layer::AveragePool2d(AveragePool2d(pool)) } else { Layer::MaxPool2d(MaxPool2d(pool)) }
        };
        let of = if let Some(fit) = windows.fit() {
            self.layers.push(layer(size, windows.stride, fit.padding), &[value.of], Vec::new(), None)?
        } else if windows.are_some_of_all() {
            // Zeros on both sides where `same` has them on one: at every position, and then every stride-th of them.
            let all = self.layers.push(layer(size, [1, 1], Padding::Same), &[value.of], Vec::new(), None)?;
            self.layers.push(layer([1, 1], windows.stride, Padding::Valid), &[all], Vec::new(), None)?
        } else {
            return Err(windows.refusal());
        };
        let view = View::channels_first(self.layers.axes(of));
        self.make_output(node, of, view)
    }

    /// A `GlobalAveragePool` or `GlobalMaxPool`: over all axes but the first two, which stay as 1.
    pub fn global_pool(&mut self, node: Node<'a>) -> Found<()> {
        let value = self.real(node, 0)?;
        let reduced: Vec<usize> = (2..value.view.0.len()).collect();
        self.reduced(node, value, &reduced, true)
    }

    /// A `ReduceMean` or `ReduceMax` of an image's height and width.
    pub fn reduction(&mut self, node: Node<'a>) -> Found<()> {
        node.only(&["axes", "keepdims", "noop_with_empty_axes"])?;
        let value = self.real(node, 0)?;
        let axes = self.numbers(node, "axes")?.unwrap_or_default();
        let axes = axes.into_iter().map(|axis| value.view.axis(axis)).collect::<Found<Vec<_>>>()?;
        self.reduced(node, value, &axes, node.integer("keepdims", 1) != 0)
    }

    /// The pool over the file's axes of these numbers.
    fn reduced(&mut self, node: Node<'a>, value: Value, reduced: &[usize], keeps: bool) -> Found<()> {
        let axes = self.axes(&value);
        let dims = &value.view.0;
        if reduced.is_empty() || reduced.iter().any(|&axis| dims[axis] == Dim::BATCH) {
            return Err(format!("it is over the batch; {REMEDY}"));
        }
        let mut gone: Vec<usize> = reduced.iter().flat_map(|&axis| dims[axis].axes()).collect();
        gone.sort_unstable();
        let channels = axes.last();
        let (of, only) = match axes.flat {
            true if gone.is_empty() => (value.of, value.only),
            false if axes.dim([0, 1]).axes().eq(gone) => {
                let layer = match node.operator() {
                    "GlobalAveragePool" | "ReduceMean" => Layer::GlobalAveragePool2d(GlobalAveragePool2d {}),
                    _ => Layer::GlobalMaxPool2d(GlobalMaxPool2d {}),
                };
                (self.layers.push(layer, &[value.of], Vec::new(), None)?, true)
            }
            _ => return Err(format!("it is not over an image's whole height and width alone; {REMEDY}")),
        };
        let new = self.layers.axes(of).last();
        let turned = |(axis, dim): (usize, &Dim)| match reduced.contains(&axis) {
            true => keeps.then(Dim::default),
            false if *dim == channels => Some(new),
            false => Some(*dim),
        };
        let view = View(value.view.0.iter().enumerate().filter_map(turned).collect());
        self.make(node, Operand::Value(Value { of, view, only, ..value }))
    }

    /// Zeros around an image, for the convolution that reads it.
    pub fn pad(&mut self, node: Node<'a>) -> Found<()> {
        let mode = node.text("mode").unwrap_or("constant");
        let around = match self.constant(node, 2)? {
            Some(value) => value.scalar().unwrap_or(f32::NAN),
            None => node.float("value", 0.0),
        };
        if mode != "constant" || around != 0.0 {
            return Err(format!("it pads by {mode:?} of {around}, not by zeros; {REMEDY}"));
        }
        let value = self.value(node, 0)?;
        let (value, before) = match value.form {
            Form::Padded(zeros) => (value, zeros),
            _ => (self.made(value)?, [[0; 2]; 2]),
        };
        let rank = value.view.0.len();
        let pads = self.numbers(node, "pads")?.unwrap_or_default();
        let padded: Vec<usize> = match self.constant(node, 3)? {
            None => (0..rank).collect(),
            Some(axes) => axes.numbers()?.into_iter().map(|axis| value.view.axis(axis)).collect::<Found<_>>()?,
        };
        if pads.len() != 2 * padded.len() {
            return Err(format!("its pads are not two for each axis; {REMEDY}"));
        }
        if pads.iter().all(|&zeros| zeros == 0) {
            return self.make(node, Operand::Value(value));
        }
        let axes = self.axes(&value);
        let places = match &value.view {
            view if !axes.flat && *view == View::channels_first(axes) => [2, 3],
            view if !axes.flat && *view == View::channels_last(axes) => [1, 2],
            _ => return Err(format!("its input is no image; {REMEDY}")),
        };
        let mut around = before;
        for (index, axis) in padded.iter().enumerate() {
            let both = zeros("pads", &[pads[index], pads[index + padded.len()]])?;
            match places.iter().position(|place| place == axis) {
                Some(side) => (0..2).for_each(|end| around[side][end] += both[end]),
                None if both == [0; 2] => {}
                None => return Err(format!("it pads other axes than height and width; {REMEDY}")),
            }
        }
        if around.iter().flatten().any(|&zeros| zeros > crate::geometry::LARGEST_WINDOW) {
            return Err(format!("its pads are larger than any image; {REMEDY}"));
        }
        self.make(node, Operand::Value(Value { form: Form::Padded(around), ..value }))
    }
}
