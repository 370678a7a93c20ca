//! What convolutions and dense layers share: kernel and bias, and the three products.

use super::{Backward, Place};
use crate::error::Result;
use crate::geometry::{MOST_VALUES, product};
use crate::kernels::{ConvForward, ConvInputGradient, ConvWeightGradient, Convolution, Cut, Fold};
use crate::plan::{BufferId, Tape, ValueId, Weights};

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
    weights: BufferId,
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
    let parameter = tape.parameter(&layer, shape, gradient_slots);
    let weights = tape.parameters[parameter].weights;
    let [from, to] = [input, output].map(|value| tape.output(value));
    if let Some(join) = kernel.join() {
        let sums = tape.buffer(&format!("{layer}.sums"), vec![slots, join.rows, join.filters]);
        tape.forward(&layer, kernel, &[from, weights, sums, argmax]);
        tape.forward(&layer, join, &[sums, weights, to]);
    } else {
        tape.forward(&layer, kernel, &[from, weights, to, argmax]);
    }
    tape.set_gate(output, place.fused.relu.then_some(1.0));
    let product = Product { layer, convolution, input, output, weights, argmax, packed };
    Ok(Box::new(move |tape| {
        if let Some(gradient) = tape.gradient(input)? {
            product.input_gradient(gradient, tape);
        }
        let kernel = ConvWeightGradient { convolution, packed, slots: gradient_slots, tile: gradient_tile };
        let bound = [from, tape.gradient_of(output), argmax, tape.parameters[parameter].gradient];
        tape.backward(&product.layer, kernel, &bound);
        Ok(())
    }))
}

impl Product {
    fn input_gradient(&self, gradient: BufferId, tape: &mut Tape) {
        let (from, sources) = (tape.output(self.input), [tape.gradient_of(self.output), self.argmax, self.weights]);
        let gate = tape.gate(self.input);
        if tape.tiles.folds(&self.convolution) {
            return self.folded_input_gradient(gradient, tape);
        }
        let tile = tape.tiles.input_gradient(&self.convolution);
        let kernel = ConvInputGradient { convolution: self.convolution, packed: self.packed, gate, tile };
        tape.backward(&self.layer, kernel, &[&sources[..], &[from, gradient]].concat());
    }

    /// Patch by patch, then added up, some images at a time, so that their patches fit a cache.
    fn folded_input_gradient(&self, gradient: BufferId, tape: &mut Tape) {
        let (convolution, packed, layer) = (self.convolution, self.packed, &self.layer);
        let (from, gate) = (tape.output(self.input), tape.gate(self.input));
        let group = Convolution { batch: Fold::group(&convolution, packed), ..convolution };
        let patches = Fold::patches(&group);
        let shape = vec![group.batch, patches.inputs() / group.batch];
        let of_patches = tape.buffer(&format!("{layer}.patches.gradient"), shape);
        let unused = tape.buffer(&format!("{layer}.unused"), vec![1]);
        let bound = [tape.gradient_of(self.output), self.argmax, self.weights, unused, of_patches];
        let tile = tape.tiles.input_gradient(&patches);
        let kernel = ConvInputGradient { convolution: patches, packed, gate: None, tile };
        for number in 0..convolution.batch / group.batch {
            let outputs = number * group.positions() * group.filters;
            let inputs = number * group.inputs();
            let places = if group.pool > 1 { outputs / packed } else { 0 };
            tape.backward_from(layer, kernel, &bound, vec![outputs, places, 0, 0, 0]);
            let fold = Fold { convolution: group, gate };
            tape.backward_from(layer, fold, &[of_patches, from, gradient], vec![0, inputs, inputs]);
        }
    }
}
