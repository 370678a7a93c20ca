//! In training, zeroes a fraction `rate` of the values and scales the others by 1 / (1 - rate).

use serde::{Deserialize, Serialize};

use super::keys::{Kind, LayerKeys};
use super::operation::{Backward, Inferred, Operation, Place, Rules, only};
use super::pointwise;
use crate::error::Result;
use crate::geometry::Shape;
use crate::kernels;
use crate::plan::Tape;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropout {
    /// From 0 to below 1.
    pub rate: f32,
}

pub(super) const KEYS: LayerKeys = LayerKeys {
    kind: "dropout",
    class_name: "Dropout",
    automatic_name: "dropout",
    required: &[("rate", Kind::Rate)],
    optional: &[],
    kernel: &[],
};

impl Operation for Dropout {
    fn keys(&self) -> &'static LayerKeys {
        &KEYS
    }

    fn infer(&self, inputs: &[Shape]) -> std::result::Result<Inferred, String> {
        if !(0.0..1.0).contains(&self.rate) {
            return Err(format!("rate is {}; give one from 0 to below 1", self.rate));
        }
        Ok(Inferred::of(only(inputs)?))
    }

    fn rules(&self) -> Rules {
        Rules {
            is_identity: self.rate == 0.0,
            only_trains: true,
            commutes_with_relu: true,
            keeps_sign: true,
            is_in_place: true,
            ..Rules::NONE
        }
    }

    /// In place. Where the value went through a ReLU its mask carries the gradient; else the same kernel runs over the
    /// gradient, and makes the same choice.
    fn emit(&self, place: &Place, tape: &mut Tape) -> Result<Backward> {
        // Where others read the input, it stays: what is dropped is a copy.
        let (input, value) = (place.input()?, place.output);
        let is_copied = value != input;
        if is_copied {
            pointwise::copy(place.name, input, tape.output(value), tape);
        }
        let number = tape.next_dropout();
        let layer = format!("dropout_{number}");
        let kernel = kernels::Dropout { values: tape.values(value), layer: number, rate: self.rate };
        let progress = tape.host.progress;
        let bound = [progress, tape.output(value)];
        tape.forward_in_training(&layer, kernel, &bound, vec![0; 2]);
        let relu_mask = tape.possible_mask(input).map(|scale| scale * kernels::Dropout::scale(self.rate));
        tape.set_relu_mask(value, relu_mask);
        Ok(Box::new(move |tape| {
            if relu_mask.is_none() && tape.needs_gradient(value) {
                let gradient = tape.own_gradient(&layer, value);
                tape.backward(&layer, kernel, &[progress, gradient]);
            }
            if is_copied {
                // Its mask has carried the gradient through the input's ReLU, too.
                tape.share(&layer, value, input);
            }
            Ok(())
        }))
    }
}
