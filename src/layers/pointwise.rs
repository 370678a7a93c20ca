//! What activations, sums and normalisations share: y = activation(normalised(x) + before) + after, value by value, in one
//! pass. Where the activation is a ReLU and the last thing that happens, its mask carries the gradient; every other one's
//! slope is found again from x.

use super::operation::{Added, Backward, Place};
use crate::error::Result;
use crate::kernels::{
    BatchNormGradientSums, BatchNormGradientTotals, ChannelValues, Function, Other, Pointwise, PointwiseBackward,
};
use crate::plan::{BufferId, Tape, ValueId};

/// What a normalisation adds to the pass.
#[derive(Clone, Copy)]
pub(super) struct Normalisation {
    pub values: ChannelValues,
    /// `[4, C]`: mean, 1 / deviation, scale, shift.
    pub affine: BufferId,
    /// `[partitions, 2, C]`; none where it goes by moving averages, of which no gradient takes anything.
    pub sums: Option<BufferId>,
    /// `[2, C]`, the gradients of gamma and beta; and the word that they start at.
    pub totals: (BufferId, usize),
}

/// A stage that is one such pass.
struct Stage {
    layer: String,
    input: ValueId,
    output: ValueId,
    other: Option<(Other, ValueId)>,
    /// Where the other value is read: itself, or a copy of it where it is the input, too.
    other_buffer: BufferId,
    /// What is left of the activation going backward: nothing of a ReLU that has a mask.
    function: Function,
    normalisation: Option<Normalisation>,
}

/// Adds the pass of the stage's first input, of the second one where it has one, and with `function` or what was fused as
/// the activation.
pub(super) fn emit(
    place: &Place,
    function: Function,
    normalisation: Option<Normalisation>,
    tape: &mut Tape,
) -> Result<Backward> {
    let (layer, input, output) = (place.name.to_owned(), place.input()?, place.output);
    let added = |&other: &ValueId| {
        let order = match place.fused.added {
            Some(Added::AfterActivation) => Other::After,
            Some(Added::BeforeActivation) | None => Other::Before,
        };
        (order, other)
    };
    let other = place.inputs.get(1).map(added);
    let function = match place.fused {
        fused if fused.relu => Function::Relu,
        fused if fused.function != Function::Linear => fused.function,
        _ => function,
    };
    let is_last = !matches!(other, Some((Other::After, _)));
    let has_mask = function == Function::Relu && is_last;
    let values = tape.values(output);
    let kernel = Pointwise {
        values,
        channels: normalisation.map_or(1, |one| one.values.channels),
        normalise: normalisation.is_some(),
        other: other.map(|(order, _)| order),
        function,
    };
    let other_buffer = match other {
        None => tape.unused(1),
        // No pass binds a buffer twice.
        Some((_, other)) if other == input => {
            let shape = vec![tape.rows, values / tape.rows];
            let to = tape.activations(&format!("{layer}.copy"), shape);
            copy(&layer, other, to, tape);
            to
        }
        Some((_, other)) => tape.output(other),
    };
    let affine = normalisation.map_or_else(|| tape.unused(0), |one| one.affine);
    let bound = [tape.output(input), affine, other_buffer, tape.output(output)];
    tape.forward(&layer, kernel, &bound);
    tape.set_relu_mask(output, has_mask.then_some(1.0));
    let function = if has_mask { Function::Linear } else { function };
    let stage = Stage { layer, input, output, other, other_buffer, function, normalisation };
    Ok(Box::new(move |tape| {
        stage.backward(tape);
        Ok(())
    }))
}

/// Adds a pass that copies a value.
pub(super) fn copy(layer: &str, value: ValueId, to: BufferId, tape: &mut Tape) {
    let values = tape.values(value);
    let kernel = Pointwise { values, channels: 1, normalise: false, other: None, function: Function::Linear };
    let bound = [tape.output(value), tape.unused(0), tape.unused(1), to];
    tape.forward(layer, kernel, &bound);
}

impl Stage {
    fn backward(&self, tape: &mut Tape) {
        let Self { layer, input, output, other, function, normalisation, .. } = self;
        let is_linear = *function == Function::Linear;
        match other {
            Some((Other::After, other)) => tape.hand_on(layer, *output, *other),
            Some((Other::Before, other)) if is_linear => tape.hand_on(layer, *output, *other),
            Some((Other::Before, _)) | None => {}
        }
        if is_linear && normalisation.is_none() {
            return tape.hand_on(layer, *output, *input);
        }
        if let Some(normalisation) = normalisation
            && let Some(sums) = normalisation.sums
        {
            self.sum_up(normalisation, sums, tape);
        }
        self.backward_pass(tape);
    }

    /// The sums over all positions that the gradient of each needs, which are the gradients of gamma and beta.
    fn sum_up(&self, one: &Normalisation, sums: BufferId, tape: &mut Tape) {
        let Self { layer, input, output, other, other_buffer, function, .. } = self;
        let (values, function) = (one.values, *function);
        let before = matches!(other, Some((Other::Before, _))) && function != Function::Linear;
        let kernel = BatchNormGradientSums { values, before, function };
        let other = if before { *other_buffer } else { tape.unused(0) };
        let bound = [tape.gradient_of(*output), tape.output(*input), one.affine, other, tape.host.progress, sums];
        tape.backward(layer, kernel, &bound);
        let (totals, first) = one.totals;
        let read_ahead = tape.tiles.profile().read_ahead;
        tape.backward_from(layer, BatchNormGradientTotals { values, read_ahead }, &[sums, totals], vec![0, first]);
    }

    /// The gradients of the input, and of the other value where the activation is behind both.
    fn backward_pass(&self, tape: &mut Tape) {
        let Self { layer, input, output, other, other_buffer, function, normalisation } = self;
        let before = match other {
            Some((Other::Before, other)) if *function != Function::Linear => Some(*other),
            Some(_) | None => None,
        };
        let to_other = before.and_then(|other| tape.gradient(other));
        let to_input = tape.gradient(*input);
        if to_input.is_none() && to_other.is_none() {
            return;
        }
        let kernel = PointwiseBackward {
            values: normalisation.map_or_else(|| tape.channel_values(*output), |one| one.values),
            normalise: normalisation.is_some(),
            other: before.map(|_| Other::Before),
            function: *function,
            relu_mask: to_input.and_then(|_| tape.relu_mask(*input)),
            other_gradient: to_other.and(before).map(|other| tape.relu_mask(other)),
        };
        let affine = normalisation.map_or_else(|| tape.unused(0), |one| one.affine);
        let other = if before.is_some() { *other_buffer } else { tape.unused(1) };
        let (totals, first) = normalisation.map_or_else(|| (tape.unused(2), 0), |one| one.totals);
        let shape = vec![tape.rows, tape.values(*output) / tape.rows];
        let to_input = to_input.unwrap_or_else(|| tape.activations(&format!("{layer}.input.gradient"), shape));
        let to_other = to_other.unwrap_or_else(|| tape.unused(3));
        let [of_output, x, progress] = [tape.gradient_of(*output), tape.output(*input), tape.host.progress];
        let bound = [of_output, x, affine, other, totals, progress, to_input, to_other];
        tape.backward_from(layer, kernel, &bound, vec![0, 0, 0, 0, first, 0, 0, 0]);
    }
}
