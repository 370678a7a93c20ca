//! Models from TOML files, with messages that name the nearest key.

use std::fs;

use super::{Model, NAMES, layer::LAYER_KEYS, notebook, resolve};
use crate::error::{Error, Result};

/// The notebook's network of that name, or the model in that TOML file; with the epochs to train it by default.
pub fn by_name_or_file(name: &str) -> Result<(Model, usize)> {
    if let Some(found) = notebook(name) {
        return Ok(found);
    }
    if !name.ends_with(".toml") {
        let hint = nearest(name, &NAMES);
        let choices = NAMES.join(", ");
        return Err(Error::Usage(format!("--model {name}: no such model{hint}; choose {choices} or a .toml file")));
    }
    let text = fs::read_to_string(name).map_err(|error| Error::Usage(format!("--model {name}: {error}")))?;
    let mut model = parse(name, &text)?;
    if model.name.is_empty() {
        let stem = std::path::Path::new(name).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        model.name = stem.unwrap_or_else(|| "model".into());
    }
    if model.name.contains(['/', '\\']) || model.name.starts_with('.') {
        return Err(Error::Usage(format!("{name}: name \"{}\" cannot be part of a folder's name", model.name)));
    }
    resolve(&model)?;
    Ok((model, 10))
}

/// The model that `text` spells; `source` is the file's name for messages.
fn parse(source: &str, text: &str) -> Result<Model> {
    let fail = |problem: String| Error::Usage(format!("{source}: {problem}"));
    let table: toml::Table = toml::from_str(text).map_err(|error| fail(one_line(&error)))?;
    check_keys(&table, &["name", "input", "layers"], "the model").map_err(fail)?;
    let layers = table.get("layers").and_then(toml::Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for (index, layer) in layers.iter().enumerate() {
        let place = format!("layer {}", index + 1);
        let layer = layer.as_table().ok_or_else(|| fail(format!("{place} is not a table; write [[layers]]")))?;
        let kind = layer.get("type").and_then(toml::Value::as_str);
        let kind = kind.ok_or_else(|| fail(format!("{place} has no type; write type = \"dense\" or another")))?;
        let Some((_, keys)) = LAYER_KEYS.iter().find(|(name, _)| *name == kind) else {
            let names = LAYER_KEYS.map(|(name, _)| name);
            let hint = nearest(kind, &names);
            return Err(fail(format!("{place}: unknown type \"{kind}\"{hint}; there are {}", names.join(", "))));
        };
        check_keys(layer, keys, &format!("{place} ({kind})")).map_err(fail)?;
    }
    toml::from_str(text).map_err(|error| fail(one_line(&error)))
}

fn check_keys(table: &toml::Table, known: &[&str], place: &str) -> std::result::Result<(), String> {
    match table.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => {
            Err(format!("{place}: unknown key \"{key}\"{}; there are {}", nearest(key, known), known.join(", ")))
        }
    }
}

/// ` (did you mean "dense"?)` when something known is near to what was written, else nothing.
pub fn nearest(written: &str, known: &[&str]) -> String {
    let distance = |name: &str| strsim::damerau_levenshtein(&written.to_lowercase(), name);
    match known.iter().map(|name| (distance(name), name)).min() {
        Some((far, name)) if far <= 2.max(name.len() / 2) => format!(" (did you mean \"{name}\"?)"),
        _ => String::new(),
    }
}

fn one_line(error: &toml::de::Error) -> String {
    error.message().replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_named_with_the_nearest_name() {
        let message = |text: &str| parse("my.toml", text).unwrap_err().to_string();
        let layer = |text: &str| message(&format!("input = [28, 28, 1]\n[[layers]]\n{text}"));
        assert!(layer("type = \"dens\"\nunits = 3").contains("unknown type \"dens\" (did you mean \"dense\"?)"));
        assert!(layer("type = \"dense\"\nunit = 3").contains("unknown key \"unit\" (did you mean \"units\"?)"));
        assert!(message("inputs = [1, 1, 1]").contains("did you mean \"input\"?"));
        assert!(layer("type = \"dense\"\nunits = -3").starts_with("my.toml: "));
        assert!(layer("units = 3").contains("layer 1 has no type"));
    }

    #[test]
    fn one_number_stands_for_height_and_width() {
        let text = "input = [9, 9, 1]\n[[layers]]\ntype = \"conv2d\"\nfilters = 2\nkernel = 3\nstride = [1, 2]";
        let model = parse("my.toml", text).unwrap();
        let super::super::Layer::Conv2d { kernel, stride, .. } = model.layers[0] else { panic!("{model:?}") };
        assert_eq!((kernel, stride), ([3, 3], [1, 2]));
    }
}
