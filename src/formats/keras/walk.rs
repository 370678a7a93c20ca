//! Keras' layers, one after the other, as our model.

use serde_json::Value as Json;

use super::contents::{Array, Contents};
use super::draft::Draft;
use super::graph::{self, Argument, Call, Graph, Leaf};
use super::layers::{Kind, Step, kind};
use super::message::{Found, place, shown};
use super::pixels::Affine;
use super::settings::Settings;
use super::variables::variables;
use super::views::{Input, count, input, reshaped, taken, view};
use crate::formats::network::plain;
use crate::geometry::{Padding, Shape, Window};
use crate::layers::{Activate, Activation, Conv2d, DepthwiseConv2d, Flatten, Layer};
use crate::model::resolve;

/// The longest JSON that is read: that of a thousand layers is shorter.
pub const LONGEST_JSON: usize = 1 << 22;

/// The JSON in a file.
pub fn parse(text: &str) -> Found<Json> {
    if text.len() > LONGEST_JSON {
        return Err(format!("its configuration is {} bytes long; at most {LONGEST_JSON} are read", text.len()));
    }
    serde_json::from_str(text)
        .map_err(|error| format!("its configuration is not JSON ({error}); save the model in Keras again"))
}

/// What the JSON says of a file's contents.
pub fn contents(json: &Json) -> Found<Contents> {
    if !graph::is_model(json) {
        let class = shown(&json["class_name"]);
        return Err(format!("is a model of the class {class}; supported are Sequential and Functional"));
    }
    let graph = graph::graph(json)?;
    let first = graph.calls.first().ok_or("has no layers; save the model in Keras again")?;
    let shape = graph::input_shape(json);
    let (seen, image) = input(shape, &graph.calls).ok_or_else(|| {
        let (place, shape) = (place(first.leaf.layer), shown(shape));
        format!("{place}: its input has the shape {shape}; supported is [batch, height, width, channels], or [batch, pixels]")
    })?;
    let names = graph.calls.iter().map(|call| call.leaf.name());
    let mut walk = Walk {
        draft: Draft::new(image, names),
        values: vec![Value::new(0, Shape::Image(image), seen)],
        arrays: Vec::new(),
        left_out: Vec::new(),
    };
    for call in &graph.calls {
        let value = walk.take(call)?;
        walk.values.push(value);
    }
    walk.end(&graph, plain(json["config"]["name"].as_str().unwrap_or_default()))
}

/// What one layer of Keras gives.
#[derive(Clone)]
struct Value<'a> {
    /// Which of our layers it is of: 0 is the images, n + 1 what layer n puts out.
    node: usize,
    /// As our layers see it.
    shape: Shape,
    /// As Keras' layers see it, the batch left out.
    view: Vec<usize>,
    /// The layer that made another view of it.
    reshaped: Option<&'a Json>,
    /// What is to be done to the pixels still, and the layer that says so.
    affine: Option<(Affine, &'a Json)>,
    /// Zeros that are to be around the image, and the layer that says so.
    zeros: Option<([[usize; 2]; 2], &'a Json)>,
    softmax: Option<Softmax<'a>>,
}

/// A softmax on its way to the end, where it is part of our loss.
#[derive(Clone, Copy)]
struct Softmax<'a> {
    source: &'a Json,
    /// Whether it is a layer of its own.
    is_layer: bool,
}

impl Value<'_> {
    fn new(node: usize, shape: Shape, view: Vec<usize>) -> Self {
        Self { node, shape, view, reshaped: None, affine: None, zeros: None, softmax: None }
    }
}

struct Walk<'a> {
    draft: Draft<'a>,
    /// The images, and what each call gives.
    values: Vec<Value<'a>>,
    arrays: Vec<Array>,
    left_out: Vec<String>,
}

impl<'a> Walk<'a> {
    /// What the call gives.
    fn take(&mut self, call: &Call<'a>) -> Found<Value<'a>> {
        let settings = Settings(call.leaf.layer);
        let tensor = |argument: &Argument| match argument {
            Argument::Value(value) => Some(*value),
            Argument::Number(_) => None,
        };
        let inputs: Vec<usize> = call.arguments.iter().filter_map(tensor).collect();
        let &[first, ..] = inputs.as_slice() else { return Err(settings.misplaced("it is called with no tensor")) };
        let (kind, left_out) = kind(call.leaf.layer, &self.values[first].view, &call.arguments)?;
        self.left_out.extend(left_out);
        if !matches!(kind, Kind::Affine(_)) && inputs.len() < call.arguments.len() {
            return Err(settings.misplaced("it is called with a number"));
        }
        match kind {
            Kind::Layers(steps) => self.layers(&call.leaf, steps, &inputs),
            _ if inputs.len() > 1 => Err(settings.misplaced(&format!("it has {} inputs, not one", inputs.len()))),
            kind => self.view(&call.leaf, kind, self.values[first].clone()),
        }
    }

    /// The same value, seen in another way.
    fn view(&self, leaf: &Leaf<'a>, kind: Kind, mut value: Value<'a>) -> Found<Value<'a>> {
        let settings = Settings(leaf.layer);
        expect_no_zeros(&value)?;
        match kind {
            Kind::Layers(_) | Kind::Nothing => {}
            Kind::ZeroPadding(zeros) => value.zeros = Some((zeros, leaf.layer)),
            Kind::Softmax => {
                expect_no_softmax(&value)?;
                // Over the last dimension.
                if count(&value.view) != value.view.last().copied() {
                    expect_flat(leaf, &value)?;
                }
                value.softmax = Some(Softmax { source: leaf.layer, is_layer: true });
            }
            Kind::Reshape(target) => {
                value.view = reshaped(&value.view, &target).ok_or_else(|| settings.wrong("target_shape"))?;
                value.reshaped = Some(leaf.layer);
            }
            Kind::Affine(_) if value.node > 0 => {
                return Err(settings.misplaced("it does not scale the pixels, which come first"));
            }
            Kind::Affine(affine) => {
                let all = value.affine.map_or(affine, |(before, _)| before.then(affine));
                value.affine = Some((all, leaf.layer));
            }
        }
        Ok(value)
    }

    /// What layers of ours make of the values of those numbers.
    fn layers(&mut self, leaf: &Leaf<'a>, steps: Vec<Step>, inputs: &[usize]) -> Found<Value<'a>> {
        let needs_own_view = steps.first().is_some_and(|step| taken(&step.layer).needs_own_view);
        let mut values = Vec::new();
        for &input in inputs {
            self.settle(input, needs_own_view)?;
            values.push(self.values[input].clone());
        }
        for step in steps {
            values = vec![self.layer(leaf, step, &values)?];
        }
        values.pop().ok_or_else(|| Settings(leaf.layer).misplaced("it is no layer"))
    }

    /// Makes layers of what a value was only to be until now: pixels that are scaled and, if asked for, a flat view.
    fn settle(&mut self, number: usize, flat: bool) -> Found<()> {
        let value = &mut self.values[number];
        let mut made = Vec::new();
        if let Some((affine, source)) = value.affine.take() {
            made.extend(affine.layer().map(|layer| (Layer::Rescaling(layer), source, Settings(source).name())));
        }
        if let (true, [_], Shape::Image(_)) = (flat, value.view.as_slice(), value.shape) {
            let source = value.reshaped.unwrap_or(&Json::Null);
            let name = value.reshaped.map_or("flatten", |source| Settings(source).name());
            made.push((Layer::Flatten(Flatten {}), source, name));
        }
        for (layer, source, name) in made {
            value.shape = infer(&layer, source, &[value.shape])?;
            value.node = self.draft.push(name, layer, vec![value.node], source);
        }
        Ok(())
    }

    /// What one layer of ours makes of these values.
    fn layer(&mut self, leaf: &Leaf<'a>, step: Step, inputs: &[Value<'a>]) -> Found<Value<'a>> {
        let Step { mut layer, suffix, parts } = step;
        let mut inputs = inputs.to_vec();
        for value in &mut inputs {
            fits(leaf, &layer, value)?;
            take_zeros(&mut layer, value)?;
        }
        if inputs.iter().any(|value| matches!(layer, Layer::Add(_)) && value.view != inputs[0].view) {
            return Err(Settings(leaf.layer).misplaced("its inputs are of different shapes"));
        }
        let mut softmax = inputs[0].softmax;
        if let Some(activation) = layer.own_activation().filter(|own| **own == Activation::Softmax) {
            *activation = Activation::Linear;
            softmax = Some(Softmax { source: leaf.layer, is_layer: false });
        }
        let shapes: Vec<Shape> = inputs.iter().map(|value| value.shape).collect();
        let shape = infer(&layer, leaf.layer, &shapes)?;
        let trainable = leaf.trainable || parts.is_empty();
        let before = self.arrays.iter().rev().take_while(|array| array.path == leaf.path).count();
        let arrays = parts.iter().enumerate().map(|(number, part)| Array::of(leaf, before + number, *part));
        self.arrays.extend(arrays);
        let view = if taken(&layer).keeps_view { inputs[0].view.clone() } else { view(shape) };
        let name = format!("{}{suffix}", leaf.name());
        let node = self.draft.push(&name, layer, inputs.iter().map(|value| value.node).collect(), leaf.layer);
        self.draft.set_trainable(trainable);
        Ok(Value { softmax, ..Value::new(node, shape, view) })
    }

    /// Ends the model with the last layer that counts, and without the softmax of a last layer with weights, which is part of
    /// our loss.
    fn end(mut self, graph: &Graph<'a>, name: String) -> Found<Contents> {
        expect_no_zeros(&self.values[graph.output])?;
        self.settle(graph.output, true)?;
        let value = &self.values[graph.output];
        let left_out = self.draft.end(value.node);
        self.left_out.extend(left_out.ok_or("its output is not its last layer's; save the model in Keras again")?);
        let last = self.draft.last().ok_or("has no layers that change anything; save the model in Keras again")?;
        let makes_logits = last.layer.operation().rules().makes_logits;
        if !makes_logits
            || last.layer.activation() != Activation::Linear
            || !matches!(value.shape, Shape::Features(2..))
        {
            return Err(Settings(last.source).misplaced(
                "the last layer must be a Dense without activation, a global pool or a Flatten, of two values or more, with \
                 one softmax or none",
            ));
        }
        if let Some(Softmax { source, is_layer: true }) = value.softmax {
            let softmax = Layer::Activation(Activate::new(Activation::Softmax));
            let end = self.draft.length();
            self.draft.push(Settings(source).name(), softmax, vec![end], source);
        }
        let model = self.draft.model(name);
        // Before anything else is made of as many layers as a file may name.
        let variables = variables(&resolve(&model).map_err(|error| error.to_string())?);
        Ok(Contents { model, variables, arrays: self.arrays, left_out: self.left_out })
    }
}

fn infer(layer: &Layer, source: &Json, inputs: &[Shape]) -> Found<Shape> {
    let inferred = layer.operation().infer(inputs);
    inferred.map(|inferred| inferred.output).map_err(|problem| format!("{}: {problem}", place(source)))
}

/// Refuses a value that Keras' layer sees in another way than ours would.
fn fits(leaf: &Leaf, layer: &Layer, value: &Value) -> Found<()> {
    let rules = layer.operation().rules();
    if !rules.is_identity && !rules.only_trains {
        expect_no_softmax(value)?;
    }
    match taken(layer).input {
        Input::Image => expect_image(leaf, value),
        Input::Features => expect_flat(leaf, value),
        Input::Channels if value.view.len() > 1 => expect_image(leaf, value),
        Input::Channels | Input::Values => Ok(()),
    }
}

/// Makes a convolution over an image with zeros around it one that has them itself, if its own are as many.
fn take_zeros(layer: &mut Layer, value: &mut Value) -> Found<()> {
    let Some(([rows, columns], _)) = value.zeros else { return Ok(()) };
    if let (
        Layer::Conv2d(Conv2d { kernel, stride, padding: padding @ Padding::Valid, .. })
        | Layer::DepthwiseConv2d(DepthwiseConv2d { kernel, stride, padding: padding @ Padding::Valid, .. }),
        Shape::Image(image),
    ) = (layer, value.shape)
    {
        let [height, width, channels] = image;
        let around = |size: usize, zeros: [usize; 2]| size.saturating_add(zeros[0]).saturating_add(zeros[1]);
        let wide = [around(height, rows), around(width, columns), channels];
        let wide = Window::new(wide, *kernel, *stride, Padding::Valid);
        let own = Window::new(image, *kernel, *stride, Padding::Same);
        if let (Ok(wide), Ok(own)) = (wide, own)
            && (wide.output, [rows[0], columns[0]]) == (own.output, own.pad)
        {
            *padding = Padding::Same;
            value.zeros = None;
        }
    }
    expect_no_zeros(value)
}

fn expect_no_zeros(value: &Value) -> Found<()> {
    let problem = "it is supported only right before a convolution that with it has what padding 'same' gives";
    value.zeros.map_or(Ok(()), |(_, source)| Err(Settings(source).misplaced(problem)))
}

fn expect_no_softmax(value: &Value) -> Found<()> {
    let problem = "its softmax is not the network's end";
    value.softmax.map_or(Ok(()), |softmax| Err(Settings(softmax.source).misplaced(problem)))
}

fn expect_image(leaf: &Leaf, value: &Value) -> Found<()> {
    if value.view.len() == 3 && value.view == view(value.shape) {
        return Ok(());
    }
    let problem = format!("its input {:?} is no image [height, width, channels], or not the one before", value.view);
    Err(Settings(leaf.layer).misplaced(&problem))
}

fn expect_flat(leaf: &Leaf, value: &Value) -> Found<()> {
    match value.view.as_slice() {
        [_] => Ok(()),
        view => Err(format!("{}: its input {view:?} is not flat; put a Flatten before it", place(leaf.layer))),
    }
}
