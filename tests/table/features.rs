//! What the crate depends on with and without its features.

use std::collections::BTreeSet;
use std::process::Command;

/// Crates that only features bring.
const OPTIONAL: [&str; 17] = [
    "askama",
    "base64",
    "bhtsne",
    "clap",
    "clap_complete",
    "hdf5-pure",
    "indicatif",
    "plotters",
    "ratatui",
    "resvg",
    "rustls",
    "signal-hook",
    "statrs",
    "terminal_size",
    "tiny-skia",
    "ureq",
    "zip",
];

/// The optional crates among all that the library and the program are made of.
fn present(arguments: &[&str]) -> BTreeSet<&'static str> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let tree = Command::new(cargo)
        .args([
            "tree",
            "--offline",
            "--package",
            "gpu-fmnist",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .args(arguments)
        .current_dir(super::root())
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let text = String::from_utf8(tree.stdout).unwrap();
    let names: BTreeSet<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains("wgpu"), "{text}");
    OPTIONAL.into_iter().filter(|name| names.contains(name)).collect()
}

#[test]
fn the_core_has_nothing_of_the_features() {
    assert_eq!(present(&["--no-default-features"]), BTreeSet::new());
    assert_eq!(present(&[]), OPTIONAL.into());
}
