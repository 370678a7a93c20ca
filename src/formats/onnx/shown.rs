//! What messages say of a file's texts.

use super::fields::node;
use crate::formats::protobuf::bytes;

/// What is wrong with a file; a reader puts the file's name before it.
pub type Found<T> = std::result::Result<T, String>;

pub const NOT_WHOLE: &str = "not a whole ONNX file";

/// A node's operator and name.
pub fn described(node: &[u8]) -> String {
    let part = |field| shown(bytes(node, field).unwrap_or_default());
    format!("{} {}", part(node::OPERATOR), part(node::NAME))
}

/// A text of a file in quotes, no longer than a message can bear.
pub fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(&text[..text.len().min(400)]);
    format!("{:?}", text.chars().take(60).collect::<String>())
}
