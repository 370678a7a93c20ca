//! What convolutions and dense layers share: kernel and bias, and the three products.

use super::{Backward, Place};
use crate::error::Result;
use crate::geometry::{MOST_VALUES, product};
use crate::kernels::{ConvForward, ConvInputGradient, ConvWeightGradient, Convolution, Cut, Fold};
use crate::plan::{BufferId, Storage, Tape, ValueId, Weights};

/// The weights with a kernel of that shape; `keys` are what a file calls the sizes that make it large.
pub(super) fn weights(kernel: Vec<usize>, keys: &str) -> std::result::Result<Weights, String> {
    let (columns, receptive) = kernel.split_last().map_or((0, &[][..]), |(&columns, receptive)| (columns, receptive));
    match product(receptive).filter(|&rows| product(&[rows + 1, columns]).is_some()) {
        Some(rows) => Ok(Weights { rows, columns, kernel }),
        None => Err(format!("its weights {kernel:?} are more than {MOST_VALUES}; make its input, {keys} smaller")),
    }
}

/// The buffers that a layer's backward passes read.
struct Product {
    layer: String,
    convolution: Convolution,
    input: ValueId,
    output: ValueId,
    /// The buffer, and the word that the kernel starts at.
    weights: (BufferId, usize),
    argmax: BufferId,
    /// Pooled positions in a word of argmax.
    packed: usize,
}

/// Forward: the product with what is fused into it, over split-K partitions where the tiling says so. Backward: the
/// input's gradient, then that of the weights.
pub(super) fn emit(convolution: Convolution, shape: &Weights, place: &Place, tape: &mut Tape) -> Result<Backward> {
    let (layer, input, output) = (place.name.to_owned(), place.input()?, place.output);
    tape.tiles.check(&convolution)?;
    let Cut { tile, slots } = tape.tiles.forward(&convolution);
    let kernel = ConvForward { convolution, relu: place.fused.relu, tile, slots };
    let packed = kernel.packed();
    let argmax = tape.buffer(&format!("{layer}.argmax"), vec![kernel.argmax_words()]);
    let gradient_tile = tape.tiles.weight_gradient(&convolution);
    let gradient_slots = tape.tiles.slots(&convolution, &gradient_tile);
    let weight_gradient = ConvWeightGradient { convolution, packed, slots: gradient_slots, tile: gradient_tile };
    let Storage { values: (weights, first), gradient: (gradients, first_gradient) } =
        tape.variables(&layer, shape, weight_gradient.partitions());
    let [from, to] = [input, output].map(|value| tape.output(value));
    if let Some(join) = kernel.join() {
        let sums = tape.buffer(&format!("{layer}.sums"), vec![slots, join.rows, join.filters]);
        tape.forward_from(&layer, kernel, &[from, weights, sums, argmax], vec![0, first, 0, 0]);
        tape.forward_from(&layer, join, &[sums, weights, to], vec![0, first, 0]);
    } else {
        tape.forward_from(&layer, kernel, &[from, weights, to, argmax], vec![0, first, 0, 0]);
    }
    tape.set_gate(output, place.fused.relu.then_some(1.0));
    let product = Product { layer, convolution, input, output, weights: (weights, first), argmax, packed };
    Ok(Box::new(move |tape| {
        if let Some(gradient) = tape.gradient(input)? {
            product.input_gradient(gradient, tape);
        }
        let bound = [from, tape.gradient_of(output), argmax, gradients];
        tape.backward_from(&product.layer, weight_gradient, &bound, vec![0, 0, 0, first_gradient]);
        Ok(())
    }))
}

impl Product {
    fn input_gradient(&self, gradient: BufferId, tape: &mut Tape) {
        let (weights, first) = self.weights;
        let (from, gate) = (tape.output(self.input), tape.gate(self.input));
        if tape.tiles.folds(&self.convolution) {
            return self.folded_input_gradient(gradient, tape);
        }
        let tile = tape.tiles.input_gradient(&self.convolution);
        let kernel = ConvInputGradient { convolution: self.convolution, packed: self.packed, gate, tile };
        let bound = [tape.gradient_of(self.output), self.argmax, weights, from, gradient];
        tape.backward_from(&self.layer, kernel, &bound, vec![0, 0, first, 0, 0]);
    }

    /// Patch by patch, then added up, some images at a time, so that their patches fit a cache.
    fn folded_input_gradient(&self, gradient: BufferId, tape: &mut Tape) {
        let (convolution, packed, layer) = (self.convolution, self.packed, &self.layer);
        let (from, gate, (weights, first)) = (tape.output(self.input), tape.gate(self.input), self.weights);
        let group = Convolution { batch: Fold::group(&convolution, packed), ..convolution };
        let patches = Fold::patches(&group);
        let shape = vec![group.batch, patches.inputs() / group.batch];
        let of_patches = tape.buffer(&format!("{layer}.patches.gradient"), shape);
        let unused = tape.buffer(&format!("{layer}.unused"), vec![1]);
        let bound = [tape.gradient_of(self.output), self.argmax, weights, unused, of_patches];
        let tile = tape.tiles.input_gradient(&patches);
        let kernel = ConvInputGradient { convolution: patches, packed, gate: None, tile };
        for number in 0..convolution.batch / group.batch {
            let outputs = number * group.positions() * group.filters;
            let inputs = number * group.inputs();
            let places = if group.pool > 1 { outputs / packed } else { 0 };
            tape.backward_from(layer, kernel, &bound, vec![outputs, places, first, 0, 0]);
            let fold = Fold { convolution: group, gate };
            tape.backward_from(layer, fold, &[of_patches, from, gradient], vec![0, inputs, inputs]);
        }
    }
}
