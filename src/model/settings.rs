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

/// What a setting gives a value.
pub(super) fn path(setting: &str) -> &str {
    setting.split('=').next().unwrap_or_default().trim()
}

/// Takes out of each section whose type was set what the type has not, unless it was set, too.
pub(super) fn follow_types(file: &mut Table, settings: &[String]) {
    let is_set = |section: &str, key: &str| settings.iter().any(|setting| path(setting) == format!("{section}.{key}"));
    for section in SECTIONS.iter().filter(|section| is_set(section.name, "type")) {
        if let Some(Value::Table(table)) = file.get_mut(section.name) {
            section.drop_others_keys(table, |key| is_set(section.name, key));
        }
    }
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

#[cfg(test)]
mod tests {
    use crate::layers::{Dense, Layer};
    use crate::model::{Model, ModelFile};
    use crate::optimizers::{Algorithm, Optimizer, Sgd};
    use crate::recipe::{Course, CourseKind, Recipe};

    const TEXT: &str = "input = [4, 4, 1]\nlayers = [{ type = 'flatten' }, { type = 'dense', units = 3, name = 'a' }, \
                        { type = 'dropout', rate = 0.5 }, { type = 'dense', units = 2 }]\ntraining = { epochs = 3 }";

    fn set(settings: &[&str]) -> Result<(Model, Recipe), String> {
        let settings: Vec<String> = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let mut file = ModelFile::read("my.toml", TEXT).unwrap();
        file.set(&settings).and_then(|()| file.parse()).map_err(|error| error.to_string())
    }

    #[test]
    fn any_key_can_be_given_another_value() {
        let settings = [
            "training.epochs=7",
            "training.validation_fraction = 0",
            "schedule.boundaries=[0.5, 0.75]",
            "schedule.factors=[0.1, 0.01]",
            "schedule.type=steps",
            "optimizer.beta_1=8e-1",
            "loss.label_smoothing=0.1",
            "layers.a.units=5",
            "layers.dropout.rate=0.25",
            "layers.dense.name=\"classes\"",
            "name=other",
            "input=[2, 2, 3]",
        ];
        let (model, recipe) = set(&settings).unwrap();
        assert_eq!((model.name.as_str(), model.input), ("other", [2, 2, 3]));
        let Layer::Dense(Dense { units, .. }) = model.layers[1].layer else { panic!("{model:?}") };
        assert_eq!((units, model.layers[3].name.as_deref()), (5, Some("classes")));
        assert_eq!((recipe.training.epochs, recipe.training.validation_fraction), (7, 0.0));
        assert_eq!(recipe.schedule.course.kind, CourseKind::Steps);
        assert_eq!((recipe.schedule.course.factors, recipe.loss.label_smoothing), (vec![0.1, 0.01], 0.1));
        // The last one counts.
        assert_eq!(set(&["training.epochs=7", "training.epochs=8"]).unwrap().1.training.epochs, 8);
        assert_eq!(set(&[]).unwrap().1.training.epochs, 3);
    }

    #[test]
    fn what_cannot_be_set_is_named_with_what_can() {
        for (setting, part) in [
            ("training.epochs", "`set` training.epochs: no value; write KEY=VALUE, as in "),
            ("", "`set` : no value; write KEY=VALUE"),
            ("=3", "`set` =3: unknown key \"\"; there are name, input, layers, loss, optimizer, training, schedule"),
            ("trainig.epochs=3", "unknown key \"trainig\" (did you mean \"training\"?); there are name, input,"),
            ("epochs=3", "`set` epochs=3: unknown key \"epochs\"; there are"),
            ("training=3", "`set` training=3: training has keys of its own; set its keys, each by itself"),
            ("layers=[]", "layers has keys of its own; set layers.NAME.KEY, each by itself"),
            ("layers.units=3", "no key of a layer; write layers.NAME.KEY=VALUE"),
            ("layers.densee.units=3", "no layer is called \"densee\" (did you mean \"dense\"?); there are flatten, a,"),
            (
                "training.epoch=3",
                "my.toml with `set` training.epoch=3: [training]: unknown key \"epoch\" (did you mean",
            ),
            ("training.epochs.x=3", "[training]: unknown key \"epochs.x\" (did you mean \"epochs\"?)"),
            ("training.epochs=0", "[training]: epochs is 0; give a whole number, 1 or more"),
            ("training.epochs=", "[training]: epochs is \"\"; give a whole number"),
            ("training.drop_remainder=yes", "drop_remainder is \"yes\"; give true or false"),
            ("training.validation_fraction=1", "[training]: validation_fraction is 1; give one from 0 to below 1"),
            ("training.average=true", "[training]: average is true, but the optimizer keeps none; give ema_momentum"),
            ("schedule.type=cosin", "[schedule]: type is \"cosin\" (did you mean \"cosine\"?); give \"constant\" or "),
            ("schedule.warm_up=2", "[schedule]: warm_up is 2; give a fraction"),
            ("loss.label_smoothing=1", "[loss]: label_smoothing is 1; give one from 0 to below 1"),
            ("optimizer.beta_1=1", "[optimizer]: beta_1 is 1; give"),
            ("optimizer.momentum=0.9", "[optimizer]: adam has no momentum; leave it out, or give type = \"sgd\""),
            (
                "schedule.final=0.1",
                "[schedule]: constant has no final; leave it out, or give type = \"triangular\" or \"cos",
            ),
            ("layers.a.unit=3", "layer 2 (dense): unknown key \"unit\" (did you mean \"units\"?)"),
            ("layers.a.units=3\nx", "my.toml with `set` layers.a.units=3 x: layer 2 (dense): units is "),
        ] {
            let message = set(&[setting]).unwrap_err();
            assert!(message.contains(part) && message.lines().count() == 1, "no '{part}' in: {message}");
            assert!(message.contains("; "), "{message}");
        }
    }

    /// The file's keys of the old type go; what is of any type stays, and what is set must be the new one's.
    #[test]
    fn another_type_begins_with_its_own_defaults() {
        let text = format!(
            "{TEXT}\n[optimizer]\ntype = 'adamw'\nbeta_2 = 0.9\nema_momentum = 0.5\n[schedule]\ntype = 'cosine'\n\
             final = 0.1\nwarm_up = 0.25"
        );
        let set = |settings: &[&str]| {
            let mut file = ModelFile::read("my.toml", &text).unwrap();
            file.set(&settings.iter().map(|setting| (*setting).to_owned()).collect::<Vec<_>>())?;
            file.parse()
        };
        let (_, recipe) = set(&["optimizer.momentum=0.5", "optimizer.type=sgd", "schedule.type=constant"]).unwrap();
        let sgd = Sgd { momentum: 0.5, ..Sgd::default() };
        assert_eq!(recipe.optimizer, Optimizer { ema_momentum: 0.5, ..Algorithm::Sgd(sgd).into() });
        assert_eq!(recipe.schedule.course, Course { warm_up: 0.25, ..Course::default() });
        let (_, recipe) = set(&["schedule.type=triangular"]).unwrap();
        assert_eq!((recipe.schedule.course.kind, recipe.schedule.course.last), (CourseKind::Triangular, 0.1));
        let error = set(&["optimizer.type=sgd", "optimizer.beta_2=0.5"]).unwrap_err().to_string();
        assert!(error.contains("[optimizer]: sgd has no beta_2; leave it out"), "{error}");
    }

    /// The file's own mistakes are not the setting's.
    #[test]
    fn a_file_must_be_right_by_itself() {
        let mut file = ModelFile::read("my.toml", &TEXT.replace("epochs = 3", "epochs = 0")).unwrap();
        let error = file.set(&["training.epochs=1".into()]).unwrap_err().to_string();
        assert!(error.starts_with("my.toml: [training]: epochs is 0; give"), "{error}");
    }
}
