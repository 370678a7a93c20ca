//! Hostile ONNX files: ours that were changed, and such as no other program writes.

use std::fs;
use std::path::Path;

use gpu_fmnist::formats::{Format, read};

use crate::hostile::{mutated, reads, refused};
use crate::onnx::{field, foreign, node, number, weight};
use crate::tiny;

#[test]
fn our_files_with_another_graph_are_refused_by_node() {
    let file = Format::Onnx.encode(&tiny()).unwrap();
    let text = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let place = file.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        [&file[..place], to.as_bytes(), &file[place + to.len()..]].concat()
    };
    refused(&text("Relu", "Tanh"), "its node \"Tanh\" \"conv2d/relu\" is none of the model's layers");
    for number in [1, 5] {
        // Two bytes in the file for each of a million nodes, or weights.
        let many = [number << 3 | 2, 0].repeat(1_000_000);
        refused(&[file.clone(), field(7, &many)].concat(), if number == 1 { "its node" } else { "has not the values" });
    }
    refused(&[&file[..], b"\xca\x01\x00"].concat(), "its model has a field 25");
}

#[test]
fn files_that_no_program_writes_are_refused() {
    let image = [1, 8, 8];
    refused(&foreign(&image, &[field(1, b"")]), "not a whole ONNX file");
    refused(
        &foreign(&image, &[node("Relu", &["x"], "r"), node("Tanh", &["x"], "r")]),
        "makes \"r\", which is there already",
    );
    refused(&foreign(&image, &[node("Relu", &["y"], "y")]), "reads \"y\", which nothing before it makes");
    refused(
        &foreign(&image, &[node("Add", &["x", "b"], "a"), node("Relu", &["a"], "b")]),
        "reads \"b\", which nothing",
    );
    refused(&foreign(&image, &[]), "reads \"y\", which nothing before it makes");
    refused(&foreign(&image, &[node("Identity", &["x"], "y")]), "is not [N, classes]");
    refused(
        &foreign(&[1 << 40, 1 << 40], &[node("Relu", &["x"], "y")]),
        "has the shape [?, 1099511627776, 1099511627776]",
    );
    reads(&foreign(&[30_000, 30_000, 1], &[node("Flatten", &["x"], "y")]), "as many classes as pixels").ok();
    for operator in
        ["Sum", "Concat", "Max", "Conv", "Gemm", "Pad", "Reshape", "Softmax", "Shape", "Add", "BatchNormalization"]
    {
        refused(&foreign(&image, &[node(operator, &[], "y")]), &format!("node \"y\" ({operator}): "));
        refused(&foreign(&image, &[node(operator, &["x"; 70], "y")]), "; ");
    }
    refused(&foreign(&[0, 1, 1], &[node("Flatten", &["x"], "y")]), "has the shape [?, 0, 1, 1]");
    let name = "n\u{1b}[2J\n".repeat(1000);
    refused(&foreign(&image, &[node("Nothing", &["x"], &name)]), "this operator is unsupported");
    let deep =
        |operator: &str| (0..40_000).map(|number| node(operator, &["x"], &number.to_string())).collect::<Vec<_>>();
    refused(&foreign(&image, &deep("Relu")), "has more than 5000 nodes or tensors");
    let layers: Vec<_> =
        (0..2000).map(|number| node("Tanh", &[&before(number)], &format!("a rather long name {number}"))).collect();
    refused(&foreign(&image, &layers), "it makes more than 1000 layers");
    refused(&[number(1, 8), field(7, &[0x0a, 0].repeat(1_000_000)), field(8, &number(2, 13))].concat(), "not a whole");
    refused(&[number(1, 8), field(7, &[0x2a, 0].repeat(1_000_000)), field(8, &number(2, 13))].concat(), "has no input");
}

fn before(number: usize) -> String {
    if number == 0 { "x".into() } else { format!("a rather long name {}", number - 1) }
}

/// What a file says twice costs twice: it is refused before it is there.
#[test]
fn small_files_do_not_become_large_networks() {
    let twice = |operator: &'static str, count: usize| {
        let name = |number: usize| if number == 0 { "x".to_owned() } else { format!("v{number}") };
        (0..count)
            .map(move |number| node(operator, &[&name(number), &name(number)], &name(number + 1)))
            .collect::<Vec<_>>()
    };
    refused(&foreign(&[1, 8, 8], &twice("Concat", 60)), "values a sample; give fewer inputs");
    let flat = |nodes: Vec<Vec<u8>>| [vec![node("Flatten", &["x"], "v0")], nodes].concat();
    refused(&foreign(&[1, 8, 8], &flat(twice("Concat", 25))), "values a sample; give fewer inputs");
    let dense = |number: usize| node("Gemm", &[&before(number), "w"], &format!("a rather long name {number}"));
    let many = [vec![weight("w", &[256, 256], &[0.0; 65536])], (0..900).map(dense).collect()].concat();
    refused(&foreign(&[256], &many), "it makes more weights than the file has");
    let turned = |number: usize| node("Transpose", &[if number == 0 { "w" } else { "t" }], &format!("t{number}"));
    let many =
        [vec![weight("w", &[256, 256], &[0.0; 65536]), node("Identity", &["w"], "t")], (0..900).map(turned).collect()];
    refused(&foreign(&[256], &many.concat()), "it makes more weights than the file has");
    refused(
        &foreign(&[4, 8, 8], &[weight("w", &[1 << 40, 4, 3, 3], &[0.0; 9]), node("Conv", &["x", "w"], "y")]),
        "has not the values",
    );
    refused(
        &foreign(&[4, 8, 8], &[weight("w", &[0, 4, 3, 3], &[]), node("Conv", &["x", "w"], "y")]),
        "are not of 4 channels",
    );
}

/// A dense layer's weights, of which this many bytes from `offset` on are in another file.
fn elsewhere(location: &str, offset: usize, length: Option<usize>) -> Vec<u8> {
    let entry = |key: &str, value: &str| field(13, &[field(1, key.as_bytes()), field(2, value.as_bytes())].concat());
    let length = length.map_or(Vec::new(), |length| entry("length", &length.to_string()));
    let place = [entry("location", location), entry("offset", &offset.to_string()), length, number(14, 1)].concat();
    let weight = field(5, &[number(1, 4), number(1, 2), number(2, 1), field(8, b"w"), place].concat());
    foreign(&[4], &[weight, node("Gemm", &["x", "w"], "y")])
}

#[test]
fn weights_in_a_file_beside_it_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    let values: Vec<f32> = (0..8).map(|number| number as f32 - 2.5).collect();
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    fs::write(&path, foreign(&[4], &[weight("w", &[4, 2], &values), node("Gemm", &["x", "w"], "y")])).unwrap();
    let whole = read(&path, None).unwrap();
    fs::create_dir(folder.path().join("within")).unwrap();
    for (location, offset, length) in
        [("model.onnx.data", 0, None), ("model.onnx.data", 64, Some(32)), ("./within/weights", 3, Some(32))]
    {
        fs::write(folder.path().join(location), [vec![7; offset], bytes.clone()].concat()).unwrap();
        fs::write(&path, elsewhere(location, offset, length)).unwrap();
        assert_eq!(read(&path, None).unwrap(), whole, "{location}");
    }
    refused(&fs::read(&path).unwrap(), "tensor \"w\" is in another file (external data); write it whole");

    fs::write(folder.path().join("short"), &bytes[1..]).unwrap();
    for (location, offset, length, problem) in [
        ("none.data", 0, None, "has weights in \"none.data\", which is not there; copy it beside this file, or write"),
        ("within/../model.onnx.data", 0, None, "has weights in \"within/../model.onnx.data\", which is not beside"),
        ("/etc/hostname", 0, None, "has weights in \"/etc/hostname\", which is not beside it"),
        ("within", 0, None, "has weights in \"within\", which cannot be read (not a file)"),
        ("", 0, None, "has weights in \"\", which cannot be read (not a file)"),
        ("short", 0, None, "has not the values that its shape needs in \"short\"; copy both files"),
        ("model.onnx.data", 65, Some(32), "has not the values that its shape needs in \"model.onnx.data\""),
        ("model.onnx.data", usize::MAX, Some(32), "has not the values that its shape needs"),
        ("model.onnx.data", 0, Some(31), "has not the values that its shape needs"),
    ] {
        fs::write(&path, elsewhere(location, offset, length)).unwrap();
        let error = read(&path, None).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}: ", path.display())) && error.contains(problem), "{location}: {error}");
        assert!(error.contains("; "), "{error}");
    }
}

#[test]
fn no_mutated_file_of_another_program_does_harm() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats/onnx/files");
    for name in ["pytorch_branches_script", "pytorch_lenet_script", "pytorch_activations_script"] {
        let file = fs::read(folder.join(format!("{name}.onnx"))).unwrap();
        reads(&file, name).unwrap();
        let refused = (0..5000).filter(|&number| reads(&mutated(&file, number), &format!("{name} {number}")).is_err());
        let refused = refused.count();
        assert!((1000..5000).contains(&refused), "{name}: {refused} refused");
        for length in 0..file.len() {
            reads(&file[..length], name).unwrap_err();
        }
    }
}
