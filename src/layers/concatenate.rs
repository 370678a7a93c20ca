//! Values side by side along their last axis: `[N, H, W, C1]` and `[N, H, W, C2]` make `[N, H, W, C1 + C2]`.

use serde::{Deserialize, Serialize};

use super::keys::LayerKeys;
use super::operation::{Backward, Inferred, Operation, Place, Rules, several};
use crate::error::Result;
use crate::geometry::{MOST_VALUES, Shape, product};
use crate::kernels::{Columns, CopyChannels};
use crate::plan::{Tape, ValueId};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Concatenate {}

pub(super) const KEYS: LayerKeys = LayerKeys {
    kind: "concatenate",
    class_name: "Concatenate",
    automatic_name: "concatenate",
    required: &[],
    optional: &[],
    kernel: &[],
};

impl Operation for Concatenate {
    fn keys(&self) -> &'static LayerKeys {
        &KEYS
    }

    fn infer(&self, inputs: &[Shape]) -> std::result::Result<Inferred, String> {
        let first = several(inputs)?;
        if let Some(other) = inputs.iter().find(|input| input.with_channels(1) != first.with_channels(1)) {
            return Err(format!("its inputs are {first} and {other}; give values that differ in the last size only"));
        }
        let channels = inputs.iter().map(|input| input.channels()).fold(0, usize::saturating_add);
        if product(&[first.with_channels(1).values(), channels]).is_none() {
            return Err(format!("its output has more than {MOST_VALUES} values a sample; give fewer inputs"));
        }
        Ok(Inferred::of(first.with_channels(channels)))
    }

    /// All values are some input's.
    fn rules(&self) -> Rules {
        Rules { keeps_sign: true, ..Rules::NONE }
    }

    /// A pass for each input, which the inputs' number has no limit by.
    fn emit(&self, place: &Place, tape: &mut Tape) -> Result<Backward> {
        let (output, layer) = (place.output, place.name.to_owned());
        let all = place.inferred.output.channels();
        let positions = tape.values(output) / all;
        let unused = tape.buffer(&format!("{layer}.unused"), vec![1]);
        let mut first = 0;
        let mut parts: Vec<(ValueId, CopyChannels)> = Vec::new();
        for &input in place.inputs {
            let channels = tape.values(input) / positions;
            let (source, copy) = (Columns { first: 0, all: channels }, Columns { first, all });
            let kernel = CopyChannels { positions, channels, source, copy, relu_mask: None };
            tape.forward(&layer, kernel, &[tape.output(input), unused, tape.output(output)]);
            parts.push((input, kernel));
            first += channels;
        }
        // What dropout scaled an input by is in that input's own mask.
        let masked = place.inputs.iter().all(|input| tape.relu_mask(*input).is_some());
        tape.set_relu_mask(output, masked.then_some(1.0));
        Ok(Box::new(move |tape| {
            for (input, CopyChannels { source, copy, .. }) in parts {
                if let Some(gradient) = tape.gradient(input) {
                    let (relu_mask, channels) = (tape.relu_mask(input), source.all);
                    let kernel = CopyChannels { positions, channels, source: copy, copy: source, relu_mask };
                    tape.backward(&layer, kernel, &[tape.gradient_of(output), tape.output(input), gradient]);
                }
            }
            Ok(())
        }))
    }
}
