//! The sum of two values or more, of one shape.

use serde::{Deserialize, Serialize};

use super::keys::LayerKeys;
use super::operation::{Backward, Fused, Inferred, Operation, Place, Rules, several};
use super::pointwise;
use crate::error::Result;
use crate::geometry::Shape;
use crate::kernels::Function;
use crate::plan::Tape;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Add {}

pub(super) const KEYS: LayerKeys =
    LayerKeys { kind: "add", class_name: "Add", automatic_name: "add", required: &[], optional: &[], kernel: &[] };

impl Operation for Add {
    fn keys(&self) -> &'static LayerKeys {
        &KEYS
    }

    fn infer(&self, inputs: &[Shape]) -> std::result::Result<Inferred, String> {
        let first = several(inputs)?;
        match inputs.iter().find(|input| **input != first) {
            None => Ok(Inferred::of(first)),
            Some(other) => Err(format!("its inputs are {first} and {other}; give values of one shape")),
        }
    }

    fn rules(&self) -> Rules {
        Rules { keeps_sign: true, is_sum: true, takes_relu: true, takes_function: true, ..Rules::NONE }
    }

    /// Two of them in one pass, with the activation; of more, the sum of those before is the next pass' input.
    fn emit(&self, place: &Place, tape: &mut Tape) -> Result<Backward> {
        let [first, others @ .., last] = place.inputs else { return Err(place.missing("two inputs")) };
        let (mut sum, mut sums) = (*first, Vec::new());
        for (number, other) in others.iter().enumerate() {
            let values = tape.values(sum) / tape.rows;
            let layer = format!("{}.sum_{number}", place.name);
            let needs_gradient = tape.needs_gradient(sum) || tape.needs_gradient(*other);
            let next = tape.value(&layer, values, 1, needs_gradient, None);
            sums.push(pointwise::emit(
                &Place { inputs: &[sum, *other], output: next, fused: Fused::default(), ..place.clone() },
                Function::Linear,
                None,
                tape,
            )?);
            sum = next;
        }
        let last = pointwise::emit(&Place { inputs: &[sum, *last], ..place.clone() }, Function::Linear, None, tape)?;
        Ok(Box::new(move |tape| {
            last(tape)?;
            sums.into_iter().rev().try_for_each(|sum| sum(tape))
        }))
    }
}
