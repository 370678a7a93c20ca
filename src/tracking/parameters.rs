//! A run's configuration as a list of names and values, for tables of runs.

use toml::{Table, Value};

use crate::formats::tensorboard::Parameter;

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
                layers(model.get("layers"), &mut all);
            }
            _ => add(key, Some(value), &mut all),
        }
    }
    all
}

fn layers(layers: Option<&Value>, all: &mut Vec<(String, Parameter)>) {
    for layer in layers.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table) {
        let name = layer.get("name").and_then(Value::as_str).unwrap_or_default();
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
    use super::*;

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
