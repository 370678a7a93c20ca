//! A run's configuration as a list of names and values, for tables of runs.

use serde::Deserialize;
use toml::{Table, Value};

use crate::formats::tensorboard::Parameter;
use crate::model::{Model, resolve};

/// What `config.toml` says, but for where the data is and the configurations of the products. Names are as `--set` has them:
/// `optimizer.beta_1`, `layers.NAME.units`; what a later version adds comes along.
pub fn parameters(config: &Table) -> Vec<(String, Parameter)> {
    let mut all = Vec::new();
    for (key, value) in config {
        match (key.as_str(), value) {
            ("data_dir", _) => {}
            ("tiles", Value::Table(tiles)) => add("tiles", tiles.get("table"), &mut all),
            ("model", Value::Table(model)) => {
                add("model", model.get("name"), &mut all);
                add("input", model.get("input"), &mut all);
                layers(model, &mut all);
            }
            _ => add(key, Some(value), &mut all),
        }
    }
    all
}

/// Their keys, by the names that messages and files give them: a model file may leave those out.
fn layers(model: &Table, all: &mut Vec<(String, Parameter)>) {
    let resolved = Model::deserialize(model.clone()).ok().and_then(|model| resolve(&model).ok()).unwrap_or_default();
    let layers = model.get("layers").and_then(Value::as_array).into_iter().flatten();
    for (number, layer) in layers.enumerate().filter_map(|(number, layer)| Some((number, layer.as_table()?))) {
        let given = layer.get("name").and_then(Value::as_str).map(str::to_owned);
        let name = given.or_else(|| resolved.get(number).map(|layer| layer.name.clone()));
        let name = name.unwrap_or_else(|| number.to_string());
        for (key, value) in layer.iter().filter(|(key, _)| !["name", "type", "inputs"].contains(&key.as_str())) {
            add(&format!("layers.{name}.{key}"), Some(value), all);
        }
    }
}

fn add(name: &str, value: Option<&Value>, all: &mut Vec<(String, Parameter)>) {
    let parameter = match value {
        None => return,
        Some(Value::Table(table)) => {
            return table.iter().for_each(|(key, value)| add(&format!("{name}.{key}"), Some(value), all));
        }
        Some(Value::Boolean(flag)) => Parameter::Flag(*flag),
        Some(Value::Float(number)) => Parameter::Number(*number),
        // A seed may have more digits than a double.
        Some(Value::Integer(number)) if (*number as f64) as i64 == *number => Parameter::Number(*number as f64),
        Some(Value::String(text)) => Parameter::Text(text.clone()),
        Some(other) => Parameter::Text(other.to_string()),
    };
    all.push((name.to_owned(), parameter));
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::train::Config;

    #[test]
    fn layers_without_names_have_those_that_they_are_given() {
        let text = toml::to_string(&Config::default()).unwrap();
        let names: Vec<String> = parameters(&text.parse().unwrap()).into_iter().map(|(name, _)| name).collect();
        for name in ["layers.conv2d.filters", "layers.dense.units", "layers.dense_1.units"] {
            assert!(names.iter().any(|own| own == name), "no {name}: {names:?}");
        }
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
    }

    #[test]
    fn a_configuration_is_a_list_of_names_and_values() {
        let config: Table = "data_dir = 'there'\nepochs = 3\nseed = 9007199254740993\nshuffle = true\n\
            [optimizer]\ntype = 'adam'\nbeta_1 = 0.9\n[tiles]\ntable = 'cpu'\nproducts = { a = 1 }\n\
            [model]\nname = 'tiny'\ninput = [8, 8, 1]\n[[model.layers]]\nname = 'dense'\ntype = 'dense'\nunits = 4\n"
            .parse()
            .unwrap();
        let text = |text: &str| Parameter::Text(text.into());
        let mut found = parameters(&config);
        found.sort_by(|one, other| one.0.cmp(&other.0));
        let expected = [
            ("epochs", Parameter::Number(3.0)),
            ("input", text("[8, 8, 1]")),
            ("layers.dense.units", Parameter::Number(4.0)),
            ("model", text("tiny")),
            ("optimizer.beta_1", Parameter::Number(0.9)),
            ("optimizer.type", text("adam")),
            ("seed", text("9007199254740993")),
            ("shuffle", Parameter::Flag(true)),
            ("tiles", text("cpu")),
        ];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value)));
    }
}
