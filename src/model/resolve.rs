//! A model's graph with everything inferred: who reads what, names, shapes and weights.

use std::collections::{BTreeMap, BTreeSet};

use super::initial::begin_with;
use super::nodes::MOST_LAYERS;
use super::{Model, Node, nearest};
use crate::error::{Error, Result};
use crate::geometry::{MOST_VALUES, Shape, product};
use crate::kernels::PixelScaling;
use crate::layers::{Activate, Activation, Inferred, Initializer, Layer, Rescaling};
use crate::plan::VariableSpec;

/// What a file calls the images.
pub const IMAGES: &str = "input";

/// A layer with everything inferred.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// As the file has it, or Keras' automatic one: `conv2d`, `conv2d_1`, `dense` ...
    pub name: String,
    pub layer: Layer,
    /// See [`Node::kernel_initializer`].
    pub kernel_initializer: Initializer,
    /// See [`Node::trainable`].
    pub trainable: bool,
    /// What it reads: 0 is the images, n + 1 the output of layer n.
    pub inputs: Vec<usize>,
    /// One sample's shape of the first of these.
    pub input: Shape,
    pub inferred: Inferred,
}

impl Resolved {
    /// Its variables, and whether each has a gradient that changes it.
    pub fn variables(&self) -> impl Iterator<Item = (&VariableSpec, bool)> {
        self.inferred.variables.iter().map(|variable| (variable, self.trainable && variable.kind.is_trainable()))
    }
}

/// Infers every layer of `model`, or says which layer cannot be and why.
///
/// # Errors
/// [`Error::Usage`] naming the layer.
pub fn resolve(model: &Model) -> Result<Vec<Resolved>> {
    let refuse = |problem: String| Error::Usage(format!("model '{}'{problem}", model.name));
    if model.input.contains(&0) || product(&model.input).is_none() {
        let problem = format!(": input {:?} has a zero or more than {MOST_VALUES} values", model.input);
        return Err(refuse(format!("{problem}; give [height, width, channels] of the images")));
    }
    if model.layers.len() > MOST_LAYERS {
        return Err(refuse(format!(": {} layers; give at most {MOST_LAYERS}", model.layers.len())));
    }
    let names = names(&model.layers).map_err(|problem| refuse(format!(", {problem}")))?;
    let mut layers: Vec<Resolved> = Vec::new();
    let mut is_read = vec![false; model.layers.len()];
    for (index, node) in model.layers.iter().enumerate() {
        let place = place(index, &node.layer);
        let fail = |problem: String| refuse(format!(", {place}: {problem}"));
        let inputs = inputs(node, &names[..index]).map_err(fail)?;
        inputs.iter().filter(|input| **input > 0).for_each(|input| is_read[input - 1] = true);
        let shape = |input: &usize| match input {
            0 => Shape::Image(model.input),
            input => layers[input - 1].inferred.output,
        };
        let shapes: Vec<Shape> = inputs.iter().map(shape).collect();
        let last = index + 1 == model.layers.len();
        let mut inferred = infer(&node.layer, &shapes, last).map_err(fail)?;
        begin_with(node, &mut inferred, pixels(&layers, &inputs).map(|seen| (seen, model.input))).map_err(fail)?;
        let Node { layer, kernel_initializer, trainable, .. } = node.clone();
        let name = names[index].clone();
        layers.push(Resolved { name, layer, kernel_initializer, trainable, inputs, input: shapes[0], inferred });
    }
    is_read.pop();
    if let Some(index) = is_read.iter().position(|read| !read) {
        let problem = "nothing uses it; name it in another layer's inputs, or take it out";
        return Err(refuse(format!(", {}: {problem}", place(index, &model.layers[index].layer))));
    }
    match layers.last().map(|last| (last.inferred.output, logits(&layers))) {
        Some((Shape::Features(2..), Some(end))) => match end.activation() {
            Activation::Linear | Activation::Softmax => Ok(layers),
            _ => {
                let kind = end.operation().keys().kind;
                Err(refuse(format!(": the last '{kind}' layer has an activation that is not softmax; take it out")))
            }
        },
        _ => Err(refuse(
            ": the last layer must put out two classes or more: a 'dense' layer without activation, a global pool or a \
             'flatten', or the softmax of one; end with one such as { type = \"dense\", units = 10 }"
                .into(),
        )),
    }
}

/// The layer that makes the logits: the last one, or what its softmax is of; none where that is no layer to end with.
fn logits(layers: &[Resolved]) -> Option<&Layer> {
    let last = layers.last()?;
    let is_softmax = last.layer == Layer::Activation(Activate::new(Activation::Softmax));
    let end = if is_softmax { &layers[last.inputs[0].checked_sub(1)?] } else { last };
    end.layer.operation().rules().makes_logits.then_some(&end.layer)
}

/// Only a last layer may be a softmax.
fn infer(layer: &Layer, inputs: &[Shape], last: bool) -> std::result::Result<Inferred, String> {
    let inferred = layer.operation().infer(inputs)?;
    if layer.activation() == Activation::Softmax && !last {
        return Err("activation is softmax, which is part of the loss; give it to the last layer only".into());
    }
    Ok(inferred)
}

fn place(index: usize, layer: &Layer) -> String {
    format!("layer {} ({})", index + 1, layer.operation().keys().kind)
}

/// All layers' names: their own, or Keras' for those without, of which each kind is counted by itself.
pub(super) fn names(nodes: &[Node]) -> std::result::Result<Vec<String>, String> {
    let mut counts = BTreeMap::new();
    let mut known = BTreeSet::from([IMAGES.to_owned()]);
    let mut names = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let automatic = node.layer.operation().keys().automatic_name;
        let name = match &node.name {
            Some(name) => name.clone(),
            None => {
                let number = counts.entry(automatic).or_insert(0);
                *number += 1;
                if *number == 1 { automatic.to_owned() } else { format!("{automatic}_{}", *number - 1) }
            }
        };
        let place = place(index, &node.layer);
        if !is_plain(&name) {
            return Err(format!(
                "{place}: name {name:?} is not a name; give 1 to {LONGEST_LAYER_NAME} letters, digits, '_' and '-'"
            ));
        }
        if !known.insert(name.clone()) {
            return Err(format!("{place}: the name \"{name}\" is taken; give it another"));
        }
        names.push(name);
    }
    Ok(names)
}

/// The most letters of a layer's name.
pub const LONGEST_LAYER_NAME: usize = 100;

/// It becomes part of the names of tensors in every format.
fn is_plain(name: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    (1..=LONGEST_LAYER_NAME).contains(&name.len()) && name.chars().all(plain)
}

/// What a node reads, of the images and the layers of these names: what it says, or the layer before it.
fn inputs(node: &Node, before: &[String]) -> std::result::Result<Vec<usize>, String> {
    if node.inputs.is_empty() {
        return Ok(vec![before.len()]);
    }
    let find = |name: &String| {
        let layer = before.iter().position(|other| other == name).map(|index| index + 1);
        layer.or((name == IMAGES).then_some(0)).ok_or_else(|| {
            let known: Vec<&str> = [IMAGES].into_iter().chain(before.iter().map(String::as_str)).collect();
            let hint = nearest(name, &known);
            format!("its input \"{name}\" is no layer before it{hint}; give names of layers before it, or \"{IMAGES}\"")
        })
    };
    node.inputs.iter().map(find).collect()
}

/// What becomes of the pixels on their way to a layer with these inputs, where nothing but rescaling layers is between.
fn pixels(layers: &[Resolved], inputs: &[usize]) -> Option<PixelScaling> {
    let &[input] = inputs else { return None };
    let Some(number) = input.checked_sub(1) else { return Some(PixelScaling::NONE) };
    let Layer::Rescaling(Rescaling { scale, offset }) = layers[number].layer else { return None };
    Some(pixels(layers, &layers[number].inputs)?.then(PixelScaling { scale, offset }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Padding;
    use crate::layers::{Conv2d, Dense, Flatten, MaxPool2d, Pool};

    const LAST: Layer = Layer::Dense(Dense { units: 2, use_bias: true, activation: Activation::Linear });

    fn flatten() -> Layer {
        Layer::Flatten(Flatten {})
    }

    /// What `resolve` says of a model with this layer, where that is needed after a `flatten`, and a last one.
    fn refusal(input: [usize; 3], layer: Layer) -> String {
        let layers = if let Layer::Dense(_) = layer { [flatten(), layer, LAST] } else { [layer, flatten(), LAST] };
        resolve(&Model::sequence("huge", input, layers)).unwrap_err().to_string()
    }

    #[test]
    fn sizes_that_would_wrap_are_refused() {
        let convolution = |filters, kernel, stride, padding| {
            Layer::Conv2d(Conv2d { filters, kernel, stride, padding, use_bias: true, activation: Activation::Linear })
        };
        let dense = |units| Layer::Dense(Dense { units, use_bias: true, activation: Activation::Linear });
        let pool = |size, stride| Layer::MaxPool2d(MaxPool2d(Pool { size, stride, padding: Padding::Valid }));
        let image = [28, 28, 1];
        for (layer, part) in [
            (convolution(8, [1 << 32; 2], [1; 2], Padding::Same), "layer 1 (conv2d): kernel is 4294967296; give 1 to"),
            (convolution(8, [3, 1 << 62], [1; 2], Padding::Valid), "kernel is 4611686018427387904; give 1 to"),
            (convolution(8, [1 << 20; 2], [1; 2], Padding::Same), "its weights [1048576, 1048576, 1, 8] are more than"),
            (convolution(8, [3; 2], [1 << 62; 2], Padding::Same), "stride is 4611686018427387904; give 1 to"),
            (convolution(1 << 62, [3; 2], [1; 2], Padding::Same), "filters is 4611686018427387904; give 1 to"),
            (convolution(1 << 24, [3; 2], [1; 2], Padding::Same), "values a sample; give fewer filters"),
            (convolution(0, [3; 2], [1; 2], Padding::Same), "filters is 0; give 1 to"),
            (pool([usize::MAX; 2], None), "layer 1 (max_pool2d): size is 18446744073709551615; give 1 to"),
            (pool([2; 2], Some([0, 1])), "stride is 0; give 1 to"),
            (pool([29, 2], None), "size 29 is larger than its input's height of 28; give at most 28"),
            (dense(1 << 62), "layer 2 (dense): units is 4611686018427387904; give 1 to"),
            (dense(1 << 24), "its weights [784, 16777216] are more than"),
        ] {
            let message = refusal(image, layer);
            assert!(message.contains(part), "no '{part}' in: {message}");
        }
        let many = Model::sequence("huge", image, vec![flatten(); 1001]);
        assert!(resolve(&many).unwrap_err().to_string().contains("1001 layers; give at most 1000"));
        for input in [[1 << 32; 3], [1 << 31, 1, 1], [0, 28, 1]] {
            assert!(refusal(input, pool([1; 2], None)).contains("give [height, width, channels]"));
        }
    }

    #[test]
    fn the_largest_sizes_resolve() {
        let layers = [
            Layer::MaxPool2d(MaxPool2d(Pool { size: [1 << 20, 1], stride: None, padding: Padding::Valid })),
            flatten(),
            Layer::Dense(Dense { units: 1 << 19, use_bias: true, activation: Activation::Linear }),
        ];
        let resolved = resolve(&Model::sequence("huge", [1 << 30, 1, 1], layers)).unwrap();
        assert_eq!(resolved[1].inferred.output, Shape::Features(1 << 10));
        assert_eq!(resolved[2].inferred.variables.iter().map(VariableSpec::values).sum::<usize>(), 1025 << 19);
    }

    /// The layers' names and what they read, or why they cannot be.
    fn graph(nodes: &[(Option<&str>, &[&str], Layer)]) -> std::result::Result<Vec<(String, Vec<usize>)>, String> {
        let node = |(name, inputs, layer): &(Option<&str>, &[&str], Layer)| Node {
            name: name.map(str::to_owned),
            inputs: inputs.iter().map(|&input| input.to_owned()).collect(),
            ..Node::from(layer.clone())
        };
        let model = Model { name: "graph".into(), input: [2, 2, 1], layers: nodes.iter().map(node).collect() };
        let resolved = resolve(&model).map_err(|error| error.to_string())?;
        Ok(resolved.into_iter().map(|layer| (layer.name, layer.inputs)).collect())
    }

    #[test]
    fn layers_read_the_one_before_or_those_that_they_name() {
        let named = [(Some("pixels"), &["input"][..], flatten()), (None, &["pixels"], LAST), (None, &[], LAST)];
        let expected = [("pixels", 0), ("dense", 1), ("dense_1", 2)];
        assert_eq!(graph(&named).unwrap(), expected.map(|(name, input)| (name.to_owned(), vec![input])));
    }

    /// A name of one's own is not counted among Keras' automatic ones.
    #[test]
    fn only_layers_without_a_name_are_numbered() {
        let layers = [(None, &[][..], flatten()), (Some("first"), &[], LAST), (None, &[], LAST), (None, &[], LAST)];
        let names: Vec<String> = graph(&layers).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["flatten", "first", "dense", "dense_1"]);
    }

    #[test]
    fn what_is_no_graph_is_refused() {
        let refused = |nodes: &[(Option<&str>, &[&str], Layer)], part: &str| {
            let message = graph(nodes).unwrap_err();
            assert!(message.contains(part), "no '{part}' in: {message}");
        };
        let last = (None, &[][..], LAST);
        refused(&[(Some("a"), &[], flatten()), (Some("a"), &[], LAST)], "layer 2 (dense): the name \"a\" is taken");
        refused(&[(Some("dense"), &[], flatten()), last.clone()], "layer 2 (dense): the name \"dense\" is taken");
        refused(&[(Some("input"), &[], flatten()), last.clone()], "layer 1 (flatten): the name \"input\" is taken");
        refused(&[(Some("a/b"), &[], flatten()), last.clone()], "name \"a/b\" is not a name; give 1 to 100 letters");
        refused(&[(Some(""), &[], flatten()), last.clone()], "is not a name");
        refused(&[(None, &["dense"], flatten()), last.clone()], "its input \"dense\" is no layer before it");
        let near = [(Some("pixels"), &[][..], flatten()), (None, &["pixel"], LAST)];
        refused(&near, "(did you mean \"pixels\"?)");
        let unread = [(None, &[][..], flatten()), (None, &[], LAST), (None, &["flatten"], LAST)];
        refused(&unread, "layer 2 (dense): nothing uses it");
        refused(&[(None, &["input", "input"], flatten()), last], "layer 1 (flatten): it has 2 inputs; give one");
    }
}
