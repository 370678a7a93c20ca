//! What convolutions and dense layers share: kernel and bias, and the three products.

use super::operation::{Backward, Place};
use crate::error::Result;
use crate::gemm::{ArgmaxWord, Convolution, GemmKind};
use crate::geometry::{MOST_VALUES, product};
use crate::kernels::{
    Col2im, ConvForward, ConvInputGradient, ConvWeightGradient, PooledInputGradient, PooledWeightGradient, ReluMask,
};
use crate::plan::{BufferId, Change, Initial, Storage, Tape, ValueId, VariableKind, VariableSpec};

/// A kernel of that shape, and perhaps a bias; `keys` are what a file calls the sizes that make it large.
pub(super) fn variables(
    kernel: Vec<usize>,
    use_bias: bool,
    keys: &str,
) -> std::result::Result<Vec<VariableSpec>, String> {
    let (columns, receptive) = kernel.split_last().map_or((0, &[][..]), |(&columns, receptive)| (columns, receptive));
    if product(receptive).filter(|&rows| product(&[rows + 1, columns]).is_some()).is_none() {
        return Err(format!("its weights {kernel:?} are more than {MOST_VALUES}; make its input, {keys} smaller"));
    }
    let initial = Initial::glorot(&kernel);
    let bias = VariableSpec { kind: VariableKind::Bias, shape: vec![columns], initial: Initial::Zeros };
    let kernel = VariableSpec { kind: VariableKind::Kernel, shape: kernel, initial };
    Ok([kernel].into_iter().chain(use_bias.then_some(bias)).collect())
}

/// What the passes that make the input's gradient are made of.
struct InputGradient {
    layer: String,
    convolution: Convolution,
    input: ValueId,
    output: ValueId,
    /// The buffer, and the word that the kernel starts at.
    weights: (BufferId, usize),
    argmax: BufferId,
    /// Of argmax.
    word: ArgmaxWord,
}

/// Forward: the product with what is fused into it, over split-K partitions where the tiling says so. Backward: the
/// input's gradient, then that of the weights.
pub(super) fn emit(convolution: Convolution, bias: bool, place: &Place, tape: &mut Tape) -> Result<Backward> {
    let (layer, input, output) = (place.name.to_owned(), place.input()?, place.output);
    tape.tiles.check(&convolution, tape.precision)?;
    let config = tape.tiles.config(GemmKind::Forward, &convolution);
    let kernel = ConvForward { convolution, bias, relu: place.fused.relu, config };
    let word = kernel.word();
    let argmax = tape.buffer(&format!("{layer}.argmax"), vec![word.words(&convolution)]);
    let config = tape.tiles.config(GemmKind::WeightGradient, &convolution);
    let weight_gradient = ConvWeightGradient { convolution, bias, word, config };
    let gathered = tape.tiles.gathered_partitions(&convolution);
    let gathered = gathered.map(|partitions| PooledWeightGradient { convolution, bias, word, partitions });
    let partitions = gathered.map_or_else(|| weight_gradient.partitions(), |kernel| kernel.partitions());
    let changes = place.changes(partitions.into_iter().map(Change::Gradient));
    let Storage { values: (weights, first), gradient: (gradients, first_gradient) } =
        tape.variables(&layer, &place.inferred.variables, &changes);
    let [from, to] = [input, output].map(|value| tape.output(value));
    if let Some(reduction) = kernel.reduction() {
        let sums = tape.buffer(&format!("{layer}.sums"), vec![reduction.partitions, reduction.rows, reduction.filters]);
        tape.forward_from(&layer, kernel, &[from, weights, sums, argmax], vec![0, first, 0, 0]);
        tape.forward_from(&layer, reduction, &[sums, weights, to], vec![0, first, 0]);
    } else {
        tape.forward_from(&layer, kernel, &[from, weights, to, argmax], vec![0, first, 0, 0]);
    }
    if kernel.argmax_has_relu() {
        tape.set_rectified(output);
    } else {
        tape.set_relu_mask(output, place.fused.relu.then_some(1.0));
    }
    let is_trained = place.trainable;
    let to_input = InputGradient { layer, convolution, input, output, weights: (weights, first), argmax, word };
    Ok(Box::new(move |tape| {
        if let Some(gradient) = tape.gradient(input) {
            to_input.record(gradient, tape);
        }
        if is_trained {
            let bound = [from, tape.gradient_of(output), argmax, gradients];
            let offsets = vec![0, 0, 0, first_gradient];
            match gathered {
                Some(gathered) => tape.backward_from(&to_input.layer, gathered, &bound, offsets),
                None => tape.backward_from(&to_input.layer, weight_gradient, &bound, offsets),
            }
        }
        Ok(())
    }))
}

impl InputGradient {
    /// The product that makes an input's gradient, of the layer's images or of their patches.
    fn kernel(&self, convolution: Convolution, relu_mask: ReluMask, tape: &Tape) -> ConvInputGradient {
        let config = tape.tiles.config(GemmKind::InputGradient, &convolution);
        ConvInputGradient { convolution, word: self.word, relu_mask, config }
    }

    fn record(&self, gradient: BufferId, tape: &mut Tape) {
        if tape.tiles.uses_col2im(&self.convolution) {
            return self.record_by_patches(gradient, tape);
        }
        let (weights, first) = self.weights;
        let bound = [tape.gradient_of(self.output), self.argmax, weights, tape.output(self.input), gradient];
        let (relu_mask, offsets) = (tape.relu_mask(self.input), vec![0, 0, first, 0, 0]);
        if tape.tiles.spreads(&self.convolution) {
            let Self { convolution, word, .. } = *self;
            let kernel = PooledInputGradient { convolution, word, relu_mask };
            return tape.backward_from(&self.layer, kernel, &bound, offsets);
        }
        let kernel = self.kernel(self.convolution, relu_mask, tape);
        tape.backward_from(&self.layer, kernel, &bound, offsets);
    }

    /// Patch by patch, then added up, some images at a time, so that their patches fit a cache.
    fn record_by_patches(&self, gradient: BufferId, tape: &mut Tape) {
        let (convolution, layer, (weights, first)) = (self.convolution, &self.layer, self.weights);
        let group = Convolution { batch: Col2im::group(&convolution, self.word, tape.precision), ..convolution };
        let patches = group.patches();
        let shape = vec![group.batch, patches.inputs() / group.batch];
        let of_patches = tape.buffer(&format!("{layer}.patches.gradient"), shape);
        let unused = tape.buffer(&format!("{layer}.unused"), vec![1]);
        let bound = [tape.gradient_of(self.output), self.argmax, weights, unused, of_patches];
        let kernel = self.kernel(patches, None, tape);
        let col2im = Col2im { convolution: group, relu_mask: tape.relu_mask(self.input) };
        for number in 0..convolution.batch / group.batch {
            let outputs = number * group.positions() * group.filters;
            let inputs = number * group.inputs();
            let argmax_words = if group.pool > 1 { number * self.word.words(&group) } else { 0 };
            tape.backward_from(layer, kernel, &bound, vec![outputs, argmax_words, first, 0, 0]);
            let bound = [of_patches, tape.output(self.input), gradient];
            tape.backward_from(layer, col2im, &bound, vec![0, inputs, inputs]);
        }
    }
}
