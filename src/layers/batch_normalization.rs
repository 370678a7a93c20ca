//! Normalises each channel to mean 0 and variance 1, then scales and moves it (Ioffe and Szegedy, 2015): input and output
//! `[N, H, W, C]` or `[N, C]`. In training by the batch's statistics, in evaluation by moving averages of them.

use serde::{Deserialize, Serialize};

use super::keys::{Kind, LayerKeys};
use super::operation::{Backward, Inferred, Operation, Place, Rules, only};
use super::pointwise::{self, Normalisation};
use crate::error::Result;
use crate::geometry::Shape;
use crate::kernels::{BINDING_ALIGNMENT, BatchNormAffine, BatchNormStatistics, ChannelValues, Function, Partitions};
use crate::plan::{Change, Initial, Storage, Tape, VariableKind, VariableSpec};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BatchNormalization {
    /// The part of a moving average that a step keeps.
    pub momentum: f64,
    /// Added to the variance.
    pub epsilon: f64,
    /// Whether there is a `beta`, which is added.
    pub center: bool,
    /// Whether there is a `gamma`, which scales.
    pub scale: bool,
}

pub(super) const KEYS: LayerKeys = LayerKeys {
    kind: "batch_normalization",
    class_name: "BatchNormalization",
    automatic_name: "batch_normalization",
    required: &[],
    optional: &[("momentum", Kind::Number), ("epsilon", Kind::Number), ("center", Kind::Flag), ("scale", Kind::Flag)],
    kernel: &[],
};

impl Default for BatchNormalization {
    /// Keras' defaults.
    fn default() -> Self {
        Self { momentum: 0.99, epsilon: 1e-3, center: true, scale: true }
    }
}

impl Operation for BatchNormalization {
    fn keys(&self) -> &'static LayerKeys {
        &KEYS
    }

    fn infer(&self, inputs: &[Shape]) -> std::result::Result<Inferred, String> {
        let Self { momentum, epsilon, center, scale } = *self;
        if !(0.0..=1.0).contains(&momentum) {
            return Err(format!("momentum is {momentum}; give one from 0 to 1"));
        }
        if !(epsilon > 0.0 && epsilon.is_finite()) {
            return Err(format!("epsilon is {epsilon}; give a positive number such as 1e-3"));
        }
        let input = only(inputs)?;
        let kinds = [
            (VariableKind::Gamma, Initial::Ones, scale),
            (VariableKind::Beta, Initial::Zeros, center),
            (VariableKind::MovingMean, Initial::Zeros, true),
            (VariableKind::MovingVariance, Initial::Ones, true),
        ];
        let variables = kinds.into_iter().filter(|(.., has)| *has);
        let variables =
            variables.map(|(kind, initial, _)| VariableSpec { kind, shape: vec![input.channels()], initial }).collect();
        Ok(Inferred { output: input, variables, window: None })
    }

    fn rules(&self) -> Rules {
        Rules { takes_relu: true, takes_function: true, takes_sum: true, ..Rules::NONE }
    }

    /// Training: the batch's statistics, what they scale and shift by, and the pass that does. Evaluation, and training where
    /// the layer is not trained: the same by the moving averages.
    fn emit(&self, place: &Place, tape: &mut Tape) -> Result<Backward> {
        let (layer, input) = (place.name, place.input()?);
        let channels = place.inferred.output.channels();
        let values = ChannelValues {
            batch: tape.batch,
            micro_batch: tape.rows,
            positions_per_row: place.inferred.output.values() / channels,
            channels,
        };
        let affine = tape.buffer(&format!("{layer}.affine"), vec![4, channels]);
        // The gradients of gamma and beta, whether there are both or not, then mean and variance.
        let moments = (2 * channels).next_multiple_of(BINDING_ALIGNMENT);
        let gradient = |number| {
            Change::Gradient(Partitions { first: number * channels, words: channels, count: 1, stride: 2 * channels })
        };
        let average = |number| Change::MovingAverage { of: moments + number * channels, momentum: self.momentum };
        let changes = place.inferred.variables.iter().map(|variable| match variable.kind {
            VariableKind::Gamma => gradient(0),
            VariableKind::Beta | VariableKind::Kernel | VariableKind::Bias => gradient(1),
            VariableKind::MovingMean => average(0),
            VariableKind::MovingVariance => average(1),
        });
        let changes = place.changes(changes);
        let Storage { values: (variables, first), gradient: (gradients, first_gradient) } =
            tape.variables(layer, &place.inferred.variables, &changes);
        let Self { scale, center, epsilon, .. } = *self;
        let read_ahead = tape.tiles.profile().read_ahead;
        let scale_and_shift = |training| BatchNormAffine { values, training, scale, center, epsilon, read_ahead };
        let progress = tape.host.progress;
        if !place.trainable {
            let bound = [tape.unused(0), progress, variables, affine, tape.unused(1)];
            tape.forward_from(layer, scale_and_shift(false), &bound, vec![0, 0, first, 0, 0]);
            // What statistics take of a gradient is none: zeros, as a buffer is that nothing writes.
            let totals = (tape.buffer(&format!("{layer}.totals"), vec![2, channels]), 0);
            let normalisation = Normalisation { values, affine, sums: None, totals };
            return pointwise::emit(place, Function::Linear, Some(normalisation), tape);
        }
        let sums = tape.buffer(&format!("{layer}.sums"), vec![values.partitions(), 2, channels]);
        let bound = [tape.output(input), progress, sums];
        tape.forward_in_training(layer, BatchNormStatistics { values }, &bound, vec![0; 3]);
        let bound = [sums, progress, variables, affine, gradients];
        let offsets = vec![0, 0, first, 0, first_gradient + moments];
        tape.forward_in_training(layer, scale_and_shift(true), &bound, offsets.clone());
        tape.forward_in_evaluation(layer, scale_and_shift(false), &bound, offsets);
        let normalisation = Normalisation { values, affine, sums: Some(sums), totals: (gradients, first_gradient) };
        pointwise::emit(place, Function::Linear, Some(normalisation), tape)
    }
}
