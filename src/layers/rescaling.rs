//! x * scale + offset, of pixels that are byte / 255.

use serde::{Deserialize, Serialize};

use super::keys::{Kind, LayerKeys};
use super::operation::{Backward, Inferred, Operation, Place, Rules, only};
use crate::error::Result;
use crate::geometry::Shape;
use crate::kernels::Rescale;
use crate::plan::Tape;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rescaling {
    pub scale: f64,
    #[serde(default)]
    pub offset: f64,
}

pub(super) const KEYS: LayerKeys = LayerKeys {
    kind: "rescaling",
    class_name: "Rescaling",
    automatic_name: "rescaling",
    required: &[("scale", Kind::Number)],
    optional: &[("offset", Kind::Number)],
    kernel: &[],
};

impl Operation for Rescaling {
    fn keys(&self) -> &'static LayerKeys {
        &KEYS
    }

    fn infer(&self, inputs: &[Shape]) -> std::result::Result<Inferred, String> {
        for (key, value) in [("scale", self.scale), ("offset", self.offset)] {
            if !(value as f32).is_finite() {
                return Err(format!("{key} is {value}; give a finite number"));
            }
        }
        Ok(Inferred::of(only(inputs)?))
    }

    /// max(x, 0) times a positive number is max of the product and 0; an offset moves what is cut off.
    fn rules(&self) -> Rules {
        Rules {
            is_identity: self.scale == 1.0 && self.offset == 0.0,
            commutes_with_relu: self.scale > 0.0 && self.offset == 0.0,
            keeps_sign: self.scale >= 0.0 && self.offset >= 0.0,
            ..Rules::NONE
        }
    }

    /// Pixels that nothing else reads are rescaled as they are gathered: see [`crate::network::REWRITES`].
    fn emit(&self, place: &Place, tape: &mut Tape) -> Result<Backward> {
        let (input, output, layer) = (place.input()?, place.output, place.name.to_owned());
        let (factor, offset) = (self.scale as f32, self.offset as f32);
        let forward = Rescale { values: tape.values(input), factor, offset, relu_mask: None };
        let unused = tape.buffer(&format!("{layer}.unused"), vec![1]);
        tape.forward(&layer, forward, &[tape.output(input), unused, tape.output(output)]);
        tape.set_relu_mask(output, None);
        Ok(Box::new(move |tape| {
            if let Some(gradient) = tape.gradient(input) {
                let kernel = Rescale { offset: 0.0, relu_mask: tape.relu_mask(input), ..forward };
                tape.backward(&layer, kernel, &[tape.gradient_of(output), tape.output(input), gradient]);
            }
            Ok(())
        }))
    }
}
