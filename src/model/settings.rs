//! `KEY=VALUE`: other values for keys of a model file than it has.

use toml::{Table, Value};

use super::keys::{OWN_KEYS, nearest};
use crate::recipe::SECTIONS;

/// Gives the key of the setting its value, whatever that is; `layers` are the names of the file's layers.
///
/// # Errors
/// `problem; remedy` where it is no setting, or of nothing that a file has.
pub(super) fn apply(file: &mut Table, setting: &str, layers: &[String]) -> Result<(), String> {
    let (path, text) = setting.split_once('=').ok_or("no value; write KEY=VALUE, as in schedule.learning_rate=0.01")?;
    // A text needs no quotes.
    let value = text.trim().parse().unwrap_or_else(|_| Value::String(text.trim().to_owned()));
    let (table, key) = place(file, path.trim(), layers)?;
    table.insert(key.to_owned(), value);
    Ok(())
}

/// The table that `path` is of, and the key in it.
fn place<'a, 'b>(file: &'a mut Table, path: &'b str, layers: &[String]) -> Result<(&'a mut Table, &'b str), String> {
    let sections = SECTIONS.map(|section| section.name);
    match path.split_once('.') {
        None if OWN_KEYS.iter().any(|(key, _)| *key == path) => Ok((file, path)),
        None if path == "layers" || sections.contains(&path) => {
            let key = if path == "layers" { "layers.NAME.KEY" } else { "its keys" };
            Err(format!("{path} has keys of its own; set {key}, each by itself"))
        }
        Some(("layers", rest)) => layer(file, rest, layers),
        Some((section, key)) if sections.contains(&section) => {
            let table = file.entry(section).or_insert_with(|| Table::new().into());
            // The file was read before: every section that it has is one.
            table.as_table_mut().map(|table| (table, key)).ok_or_else(|| format!("{section} has no keys; give it some"))
        }
        _ => {
            let known: Vec<&str> = OWN_KEYS.iter().map(|(key, _)| *key).chain(["layers"]).chain(sections).collect();
            let first = path.split('.').next().unwrap_or_default();
            let hint = nearest(first, &known);
            Err(format!("unknown key \"{first}\"{hint}; there are {}", known.join(", ")))
        }
    }
}

/// The table and the key of `NAME.KEY`.
fn layer<'a, 'b>(file: &'a mut Table, rest: &'b str, names: &[String]) -> Result<(&'a mut Table, &'b str), String> {
    let (name, key) = rest.split_once('.').ok_or("no key of a layer; write layers.NAME.KEY=VALUE")?;
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    let place = known.iter().position(|known| *known == name);
    let layers = file.get_mut("layers").and_then(Value::as_array_mut);
    let table = layers.zip(place).and_then(|(layers, place)| layers.get_mut(place)?.as_table_mut());
    table.map(|table| (table, key)).ok_or_else(|| {
        format!("no layer is called \"{name}\"{}; there are {}", nearest(name, &known), known.join(", "))
    })
}
