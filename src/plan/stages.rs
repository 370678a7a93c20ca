//! From layers to stages: what can be fused is fused, and what needs no work disappears.
//!
//! - `flatten` moves nothing. `dense` is a 1 x 1 convolution over 1 x 1 images.
//! - A ReLU goes into the epilogue of the convolution or dense layer before it, wherever it stands: it commutes with
//!   max-pool, flatten and dropout. Before the first of these it does nothing, since pixels are not negative.
//! - A 2 x 2 max-pool right after a convolution goes into its epilogue.

use crate::gemm::Convolution;
use crate::kernels::{Dropout, ReluMask};
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
    pub gate: ReluMask,
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
            // The convolution's epilogue made what this pool would.
            (Layer::MaxPool2d { .. }, Some(_)) if values[input].shape != layer.input => {}
            (Layer::MaxPool2d { .. }, Some(window)) => {
                let gate = values[input].gate.map(|_| 1.0);
                let needs_gradient = values[input].needs_gradient;
                values.push(Value { gate, needs_gradient, ..output(layer, layer.output, false) });
                stages.push(Stage::Pool { window, input, output: input + 1 });
            }
            (Layer::Dropout { rate: 0.0 }, _) => {}
            (Layer::Dropout { rate }, _) => {
                let value = &mut values[input];
                let kernel = Dropout { values: batch * value.shape.values(), layer: dropouts, rate: *rate };
                value.gate = value.gate.map(|scale| scale * Dropout::scale(*rate));
                stages.push(Stage::Dropout { kernel, value: input, gated: value.gate.is_some() });
                dropouts += 1;
            }
            (Layer::Activation { activation: Activation::Relu }, _) => {
                let value = &values[input];
                assert!(value.gate.is_some() || !value.needs_gradient, "{}: no epilogue took this ReLU", layer.name);
            }
            // Softmax is part of the loss.
            (Layer::Activation { activation: Activation::Linear | Activation::Softmax } | Layer::Flatten {}, _) => {}
            (Layer::Conv2d { .. } | Layer::MaxPool2d { .. }, None) => unreachable!("{}: without a window", layer.name),
        }
    }
    (stages, values)
}

/// The value that a layer makes, if the layer has weights.
fn output(layer: &Resolved, shape: Shape, relu: bool) -> Value {
    Value { layer: layer.name.clone(), shape, gate: relu.then_some(1.0), needs_gradient: true }
}

/// Whether the first of `layers` has a ReLU, or one follows that commutes with all between.
fn relu_follows(layers: &[Resolved]) -> bool {
    let later = layers[1..].iter().take_while(|layer| commutes_with_relu(&layer.layer));
    layers[..1].iter().chain(later).any(|layer| activation(&layer.layer) == Activation::Relu)
}

/// Whether a ReLU behind the layer may as well be ahead of it. No `_` here, so that a new layer has to say.
fn commutes_with_relu(layer: &Layer) -> bool {
    match layer {
        Layer::MaxPool2d { .. } | Layer::Flatten {} | Layer::Dropout { .. } => true,
        Layer::Activation { activation } => monotone(*activation),
        Layer::Conv2d { .. } | Layer::Dense { .. } => false,
    }
}

/// Whether the activation commutes with a ReLU and with max-pool, value by value.
fn monotone(activation: Activation) -> bool {
    match activation {
        Activation::Linear | Activation::Relu => true,
        Activation::Softmax => false,
    }
}

/// Whether the next layer but monotone activations is a 2 x 2 pool with disjoint windows.
fn pools_by_two(layers: &[Resolved]) -> bool {
    let monotone = |layer: &Layer| matches!(layer, Layer::Activation { activation } if monotone(*activation));
    match layers.iter().map(|layer| &layer.layer).find(|layer| !monotone(layer)) {
        Some(Layer::MaxPool2d { size, stride }) => *size == [2, 2] && stride.unwrap_or(*size) == [2, 2],
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Model, Padding, resolve};

    fn conv(filters: usize, activation: Activation) -> Layer {
        Layer::Conv2d { filters, kernel: [3, 3], stride: [1, 1], padding: Padding::Same, activation }
    }

    fn pool(size: usize, stride: usize) -> Layer {
        Layer::MaxPool2d { size: [size; 2], stride: Some([stride; 2]) }
    }

    fn dense(units: usize) -> Layer {
        Layer::Dense { units, activation: Activation::Linear }
    }

    fn dropout(rate: f32) -> Layer {
        Layer::Dropout { rate }
    }

    const RELU: Layer = Layer::Activation { activation: Activation::Relu };
    const FLATTEN: Layer = Layer::Flatten {};

    fn resolved(layers: &[Layer]) -> Vec<Resolved> {
        resolve(&Model { name: "staged".into(), input: [8, 8, 2], layers: layers.to_vec() }).unwrap()
    }

    /// Each stage in words: what, from which value to which, and what is fused with it.
    fn said(layers: &[Layer]) -> Vec<String> {
        let layers = resolved(layers);
        let say = |stage: Stage| match stage {
            Stage::Convolution { layer, convolution, relu, input, output } => {
                let relu = if relu { " relu" } else { "" };
                let pool = if convolution.pool == 2 { " pool" } else { "" };
                format!("{} {input}->{output}{relu}{pool}", layers[layer].name)
            }
            Stage::Pool { input, output, .. } => format!("pool {input}->{output}"),
            Stage::Dropout { kernel, value, gated } => {
                assert_eq!(kernel.values, 4 * stages(&layers, 4).1[value].shape.values());
                let gated = if gated { " gated" } else { "" };
                format!("dropout_{} {} on {value}{gated}", kernel.layer, kernel.rate)
            }
        };
        stages(&layers, 4).0.into_iter().map(say).collect()
    }

    fn gates(layers: &[Layer]) -> Vec<ReluMask> {
        stages(&resolved(layers), 4).1.into_iter().map(|value| value.gate).collect()
    }

    #[test]
    fn a_relu_goes_into_the_product_before_it_wherever_it_stands() {
        let before = [conv(3, Activation::Relu), pool(3, 1), dropout(0.5), FLATTEN, dense(2)];
        let behind = [conv(3, Activation::Linear), pool(3, 1), dropout(0.5), FLATTEN, RELU, dense(2)];
        let between = [conv(3, Activation::Linear), pool(3, 1), RELU, dropout(0.5), FLATTEN, dense(2)];
        for layers in [&before[..], &behind, &between] {
            assert_eq!(said(layers), ["conv2d 0->1 relu", "pool 1->2", "dropout_0 0.5 on 2 gated", "dense 2->3"]);
            // Of the pool's input: as it was when the pool read it.
            assert_eq!(gates(layers), [None, Some(1.0), Some(2.0), None]);
        }
    }

    #[test]
    fn a_relu_stays_behind_the_weights_that_it_follows() {
        let layers = [conv(3, Activation::Linear), conv(4, Activation::Linear), RELU, FLATTEN, dense(5), dense(2)];
        assert_eq!(said(&layers), ["conv2d 0->1", "conv2d_1 1->2 relu", "dense 2->3", "dense_1 3->4"]);
        assert_eq!(gates(&layers), [None, None, Some(1.0), None, None]);
    }

    #[test]
    fn a_pool_by_two_right_behind_a_convolution_is_fused() {
        let end = [FLATTEN, dense(2)];
        let fused = |middle: &[Layer]| said(&[&[conv(3, Activation::Linear)], middle, &end].concat());
        for middle in [&[pool(2, 2)][..], &[RELU, pool(2, 2)], &[Layer::MaxPool2d { size: [2, 2], stride: None }]] {
            let stages = fused(middle);
            assert_eq!(stages.len(), 2, "{stages:?}");
            assert!(stages[0].starts_with("conv2d 0->1") && stages[0].ends_with(" pool"), "{stages:?}");
        }
        assert_eq!(fused(&[pool(2, 1)]), ["conv2d 0->1", "pool 1->2", "dense 2->3"]);
        assert_eq!(fused(&[pool(3, 2)]), ["conv2d 0->1", "pool 1->2", "dense 2->3"]);
        assert_eq!(fused(&[pool(2, 2), pool(2, 2)]), ["conv2d 0->1 pool", "pool 1->2", "dense 2->3"]);
        // Dropout before the pool is another network than dropout behind it.
        let dropped = ["conv2d 0->1", "dropout_0 0.5 on 1", "pool 1->2", "dense 2->3"];
        assert_eq!(fused(&[dropout(0.5), pool(2, 2)]), dropped);
        let dropped = ["conv2d 0->1 pool", "dropout_0 0.5 on 1", "dense 1->2"];
        assert_eq!(fused(&[pool(2, 2), dropout(0.5)]), dropped);
    }

    #[test]
    fn an_odd_image_loses_its_last_row_to_a_fused_pool() {
        let layers = [pool(2, 1), conv(3, Activation::Relu), pool(2, 2), FLATTEN, dense(2)];
        let (_, values) = stages(&resolved(&layers), 4);
        let shapes: Vec<Shape> = values.iter().map(|value| value.shape).collect();
        let [input, pooled, output] = [[8, 8, 2], [7, 7, 2], [3, 3, 3]].map(Shape::Image);
        assert_eq!(shapes, [input, pooled, output, Shape::Features(2)]);
    }

    /// What the pool puts out is as its input was: only a dropout behind it scales its gradient.
    #[test]
    fn a_pool_begins_a_gate_of_its_own() {
        let layers = [conv(3, Activation::Relu), dropout(0.5), pool(2, 2), FLATTEN, dense(2)];
        assert_eq!(said(&layers), ["conv2d 0->1 relu", "dropout_0 0.5 on 1 gated", "pool 1->2", "dense 2->3"]);
        assert_eq!(gates(&layers), [None, Some(2.0), Some(1.0), None]);
    }

    /// The gate says what all dropouts behind the ReLU scaled by; each has a number, and so a choice, of its own.
    #[test]
    fn dropouts_of_a_relus_value_multiply_in_its_gate() {
        let layers = [conv(3, Activation::Relu), dropout(0.5), FLATTEN, dropout(0.75), dense(2)];
        let dropouts = ["dropout_0 0.5 on 1 gated", "dropout_1 0.75 on 1 gated"];
        assert_eq!(said(&layers), ["conv2d 0->1 relu", dropouts[0], dropouts[1], "dense 1->2"]);
        assert_eq!(gates(&layers), [None, Some(8.0), None]);
        let behind = [FLATTEN, dense(3), dropout(0.5), RELU, dropout(0.75), dense(2)];
        assert_eq!(said(&behind)[1..], [dropouts[0], dropouts[1], "dense_1 1->2"]);
        assert_eq!(gates(&behind), [None, Some(8.0), None]);
    }

    #[test]
    fn a_dropout_without_a_relu_is_no_gate() {
        let layers = [FLATTEN, dense(3), dropout(0.5), dropout(0.75), dense(2)];
        let dropouts = ["dropout_0 0.5 on 1", "dropout_1 0.75 on 1"];
        assert_eq!(said(&layers), ["dense 0->1", dropouts[0], dropouts[1], "dense_1 1->2"]);
        assert_eq!(gates(&layers), [None; 3]);
    }

    #[test]
    fn a_dropout_of_nothing_disappears() {
        let layers = [FLATTEN, dense(3), dropout(0.0), dropout(0.5), dense(2)];
        assert_eq!(said(&layers), ["dense 0->1", "dropout_0 0.5 on 1", "dense_1 1->2"]);
    }

    #[test]
    fn nothing_before_the_first_weights_needs_a_gradient() {
        let layers = [RELU, dropout(0.5), pool(2, 2), RELU, FLATTEN, dense(3), RELU, dense(2)];
        assert_eq!(said(&layers), ["dropout_0 0.5 on 0", "pool 0->1", "dense 1->2 relu", "dense_1 2->3"]);
        assert_eq!(gates(&layers), [None, None, Some(1.0), None]);
        let (_, values) = stages(&resolved(&layers), 4);
        let needs: Vec<bool> = values.iter().map(|value| value.needs_gradient).collect();
        assert_eq!(needs, [false, false, true, true]);
    }

    /// What cannot be hoisted is not silently left out.
    #[test]
    #[should_panic(expected = "activation_1: no epilogue took this ReLU")]
    fn a_relu_that_no_epilogue_takes_is_refused() {
        let mut layers = resolved(&[FLATTEN, dense(3), RELU, RELU, dense(2)]);
        layers[2].layer = Layer::Activation { activation: Activation::Softmax };
        stages(&layers, 4);
    }
}
