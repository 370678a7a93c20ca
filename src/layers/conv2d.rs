//! Convolution: input `[N, H, W, C]`, kernel `[KH, KW, C, filters]`, output `[N, OH, OW, filters]`.

use serde::{Deserialize, Serialize};

use super::activation::Activation;
use super::keys::{ACTIVATION, Kind, LayerKeys, PADDING, SEEING_KERNEL, USE_BIAS, ones, pair, yes};
use super::operation::{Backward, Inferred, Operation, Place, Rules, image, only};
use super::product::{emit, variables};
use crate::error::Result;
use crate::gemm::Convolution;
use crate::geometry::{MOST_COLUMNS, MOST_VALUES, Padding, Shape, Window, bounded, product};
use crate::plan::Tape;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv2d {
    pub filters: usize,
    /// Height and width.
    #[serde(deserialize_with = "pair")]
    pub kernel: [usize; 2],
    #[serde(default = "ones", deserialize_with = "pair")]
    pub stride: [usize; 2],
    #[serde(default)]
    pub padding: Padding,
    #[serde(default = "yes")]
    pub use_bias: bool,
    #[serde(default)]
    pub activation: Activation,
}

pub(super) const KEYS: LayerKeys = LayerKeys {
    kind: "conv2d",
    class_name: "Conv2D",
    automatic_name: "conv2d",
    required: &[("filters", Kind::Count), ("kernel", Kind::Pair)],
    optional: &[("stride", Kind::Pair), PADDING, USE_BIAS, ACTIVATION],
    kernel: SEEING_KERNEL,
};

impl Conv2d {
    fn window(&self, inputs: &[Shape]) -> std::result::Result<Window, String> {
        Window::named("kernel", image(only(inputs)?)?, self.kernel, self.stride, self.padding)
    }
}

impl Operation for Conv2d {
    fn keys(&self) -> &'static LayerKeys {
        &KEYS
    }

    fn infer(&self, inputs: &[Shape]) -> std::result::Result<Inferred, String> {
        let window = self.window(inputs)?;
        bounded(self.filters, MOST_COLUMNS, "filters")?;
        let [height, width] = window.output;
        let shape = [height, width, self.filters];
        if product(&shape).is_none() {
            return Err(format!(
                "its output {shape:?} has more than {MOST_VALUES} values a sample; give fewer filters"
            ));
        }
        let kernel = vec![self.kernel[0], self.kernel[1], window.input[2], self.filters];
        let variables = variables(kernel, self.use_bias, "kernel or filters")?;
        Ok(Inferred { output: Shape::Image(shape), variables, window: Some(window) })
    }

    fn activation(&self) -> Activation {
        self.activation
    }

    fn rules(&self) -> Rules {
        Rules { takes_relu: true, takes_pool: true, ..Rules::NONE }
    }

    fn emit(&self, place: &Place, tape: &mut Tape) -> Result<Backward> {
        let window = place.window()?;
        let pool = if place.fused.pool { 2 } else { 1 };
        let convolution = Convolution { batch: tape.rows, window, filters: self.filters, pool };
        emit(convolution, self.use_bias, place, tape)
    }
}
