//! What must not drift: every file is compiled, imports point one way, and never in a circle; shaders.rs holds the shaders,
//! features.rs the features.

mod features;
mod imports;
mod shaders;
#[path = "../support/skips.rs"]
mod skips;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use gpu_fmnist::optimizers::{Adam, AdamW, Rule, Sgd};

use imports::{Imports, Modules, circles, place};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The modules, from those that import nothing to those that nothing imports.
const ORDER: [&str; 34] = [
    "error",
    "shell",
    "sniff",
    "random",
    "precision",
    "callback",
    "parallel",
    "data",
    "geometry",
    "augment",
    "gemm",
    "kernels",
    "optimizers",
    "plan",
    "cpu",
    "gpu",
    "layers",
    "recipe",
    "model",
    "network",
    "formats",
    "evaluate",
    "plot",
    "train",
    "tracking",
    "report",
    "selftest",
    "tune",
    "measure",
    "classical",
    "facade",
    "survey",
    "sweep",
    "cli",
];

/// Top-level modules that the order leaves out.
fn unordered(modules: &BTreeSet<String>) -> Vec<&str> {
    modules.iter().map(String::as_str).filter(|module| !ORDER.contains(module)).collect()
}

/// Modules that a file of module `own` imports although they stand above it.
fn wrong_imports(own: &str, text: &str) -> Vec<String> {
    let rank = |module: &str| ORDER.iter().position(|known| *known == module);
    let above = |module: &&str| rank(module) > rank(own);
    Imports::of(text).roots().into_iter().filter(above).map(str::to_owned).collect()
}

/// Every file of a folder and of those in it.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut stack = vec![root().join(folder)];
    let mut files = Vec::new();
    while let Some(path) = stack.pop() {
        match path.is_dir() {
            true => stack.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path())),
            false => files.push(path),
        }
    }
    files
}

#[test]
fn imports_point_one_way() {
    let mut modules = BTreeSet::new();
    let files = files("src");
    for path in &files {
        let inside = path.strip_prefix(root().join("src")).unwrap().to_str().unwrap();
        let own = inside.split(['/', '.']).next().unwrap();
        if ["lib", "main"].contains(&own) {
            continue;
        }
        modules.insert(own.to_owned());
        let wrong = wrong_imports(own, &fs::read_to_string(path).unwrap());
        assert!(wrong.is_empty(), "{inside} imports {wrong:?}, which stand above {own}");
    }
    assert_eq!(unordered(&modules), [""; 0], "no place in the order");
    assert_eq!(modules.len(), ORDER.len(), "the order names what is not there");
    assert!(files.len() > 40, "only {} files looked at", files.len());
}

/// What an optimizer keeps of a variable goes by names that only it, its kernels and the formats know.
#[test]
fn no_one_else_knows_what_an_optimizer_keeps() {
    let sgd = Sgd { momentum: 0.9, ..Sgd::default() };
    for rule in [&Adam::default() as &dyn Rule, &AdamW::default(), &sgd] {
        assert!(!rule.states().is_empty());
        let own = ["src/optimizers/", "src/formats/", "src/kernels/adam.rs", "src/kernels/sgd_momentum.rs"];
        for path in files("src") {
            let inside = path.strip_prefix(root()).unwrap().to_str().unwrap();
            let text = fs::read_to_string(path.clone()).unwrap();
            let named = rule.states().iter().any(|state| text.contains(state.name));
            let is_own = own.iter().any(|own| inside.starts_with(own));
            assert!(!named || is_own, "{inside} names what {} keeps", rule.name());
        }
    }
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let src = root().join("src");
    let read = |path: PathBuf| {
        let inside = path.strip_prefix(&src).unwrap().to_str()?.to_owned();
        // Another program, and tests.
        let counts = inside != "main.rs" && !inside.ends_with("/tests.rs");
        counts.then(|| (place(&inside), Imports::of(&fs::read_to_string(path).unwrap())))
    };
    let modules: Modules = files("src").into_iter().filter_map(read).collect();
    assert!(modules.len() > 200, "only {} files looked at", modules.len());
    assert_eq!(circles(&modules), [""; 0]);
}

/// Flags of this program in the text of a file, but for its tests at the end.
fn flags(text: &str) -> Vec<&str> {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    // Another program's.
    let lines = lines.filter(|line| !line.contains("tensorflowjs_converter --"));
    let mut words =
        lines.flat_map(|line| line.split(|letter: char| letter.is_whitespace() || "\"'`(".contains(letter)));
    let is_flag = |word: &&str| word.strip_prefix("--").is_some_and(|name| name.starts_with(char::is_alphabetic));
    words.by_ref().filter(is_flag).collect()
}

/// Who uses the library gives fields, which `src/cli/flags.rs` turns into flags.
#[test]
fn no_message_below_the_command_line_names_a_flag() {
    assert_eq!(
        flags("// --epochs\nlet a = \"--epochs 0\";\n\"give `--model`\"; 'a --b'"),
        ["--epochs", "--model", "--b"]
    );
    for path in files("src").iter().filter(|path| !path.starts_with(root().join("src/cli"))) {
        let text = fs::read_to_string(path).unwrap();
        assert_eq!(flags(&text), [""; 0], "{}", path.display());
    }
}

#[test]
fn an_import_that_points_up_is_noticed() {
    assert_eq!(wrong_imports("plan", "use crate::error::Result;\nuse crate::cli;\n"), ["cli"]);
    let grouped =
        "use crate::{\n    error::{Error, Result},\n    train::{cli, data}, kernels::Kernel};\nfn report() {}";
    assert_eq!(Imports::of(grouped).roots(), ["error", "kernels", "train"].into());
    assert_eq!(wrong_imports("plan", grouped), ["train"]);
    assert_eq!(wrong_imports("plan", "use crate::{kernels::{self, DeviceClass}, gpu};"), ["gpu"]);
    assert!(wrong_imports("cli", grouped).is_empty());
}

#[test]
fn a_module_without_a_place_in_the_order_is_noticed() {
    let modules = ["error", "novel", "train"].map(str::to_owned);
    assert_eq!(unordered(&modules.into()), ["novel"]);
}

/// Of some modules those that a text declares none of.
fn undeclared(text: &str, modules: &BTreeSet<String>) -> Vec<String> {
    let declaration = |line: &str| {
        let line = line.trim().strip_suffix(';')?;
        let (visibility, name) = line.strip_prefix("mod ").map(|name| ("", name)).or(line.split_once(" mod "))?;
        (visibility.is_empty() || visibility.starts_with("pub")).then(|| name.to_owned())
    };
    let declared: BTreeSet<String> = text.lines().filter_map(declaration).collect();
    modules.difference(&declared).cloned().collect()
}

/// A file that nothing declares is a file whose tests nobody runs.
#[test]
fn every_file_is_compiled() {
    const ROOTS: [&str; 3] = ["main", "lib", "mod"];
    let mut folders: BTreeMap<PathBuf, (String, BTreeSet<String>)> = BTreeMap::new();
    let sources = [files("src"), files("tests")].concat();
    for path in sources.iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs")) {
        let (folder, name) = (path.parent().unwrap(), path.file_stem().unwrap().to_str().unwrap());
        let (text, modules) = folders.entry(folder.to_owned()).or_default();
        if ROOTS.contains(&name) {
            text.push_str(&fs::read_to_string(path).unwrap());
        } else {
            modules.insert(name.to_owned());
        }
        if name == "mod" {
            let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
            folders.entry(folder.parent().unwrap().to_owned()).or_default().1.insert(name);
        }
    }
    // Each file in it is a program of its own.
    folders.remove(&root().join("tests"));
    // Programs take these by their paths.
    let (_, shared) = folders.remove(&root().join("tests/support")).unwrap();
    let programs: String = folders
        .iter()
        .filter(|(folder, _)| folder.starts_with(root().join("tests")))
        .map(|(_, (text, _))| text.as_str())
        .collect();
    for name in shared {
        assert!(
            programs.contains(&format!("#[path = \"../support/{name}.rs\"]")),
            "nothing compiles support/{name}.rs"
        );
    }
    assert!(folders.contains_key(&root().join("tests/parity")) && folders.len() > 15, "{:?}", folders.keys());
    for (folder, (text, modules)) in folders {
        assert_eq!(undeclared(&text, &modules), [""; 0], "{} has files that nothing compiles", folder.display());
    }
}

#[test]
fn a_file_that_no_mod_compiles_is_noticed() {
    let modules = ["adam", "fold", "gather", "join"].map(str::to_owned);
    let text = "//! mod gather;\nmod adam;\npub(crate) mod fold;\n// mod join;\n";
    assert_eq!(undeclared(text, &modules.into()), ["gather", "join"]);
}
