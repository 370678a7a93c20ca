//! Matrix product: input `[N, in]`, kernel `[in, units]`, output `[N, units]`. It is a 1 x 1 convolution over 1 x 1 images.

use serde::{Deserialize, Serialize};

use super::activation::Activation;
use super::keys::{ACTIVATION, DRAWN_KERNEL, Kind, LayerKeys, USE_BIAS, yes};
use super::operation::{Backward, Inferred, Operation, Place, Rules, only};
use super::product::{emit, variables};
use crate::error::Result;
use crate::gemm::Convolution;
use crate::geometry::{MOST_COLUMNS, Shape, bounded};
use crate::plan::Tape;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dense {
    pub units: usize,
    #[serde(default = "yes")]
    pub use_bias: bool,
    #[serde(default)]
    pub activation: Activation,
}

pub(super) const KEYS: LayerKeys = LayerKeys {
    kind: "dense",
    class_name: "Dense",
    automatic_name: "dense",
    required: &[("units", Kind::Count)],
    optional: &[USE_BIAS, ACTIVATION],
    kernel: DRAWN_KERNEL,
};

impl Operation for Dense {
    fn keys(&self) -> &'static LayerKeys {
        &KEYS
    }

    fn infer(&self, inputs: &[Shape]) -> std::result::Result<Inferred, String> {
        let Shape::Features(features) = only(inputs)? else {
            return Err("its input is an image; put a 'flatten' layer before it".into());
        };
        bounded(self.units, MOST_COLUMNS, "units")?;
        let variables = variables(vec![features, self.units], self.use_bias, "units")?;
        Ok(Inferred { output: Shape::Features(self.units), variables, window: None })
    }

    fn activation(&self) -> Activation {
        self.activation
    }

    fn rules(&self) -> Rules {
        Rules { takes_relu: true, makes_logits: true, ..Rules::NONE }
    }

    fn emit(&self, place: &Place, tape: &mut Tape) -> Result<Backward> {
        let inputs = tape.values(place.input()?) / tape.rows;
        emit(Convolution::dense(tape.rows, inputs, self.units), self.use_bias, place, tape)
    }
}
