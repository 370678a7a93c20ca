//! The kernel table against the files on disk and what naga reads in the shaders; every file is compiled; imports point one
//! way, and never in a circle.

mod features;
mod imports;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::mem::offset_of;
use std::path::{Path, PathBuf};

use gpu_fmnist::gemm::{GemmKind, VARIANTS, Variant};
use gpu_fmnist::kernels::{Access, Descriptor, Element, GemmKernel, Progress, REGISTRY, specialise};
use gpu_fmnist::optimizers::Optimizer;
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, Module, StorageAccess, TypeInner};

use imports::{Imports, Modules, circles, place};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// File names without their ending, of the files with that ending.
fn names(folder: &str, ending: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    entries.filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_suffix(ending).map(str::to_owned)).collect()
}

/// The shader, valid without any capability that WebGPU does not promise.
fn parse(row: &Descriptor, text: &str) -> (Module, ModuleInfo) {
    let name = row.name;
    let module =
        naga::front::wgsl::parse_str(text).unwrap_or_else(|error| panic!("{name}: {}", error.emit_to_string(text)));
    let mut validator = Validator::new(ValidationFlags::all(), Capabilities::default());
    let info = validator.validate(&module).unwrap_or_else(|error| panic!("{name}: {}", error.emit_to_string(text)));
    (module, info)
}

#[test]
fn every_shader_has_its_row_its_host_side_and_its_test() {
    let table: BTreeSet<String> = REGISTRY.iter().map(|row| row.name.to_owned()).collect();
    assert_eq!(names("shaders", ".wgsl"), table, "shaders/ and the kernel table");
    for folder in ["src/kernels", "tests/parity"] {
        let files = names(folder, ".rs");
        let missing: Vec<&String> = table.difference(&files).collect();
        assert!(missing.is_empty(), "{folder} lacks {missing:?}");
    }
}

#[test]
fn rows_name_the_shaders_own_bindings() {
    for row in REGISTRY {
        let (module, _) = parse(row, row.wgsl);
        let mut bound: Vec<_> = module
            .global_variables
            .iter()
            .filter_map(|(_, variable)| variable.binding.map(|place| (place.binding, variable)))
            .collect();
        bound.sort_by_key(|(binding, _)| *binding);
        assert_eq!(bound.len(), row.bindings.len(), "{}: number of bindings", row.name);
        for ((number, variable), binding) in bound.iter().zip(row.bindings) {
            let place = format!("{}: @binding({number})", row.name);
            assert_eq!(variable.name.as_deref(), Some(binding.name), "{place}");
            let AddressSpace::Storage { access } = variable.space else { panic!("{place}: {:?}", variable.space) };
            let writes = access.contains(StorageAccess::STORE);
            assert_eq!(writes, binding.access == Access::Write, "{place}: access");
            let floats = match &module.types[variable.ty].inner {
                TypeInner::Array { base, .. } => module.types[*base].inner.scalar() == Some(naga::Scalar::F32),
                _ => false,
            };
            assert_eq!(floats, binding.element == Element::F32, "{place}: element");
        }
    }
}

#[test]
fn the_shaders_progress_is_the_hosts() {
    let host = [
        ("batch", offset_of!(Progress, batch)),
        ("step", offset_of!(Progress, step)),
        ("samples", offset_of!(Progress, samples)),
        ("micro_batch", offset_of!(Progress, micro_batch)),
        ("seed", offset_of!(Progress, seed)),
    ];
    let mut found = 0;
    for row in REGISTRY {
        let (module, _) = parse(row, row.wgsl);
        for (_, kind) in module.types.iter().filter(|(_, kind)| kind.name.as_deref() == Some("Progress")) {
            let TypeInner::Struct { members, span } = &kind.inner else { panic!("{}: no struct", row.name) };
            let members: Vec<(&str, usize)> =
                members.iter().map(|member| (member.name.as_deref().unwrap(), member.offset as usize)).collect();
            assert_eq!(members, host, "{}", row.name);
            assert_eq!(*span as usize, size_of::<Progress>(), "{}", row.name);
            found += 1;
        }
    }
    assert_eq!(found, 5);
}

/// Texts of `shaders/common/` by name.
fn parts() -> BTreeMap<String, String> {
    let read = |name: String| (fs::read_to_string(root().join(format!("shaders/common/{name}.wgsl"))).unwrap(), name);
    names("shaders/common", ".wgsl").into_iter().map(read).map(|(text, name)| (name, text)).collect()
}

/// The parts that a shader's header names: `With the parts gemm and patches.`
fn named_parts(text: &str) -> BTreeSet<String> {
    let header: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("//")).map(str::trim).collect();
    let header = header.join(" ");
    let Some((_, named)) = header.split_once("With the part") else { return BTreeSet::new() };
    let named = named.split('.').next().unwrap_or_default();
    let words = named.trim_start_matches('s').split([' ', ',']).filter(|word| !["", "and"].contains(word));
    words.map(str::to_owned).collect()
}

/// A shader is its own file and the parts that its header names, and nothing else; every part is some shader's.
#[test]
fn shaders_are_made_of_the_parts_that_they_name() {
    let parts = parts();
    let mut used = BTreeSet::new();
    for row in REGISTRY {
        let own = fs::read_to_string(root().join(format!("shaders/{}.wgsl", row.name))).unwrap();
        let named = named_parts(&own);
        let texts = named.iter().map(|name| parts.get(name).unwrap_or_else(|| panic!("{}: no part {name}", row.name)));
        let length: usize = own.len() + texts.clone().map(|text| text.len() + 1).sum::<usize>();
        assert!(row.wgsl.starts_with(&own) && texts.into_iter().all(|text| row.wgsl.contains(text)), "{}", row.name);
        assert_eq!(row.wgsl.len(), length, "{}: its header names {named:?}", row.name);
        used.extend(named);
    }
    assert_eq!(used, parts.into_keys().collect(), "parts");
}

/// The longest run of equal lines of two texts.
fn equal_lines(one: &str, other: &str) -> usize {
    let [one, other] = [one, other].map(|text| text.lines().collect::<Vec<_>>());
    let run = |(i, j): (usize, usize)| one[i..].iter().zip(&other[j..]).take_while(|(a, b)| a == b).count();
    let starts = (0..one.len()).flat_map(|i| (0..other.len()).map(move |j| (i, j)));
    starts.map(run).max().unwrap_or_default()
}

#[test]
fn shaders_say_things_once() {
    let texts: Vec<(PathBuf, String)> =
        files("shaders").into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect();
    let mut alike = Vec::new();
    for (number, (path, text)) in texts.iter().enumerate() {
        let others = texts[number + 1..].iter().filter(|(_, other)| equal_lines(text, other) >= 6);
        alike.extend(others.map(|(other, _)| format!("{} and {}", path.display(), other.display())));
    }
    assert!(texts.len() > 20 && alike.len() <= 2, "six or more equal lines: {alike:#?}");
    assert_eq!(equal_lines("a\nb\nc\nd", "x\nb\nc\ne\nb"), 2);
}

/// Every variant is a product's kernel, needs what its shader uses and no more, and every product has one that runs anywhere.
#[test]
fn variants_are_kernels_and_say_what_they_need() {
    for variant in VARIANTS {
        let row = REGISTRY.into_iter().find(|row| row.name == variant.kernel);
        let row = row.unwrap_or_else(|| panic!("{}: no such kernel", variant.kernel));
        let module = naga::front::wgsl::parse_str(row.wgsl).unwrap();
        let needs = |capabilities| Validator::new(ValidationFlags::all(), capabilities).validate(&module).is_err();
        assert_eq!(needs(Capabilities::default()), !variant.features.is_empty(), "{}", row.name);
        for case in (row.cases)() {
            let product = GemmKernel::of(&*case.kernel).unwrap_or_else(|| panic!("{}: no GemmKernel", row.name));
            assert_eq!(product.problem().kind, variant.kind, "{}", row.name);
        }
    }
    for kind in GemmKind::ALL {
        let anywhere = |variant: &Variant| variant.kind == kind && variant.features.is_empty();
        assert!(VARIANTS.iter().any(anywhere), "{kind:?}");
    }
}

/// Every specialisation of the cases is valid, keeps to WebGPU's default limits, and translates for every platform.
#[test]
fn every_specialisation_translates_for_every_platform() {
    for row in REGISTRY {
        for case in (row.cases)() {
            let text = specialise(row.wgsl, &case.kernel.constants());
            let (module, info) = parse(row, &text);
            let size = module.entry_points[0].workgroup_size;
            assert!(size.iter().product::<u32>() <= 256, "{}: {size:?}, {}", row.name, case.label);
            assert!(row.bindings.len() <= 8, "{}: more storage buffers than WebGPU promises", row.name);
            translate(row.name, &module, &info);
        }
    }
}

fn translate(name: &str, module: &Module, info: &ModuleInfo) {
    naga::back::spv::write_vec(module, info, &Default::default(), None)
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let options = naga::back::msl::Options { fake_missing_bindings: true, ..Default::default() };
    naga::back::msl::write_string(module, info, &options, &Default::default())
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let options = naga::back::hlsl::Options { fake_missing_bindings: true, ..Default::default() };
    let mut text = String::new();
    naga::back::hlsl::Writer::new(&mut text, &options, &Default::default())
        .write(module, info, None)
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let options = naga::back::glsl::Options {
        version: naga::back::glsl::Version::new_gles(310),
        ..naga::back::glsl::Options::default()
    };
    let pipeline = naga::back::glsl::PipelineOptions {
        shader_stage: naga::ShaderStage::Compute,
        entry_point: "main".into(),
        multiview: None,
    };
    let mut text = String::new();
    naga::back::glsl::Writer::new(&mut text, module, info, &options, &pipeline, Default::default())
        .and_then(|mut writer| writer.write())
        .unwrap_or_else(|error| panic!("{name}: {error}"));
}

/// The modules, from those that import nothing to those that nothing imports.
const ORDER: [&str; 27] = [
    "error",
    "shell",
    "sniff",
    "random",
    "callback",
    "data",
    "geometry",
    "gemm",
    "kernels",
    "optimizers",
    "plan",
    "cpu",
    "gpu",
    "layers",
    "model",
    "network",
    "formats",
    "evaluate",
    "plot",
    "train",
    "report",
    "selftest",
    "tune",
    "measure",
    "classical",
    "facade",
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

/// What an optimizer keeps of a variable goes by names that only it, its kernel and the formats know.
#[test]
fn no_one_else_knows_what_an_optimizer_keeps() {
    let optimizer = Optimizer::default();
    let rule = optimizer.rule();
    assert!(!rule.states().is_empty());
    let own = ["src/optimizers/".into(), "src/formats/".into(), format!("src/kernels/{}.rs", rule.name())];
    for path in files("src") {
        let inside = path.strip_prefix(root()).unwrap().to_str().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let named = rule.states().iter().any(|state| text.contains(state.name));
        assert!(!named || own.iter().any(|own| inside.starts_with(own)), "{inside} names what {} keeps", rule.name());
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
