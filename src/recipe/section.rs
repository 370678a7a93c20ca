//! A section of a model file, whose keys may depend on its `type`.

use toml::{Table, Value};

use crate::layers::Key;

/// A section with its keys, each of which has a default.
#[derive(Debug)]
pub struct Section {
    pub name: &'static str,
    pub keys: &'static [Key],
    /// Types and the keys that others do not have, if it has types; the first one is the default.
    pub types: &'static [(&'static str, &'static [&'static str])],
}

impl Section {
    /// Says which key is another type's.
    ///
    /// # Errors
    /// In the words `problem; remedy`.
    pub fn check_type(&self, table: &Table) -> Result<(), String> {
        let Some(key) = table.keys().find(|key| !self.has(table, key)) else { return Ok(()) };
        let owners: Vec<&str> =
            self.types.iter().filter(|(_, own)| own.contains(&key.as_str())).map(|(name, _)| *name).collect();
        let kind = self.kind(table);
        Err(format!("{kind} has no {key}; leave it out, or give type = \"{}\"", owners.join("\" or \"")))
    }

    /// Takes out what other types have, but for what is to be kept.
    pub fn drop_others_keys(&self, table: &mut Table, is_kept: impl Fn(&str) -> bool) {
        let dropped: Vec<String> = table.keys().filter(|key| !self.has(table, key) && !is_kept(key)).cloned().collect();
        dropped.iter().for_each(|key| drop(table.remove(key)));
    }

    /// The type that the table says, or the default.
    fn kind<'a>(&self, table: &'a Table) -> &'a str {
        table.get("type").and_then(Value::as_str).or(self.types.first().map(|(name, _)| *name)).unwrap_or_default()
    }

    /// Whether a key is of the table's type, or of every type.
    fn has(&self, table: &Table, key: &str) -> bool {
        let kind = self.kind(table);
        let mut owners = self.types.iter().filter(|(_, own)| own.contains(&key)).map(|(name, _)| *name).peekable();
        owners.peek().is_none() || owners.any(|owner| owner == kind)
    }
}
