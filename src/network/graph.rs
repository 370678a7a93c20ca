//! A network as stages over values: what rewrites change and lowering makes passes of.

use crate::geometry::Shape;
use crate::kernels::PixelScaling;
use crate::layers::{Activate, Activation, Fused, Inferred, Layer, Rules};
use crate::model::Resolved;
use crate::plan::ValueId;

/// A layer without its activation, or an activation.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Of the layer.
    pub name: String,
    pub layer: Layer,
    pub inferred: Inferred,
    /// Whether training changes its variables.
    pub trainable: bool,
    pub inputs: Vec<ValueId>,
    pub output: ValueId,
    pub fused: Fused,
}

impl Stage {
    pub fn rules(&self) -> Rules {
        self.layer.operation().rules()
    }
}

/// Stages in an order in which they can run. Value 0 is the pixels.
#[derive(Clone, Debug)]
pub struct Graph {
    pub stages: Vec<Stage>,
    /// One sample's shape of each value.
    pub shapes: Vec<Shape>,
    /// Whether pixels may be negative, which those of bytes are not.
    pub signed_pixels: bool,
    /// What the pixels become as they are gathered.
    pub pixels: PixelScaling,
    /// The logits.
    pub output: ValueId,
}

impl Graph {
    /// Of a model's layers. What a layer does to its own output is a stage of its own.
    pub fn of(layers: &[Resolved]) -> Self {
        let (stages, shapes) = (Vec::new(), vec![layers[0].input]);
        let mut graph = Self { stages, shapes, signed_pixels: false, pixels: PixelScaling::NONE, output: ValueId(0) };
        // The value that each layer ends with; the first is the pixels.
        let mut ends = vec![ValueId(0)];
        for layer in layers {
            let inputs = layer.inputs.iter().map(|&input| ends[input]).collect();
            let Resolved { name, inferred, trainable, .. } = layer;
            let mut end = graph.push(name, layer.layer.clone(), inferred.clone(), inputs);
            if let Some(stage) = graph.stages.last_mut() {
                stage.trainable = *trainable;
            }
            let activation = layer.layer.activation();
            if activation != Activation::Linear && !matches!(layer.layer, Layer::Activation(_)) {
                let inferred = Inferred { variables: Vec::new(), window: None, ..inferred.clone() };
                end = graph.push(name, Layer::Activation(Activate::new(activation)), inferred, vec![end]);
            }
            ends.push(end);
        }
        graph.output = ends[ends.len() - 1];
        graph
    }

    fn push(&mut self, name: &str, layer: Layer, inferred: Inferred, inputs: Vec<ValueId>) -> ValueId {
        let output = ValueId(self.shapes.len());
        self.shapes.push(inferred.output);
        let (name, fused) = (name.to_owned(), Fused::default());
        self.stages.push(Stage { name, layer, inferred, trainable: true, inputs, output, fused });
        output
    }

    /// The stage that makes each value, or changes it last, and how many others read it; the loss reads the logits, too.
    pub fn makers_and_readers(&self) -> (Vec<Option<usize>>, Vec<usize>) {
        let (mut makers, mut readers) = (vec![None; self.shapes.len()], vec![0; self.shapes.len()]);
        readers[self.output.0] += 1;
        for (number, stage) in self.stages.iter().enumerate() {
            makers[stage.output.0] = Some(number);
            let others = stage.inputs.iter().filter(|input| **input != stage.output);
            others.for_each(|input| readers[input.0] += 1);
        }
        (makers, readers)
    }

    /// Lets whoever reads `value` read `other`.
    pub fn replace(&mut self, value: ValueId, other: ValueId) {
        let inputs = self.stages.iter_mut().flat_map(|stage| &mut stage.inputs);
        inputs.chain([&mut self.output]).filter(|read| **read == value).for_each(|read| *read = other);
    }
}
