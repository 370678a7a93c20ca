//! `--augment`: what befalls training samples.

use std::path::Path;

use clap::Args;
use toml::{Table, Value};

use crate::augment::Augmentation;
use crate::error::{Error, Result};
use crate::formats::read_text;
use crate::model;

/// The option, the same in every subcommand that augments.
#[derive(Args)]
pub struct AugmentOption {
    /// How training samples are augmented: flip=horizontal or alternating, shift=N with pad=zero, edge or reflect, cutout=N,
    /// random_erasing=P, mixup=ALPHA, cutmix=ALPHA; or a TOML file whose [augmentation] has these keys
    #[arg(long, value_name = "KEY=VALUE,...|FILE")]
    augment: Option<String>,
}

impl AugmentOption {
    /// What is asked for, if anything.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the key at fault.
    pub fn given(&self) -> Result<Option<Augmentation>> {
        self.augment.as_deref().map(parse).transpose()
    }
}

fn parse(written: &str) -> Result<Augmentation> {
    let path = Path::new(written);
    if path.exists() || written.ends_with(".toml") {
        let unread =
            |error| Error::Usage(format!("--augment {written}: {error}; give a TOML file with [augmentation]"));
        return model::augmentation_in(written, &read_text(path).map_err(unread)?);
    }
    let fail = |problem: String| Error::Usage(format!("--augment {written}: {problem}"));
    let mut table = Table::new();
    for part in written.split(',') {
        let Some((key, value)) = part.split_once('=').map(|(key, value)| (key.trim(), value.trim())) else {
            return Err(fail(format!("'{part}' is no KEY=VALUE; give one such as flip=horizontal, or a TOML file")));
        };
        let number = || value.parse().map(Value::Integer).or_else(|_| value.parse().map(Value::Float)).ok();
        if table.insert(key.into(), number().unwrap_or_else(|| Value::String(value.into()))).is_some() {
            return Err(fail(format!("{key} is given twice; give it once")));
        }
    }
    model::augmentation(&table, "--augment").map_err(Error::Usage)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::{Flip, Pad};

    #[test]
    fn keys_and_values_become_an_augmentation() {
        let expected =
            Augmentation { flip: Flip::Horizontal, shift: 2, pad: Pad::Edge, mixup: 1.0, ..Default::default() };
        assert_eq!(parse("flip=horizontal, shift = 2,pad=edge,mixup=1").unwrap(), expected);
        let whole = "flip=alternating, shift=2, pad=reflect, cutout=8, random_erasing=0.25, mixup=0.2, cutmix=1";
        assert_eq!(parse(whole).unwrap().to_string(), whole);
        for (written, part) in [
            ("flip", "'flip' is no KEY=VALUE; give one such as flip=horizontal, or a TOML file"),
            ("", "'' is no KEY=VALUE"),
            ("shift=1,shift=2", "shift is given twice; give it once"),
            ("flips=horizontal", "--augment: unknown key \"flips\" (did you mean \"flip\"?)"),
            ("flip=up", "--augment: flip is \"up\"; give \"none\" or \"horizontal\" or \"alternating\""),
            ("shift=much", "--augment: shift is \"much\"; give a whole number, 0 or more"),
            ("nowhere.toml", "nowhere.toml"),
        ] {
            let message = parse(written).unwrap_err().to_string();
            assert!(message.contains(part), "no '{part}' in '{message}'");
        }
    }
}
