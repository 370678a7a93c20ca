//! A convolution of each channel by itself: input `[N, H, W, C]`, kernel `[KH, KW, C, M]`, output `[N, OH, OW, C*M]`, where
//! channel `c*M + m` is of the input's channel c.

use serde::{Deserialize, Serialize};

use super::activation::Activation;
use super::keys::{ACTIVATION, DRAWN_KERNEL, Kind, LayerKeys, PADDING, USE_BIAS, one, ones, pair, yes};
use super::operation::{Backward, Inferred, Operation, Place, Rules, image, only};
use crate::error::Result;
use crate::geometry::{MOST_COLUMNS, MOST_VALUES, Padding, Shape, Window, bounded, product};
use crate::kernels::{Depthwise, DepthwiseForward, DepthwiseInputGradient, DepthwiseWeightGradient};
use crate::plan::{Change, Initial, Storage, Tape, VariableKind, VariableSpec};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DepthwiseConv2d {
    /// Height and width.
    #[serde(deserialize_with = "pair")]
    pub kernel: [usize; 2],
    #[serde(default = "ones", deserialize_with = "pair")]
    pub stride: [usize; 2],
    #[serde(default)]
    pub padding: Padding,
    /// Outputs of each channel.
    #[serde(default = "one")]
    pub depth_multiplier: usize,
    #[serde(default = "yes")]
    pub use_bias: bool,
    #[serde(default)]
    pub activation: Activation,
}

pub(super) const KEYS: LayerKeys = LayerKeys {
    kind: "depthwise_conv2d",
    class_name: "DepthwiseConv2D",
    automatic_name: "depthwise_conv2d",
    required: &[("kernel", Kind::Pair)],
    optional: &[("stride", Kind::Pair), PADDING, ("depth_multiplier", Kind::Count), USE_BIAS, ACTIVATION],
    kernel: DRAWN_KERNEL,
};

impl Operation for DepthwiseConv2d {
    fn keys(&self) -> &'static LayerKeys {
        &KEYS
    }

    fn infer(&self, inputs: &[Shape]) -> std::result::Result<Inferred, String> {
        let window = Window::named("kernel", image(only(inputs)?)?, self.kernel, self.stride, self.padding)?;
        bounded(self.depth_multiplier, MOST_COLUMNS, "depth_multiplier")?;
        let [height, width] = window.output;
        let [.., channels] = window.input;
        let kernel = vec![self.kernel[0], self.kernel[1], channels, self.depth_multiplier];
        if product(&[height, width, channels, self.depth_multiplier]).is_none() || product(&kernel).is_none() {
            return Err(format!(
                "its output or kernel has more than {MOST_VALUES} values; give a smaller depth_multiplier"
            ));
        }
        let outputs = channels * self.depth_multiplier;
        let initial = Initial::glorot(&kernel);
        let kernel = VariableSpec { kind: VariableKind::Kernel, shape: kernel, initial };
        let bias = VariableSpec { kind: VariableKind::Bias, shape: vec![outputs], initial: Initial::Zeros };
        let variables = [kernel].into_iter().chain(self.use_bias.then_some(bias)).collect();
        Ok(Inferred { output: Shape::Image([height, width, outputs]), variables, window: Some(window) })
    }

    fn activation(&self) -> Activation {
        self.activation
    }

    fn rules(&self) -> Rules {
        Rules { takes_relu: true, ..Rules::NONE }
    }

    fn emit(&self, place: &Place, tape: &mut Tape) -> Result<Backward> {
        let (input, output, layer) = (place.input()?, place.output, place.name.to_owned());
        let (batch, window) = (tape.rows, place.window()?);
        let depthwise = Depthwise { batch, window, multiplier: self.depth_multiplier, bias: self.use_bias };
        let most_partitions = tape.tiles.profile().weight_gradient_workgroups;
        let weight_gradient = DepthwiseWeightGradient::new(depthwise, most_partitions);
        let changes = place.changes(weight_gradient.partitions().into_iter().map(Change::Gradient));
        let Storage { values: (weights, first), gradient: (gradients, first_gradient) } =
            tape.variables(&layer, &place.inferred.variables, &changes);
        let [from, to] = [input, output].map(|value| tape.output(value));
        let kernel = DepthwiseForward { depthwise, relu: place.fused.relu };
        tape.forward_from(&layer, kernel, &[from, weights, to], vec![0, first, 0]);
        tape.set_relu_mask(output, place.fused.relu.then_some(1.0));
        let is_trained = place.trainable;
        Ok(Box::new(move |tape| {
            let from_output = tape.gradient_of(output);
            if let Some(gradient) = tape.gradient(input) {
                let kernel = DepthwiseInputGradient { depthwise, relu_mask: tape.relu_mask(input) };
                tape.backward_from(&layer, kernel, &[from_output, weights, from, gradient], vec![0, first, 0, 0]);
            }
            if is_trained {
                let bound = [from, from_output, gradients];
                tape.backward_from(&layer, weight_gradient, &bound, vec![0, 0, first_gradient]);
            }
            Ok(())
        }))
    }
}
