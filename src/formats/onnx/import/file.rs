//! An ONNX file's graph as it stands in the file: nodes and their attributes are read where they are, when they are
//! needed.

use std::collections::HashMap;

use super::external::External;
use crate::formats::onnx::fields::{attribute, graph, model, node, operators, value_info};
use crate::formats::onnx::shown::{Found, NOT_WHOLE, shown};
use crate::formats::protobuf::{Fields, Value, bytes, packed};
use crate::precision::Precision;

/// The most nodes: a layer is ten of them where a program writes it in many words.
const MOST_NODES: usize = 5_000;
/// The most names that nodes read.
const MOST_READ: usize = 4 * MOST_NODES;
/// The most numbers in an attribute or a shape that are read.
pub const MOST_NUMBERS: usize = 64;
/// The first and the last set of operators that are known here: what they say of the operators that are read.
const OPSETS: std::ops::RangeInclusive<u64> = 7..=28;

/// What to do about a node that cannot be read.
pub const REMEDY: &str = "change it in the program that wrote the file, and export it again";

pub struct File<'a> {
    pub opset: u64,
    pub nodes: Vec<Node<'a>>,
    /// By name.
    pub initializers: HashMap<&'a [u8], &'a [u8]>,
    /// Name and type of what is no initializer.
    pub inputs: Vec<(&'a [u8], &'a [u8])>,
    pub outputs: Vec<&'a [u8]>,
    /// How many nodes and outputs read a value.
    readers: HashMap<&'a [u8], usize>,
    /// Files with weights.
    pub external: &'a External<'a>,
    /// Bytes of all files.
    pub length: usize,
}

impl<'a> File<'a> {
    pub fn of(file: &'a [u8], external: &'a External) -> Found<Self> {
        let mut opset = None;
        for field in Fields::of(file) {
            if let (model::OPSET_IMPORT, Value::Bytes(set)) = field.ok_or_else(not_whole)?
                && is_own_domain(bytes(set, operators::DOMAIN).unwrap_or_default())
            {
                opset = number(set, operators::VERSION);
            }
        }
        let opset = opset.ok_or_else(|| format!("says nothing of the operators that it is made of; {REMEDY}"))?;
        if !OPSETS.contains(&opset) {
            let (first, last) = (OPSETS.start(), OPSETS.end());
            return Err(format!("is of opset {opset}; export it with an opset of {first} to {last}"));
        }
        let graph = bytes(file, model::GRAPH).ok_or_else(not_whole)?;
        let mut whole = Self {
            opset,
            nodes: Vec::new(),
            initializers: HashMap::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            readers: HashMap::new(),
            external,
            length: file.len() + external.length(),
        };
        whole.read(graph)?;
        Ok(whole)
    }

    fn read(&mut self, graph: &'a [u8]) -> Found<()> {
        let mut inputs = Vec::new();
        for field in Fields::of(graph) {
            match field.ok_or_else(not_whole)? {
                (graph::NODE, Value::Bytes(node)) => self.nodes.push(Node::of(node)?),
                (graph::INITIALIZER, Value::Bytes(tensor)) => {
                    let name = bytes(tensor, crate::formats::onnx::fields::tensor::NAME).unwrap_or_default();
                    self.initializers.insert(name, tensor);
                }
                (graph::INPUT, Value::Bytes(input)) => inputs.push(named(input)),
                (graph::OUTPUT, Value::Bytes(output)) => self.outputs.push(named(output).0),
                (graph::SPARSE_INITIALIZER, _) => {
                    return Err(format!("has sparse weights, which are not read; {REMEDY}"));
                }
                _ => {}
            }
            let many = self.nodes.len().max(self.initializers.len()).max(inputs.len()).max(self.outputs.len());
            if many > MOST_NODES {
                return Err(format!("has more than {MOST_NODES} nodes or tensors; give a smaller network"));
            }
        }
        // Older files list the weights among the inputs.
        inputs.retain(|(name, _)| !self.initializers.contains_key(name));
        self.inputs = inputs;
        let read = self.nodes.iter().flat_map(Node::inputs).chain(self.outputs.iter().copied());
        for (count, name) in read.enumerate() {
            *self.readers.entry(name).or_insert(0) += 1;
            if count == MOST_READ {
                return Err(format!("has nodes that read more than {MOST_READ} values; give a smaller network"));
            }
        }
        Ok(())
    }

    /// How many nodes and outputs read the value.
    pub fn readers(&self, name: &[u8]) -> usize {
        self.readers.get(name).copied().unwrap_or(0)
    }
}

fn not_whole() -> String {
    format!("{NOT_WHOLE}; copy it, or export it, again")
}

fn is_own_domain(domain: &[u8]) -> bool {
    domain.is_empty() || domain == b"ai.onnx"
}

fn named(message: &[u8]) -> (&[u8], &[u8]) {
    let part = |field| bytes(message, field).unwrap_or_default();
    (part(value_info::NAME), part(value_info::TYPE))
}

/// The last integer of that field.
pub fn number(message: &[u8], field: u64) -> Option<u64> {
    let number = |(key, value)| match value {
        Value::Number(value) if key == field => Some(value),
        _ => None,
    };
    Fields::of(message).flatten().filter_map(number).last()
}

/// A node, as its message.
#[derive(Clone, Copy)]
pub struct Node<'a>(&'a [u8]);

impl<'a> Node<'a> {
    fn of(message: &'a [u8]) -> Found<Self> {
        let is_whole = Fields::of(message).all(|field| field.is_some());
        let node = Self(message);
        match is_whole && bytes(message, node::OPERATOR).is_some() && node.outputs().next().is_some() {
            true => Ok(node),
            false => Err(not_whole()),
        }
    }

    fn texts(self, field: u64) -> impl Iterator<Item = &'a [u8]> {
        Fields::of(self.0).flatten().filter_map(move |(key, value)| match value {
            Value::Bytes(text) if key == field => Some(text),
            _ => None,
        })
    }

    /// Empty for an operator of another domain, or one that is no text.
    pub fn operator(self) -> &'a str {
        let own = is_own_domain(bytes(self.0, node::DOMAIN).unwrap_or_default());
        let operator = bytes(self.0, node::OPERATOR).filter(|_| own).unwrap_or_default();
        std::str::from_utf8(operator).unwrap_or_default()
    }

    /// The names of the values that it reads; one that is left out is empty.
    pub fn inputs(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.texts(node::INPUT)
    }

    /// The name of an input that is not left out.
    pub fn input(self, index: usize) -> Option<&'a [u8]> {
        self.inputs().nth(index).filter(|name| !name.is_empty())
    }

    pub fn outputs(self) -> impl Iterator<Item = &'a [u8]> {
        self.texts(node::OUTPUT)
    }

    /// As messages call it: by its name, or by that of its first output.
    pub fn place(self) -> String {
        let name = bytes(self.0, node::NAME).filter(|name| !name.is_empty()).or(self.outputs().next());
        let operator = bytes(self.0, node::OPERATOR).unwrap_or_default();
        let domain = bytes(self.0, node::DOMAIN).filter(|domain| !is_own_domain(domain));
        let domain = domain.map_or(String::new(), |domain| format!(" of {}", shown(domain)));
        format!("node {} ({}{domain})", shown(name.unwrap_or_default()), shown(operator).trim_matches('"'))
    }

    fn attributes(self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.texts(node::ATTRIBUTE).map(|message| (bytes(message, attribute::NAME).unwrap_or_default(), message))
    }

    fn attribute(self, name: &str) -> Option<&'a [u8]> {
        self.attributes().find(|(own, _)| *own == name.as_bytes()).map(|(_, message)| message)
    }

    /// Refuses an attribute that is none of these.
    pub fn only(self, known: &[&str]) -> Found<()> {
        match self.attributes().find(|(name, _)| !known.iter().any(|known| known.as_bytes() == *name)) {
            None => Ok(()),
            Some((name, _)) => Err(format!("its attribute {} is unknown; {REMEDY}", shown(name))),
        }
    }

    pub fn has(self, name: &str) -> bool {
        self.attribute(name).is_some()
    }

    pub fn integer(self, name: &str, default: i64) -> i64 {
        self.attribute(name)
            .and_then(|message| number(message, attribute::INTEGER))
            .map_or(default, |value| value as i64)
    }

    pub fn float(self, name: &str, default: f32) -> f32 {
        let float = |message| {
            Fields::of(message).flatten().find_map(|field| match field {
                (attribute::FLOAT, Value::Fixed32(bits)) => Some(f32::from_bits(bits)),
                _ => None,
            })
        };
        self.attribute(name).and_then(float).unwrap_or(default)
    }

    pub fn text(self, name: &str) -> Option<&'a str> {
        let text = bytes(self.attribute(name)?, attribute::TEXT)?;
        std::str::from_utf8(text).ok()
    }

    pub fn tensor(self, name: &str) -> Option<&'a [u8]> {
        bytes(self.attribute(name)?, attribute::TENSOR)
    }

    /// None where there is no such attribute.
    pub fn integers(self, name: &str) -> Found<Option<Vec<i64>>> {
        let Some(message) = self.attribute(name) else { return Ok(None) };
        let mut numbers = Vec::new();
        for field in Fields::of(message).flatten() {
            match field {
                (attribute::INTEGERS, Value::Number(number)) => numbers.push(number as i64),
                (attribute::INTEGERS, Value::Bytes(many)) => {
                    let many: Option<Vec<u64>> = packed(many).take(MOST_NUMBERS + 1).collect();
                    numbers.extend(many.ok_or_else(not_whole)?.into_iter().map(|number| number as i64));
                }
                _ => {}
            }
            if numbers.len() > MOST_NUMBERS {
                return Err(format!("its attribute {name:?} has more than {MOST_NUMBERS} numbers; {REMEDY}"));
            }
        }
        Ok(Some(numbers))
    }

    /// See [`Self::integers`].
    pub fn floats(self, name: &str) -> Option<Vec<f32>> {
        let mut numbers = Vec::new();
        for field in Fields::of(self.attribute(name)?).flatten() {
            match field {
                (attribute::FLOATS, Value::Fixed32(bits)) => numbers.push(f32::from_bits(bits)),
                (attribute::FLOATS, Value::Bytes(many)) => numbers.extend(Precision::F32.decode(many)),
                _ => {}
            }
        }
        Some(numbers)
    }
}
