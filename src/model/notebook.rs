//! The three networks of the source notebook, as model files.

/// The names `--model` knows without a file.
pub const NAMES: [&str; 3] = ["cnn1", "cnn2", "cnn3"];

const TEXTS: [&str; 3] =
    [include_str!("notebook/cnn1.toml"), include_str!("notebook/cnn2.toml"), include_str!("notebook/cnn3.toml")];

/// The text of the network of that name.
pub(super) fn text_of(name: &str) -> Option<&'static str> {
    NAMES.iter().position(|known| *known == name).map(|place| TEXTS[place])
}
