//! Hostile ONNX files: ours that were changed, and such as no other program writes.

use std::fs;
use std::path::Path;

use gpu_fmnist::formats::Format;

use crate::hostile::{mutated, reads, refused};
use crate::tiny;

/// A field of ONNX' messages with bytes in it.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let length = (0..5).map(|place| (bytes.len() >> (7 * place)) as u8 | 0x80).chain([0]);
    [number << 3 | 2].into_iter().chain(length).chain(bytes.iter().copied()).collect()
}

/// A field of ONNX' messages with a number in it.
fn number(field: u8, number: u64) -> Vec<u8> {
    let bytes = (0..9).map(|place| (number >> (7 * place)) as u8 | 0x80).chain([(number >> 63) as u8]);
    [field << 3].into_iter().chain(bytes).collect()
}

fn node(operator: &str, inputs: &[&str], output: &str) -> Vec<u8> {
    let inputs = inputs.iter().flat_map(|input| field(1, input.as_bytes()));
    let rest = [field(2, output.as_bytes()), field(4, operator.as_bytes())].concat();
    field(1, &inputs.chain(rest).collect::<Vec<_>>())
}

/// A weight of f32.
fn weight(name: &str, shape: &[u64], values: usize) -> Vec<u8> {
    let shape: Vec<u8> = shape.iter().flat_map(|&size| number(1, size)).collect();
    field(5, &[shape, number(2, 1), field(8, name.as_bytes()), field(9, &vec![0; 4 * values])].concat())
}

/// Another program's file with images `[N, sizes]` called `x`, and the output `y`.
fn foreign(sizes: &[u64], graph: &[Vec<u8>]) -> Vec<u8> {
    let sizes: Vec<u8> = sizes.iter().flat_map(|&size| field(1, &number(1, size))).collect();
    let shape = field(2, &[field(1, &field(2, b"N")), sizes].concat());
    let input = field(11, &[field(1, b"x"), field(2, &field(1, &[number(1, 1), shape].concat()))].concat());
    let graph = [graph.concat(), input, field(12, &field(1, b"y"))].concat();
    [number(1, 8), field(2, b"pytorch"), field(7, &graph), field(8, &number(2, 13))].concat()
}

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
    refused(
        &foreign(&[30_000, 30_000, 1], &[node("Flatten", &["x"], "y")]),
        "are an image's values in another order, or too many",
    );
    refused(&foreign(&[0, 1, 1], &[node("Flatten", &["x"], "y")]), "has the shape [?, 0, 1, 1]");
    let name = "n\u{1b}[2J\n".repeat(1000);
    refused(&foreign(&image, &[node("Nothing", &["x"], &name)]), "this operator is unsupported");
    let deep =
        |operator: &str| (0..40_000).map(|number| node(operator, &["x"], &number.to_string())).collect::<Vec<_>>();
    refused(&foreign(&image, &deep("Relu")), "has more than 10000 nodes or tensors");
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
    let many = [vec![weight("w", &[256, 256], 65536)], (0..900).map(dense).collect()].concat();
    refused(&foreign(&[256], &many), "it makes more weights than the file has");
    let turned = |number: usize| node("Transpose", &[if number == 0 { "w" } else { "t" }], &format!("t{number}"));
    let many = [vec![weight("w", &[256, 256], 65536), node("Identity", &["w"], "t")], (0..900).map(turned).collect()];
    refused(&foreign(&[256], &many.concat()), "it makes more weights than the file has");
    refused(
        &foreign(&[4, 8, 8], &[weight("w", &[1 << 40, 4, 3, 3], 9), node("Conv", &["x", "w"], "y")]),
        "has not the values",
    );
    refused(
        &foreign(&[4, 8, 8], &[weight("w", &[0, 4, 3, 3], 0), node("Conv", &["x", "w"], "y")]),
        "are not of 4 channels",
    );
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
