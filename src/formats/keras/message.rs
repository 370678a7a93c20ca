//! What is said of a file that is refused.

use serde_json::Value;

use crate::error::Error;

/// What is wrong with a file and what to do about it; a reader puts the file's name before it.
pub type Found<T> = std::result::Result<T, String>;

/// The most letters of a message: names in a file may have any length.
const LONGEST_MESSAGE: usize = 500;

/// The error of the file `name`, in one line whatever the names in the file are.
pub fn refuse(name: &str, problem: &str) -> Error {
    let letters = problem.chars().take(LONGEST_MESSAGE);
    let line: String = letters.map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    Error::Data(format!("{name}: {line}"))
}

/// The layer as messages call it: `layer 'conv2d_1' (Conv2D)`.
pub fn place(layer: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("?").chars().take(60).collect::<String>();
    format!("layer '{}' ({})", text(&layer["config"]["name"]), text(&layer["class_name"]))
}

/// A value as the file has it, in one line and no longer than a message can bear.
pub fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        None => text,
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}
