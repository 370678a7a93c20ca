//! What is wrong with a model file's keys and values, said key by key: serde's own messages name neither.

use toml::{Table, Value};

use crate::layers::{COMMON_KEYS, Key, Kind, LAYER_KEYS, LayerKeys};
use crate::recipe::{SECTIONS, Section};

/// A file's keys that are neither layers nor sections.
pub(super) const OWN_KEYS: [Key; 2] = [("name", Kind::Text), ("input", Kind::Image)];

/// Says which key is unknown, missing or of the wrong kind.
pub(super) fn check(file: &Table) -> Result<(), String> {
    let [name, input] = OWN_KEYS;
    let sections = SECTIONS.map(|section| (section.name, Kind::Section));
    check_keys(file, &[input, ("layers", Kind::Layers)], &[&[name], &sections[..]].concat(), "the model")?;
    let layers = file.get("layers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    layers.iter().enumerate().try_for_each(|(index, layer)| check_layer(index, layer))?;
    SECTIONS.iter().try_for_each(|section| match file.get(section.name) {
        Some(Value::Table(table)) => check_section(table, section),
        _ => Ok(()),
    })
}

fn check_section(table: &Table, section: &Section) -> Result<(), String> {
    let place = format!("[{}]", section.name);
    check_keys(table, &[], section.keys, &place)?;
    section.check_type(table).map_err(|problem| format!("{place}: {problem}"))
}

fn check_layer(index: usize, layer: &Value) -> Result<(), String> {
    let place = format!("layer {}", index + 1);
    let layer = layer.as_table().ok_or_else(|| format!("{place} is {}; write [[layers]]", shown(layer)))?;
    let kind = match layer.get("type") {
        None => return Err(format!("{place} has no type; write type = \"dense\" or another")),
        Some(Value::String(kind)) => kind,
        Some(other) => return Err(format!("{place}: type is {}; write type = \"dense\" or another", shown(other))),
    };
    let Some(LayerKeys { required, optional, kernel, .. }) = LAYER_KEYS.iter().find(|keys| keys.kind == kind) else {
        let names: Vec<&str> = LAYER_KEYS.iter().map(|keys| keys.kind).collect();
        let hint = nearest(kind, &names);
        return Err(format!("{place}: unknown type \"{kind}\"{hint}; there are {}", names.join(", ")));
    };
    let required = [&[("type", Kind::Text)], *required].concat();
    check_keys(layer, &required, &[*optional, kernel, &COMMON_KEYS].concat(), &format!("{place} ({kind})"))
}

/// Says which key of a table is unknown, missing or of the wrong kind.
pub(super) fn check_keys(table: &Table, required: &[Key], optional: &[Key], place: &str) -> Result<(), String> {
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
