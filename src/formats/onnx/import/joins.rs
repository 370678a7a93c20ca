//! Sums and rows of several values, and batch normalization.

use super::constant::Constant;
use super::file::{MOST_NUMBERS, Node, REMEDY};
use super::layers::Weight;
use super::view::{Axes, Dim, View, place};
use super::walk::{Operand, Value, Walk};
use crate::formats::onnx::shown::Found;
use crate::layers::{Add, BatchNormalization, Concatenate, Layer};
use crate::plan::VariableKind;

/// What is added to a variance where a file adds nothing: it changes none that is a number of 32 bits.
const NOTHING: f64 = 1e-30;

impl<'a> Walk<'a> {
    /// All that the node reads, as layers' outputs.
    fn all(&mut self, node: Node<'a>) -> Found<Vec<Value>> {
        let count = node.inputs().count();
        if !(1..=MOST_NUMBERS).contains(&count) {
            return Err(format!("it has {count} inputs, not 1 to {MOST_NUMBERS}; {REMEDY}"));
        }
        (0..count).map(|index| self.real(node, index)).collect()
    }

    /// A sum of values of one shape.
    pub fn sum(&mut self, node: Node<'a>) -> Found<()> {
        let mut values = self.all(node)?;
        if let [value] = &values[..] {
            let value = value.clone();
            return self.make(node, Operand::Value(value));
        }
        let shapes: Vec<Vec<i64>> = values.iter().map(|value| value.view.sizes(self.axes(value))).collect();
        if let Some(other) = shapes.iter().find(|shape| **shape != shapes[0]) {
            let (one, other) = (super::view::sizes(&shapes[0]), super::view::sizes(other));
            return Err(format!("its inputs are {one} and {other}, which are not of one shape; {REMEDY}"));
        }
        // Where one is flat, all must be.
        if values.iter().any(|value| self.axes(value).flat) {
            values = values.into_iter().map(|value| self.flat(value)).collect::<Found<_>>()?;
        }
        let (axes, view) = self.features(&values[0]);
        if values.iter().any(|value| self.features(value) != (axes.clone(), view.clone())) {
            return Err(format!("its inputs have their axes in different orders; {REMEDY}"));
        }
        let of: Vec<usize> = values.iter().map(|value| value.of).collect();
        let made = self.layers.push(Layer::Add(Add {}), &of, Vec::new(), Some(axes))?;
        self.make_output(node, made, view)
    }

    /// A value's axes and how the file sees them; of flat values that are in memory as in the file, just as features.
    fn features(&self, value: &Value) -> (Axes, View) {
        let (axes, view) = (self.axes(value), value.view.clone());
        let mut long: Vec<Dim> = view.0.iter().copied().filter(|dim| *dim != Dim::BATCH && !dim.is_one()).collect();
        match (long.pop(), long.is_empty()) {
            (Some(dim), true) if axes.flat && axes.is_in_order(dim) => {
                let features = Axes::features(axes.values());
                let turned = |own: Dim| if own == dim { features.last() } else { own };
                let view = View(view.0.into_iter().map(turned).collect());
                (features, view)
            }
            _ => (axes.clone(), view),
        }
    }

    /// Images' channels, or features, one after the other.
    pub fn concatenation(&mut self, node: Node<'a>) -> Found<()> {
        let mut values = self.all(node)?;
        if let [value] = &values[..] {
            let value = value.clone();
            return self.make(node, Operand::Value(value));
        }
        let axis = values[0].view.axis(node.integer("axis", 1))?;
        let rank = values[0].view.0.len();
        let is_last = |walk: &Self, value: &Value| {
            value.view.0.len() == rank && value.view.0[axis] == walk.axes(value).last() && axis > 0
        };
        let are_images = values.iter().all(|value| !self.axes(value).flat && is_last(self, value));
        if !are_images {
            values = values.into_iter().map(|value| self.flat(value)).collect::<Found<_>>()?;
        }
        let of: Vec<usize> = values.iter().map(|value| value.of).collect();
        let layer = Layer::Concatenate(Concatenate {});
        if are_images {
            let before = values[0].view.clone();
            let others = |value: &Value| others(&value.view, axis);
            if values.iter().any(|value| others(value) != others(&values[0])) {
                return Err(format!("its inputs have their axes in different orders; {REMEDY}"));
            }
            let made = self.layers.push(layer, &of, Vec::new(), None)?;
            let mut view = before;
            view.0[axis] = self.layers.axes(made).last();
            return self.make_output(node, made, view);
        }
        let mut parts: Vec<(Axes, Dim)> = Vec::new();
        for value in &values {
            let axes = self.axes(value);
            let dim = value.view.0.get(axis).copied().unwrap_or_default();
            let is_whole =
                axes.size(dim) == axes.values() && others(&value.view, axis) == others(&values[0].view, axis);
            if !is_whole || value.view.0.len() != rank || axis == 0 {
                return Err(format!("it is neither of images' channels nor of features [N, F]; {REMEDY}"));
            }
            parts.push((axes.clone(), dim));
        }
        let axes = Axes::joined(parts)?;
        let mut view = values[0].view.clone();
        view.0[axis] = axes.last();
        let made = self.layers.push(layer, &of, Vec::new(), Some(axes))?;
        self.make_output(node, made, view)
    }

    pub fn batch_normalization(&mut self, node: Node<'a>) -> Found<()> {
        node.only(&["epsilon", "momentum", "spatial", "training_mode", "is_test", "consumed_inputs"])?;
        if node.integer("training_mode", 0) != 0 || node.integer("spatial", 1) != 1 {
            return Err(format!("it is exported for training, or not of channels; {REMEDY}"));
        }
        let value = self.real(node, 0)?;
        let mut vectors = Vec::new();
        for index in 1..5 {
            vectors
                .push(self.constant(node, index)?.ok_or_else(|| format!("it has no input {}; {REMEDY}", index + 1))?);
        }
        let (value, order) = self.channels(value, 1)?;
        let channels = order.len();
        if let Some(vector) = vectors.iter().find(|vector| vector.shape != [channels]) {
            return Err(format!("its vectors {:?} are not of {channels} channels; {REMEDY}", vector.shape));
        }
        let epsilon = f64::from(node.float("epsilon", 1e-5));
        let epsilon = if epsilon == 0.0 { NOTHING } else { epsilon };
        let momentum = f64::from(node.float("momentum", 0.9));
        let layer =
            BatchNormalization { momentum: shortest(momentum), epsilon: shortest(epsilon), ..Default::default() };
        let of = |vector: &Constant, place: usize| vector.at(place);
        let values = vectors.iter().map(|vector| ordered(&order, |place| of(vector, place))).collect();
        let made = self.normalization(&value, layer, values)?;
        self.make_output(node, made, value.view)
    }

    /// `scale * x + offset` of each channel, in the layer before where that can be; `at` is the file's axis of the
    /// channels.
    pub fn channelwise(
        &mut self,
        node: Node<'a>,
        value: Value,
        at: usize,
        scale: impl Fn(usize) -> f64,
        offset: impl Fn(usize) -> f64,
    ) -> Found<()> {
        let (value, order) = self.channels(value, at)?;
        let mut places = vec![0; order.len()];
        order.iter().enumerate().for_each(|(place, &channel)| places[channel] = place);
        if value.only
            && let Some(layer) = self.layers.of(value.of)
            && layer.is_linear()
        {
            layer.scale(order.len(), |channel| scale(places[channel]), |channel| offset(places[channel]));
            return self.make_output(node, value.of, value.view);
        }
        // Of a variance of 1 and a mean of 0.
        let layer = BatchNormalization { epsilon: NOTHING, ..Default::default() };
        let vector = |of: &dyn Fn(usize) -> f32| ordered(&order, of);
        let vectors = vec![
            vector(&|place| scale(place) as f32),
            vector(&|place| offset(place) as f32),
            vector(&|_| 0.0),
            vector(&|_| 1.0),
        ];
        let made = self.normalization(&value, layer, vectors)?;
        self.left_out.push(format!("that {} is no batch normalization, which it is here", node.place()));
        self.make_output(node, made, value.view)
    }

    fn normalization(&mut self, value: &Value, layer: BatchNormalization, vectors: Vec<Vec<f32>>) -> Found<usize> {
        let kinds = [VariableKind::Gamma, VariableKind::Beta, VariableKind::MovingMean, VariableKind::MovingVariance];
        let weight = |(kind, values): (VariableKind, Vec<f32>)| Weight { kind, shape: vec![values.len()], values };
        let weights: Vec<Weight> = kinds.into_iter().zip(vectors).map(weight).collect();
        self.layers.pay(weights.iter().map(|weight| weight.values.len()).sum())?;
        let axes = self.axes(value).clone();
        self.layers.push(Layer::BatchNormalization(layer), &[value.of], weights, Some(axes))
    }

    /// The value, and which channel here each place along the file's axis of that number is: an image's channels, or
    /// all features.
    fn channels(&mut self, value: Value, axis: usize) -> Found<(Value, Vec<usize>)> {
        let axis = place(axis as i64, value.view.0.len())?;
        let (axes, dim) = (self.axes(&value), value.view.0[axis]);
        if value.view.0[0] == Dim::BATCH && axis > 0 {
            if !axes.flat && dim == axes.last() {
                let channels = axes.channels();
                self.layers.pay(channels)?;
                return Ok((value, (0..channels).collect()));
            }
            if axes.size(dim) == axes.values() {
                self.layers.pay(axes.values())?;
                let value = self.flat(value)?;
                let order = self.axes(&value).order(dim);
                return Ok((value, order));
            }
        }
        let shape = super::view::sizes(&value.view.sizes(axes));
        Err(format!("its input of the shape {shape} has no channels there; {REMEDY}"))
    }
}

/// All axes but one.
fn others(view: &View, axis: usize) -> Vec<Dim> {
    view.0.iter().enumerate().filter(|(own, _)| *own != axis).map(|(_, dim)| *dim).collect()
}

/// A vector with each value at its channel.
fn ordered(order: &[usize], of: impl Fn(usize) -> f32) -> Vec<f32> {
    let mut values = vec![0.0; order.len()];
    order.iter().enumerate().for_each(|(place, &channel)| values[channel] = of(place));
    values
}

/// The number with the fewest digits that is the same in 32 bits: 0.9, not 0.8999999761581421.
pub fn shortest(number: f64) -> f64 {
    (number as f32).to_string().parse().unwrap_or(number)
}
