//! Specialisation: the numbers of a shader's `const NAME: TYPE = ...;` lines are set by the host, and nothing else.
//!
//! `const`, not `override`, because array lengths of registers need it; so there is one mechanism, every
//! shader is valid WGSL before it is specialised, and the specialised text is the whole key of a pipeline.

use std::fmt::{self, Display};

/// A number for a `const` line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    U32(u32),
    F32(f32),
}

impl From<usize> for Value {
    /// # Panics
    /// Beyond u32: model and plan refuse such sizes.
    fn from(number: usize) -> Self {
        Value::U32(u32::try_from(number).expect("sizes of a plan fit into u32"))
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Value::U32(flag.into())
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Value::U32(number)
    }
}

impl From<f32> for Value {
    fn from(number: f32) -> Self {
        Value::F32(number)
    }
}

impl Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Value::U32(number) => write!(out, "{number}u"),
            Value::F32(number) => write!(out, "{number:e}f"),
        }
    }
}

/// Names of `const` lines and their numbers.
pub type Constants = Vec<(&'static str, Value)>;

/// The shader's text with the given constants.
///
/// # Panics
/// When the shader has no such line: a test specialises every kernel that ships.
pub fn specialise(wgsl: &str, constants: &Constants) -> String {
    let mut lines: Vec<String> = wgsl.lines().map(str::to_owned).collect();
    for (name, value) in constants {
        let prefix = format!("const {name}: ");
        let line = lines.iter_mut().find(|line| line.starts_with(&prefix));
        let line = line.unwrap_or_else(|| panic!("the shader has no line `{prefix}...`"));
        let declaration = line.split('=').next().unwrap_or_default().trim_end().to_owned();
        *line = format!("{declaration} = {value};");
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_numbers_change() {
        let text = "const A: u32 = 1; // one\nconst AB: f32 = 2.0;\nfn main() {}";
        let constants = vec![("A", Value::U32(7)), ("AB", Value::F32(0.1))];
        assert_eq!(specialise(text, &constants), "const A: u32 = 7u;\nconst AB: f32 = 1e-1f;\nfn main() {}");
    }
}
