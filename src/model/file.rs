//! Models from TOML files. What is wrong in one is said here, key by key: serde's own messages name neither.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use toml::Value;

use super::{Model, NAMES, notebook};
use crate::error::{Error, Result};
use crate::layers::{COMMON_KEYS, Key, Kind, LAYER_KEYS, LayerKeys};
use crate::sniff::{self, Wanted};

/// Epochs to train a file's model by default.
pub const EPOCHS: usize = 10;
/// The most bytes of a file: no model has so many layers.
const LONGEST_FILE: u64 = 1 << 20;

/// The notebook's network of that name, or the model in that TOML file; with the epochs to train it by default.
///
/// # Errors
/// [`Error::Usage`] where there is neither, or naming what is wrong in the file, or what it is instead.
pub fn by_name_or_file(name: &Path) -> Result<(Model, usize)> {
    if let Some(found) = name.to_str().and_then(notebook) {
        return Ok(found);
    }
    let shown = name.to_string_lossy();
    let fail = |problem: String| Error::Usage(format!("`model` {shown}: {problem}"));
    let otherwise = format!("choose {} or a .toml file", NAMES.join(", "));
    if !shown.ends_with(".toml") && !name.exists() {
        return Err(fail(format!("no such model{}; {otherwise}", nearest(&shown, &NAMES))));
    }
    let text = read(name, &otherwise).map_err(fail)?;
    Ok((parse(&shown, &text)?, EPOCHS))
}

/// The text of the file, or `problem; remedy`. What is no TOML at all is called by its name.
fn read(path: &Path, otherwise: &str) -> std::result::Result<String, String> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LONGEST_FILE + 1).read_to_end(&mut bytes))
        .map_err(|error| sniff::unreadable(path, &error, Wanted::Model, otherwise))?;
    let is_toml = std::str::from_utf8(&bytes).is_ok_and(|text| text.parse::<toml::Table>().is_ok());
    if let Some(kind) = sniff::kind(&bytes).filter(|kind| !is_toml && !kind.is_text()) {
        return Err(kind.line(Wanted::Model, otherwise));
    }
    if bytes.len() as u64 > LONGEST_FILE {
        return Err(format!("longer than {LONGEST_FILE} bytes; {otherwise}"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        format!("byte {place} is not UTF-8; save the file as UTF-8 text")
    })
}

/// The model that `text` spells; `source` is the file's name, for messages and for a model without one.
///
/// # Errors
/// [`Error::Usage`] naming the layer and the key at fault.
pub fn parse(source: &str, text: &str) -> Result<Model> {
    let fail = |problem: String| Error::Usage(format!("{source}: {problem}"));
    let table: toml::Table = toml::from_str(text).map_err(|error| fail(unreadable(text, &error)))?;
    check(&table).map_err(fail)?;
    let mut model: Model = table.try_into().map_err(|error: toml::de::Error| fail(one_line(&error)))?;
    if model.name.is_empty() {
        let stem = Path::new(source).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        model.name = stem.unwrap_or_else(|| "model".into());
    }
    model.check().map_err(|error| fail(error.to_string()))?;
    Ok(model)
}

/// Says which key is unknown, missing or of the wrong kind.
fn check(model: &toml::Table) -> std::result::Result<(), String> {
    check_keys(model, &[("input", Kind::Image), ("layers", Kind::Layers)], &[("name", Kind::Text)], "the model")?;
    let layers = model.get("layers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for (index, layer) in layers.iter().enumerate() {
        let place = format!("layer {}", index + 1);
        let layer = layer.as_table().ok_or_else(|| format!("{place} is {}; write [[layers]]", shown(layer)))?;
        let kind = match layer.get("type") {
            None => return Err(format!("{place} has no type; write type = \"dense\" or another")),
            Some(Value::String(kind)) => kind,
            Some(other) => return Err(format!("{place}: type is {}; write type = \"dense\" or another", shown(other))),
        };
        let Some(LayerKeys { required, optional, .. }) = LAYER_KEYS.iter().find(|keys| keys.kind == kind) else {
            let names: Vec<&str> = LAYER_KEYS.iter().map(|keys| keys.kind).collect();
            let hint = nearest(kind, &names);
            return Err(format!("{place}: unknown type \"{kind}\"{hint}; there are {}", names.join(", ")));
        };
        let required = [&[("type", Kind::Text)], *required].concat();
        check_keys(layer, &required, &[*optional, &COMMON_KEYS].concat(), &format!("{place} ({kind})"))?;
    }
    Ok(())
}

fn check_keys(table: &toml::Table, required: &[Key], optional: &[Key], place: &str) -> std::result::Result<(), String> {
    let known = [required, optional].concat();
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    if let Some(key) = table.keys().find(|key| !names.contains(&key.as_str())) {
        return Err(format!("{place}: unknown key \"{key}\"{}; there are {}", nearest(key, &names), names.join(", ")));
    }
    if let Some((key, kind)) = required.iter().find(|(key, _)| !table.contains_key(*key)) {
        return Err(format!("{place}: no {key}; give {key} = {}", kind.wanted()));
    }
    for (key, kind) in known {
        if let Some(value) = table.get(key).filter(|value| !kind.allows(value)) {
            let hint = value.as_str().map(|written| nearest(written, kind.choices())).unwrap_or_default();
            return Err(format!("{place}: {key} is {}{hint}; give {}", shown(value), kind.wanted()));
        }
    }
    Ok(())
}

/// A value as the file has it, in one line and no longer than a message can bear.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(40) {
        None => text.replace('\n', " "),
        Some((end, _)) => format!("{}...", text[..end].replace('\n', " ")),
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

/// Why `text` is not TOML, and where.
fn unreadable(text: &str, error: &toml::de::Error) -> String {
    let start = error.span().map_or(0, |span| span.start.min(text.len()));
    let line = text.as_bytes()[..start].iter().filter(|&&byte| byte == b'\n').count() + 1;
    format!("line {line} is not TOML ({}); correct it there", one_line(error))
}

fn one_line(error: &toml::de::Error) -> String {
    error.message().replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{Conv2d, Layer};

    fn message(text: &str) -> String {
        let message = parse("my.toml", text).unwrap_err().to_string();
        assert!(
            message.starts_with("my.toml: ") && message.contains("; ") && message.lines().count() == 1,
            "{message}"
        );
        message
    }

    fn layer(text: &str) -> String {
        message(&format!("input = [28, 28, 1]\n[[layers]]\n{text}"))
    }

    #[test]
    fn mistakes_are_named_with_the_nearest_name() {
        assert!(layer("type = \"dens\"\nunits = 3").contains("unknown type \"dens\" (did you mean \"dense\"?)"));
        assert!(layer("type = \"dense\"\nunit = 3").contains("unknown key \"unit\" (did you mean \"units\"?)"));
        assert!(message("inputs = [1, 1, 1]").contains("did you mean \"input\"?"));
        assert!(layer("units = 3").contains("layer 1 has no type"));
        let choice = layer("type = \"conv2d\"\nfilters = 1\nkernel = 1\npadding = \"sames\"");
        assert!(
            choice.ends_with("padding is \"sames\" (did you mean \"same\"?); give \"valid\" or \"same\""),
            "{choice}"
        );
        let choice = layer("type = \"dense\"\nunits = 3\nactivation = \"mish\"");
        assert!(choice.contains("activation is \"mish\"; give \"linear\" or \"relu\" or \"gelu\""), "{choice}");
    }

    #[test]
    fn values_of_the_wrong_kind_are_named_with_layer_and_key() {
        for kernel in ["\"3\"", "[3, 3, 3]", "-3", "0", "[3, 0]", "1.5", "true"] {
            let expected = format!("layer 1 (conv2d): kernel is {kernel}; give one number or [height, width], each");
            let message = layer(&format!("type = \"conv2d\"\nfilters = 8\nkernel = {kernel}"));
            assert!(message.contains(&expected), "{message}");
        }
        for units in ["\"ten\"", "1.5", "-3", "0", "[3]"] {
            let message = layer(&format!("type = \"dense\"\nunits = {units}"));
            assert!(message.contains(&format!("layer 1 (dense): units is {units}; give a whole number")), "{message}");
        }
        for (text, part) in [
            ("type = \"dropout\"\nrate = \"x\"", "layer 1 (dropout): rate is \"x\"; give a number from 0 to below 1"),
            ("type = \"dropout\"\nrate = 1.0", "layer 1 (dropout): rate is 1; give one from 0"),
            ("type = \"conv2d\"\nfilters = 8", "layer 1 (conv2d): no kernel; give kernel = one number or"),
            ("type = \"max_pool2d\"\nsize = 2\nstride = []", "layer 1 (max_pool2d): stride is []; give one number or"),
            ("type = 3", "layer 1: type is 3; write type = \"dense\""),
            ("type = \"dense\"\nunits = 3", "layer 1 (dense): its input is an image; put a 'flatten' layer before it"),
        ] {
            let message = layer(text);
            assert!(message.contains(part), "no '{part}' in: {message}");
        }
    }

    #[test]
    fn what_is_wrong_outside_the_layers_is_named_too() {
        let layers = "[[layers]]\ntype = \"flatten\"\n[[layers]]\ntype = \"dense\"\nunits = 2";
        for (text, part) in [
            (String::new(), "the model: no input; give input = [height, width, channels]"),
            ("input = [1, 1, 1]".into(), "the model: no layers; give layers = an array of tables"),
            ("input = [1, 1, 1]\nlayers = []".into(), "layers is []; give an array of tables"),
            ("input = [1, 1, 1]\nlayers = [3]".into(), "layer 1 is 3; write [[layers]]"),
            (format!("input = [28, 28]\n{layers}"), "input is [28, 28]; give [height, width, channels]"),
            (format!("input = [28, 28, 1]\nname = 3\n{layers}"), "name is 3; give a text in quotes"),
            (format!("input = [28, 28, 1]\nname = \"a/b\"\n{layers}"), "name \"a/b\" is not a part of a folder's name"),
            (format!("input = [28, 28, 1]\nname = \"a\\u0007\"\n{layers}"), "is not a part of a folder's name"),
            (format!("input = [28, 28, 1]\nname = \".a\"\n{layers}"), "begins with a dot"),
            (format!("input = [28, 28, 1]\nname = \"{}\"\n{layers}", "n".repeat(101)), "longer than 100 bytes"),
            ("input = [28, 28, 1]\n\n[[".into(), "line 3 is not TOML ("),
        ] {
            let message = message(&text);
            assert!(message.contains(part), "no '{part}' in: {message}");
        }
    }

    #[test]
    fn one_number_stands_for_height_and_width() {
        let text = "input = [9, 9, 1]\n[[layers]]\ntype = \"conv2d\"\nfilters = 2\nkernel = 3\nstride = [1, 2]\n\
                    [[layers]]\ntype = \"flatten\"\n[[layers]]\ntype = \"dense\"\nunits = 2";
        let model = parse("folder/my.toml", text).unwrap();
        let Layer::Conv2d(Conv2d { kernel, stride, .. }) = model.layers[0].layer else { panic!("{model:?}") };
        assert_eq!((kernel, stride, model.name.as_str()), ([3, 3], [1, 2], "my"));
    }
}
