//! The messages that a graph is made of.

use super::fields::{FLOAT, attribute, attribute_type, kind, node, value_info};
use crate::formats::protobuf::Message;

/// A node that is called as the value that it makes.
pub fn node(operator: &str, inputs: &[&str], name: &str, attributes: &[Message]) -> Message {
    let node = inputs.iter().fold(Message::default(), |node, input| node.text(node::INPUT, input));
    let node = node.text(node::OUTPUT, name).text(node::NAME, name).text(node::OPERATOR, operator);
    node.messages(node::ATTRIBUTE, attributes)
}

pub fn integers(name: &str, values: &[usize]) -> Message {
    let attribute = Message::default().text(attribute::NAME, name);
    let attribute = values.iter().fold(attribute, |all, &value| all.number(attribute::INTEGERS, value as u64));
    attribute.number(attribute::TYPE, attribute_type::INTEGERS)
}

pub fn integer(name: &str, value: usize) -> Message {
    let attribute = Message::default().text(attribute::NAME, name).number(attribute::INTEGER, value as u64);
    attribute.number(attribute::TYPE, attribute_type::INTEGER)
}

pub fn float(name: &str, value: f32) -> Message {
    let attribute = Message::default().text(attribute::NAME, name).float(attribute::FLOAT, value);
    attribute.number(attribute::TYPE, attribute_type::FLOAT)
}

/// An input or output of f32, of that shape after the batch.
pub fn value(name: &str, shape: &[usize]) -> Message {
    let batch = Message::default().text(kind::PARAMETER, "batch");
    let sizes = shape.iter().map(|&size| Message::default().number(kind::SIZE, size as u64));
    let sizes: Vec<Message> = std::iter::once(batch).chain(sizes).collect();
    let tensor = Message::default().number(kind::ELEMENT, FLOAT);
    let tensor = tensor.message(kind::SHAPE, &Message::default().messages(kind::DIMENSION, &sizes));
    let kind = Message::default().message(kind::TENSOR, &tensor);
    Message::default().text(value_info::NAME, name).message(value_info::TYPE, &kind)
}
