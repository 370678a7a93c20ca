//! `--tta`: the mean of the logits of several views, against such means of pictures that were made by hand.

use std::fs;

use gpu_fmnist::formats::Checkpoint;
use serde_json::Value;

use crate::support::{IMAGES, LABELS, Scratch, idx};

/// Rows and columns of an image, which is no square.
const HEIGHT: usize = 4;
const WIDTH: usize = 6;
const TEST: usize = 9;

const MODEL: &str = "input = [4, 6, 1]\nlayers = [{ type = \"flatten\" }, { type = \"dense\", units = 3 }]";

fn pixel(sample: usize, place: usize) -> u8 {
    ((sample * 24 + place).wrapping_mul(0x9E37_79B9) >> 9) as u8
}

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    fs::write(scratch.path("wide.toml"), MODEL).unwrap();
    for (images, labels, count) in [(IMAGES, LABELS, 60), ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", TEST)] {
        let pixels = (0..count).flat_map(|sample| (0..HEIGHT * WIDTH).map(move |place| pixel(sample, place)));
        fs::write(scratch.path("data").join(images), idx(0x0803, &[count, HEIGHT, WIDTH], pixels)).unwrap();
        let classes = (0..count).map(|sample| (sample % 3) as u8);
        fs::write(scratch.path("data").join(labels), idx(0x0801, &[count], classes)).unwrap();
    }
    scratch.succeed("train --model wide.toml --adapter cpu --epochs 3 --batch-size 8 --no-report --run-dir run");
    scratch
}

/// An image by rows.
type Image = Vec<Vec<f64>>;

fn image(sample: usize) -> Image {
    let row = |y: usize| (0..WIDTH).map(|x| f64::from(pixel(sample, y * WIDTH + x)) / 255.0).collect();
    (0..HEIGHT).map(row).collect()
}

fn mirrored(image: &Image) -> Image {
    image.iter().map(|row| row.iter().rev().copied().collect()).collect()
}

/// Moved down and to the right by as many pixels; zeros come in.
fn moved(image: &Image, pixels: i32) -> Image {
    let at = |y: i32, x: i32| {
        let row = usize::try_from(y).ok().and_then(|y| image.get(y))?;
        usize::try_from(x).ok().and_then(|x| row.get(x)).copied()
    };
    let row = |y: i32| (0..WIDTH as i32).map(|x| at(y - pixels, x - pixels).unwrap_or(0.0)).collect();
    (0..HEIGHT as i32).map(row).collect()
}

/// What the trained network answers to an image.
fn logits(checkpoint: &Checkpoint, image: &Image) -> [f64; 3] {
    let values = |name: &str| &checkpoint.tensors.iter().find(|tensor| tensor.name == name).unwrap().values;
    let (kernel, bias) = (values("dense.kernel"), values("dense.bias"));
    [0, 1, 2].map(|class| {
        let products = image.iter().flatten().enumerate().map(|(at, pixel)| pixel * f64::from(kernel[3 * at + class]));
        products.sum::<f64>() + f64::from(bias[class])
    })
}

/// The mean of several logits, each of which counts so much.
fn mean(parts: &[([f64; 3], f64)]) -> [f64; 3] {
    [0, 1, 2].map(|class| parts.iter().map(|(logits, part)| part * logits[class]).sum())
}

fn softmax(logits: [f64; 3]) -> [f64; 3] {
    let sum: f64 = logits.iter().map(|logit| logit.exp()).sum();
    logits.map(|logit| logit.exp() / sum)
}

/// The probabilities of the test samples, and the mean loss, as the definition has them.
fn expected(checkpoint: &Checkpoint, tta: &str) -> (Vec<[f64; 3]>, f64) {
    let of = |image: &Image| logits(checkpoint, image);
    let both = |image: &Image| mean(&[(of(image), 0.5), (of(&mirrored(image)), 0.5)]);
    let answer = |sample: usize| {
        let image = image(sample);
        let around = |of: &dyn Fn(&Image) -> [f64; 3], pixels: i32| {
            mean(&[(of(&image), 0.5), (of(&moved(&image, -pixels)), 0.25), (of(&moved(&image, pixels)), 0.25)])
        };
        match tta {
            "" => of(&image),
            "flip" => both(&image),
            "flip,shift:1" => around(&both, 1),
            "shift:2" => around(&of, 2),
            _ => panic!("{tta}"),
        }
    };
    let rows: Vec<[f64; 3]> = (0..TEST).map(|sample| softmax(answer(sample))).collect();
    let loss: f64 = rows.iter().enumerate().map(|(sample, row)| -row[sample % 3].ln()).sum();
    (rows, loss / TEST as f64)
}

#[test]
fn predictions_are_of_the_mean_of_all_views_logits() {
    let scratch = scratch();
    let checkpoint = Checkpoint::read(&scratch.path("run/checkpoints/last.safetensors")).unwrap();
    let mut losses = Vec::new();
    for tta in ["", "flip", "flip,shift:1", "shift:2"] {
        let option = if tta.is_empty() { String::new() } else { format!("--tta {tta}") };
        let (rows, loss) = expected(&checkpoint, tta);
        let csv = scratch.succeed(&format!("predict --run run --adapter cpu {option}")).stdout;
        for (line, expected) in csv.lines().skip(1).zip(&rows) {
            let cells: Vec<f64> = line.split(',').skip(3).map(|cell| cell.parse().unwrap()).collect();
            for (cell, expected) in cells.iter().zip(expected) {
                assert!((cell - expected).abs() < 1e-6, "{tta}: {line} {expected}");
            }
        }
        assert_eq!(csv.lines().count(), 1 + TEST);
        let json = scratch.succeed(&format!("evaluate --run run --adapter cpu --json {option}")).json().remove(0);
        assert!((json["loss"].as_f64().unwrap() - loss).abs() < 1e-6, "{tta}: {} {loss}", json["loss"]);
        assert_eq!(json.get("tta").and_then(Value::as_str).unwrap_or_default(), tta);
        losses.push(loss);
    }
    losses.sort_by(f64::total_cmp);
    assert!(losses.windows(2).all(|pair| pair[1] - pair[0] > 1e-4), "views that do not differ: {losses:?}");
    assert!(scratch.path("run/evaluation/test").exists() && scratch.path("run/evaluation/test-tta").exists());
}

#[test]
fn what_is_no_view_is_refused_in_one_line() {
    let scratch = scratch();
    for command in ["evaluate --run run --adapter cpu", "predict --run run --adapter cpu"] {
        scratch
            .run(&format!("{command} --tta flop"))
            .failed(2, "--tta flop: 'flop' is no view; give flip, shift:1, or");
        scratch.run(&format!("{command} --tta flip,shift")).failed(2, "'shift' is no view");
        scratch
            .run(&format!("{command} --tta shift:4"))
            .failed(2, "--tta shift:4: moves images of 4 x 6 away; give at");
    }
}
