//! Models and how they are trained, from TOML files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Serialize;
use toml::{Table, Value};

use super::builtin::{NAMES, text_of};
use super::keys::{check, nearest};
use super::resolve::names;
use super::{Model, settings};
use crate::error::{Error, Result};
use crate::recipe::{Recipe, SECTIONS};
use crate::sniff::{self, Wanted};

/// The most bytes of a file: no model has so many layers.
const LONGEST_FILE: u64 = 1 << 20;

/// The built-in network of that name, or what is in that TOML file.
///
/// # Errors
/// [`Error::Usage`] where there is neither, or naming what is wrong in the file, or what it is instead.
pub fn by_name_or_file(name: &Path) -> Result<(Model, Recipe)> {
    ModelFile::open(name)?.parse()
}

/// The built-in network of that name.
pub fn built_in(name: &str) -> Option<(Model, Recipe)> {
    text_of(name).map(|text| parse(name, text).expect("a model file of our own"))
}

/// The model that `text` spells, and how it is trained; `source` is the file's name, for messages and for a model
/// without one.
///
/// # Errors
/// [`Error::Usage`] naming the layer or the section, and the key at fault.
pub fn parse(source: &str, text: &str) -> Result<(Model, Recipe)> {
    ModelFile::read(source, text)?.parse()
}

/// The keys and values of a model file.
#[derive(Clone, Debug)]
pub struct ModelFile {
    /// What messages call it.
    source: String,
    keys: Table,
}

impl ModelFile {
    /// The built-in network of that name, or that TOML file.
    ///
    /// # Errors
    /// [`Error::Usage`] where there is neither, or it is no TOML.
    pub fn open(name: &Path) -> Result<Self> {
        let shown = name.to_string_lossy();
        if let Some(text) = text_of(&shown) {
            return Self::read(&shown, text);
        }
        let fail = |problem: String| Error::Usage(format!("`model` {shown}: {problem}"));
        let otherwise = format!("choose {} or a .toml file", NAMES.join(", "));
        if !shown.ends_with(".toml") && !name.exists() {
            return Err(fail(format!("no such model{}; {otherwise}", nearest(&shown, &NAMES))));
        }
        Self::read(&shown, &read(name, &otherwise).map_err(fail)?)
    }

    /// The text of a file that is called `source`.
    ///
    /// # Errors
    /// [`Error::Usage`] where it is no TOML.
    pub fn read(source: &str, text: &str) -> Result<Self> {
        let keys =
            toml::from_str(text).map_err(|error| Error::Usage(format!("{source}: {}", unreadable(text, &error))));
        Ok(Self::named(source, keys?))
    }

    /// What has the keys of a file: a model, or JSON.
    ///
    /// # Errors
    /// [`Error::Usage`] where it has none.
    pub fn of(source: &str, keys: &impl Serialize) -> Result<Self> {
        let keys =
            Table::try_from(keys).map_err(|error| Error::Usage(format!("{source}: no model ({error}); give one")));
        Ok(Self::named(source, keys?))
    }

    /// With the source's name for a model without one.
    fn named(source: &str, mut keys: Table) -> Self {
        if keys.get("name").is_none_or(|name| name.as_str() == Some("")) {
            let stem = Path::new(source).file_stem().map(|stem| stem.to_string_lossy().into_owned());
            keys.insert("name".into(), stem.unwrap_or_else(|| "model".into()).into());
        }
        Self { source: source.to_owned(), keys }
    }

    /// Gives keys other values: `optimizer.beta_1=0.8`, `layers.NAME.KEY=VALUE`. A section that is given another type
    /// loses the file's keys that the type has not. What a value must be is asked when all is parsed, so that their
    /// order plays no part.
    ///
    /// # Errors
    /// [`Error::Usage`] where the file by itself is wrong, and naming the setting that is none.
    pub fn set(&mut self, settings: &[String]) -> Result<()> {
        if settings.is_empty() {
            return Ok(());
        }
        let (model, _) = self.clone().parse()?;
        let layers = names(&model.layers).map_err(Error::Usage)?;
        for setting in settings {
            let fail = |problem| Error::Usage(format!("`set` {}: {problem}", one_line(setting)));
            settings::apply(&mut self.keys, setting, &layers).map_err(fail)?;
        }
        settings::follow_types(&mut self.keys, settings);
        self.source = format!("{} with `set` {}", self.source, one_line(&settings.join(", ")));
        Ok(())
    }

    /// The model, and how it is trained.
    ///
    /// # Errors
    /// See [`parse`].
    pub fn parse(self) -> Result<(Model, Recipe)> {
        let Self { source, mut keys } = self;
        let fail = |problem: String| Error::Usage(format!("{source}: {problem}"));
        let serde = |error: toml::de::Error| fail(one_line(error.message()));
        check(&keys).map_err(fail)?;
        let sections = SECTIONS.iter().filter_map(|section| keys.remove_entry(section.name));
        let mut sections: Table = sections.collect();
        for section in &SECTIONS {
            if let (Some(Value::Table(table)), Some((kind, _))) =
                (sections.get_mut(section.name), section.types.first())
            {
                table.entry("type").or_insert_with(|| (*kind).into());
            }
        }
        let (model, recipe): (Model, Recipe) = (keys.try_into().map_err(serde)?, sections.try_into().map_err(serde)?);
        model.check().map_err(|error| fail(error.to_string()))?;
        recipe.check(model.input).map_err(fail)?;
        Ok((model, recipe))
    }
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

/// Why `text` is not TOML, and where.
pub(super) fn unreadable(text: &str, error: &toml::de::Error) -> String {
    let start = error.span().map_or(0, |span| span.start.min(text.len()));
    let line = text.as_bytes()[..start].iter().filter(|&&byte| byte == b'\n').count() + 1;
    format!("line {line} is not TOML ({}); correct it there", one_line(error.message()))
}

pub(super) fn one_line(text: &str) -> String {
    text.replace('\n', " ")
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
        let (model, _) = parse("folder/my.toml", text).unwrap();
        let Layer::Conv2d(Conv2d { kernel, stride, .. }) = model.layers[0].layer else { panic!("{model:?}") };
        assert_eq!((kernel, stride, model.name.as_str()), ([3, 3], [1, 2], "my"));
    }

    #[test]
    fn what_is_wrong_in_a_section_is_named_with_the_section() {
        let model = "input = [1, 1, 1]\nlayers = [{ type = 'flatten' }, { type = 'dense', units = 2 }]\n";
        for (text, part) in [
            (
                "[trainig]",
                "the model: unknown key \"trainig\" (did you mean \"training\"?); there are input, layers, name,",
            ),
            ("training = 3", "the model: training is 3; give keys under a line of its own, as in [training]"),
            ("[training]\nepochs = 1.5", "[training]: epochs is 1.5; give a whole number, 1 or more"),
            (
                "[schedule]\nwarmup = 0.1",
                "[schedule]: unknown key \"warmup\" (did you mean \"warm_up\"?); there are type,",
            ),
            ("[schedule]\nboundaries = 0.5", "[schedule]: boundaries is 0.5; give an array of numbers"),
            ("[schedule]\nlearning_rate = -1", "[schedule]: learning_rate is -1; give a positive number"),
            ("[loss]\nlabel_smoothing = -0.5", "[loss]: label_smoothing is -0.5; give one from 0 to below 1"),
            ("[optimizer]\ntype = \"adamm\"", "[optimizer]: type is \"adamm\" (did you mean \"adam\"?); give \"adam\""),
        ] {
            let message = message(&format!("{model}{text}"));
            assert!(message.contains(part), "no '{part}' in: {message}");
        }
    }

    /// As golden files have it.
    #[test]
    fn a_model_and_its_recipe_are_read_from_json() {
        let json = serde_json::json!({
            "input": [4, 4, 3],
            "layers": [{ "type": "flatten" }, { "type": "dense", "units": 2, "name": "classes" }],
            "optimizer": { "type": "adam", "beta_1": 0.8, "epsilon": 1 },
            "loss": { "label_smoothing": 0.2 },
        });
        let (model, recipe) = ModelFile::of("golden.json", &json).unwrap().parse().unwrap();
        assert_eq!((model.name.as_str(), model.input, model.layers.len()), ("golden", [4, 4, 3], 2));
        assert_eq!(recipe.loss.label_smoothing, 0.2);
        assert_ne!(recipe.optimizer, Recipe::default().optimizer);
        assert_eq!(recipe.training, Recipe::default().training);
        assert!(ModelFile::of("golden.json", &3).unwrap_err().to_string().contains("golden.json: no model"));
        // A network's own model, too.
        assert_eq!(ModelFile::of("net.onnx", &model).unwrap().parse().unwrap(), (model, Recipe::default()));
    }
}
