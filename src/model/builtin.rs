//! The built-in networks, as model files: the three of the source notebook, and others with a recipe of their own.

/// The names `--model` knows without a file; the notebook's come first.
pub const NAMES: [&str; 7] = ["cnn1", "cnn2", "cnn3", "fast93", "best95", "best96", "resnet20"];

/// The source notebook's.
pub const NOTEBOOK: [&str; 3] = [NAMES[0], NAMES[1], NAMES[2]];

const TEXTS: [&str; NAMES.len()] = [
    include_str!("builtin/cnn1.toml"),
    include_str!("builtin/cnn2.toml"),
    include_str!("builtin/cnn3.toml"),
    include_str!("builtin/fast93.toml"),
    include_str!("builtin/best95.toml"),
    include_str!("builtin/best96.toml"),
    include_str!("builtin/resnet20.toml"),
];

/// The text of the network of that name.
pub(super) fn text_of(name: &str) -> Option<&'static str> {
    NAMES.iter().position(|known| *known == name).map(|place| TEXTS[place])
}
