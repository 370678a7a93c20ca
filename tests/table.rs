//! The kernel table against the files on disk and what naga reads in the shaders; imports point one way.

use std::collections::BTreeSet;
use std::fs;
use std::mem::offset_of;
use std::path::{Path, PathBuf};

use gpu_fmnist::kernels::{Access, Element, Progress, Row, TABLE, specialise};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, Module, StorageAccess, TypeInner};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// File names without their ending, of the files with that ending.
fn names(folder: &str, ending: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    entries.filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_suffix(ending).map(str::to_owned)).collect()
}

/// The shader, valid without any capability that WebGPU does not promise.
fn parse(row: &Row, text: &str) -> (Module, ModuleInfo) {
    let name = row.name;
    let module =
        naga::front::wgsl::parse_str(text).unwrap_or_else(|error| panic!("{name}: {}", error.emit_to_string(text)));
    let mut validator = Validator::new(ValidationFlags::all(), Capabilities::default());
    let info = validator.validate(&module).unwrap_or_else(|error| panic!("{name}: {}", error.emit_to_string(text)));
    (module, info)
}

#[test]
fn every_shader_has_its_row_its_host_side_and_its_test() {
    let table: BTreeSet<String> = TABLE.iter().map(|row| row.name.to_owned()).collect();
    assert_eq!(names("shaders", ".wgsl"), table, "shaders/ and the kernel table");
    for folder in ["src/kernels", "tests/parity"] {
        let files = names(folder, ".rs");
        let missing: Vec<&String> = table.difference(&files).collect();
        assert!(missing.is_empty(), "{folder} lacks {missing:?}");
    }
}

#[test]
fn rows_name_the_shaders_own_bindings() {
    for row in TABLE {
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
        ("time", offset_of!(Progress, time)),
        ("samples", offset_of!(Progress, samples)),
        ("portion", offset_of!(Progress, portion)),
        ("seed", offset_of!(Progress, seed)),
    ];
    let mut found = 0;
    for row in TABLE {
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

/// Every specialisation of the cases is valid, keeps to WebGPU's default limits, and translates for every platform.
#[test]
fn every_specialisation_translates_for_every_platform() {
    for row in TABLE {
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
const ORDER: [&str; 20] = [
    "error",
    "shell",
    "sniff",
    "random",
    "data",
    "model",
    "kernels",
    "plan",
    "cpu",
    "gpu",
    "formats",
    "evaluate",
    "plot",
    "train",
    "report",
    "selftest",
    "tune",
    "measure",
    "classical",
    "cli",
];

#[test]
fn imports_point_one_way() {
    let rank = |module: &str| ORDER.iter().position(|known| *known == module);
    let mut stack = vec![root().join("src")];
    let mut files = 0;
    while let Some(path) = stack.pop() {
        if path.is_dir() {
            stack.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let inside = path.strip_prefix(root().join("src")).unwrap().to_str().unwrap();
        let own = inside.split(['/', '.']).next().unwrap();
        let Some(own_rank) = rank(own) else { continue };
        files += 1;
        let text = fs::read_to_string(&path).unwrap();
        for import in text.split("crate::").skip(1) {
            let module: String =
                import.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
            if let Some(other) = rank(&module) {
                assert!(other <= own_rank, "{inside} imports {module}, which stands above {own}");
            }
        }
    }
    assert!(files > 40, "only {files} files looked at");
}
