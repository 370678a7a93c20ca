//! From layers to stages: what can be fused is fused, and what needs no work disappears.
//!
//! - `flatten` moves nothing. `dense` is a 1 x 1 convolution over 1 x 1 images.
//! - A ReLU goes into the epilogue of the convolution or dense layer before it, wherever it stands: it commutes with
//!   max-pool, flatten and dropout. Before the first of these it does nothing, since pixels are not negative.
//! - A 2 x 2 max-pool right after a convolution goes into its epilogue.

use crate::kernels::{Convolution, Dropout, Gate};
use crate::model::{Activation, Layer, Resolved, Shape, Window, activation};

/// What flows between stages: the activations of a batch, by number. Value 0 is the input.
#[derive(Clone, Debug)]
pub struct Value {
    /// The layer that makes it.
    pub layer: String,
    /// One sample's shape.
    pub shape: Shape,
    /// Set where the value went through ReLU: what dropout scaled it by since. A gradient then passes where the value
    /// is positive, with that scale.
    pub gate: Gate,
    /// Whether anything before it has weights.
    pub needs_gradient: bool,
}

/// One step of the forward pass; values are numbers into the list of values.
#[derive(Clone, Debug)]
pub enum Stage {
    Convolution {
        layer: usize,
        convolution: Convolution,
        relu: bool,
        input: usize,
        output: usize,
    },
    Pool {
        window: Window,
        input: usize,
        output: usize,
    },
    /// In place on `value`. Gated: the value's gate carries the gradient, and no pass over it is needed.
    Dropout {
        kernel: Dropout,
        value: usize,
        gated: bool,
    },
}

/// The stages of a model for one batch size, and the values between them.
pub fn stages(layers: &[Resolved], batch: usize) -> (Vec<Stage>, Vec<Value>) {
    let mut stages = Vec::new();
    let mut values = vec![Value { layer: "input".into(), shape: layers[0].input, gate: None, needs_gradient: false }];
    let mut dropouts = 0;
    for (index, layer) in layers.iter().enumerate() {
        let input = values.len() - 1;
        match (&layer.layer, layer.window) {
            (Layer::Conv2d { filters, .. }, Some(window)) => {
                let pool = if pools_by_two(&layers[index + 1..]) { 2 } else { 1 };
                let convolution = Convolution { batch, window, filters: *filters, pool };
                let [height, width] = convolution.pooled();
                let relu = relu_follows(&layers[index..]);
                values.push(output(layer, Shape::Image([height, width, *filters]), relu));
                stages.push(Stage::Convolution { layer: index, convolution, relu, input, output: input + 1 });
            }
            (Layer::Dense { units, .. }, _) => {
                let convolution = Convolution::dense(batch, layer.input.values(), *units);
                let relu = relu_follows(&layers[index..]);
                values.push(output(layer, layer.output, relu));
                stages.push(Stage::Convolution { layer: index, convolution, relu, input, output: input + 1 });
            }
            (Layer::MaxPool2d { .. }, Some(window)) if values[input].shape == layer.input => {
                let gate = values[input].gate.map(|_| 1.0);
                let needs_gradient = values[input].needs_gradient;
                values.push(Value { gate, needs_gradient, ..output(layer, layer.output, false) });
                stages.push(Stage::Pool { window, input, output: input + 1 });
            }
            (Layer::Dropout { rate }, _) if *rate > 0.0 => {
                let value = &mut values[input];
                let kernel = Dropout { values: batch * value.shape.values(), layer: dropouts, rate: *rate };
                value.gate = value.gate.map(|scale| scale * Dropout::scale(*rate));
                stages.push(Stage::Dropout { kernel, value: input, gated: value.gate.is_some() });
                dropouts += 1;
            }
            // Flatten, a dropout of nothing, a ReLU that went into an epilogue, a pool that did.
            _ => {}
        }
    }
    (stages, values)
}

/// The value that a layer makes, if the layer has weights.
fn output(layer: &Resolved, shape: Shape, relu: bool) -> Value {
    Value { layer: layer.name.clone(), shape, gate: relu.then_some(1.0), needs_gradient: true }
}

/// Whether the first of `layers`, or anything before the next weights, is a ReLU.
fn relu_follows(layers: &[Resolved]) -> bool {
    let own = 1 + layers[1..].iter().take_while(|layer| layer.weights.is_none()).count();
    layers[..own].iter().any(|layer| activation(&layer.layer) == Activation::Relu)
}

/// Whether the next layer that does anything is a 2 x 2 pool with disjoint windows.
fn pools_by_two(layers: &[Resolved]) -> bool {
    match layers.iter().find(|layer| !matches!(layer.layer, Layer::Activation { .. })).map(|layer| &layer.layer) {
        Some(Layer::MaxPool2d { size, stride }) => *size == [2, 2] && stride.unwrap_or(*size) == [2, 2],
        _ => false,
    }
}
