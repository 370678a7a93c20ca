//! Our model as it is made of a file's layers, and what its layers are called.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::initializers;
use super::message::place;
use crate::layers::Layer;
use crate::model::{IMAGES, LONGEST_LAYER_NAME, Model, Node};

pub struct Draft<'a> {
    input: [usize; 3],
    nodes: Vec<Part<'a>>,
    names: Names,
}

/// A layer of the model.
pub struct Part<'a> {
    pub layer: Layer,
    name: String,
    /// 0 is the images, n + 1 the output of layer n.
    inputs: Vec<usize>,
    trainable: bool,
    /// The layer of Keras that it is made of.
    pub source: &'a Value,
}

impl<'a> Draft<'a> {
    /// Of a file whose layers have these names.
    pub fn new<'n>(input: [usize; 3], names: impl Iterator<Item = &'n str>) -> Self {
        let own = names.map(plain).collect();
        Self { input, nodes: Vec::new(), names: Names { own, taken: HashSet::new(), numbers: HashMap::new() } }
    }

    /// Appends a layer that is called so if it can be; which value its output is.
    pub fn push(&mut self, name: &str, layer: Layer, inputs: Vec<usize>, source: &'a Value) -> usize {
        let automatic = layer.operation().keys().automatic_name;
        let is_own = Some(name) == source["config"]["name"].as_str();
        let name = self.names.take(if name.is_empty() { automatic } else { name }, is_own);
        self.nodes.push(Part { layer, name, inputs, trainable: true, source });
        self.nodes.len()
    }

    /// Says of the last layer whether training changes its variables.
    pub fn set_trainable(&mut self, trainable: bool) {
        if let Some(last) = self.nodes.last_mut() {
            last.trainable = trainable;
        }
    }

    pub fn length(&self) -> usize {
        self.nodes.len()
    }

    pub fn last(&self) -> Option<&Part<'a>> {
        self.nodes.last()
    }

    /// Takes away the last layers that change nothing where the network predicts, if the last is the `output`; in words, those
    /// that training would miss. None where another layer is the last then.
    pub fn end(&mut self, mut output: usize) -> Option<Vec<String>> {
        let mut left_out = Vec::new();
        while let Some(Part { layer, inputs, source, .. }) = self.nodes.last().filter(|_| output == self.nodes.len()) {
            let (rules, before) = (layer.operation().rules(), *inputs.first()?);
            if rules.only_trains {
                left_out.push(format!("{}: no layer is behind it", place(source)));
            } else if !rules.is_identity || (rules.makes_logits && !self.makes_logits(before)) {
                break;
            }
            output = before;
            self.nodes.pop();
        }
        (output == self.nodes.len()).then_some(left_out)
    }

    fn makes_logits(&self, value: usize) -> bool {
        let node = value.checked_sub(1).and_then(|index| self.nodes.get(index));
        node.is_some_and(|node| node.layer.operation().rules().makes_logits)
    }

    /// The model, in its shortest form: without the names that layers have of themselves, and the inputs that they have
    /// anyway.
    pub fn model(self, name: String) -> Model {
        let names: Vec<String> = self.nodes.iter().map(|node| node.name.clone()).collect();
        let mut counts = HashMap::new();
        let node = |(index, Part { layer, name, inputs, trainable, source }): (usize, Part)| {
            let kernel_initializer = initializers::of(&layer, source);
            let automatic = layer.operation().keys().automatic_name;
            let count: &mut usize = counts.entry(automatic).or_default();
            let is_automatic = name == numbered(automatic, *count);
            *count += usize::from(is_automatic);
            let input = |&input: &usize| match input {
                0 => IMAGES.to_owned(),
                input => names[input - 1].clone(),
            };
            let inputs = if inputs == [index] { Vec::new() } else { inputs.iter().map(input).collect() };
            Node { name: (!is_automatic).then_some(name), inputs, kernel_initializer, trainable, ..Node::from(layer) }
        };
        let layers = self.nodes.into_iter().enumerate().map(node).collect();
        Model { name, input: self.input, layers }
    }
}

/// The names of a model's layers, no two alike.
struct Names {
    /// Those of the file's layers.
    own: HashSet<String>,
    taken: HashSet<String>,
    /// How many have been numbered, by what they were to be called.
    numbers: HashMap<String, usize>,
}

impl Names {
    /// The name, or one with a number where another has it: another layer, or one of the file's that is to come, if this is
    /// not that one's own.
    fn take(&mut self, name: &str, is_own: bool) -> String {
        let name = plain(name);
        let mut free = name.clone();
        while self.taken.contains(&free) || free == IMAGES || (self.own.contains(&free) && !(is_own && free == name)) {
            let number = self.numbers.entry(name.clone()).or_default();
            *number += 1;
            free = numbered(&name, *number);
        }
        self.taken.insert(free.clone());
        free
    }
}

fn numbered(name: &str, number: usize) -> String {
    if number == 0 { name.to_owned() } else { format!("{name}_{number}") }
}

/// The name in letters that ours may have, and short enough for a number behind it.
fn plain(name: &str) -> String {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    name.chars().take(LONGEST_LAYER_NAME - 6).map(|letter| if allowed(letter) { letter } else { '_' }).collect()
}
