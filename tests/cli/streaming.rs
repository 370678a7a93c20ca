//! A data set that is larger than a buffer of the adapter: each submission brings its own samples.

use std::fs;
use std::io::Write;

use crate::support::{Ended, IMAGES, LABELS, Scratch, ended, idx};

/// Height and width; large, so that few images are more than the 128 MB that software Vulkan has in a buffer.
const SIDE: usize = 256;
const TRAINING: usize = 2000;
const TEST: usize = 100;

/// Looks at so few values that the images themselves are nearly all of the work.
const MODEL: &str = r#"
input = [256, 256, 1]
layers = [
    { type = "max_pool2d", size = 32 },
    { type = "flatten" },
    { type = "dense", units = 8, activation = "relu" },
    { type = "dropout", rate = 0.25 },
    { type = "dense", units = 4 },
]
"#;

/// Each class has a bright quarter of its own, over a noise that differs from image to image.
fn scratch() -> Scratch {
    let scratch = Scratch::new();
    fs::write(scratch.path("large.toml"), MODEL).unwrap();
    let label = |sample: usize| sample * 7 % 4;
    for (images, labels, count) in
        [(IMAGES, LABELS, TRAINING), ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", TEST)]
    {
        let row = |sample: usize, y: usize| {
            let noise = (sample * SIDE + y).wrapping_mul(0x9E37_79B9) >> 9;
            let bright = move |x: usize| y / 128 * 2 + x / 128 == label(sample);
            (0..SIDE).map(move |x| ((noise ^ (x * 5)) & 0x7f) as u8 | if bright(x) { 0x80 } else { 0 })
        };
        let pixels = (0..count).flat_map(|sample| (0..SIDE).flat_map(move |y| row(sample, y)));
        fs::write(scratch.path("data").join(images), idx(0x0803, &[count, SIDE, SIDE], pixels)).unwrap();
        let classes = (0..count).map(|sample| label(sample) as u8);
        fs::write(scratch.path("data").join(labels), idx(0x0801, &[count], classes)).unwrap();
    }
    scratch
}

/// A number that the command printed as JSON.
fn number(ended: &Ended, line: usize, name: &str) -> f64 {
    ended.json()[line][name].as_f64().unwrap_or_else(|| panic!("no {name}: {ended:?}"))
}

#[test]
fn streamed_data_trains_and_evaluates_as_resident_data_does() {
    let scratch = scratch();
    let train = "train --model large.toml --batch-size 50 --epochs 1 --no-report --json --verbose";
    let streamed = format!("{train} --run-dir streamed --adapter 0");
    let streamed = ended(scratch.on_the_tests_driver(&streamed).output().unwrap()).succeeded(&streamed);
    if streamed.stderr.contains("; data resident") {
        // Not by `eprintln!`, which the test harness keeps of a test that passes.
        let line = b"SKIPPED: 1 case of streamed data, as a buffer of this adapter holds all of it\n";
        std::io::stderr().write_all(line).unwrap();
        return;
    }
    assert!(streamed.stderr.contains("; data streamed"), "{streamed:?}");
    let resident = scratch.succeed(&format!("{train} --run-dir resident --adapter cpu"));
    assert!(resident.stderr.contains("; data resident"), "{resident:?}");
    let close = |one: &Ended, other: &Ended, line: usize, name: &str| {
        let (one, other) = (number(one, line, name), number(other, line, name));
        assert!((one - other).abs() <= 1e-5 * other.abs(), "{name}: {one}, by the CPU path {other}");
    };
    for name in ["loss", "val_loss", "accuracy", "val_accuracy"] {
        close(&streamed, &resident, 0, name);
    }
    let evaluate = "evaluate --run streamed --json";
    let by_adapter = format!("{evaluate} --adapter 0");
    let by_adapter = ended(scratch.on_the_tests_driver(&by_adapter).output().unwrap()).succeeded(&by_adapter);
    let by_cpu = scratch.succeed(&format!("{evaluate} --adapter cpu"));
    for name in ["loss", "accuracy"] {
        close(&by_adapter, &by_cpu, 0, name);
    }
}
