//! `[augmentation]` in a model file, key by key.

use toml::Table;

use super::file::{one_line, unreadable};
use super::keys::check_keys;
use crate::augment::Augmentation;
use crate::error::{Error, Result};
use crate::recipe::AUGMENTATION_KEYS;

/// What the table says; `place` is what it is called in messages. Whether images of some size can be augmented so,
/// [`Augmentation::check`] knows.
///
/// # Errors
/// One line naming the key at fault.
pub fn augmentation(table: &Table, place: &str) -> std::result::Result<Augmentation, String> {
    check_keys(table, &[], &AUGMENTATION_KEYS, place)?;
    table.clone().try_into().map_err(|error: toml::de::Error| format!("{place}: {}", one_line(error.message())))
}

/// That of a TOML file with this text; `source` is its name.
///
/// # Errors
/// [`Error::Usage`] naming what is wrong in the file.
pub fn augmentation_in(source: &str, text: &str) -> Result<Augmentation> {
    let fail = |problem: String| Error::Usage(format!("{source}: {problem}"));
    let file: Table = toml::from_str(text).map_err(|error| fail(unreadable(text, &error)))?;
    match file.get("augmentation").map(|value| value.as_table()) {
        Some(Some(table)) => augmentation(table, "[augmentation]").map_err(fail),
        Some(None) => Err(fail("augmentation is no table; write it under a line [augmentation]".into())),
        None => Err(fail("no [augmentation]; write one".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::{Flip, Pad};

    #[test]
    fn the_keys_are_serdes_own() {
        let whole = Augmentation {
            flip: Flip::Alternating,
            shift: 2,
            pad: Pad::Reflect,
            cutout: 6,
            random_erasing: 0.25,
            mixup: 0.2,
            cutmix: 1.0,
        };
        let table = Table::try_from(whole).unwrap();
        let mut known: Vec<&str> = AUGMENTATION_KEYS.iter().map(|(name, _)| *name).collect();
        known.sort_unstable();
        assert_eq!(table.keys().map(String::as_str).collect::<Vec<_>>(), known);
        assert_eq!(augmentation(&table, "[augmentation]").unwrap(), whole);
        assert_eq!(augmentation(&Table::new(), "[augmentation]").unwrap(), Augmentation::default());
    }

    #[test]
    fn what_is_wrong_is_named_with_its_key_and_the_remedy() {
        let problem = |text: &str| augmentation(&text.parse().unwrap(), "[augmentation]").unwrap_err();
        for (text, line) in [
            (
                "mixupp = 1",
                "[augmentation]: unknown key \"mixupp\" (did you mean \"mixup\"?); there are flip, shift, pad,",
            ),
            ("flip = \"vertical\"", "flip is \"vertical\"; give \"none\" or \"horizontal\" or \"alternating\""),
            ("shift = -1", "shift is -1; give a whole number, 0 or more"),
            ("shift = 1.5", "shift is 1.5; give a whole number, 0 or more"),
            ("cutout = 5000000000", "cutout is 5000000000; give a whole number, 0 or more"),
            ("mixup = \"much\"", "mixup is \"much\"; give a number"),
        ] {
            assert!(problem(text).contains(line), "{}", problem(text));
        }
    }
}
