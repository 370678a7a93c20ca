//! Convolutions and matrix products.

use super::constant::Constant;
use super::file::{Node, REMEDY};
use super::layers::Weight;
use super::view::{Dim, View};
use super::walk::{Form, Value, Walk};
use super::window::{Fit, Windows, pair};
use crate::formats::onnx::shown::Found;
use crate::layers::{Activation, Conv2d, Dense, DepthwiseConv2d, Layer};
use crate::plan::VariableKind;

const NO_WEIGHTS: &str = "its weights are not in the file as a constant";

impl<'a> Walk<'a> {
    /// A `Conv` over `[N, C, H, W]`: of all channels together, or of each by itself.
    pub fn convolution(&mut self, node: Node<'a>) -> Found<()> {
        node.only(&["auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"])?;
        let mut value = self.value(node, 0)?;
        let zeros = match value.form {
            Form::Padded(zeros) => {
                value.form = Form::NONE;
                zeros
            }
            _ => {
                value = self.made(value)?;
                [[0; 2]; 2]
            }
        };
        let kernel = self.constant(node, 1)?.ok_or_else(|| format!("{NO_WEIGHTS}; {REMEDY}"))?;
        let [filters, of_each, height, width] = kernel.shape[..] else {
            return Err(format!("its weights have {} axes, not 4 as over images; {REMEDY}", kernel.shape.len()));
        };
        if let Some(size) = node.integers("kernel_shape")?
            && pair("kernel_shape", &size)? != [height, width]
        {
            return Err(format!("its kernel_shape is not that of its weights, {height} by {width}; {REMEDY}"));
        }
        if self.axes(&value).flat {
            return self.pointwise(node, value, &kernel);
        }
        let axes = self.axes(&value);
        self.expect(&value, &View::channels_first(axes), "image [N, channels, height, width]")?;
        let (channels, area) = (axes.channels(), axes.area());
        let group = node.integer("group", 1);
        let is_depthwise = of_each == 1 && group > 1 && group as usize == channels;
        if group != 1 && !is_depthwise {
            return Err(format!(
                "its group of {group} for {channels} channels is neither 1 nor one for each channel; {REMEDY}"
            ));
        }
        if filters == 0 || (is_depthwise && filters % channels != 0) || (!is_depthwise && of_each != channels) {
            return Err(format!("its weights {:?} are not of {channels} channels; {REMEDY}", kernel.shape));
        }
        let windows = Windows::of(node, area, [height, width])?.widened(zeros);
        let fit = windows.fit_within().ok_or_else(|| windows.refusal())?;
        let (shape, order) = match is_depthwise {
            true => ([channels, filters / channels, height, width], [2, 3, 0, 1]),
            false => ([filters, channels, height, width], [2, 3, 1, 0]),
        };
        let mut weights = vec![self.kernel(node, &kernel, &shape, &order, &fit)?];
        weights.extend(self.bias(node, 2, filters, 1.0)?);
        let use_bias = weights.len() == 2;
        let (stride, activation) = (windows.stride, Activation::Linear);
        let Fit { padding, size: kernel, .. } = fit;
        let layer = match is_depthwise {
            true => Layer::DepthwiseConv2d(DepthwiseConv2d {
                kernel,
                stride,
                padding,
                depth_multiplier: filters / channels,
                use_bias,
                activation,
            }),
            false => Layer::Conv2d(Conv2d { filters, kernel, stride, padding, use_bias, activation }),
        };
        let of = self.layers.push(layer, &[value.of], weights, None)?;
        let view = View::channels_first(self.layers.axes(of));
        self.make_output(node, of, view)
    }

    /// The kernel with its axes in our order, with zeros around where the layer's is larger.
    fn kernel(
        &mut self,
        node: Node<'a>,
        kernel: &Constant<'a>,
        shape: &[usize; 4],
        order: &[usize; 4],
        fit: &Fit,
    ) -> Found<Weight> {
        let [rows, columns] = [shape[2], shape[3]];
        let inner = shape[order[2]] * shape[order[3]];
        let [height, width] = fit.size;
        self.layers.pay(height.saturating_mul(width).saturating_mul(inner))?;
        let mut values = kernel.permuted(shape, order);
        if fit.size != [rows, columns] {
            let mut larger = vec![0.0; height * width * inner];
            for (row, from) in values.chunks_exact(columns * inner).enumerate() {
                let start = ((fit.start[0] + row) * width + fit.start[1]) * inner;
                larger[start..start + from.len()].copy_from_slice(from);
            }
            values = larger;
            let place = node.place();
            self.left_out.push(format!("that the kernel of {place} is {rows} by {columns}, with zeros around it here"));
        }
        let shape = vec![height, width, shape[order[2]], shape[order[3]]];
        Ok(Weight { kind: VariableKind::Kernel, shape, values })
    }

    /// The bias that the node reads there, times `factor`; of one number it is all the same.
    fn bias(&mut self, node: Node<'a>, index: usize, columns: usize, factor: f32) -> Found<Option<Weight>> {
        let Some(bias) = self.constant(node, index)? else { return Ok(None) };
        let count = bias.count();
        if count != 1 && (count != columns || bias.shape.last() != Some(&columns)) {
            return Err(format!("its bias {:?} is not of {columns} columns; {REMEDY}", bias.shape));
        }
        self.layers.pay(columns)?;
        let values = (0..columns).map(|column| factor * bias.at(if count == 1 { 0 } else { column })).collect();
        Ok(Some(Weight { kind: VariableKind::Bias, shape: vec![columns], values }))
    }

    /// A convolution over images of one pixel, `[N, C, 1, 1]`.
    fn pointwise(&mut self, node: Node<'a>, value: Value, kernel: &Constant<'a>) -> Found<()> {
        let [filters, inputs, height, width] = kernel.shape[..] else { return Ok(()) };
        let one = Default::default();
        let axes = self.axes(&value);
        self.expect(&value, &View::of([axes.last(), one, one]), "image [N, channels, height, width]")?;
        let windows = Windows::of(node, [1, 1], [height, width])?;
        if [height, width] != [1, 1] || node.integer("group", 1) != 1 || windows.has_zeros() {
            return Err(format!("it is of one pixel, and is not 1 by 1 and of all channels; {REMEDY}"));
        }
        let kernel = kernel.reshaped(vec![filters, inputs]);
        let of = self.dense(node, value, &kernel, true, [1.0, 1.0])?;
        let view = View::of([self.layers.axes(of).last(), one, one]);
        self.make_output(node, of, view)
    }

    /// A `Gemm`: `alpha * A * B + beta * C`
    pub fn gemm(&mut self, node: Node<'a>) -> Found<()> {
        node.only(&["alpha", "beta", "transA", "transB", "broadcast"])?;
        let value = self.real(node, 0)?;
        let kernel = self.constant(node, 1)?.ok_or_else(|| format!("{NO_WEIGHTS}; {REMEDY}"))?;
        if node.integer("transA", 0) != 0 {
            return Err(format!("its transA is 1, which turns the batch; {REMEDY}"));
        }
        let factors = [node.float("alpha", 1.0), node.float("beta", 1.0)];
        let of = self.dense(node, value, &kernel, node.integer("transB", 0) != 0, factors)?;
        let view = View::flat(self.layers.axes(of));
        self.make_output(node, of, view)
    }

    /// A `MatMul` of features, or of each pixel of an image `[N, H, W, C]`.
    pub fn matrix_product(&mut self, node: Node<'a>) -> Found<()> {
        let value = self.real(node, 0)?;
        let kernel = self.constant(node, 1)?.ok_or_else(|| format!("{NO_WEIGHTS}; {REMEDY}"))?;
        let axes = self.axes(&value);
        if value.view.0.len() == 2 || axes.flat {
            let of = self.dense(node, value, &kernel, false, [1.0, 1.0])?;
            let view = View::flat(self.layers.axes(of));
            return self.make_output(node, of, view);
        }
        self.expect(&value, &View::channels_last(axes), "features [N, F], nor an image [N, height, width, channels]")?;
        let [inputs, filters] = self.matrix(&kernel, axes.channels(), false)?;
        self.layers.pay(kernel.count())?;
        let values = kernel.permuted(&[inputs, filters], &[0, 1]);
        let weight = Weight { kind: VariableKind::Kernel, shape: vec![1, 1, inputs, filters], values };
        let layer = Layer::Conv2d(Conv2d {
            filters,
            kernel: [1, 1],
            stride: [1, 1],
            padding: Default::default(),
            use_bias: false,
            activation: Activation::Linear,
        });
        let of = self.layers.push(layer, &[value.of], vec![weight], None)?;
        let view = View::channels_last(self.layers.axes(of));
        self.make_output(node, of, view)
    }

    /// `[inputs, units]` of a matrix, of which `inputs` is to be so many.
    fn matrix(&self, kernel: &Constant, inputs: usize, is_turned: bool) -> Found<[usize; 2]> {
        let shape = match kernel.shape[..] {
            [units, inputs] if is_turned => Some([inputs, units]),
            [inputs, units] => Some([inputs, units]),
            _ => None,
        };
        shape
            .filter(|shape| shape[0] == inputs && shape[1] > 0)
            .ok_or_else(|| format!("its weights {:?} are not of {inputs} inputs; {REMEDY}", kernel.shape))
    }

    /// A dense layer of a value that is seen as `[N, F]`; `is_turned` of a kernel `[units, F]`.
    fn dense(
        &mut self,
        node: Node<'a>,
        value: Value,
        kernel: &Constant<'a>,
        is_turned: bool,
        [alpha, beta]: [f32; 2],
    ) -> Found<usize> {
        let axes = self.axes(&value);
        let [_, dim, rest @ ..] = &value.view.0[..] else { return Err(format!("its input is no matrix; {REMEDY}")) };
        let dim = *dim;
        if axes.size(dim) != axes.values() || rest.iter().any(|dim| !dim.is_one()) || value.view.0[0] != Dim::BATCH {
            let shape = super::view::sizes(&value.view.sizes(axes));
            return Err(format!("its input of the shape {shape} is not [N, features]; {REMEDY}"));
        }
        let [inputs, units] = self.matrix(kernel, axes.values(), is_turned)?;
        self.layers.pay(kernel.count())?;
        let mut values = vec![0.0; inputs * units];
        for (row, place) in self.axes(&value).order(dim).into_iter().enumerate() {
            let at = |unit: usize| kernel.at(if is_turned { unit * inputs + row } else { row * units + unit });
            for (unit, weight) in values[place * units..][..units].iter_mut().enumerate() {
                *weight = alpha * at(unit);
            }
        }
        let mut weights = vec![Weight { kind: VariableKind::Kernel, shape: vec![inputs, units], values }];
        weights.extend(self.bias(node, 2, units, beta)?);
        let layer = Dense { units, use_bias: weights.len() == 2, activation: Activation::Linear };
        let value = self.flat(value)?;
        self.layers.push(Layer::Dense(layer), &[value.of], weights, None)
    }
}
