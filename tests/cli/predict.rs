//! `predict`: the table of a data set's samples, the grid, and anyone's pictures.

use std::fs;
use std::path::Path;

use image::{GrayImage, Luma, Rgba, RgbaImage};

use crate::support::{COUNT, Ended, Scratch};

/// A scratch folder with a run in `run` that knows its four classes.
fn trained() -> Scratch {
    let scratch = Scratch::new();
    scratch.train("--epochs 15 --learning-rate 0.01 --run-dir run -q");
    scratch
}

fn predict(scratch: &Scratch, arguments: &str) -> Ended {
    scratch.run(&format!("predict --run run --adapter cpu {arguments}"))
}

/// A row of `predictions.csv`.
struct Row {
    index: usize,
    label: usize,
    predicted: usize,
    probabilities: Vec<f64>,
}

fn rows(csv: &str) -> Vec<Row> {
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("index,label,predicted,p0,p1,p2,p3"));
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let [index, label, predicted] = [0, 1, 2].map(|column: usize| cells[column].parse().unwrap());
        Row { index, label, predicted, probabilities: cells[3..].iter().map(|cell| cell.parse().unwrap()).collect() }
    };
    lines.map(row).collect()
}

/// Pixels of a test sample, `[8, 8]`, behind the IDX file's header.
fn pixels(scratch: &Scratch, index: usize) -> Vec<u8> {
    fs::read(scratch.path("data/t10k-images-idx3-ubyte")).unwrap()[16 + 64 * index..][..64].to_vec()
}

#[test]
fn the_table_has_the_numbers_of_evaluate() {
    let scratch = trained();
    for (split, samples) in [("test", 100), ("validation", COUNT / 5), ("train", COUNT * 4 / 5)] {
        let measured = scratch.succeed(&format!("evaluate --run run --adapter cpu --json --split {split}")).json();
        predict(&scratch, &format!("--split {split} -o out.csv")).succeeded(split);
        let csv = fs::read_to_string(scratch.path("out.csv")).unwrap();
        assert_eq!(csv, predict(&scratch, &format!("--split {split}")).succeeded(split).stdout);
        let rows = rows(&csv);
        assert_eq!(rows.len(), samples);
        let hits = rows.iter().filter(|row| row.label == row.predicted).count();
        assert_eq!(measured[0]["accuracy"].as_f64().unwrap(), hits as f64 / samples as f64);
        let loss: f64 = rows.iter().map(|row| -row.probabilities[row.label].ln()).sum::<f64>() / samples as f64;
        assert!((loss - measured[0]["loss"].as_f64().unwrap()).abs() < 1e-5, "{split}: {loss} {measured:?}");
        for row in &rows {
            assert!((row.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-6, "sample {}", row.index);
        }
    }
    let indices: Vec<usize> =
        rows(&predict(&scratch, "--split validation").stdout).iter().map(|row| row.index).collect();
    let split = scratch.succeed("data split --json").json();
    assert_eq!(split[0]["validation"], serde_json::json!(indices));
}

#[test]
fn the_grid_shows_mistakes_in_colour() {
    let scratch = Scratch::new();
    scratch.train("--epochs 1 --learning-rate 1e-5 --run-dir run -q");
    let wrong = rows(&predict(&scratch, "").stdout).iter().filter(|row| row.label != row.predicted).count();
    assert!(wrong > 30, "{wrong}");
    let grid = |arguments: &str| {
        let ended = predict(&scratch, &format!("--grid out.svg {arguments}")).succeeded(arguments);
        assert_eq!(ended.stdout, "wrote out.svg\n");
        fs::read_to_string(scratch.path("out.svg")).unwrap()
    };
    let count = |text: &str, part: &str| text.matches(part).count();
    let all = grid("--rows 10 --columns 10");
    assert_eq!([count(&all, "Actual = "), count(&all, "Predicted = "), count(&all, "<image ")], [100; 3]);
    // A caption has two lines.
    assert_eq!(count(&all, "fill=\"#D55E00\""), 2 * wrong);
    let mistakes = grid("--only-wrong --rows 3 --columns 7");
    assert_eq!([count(&mistakes, "<image "), count(&mistakes, "fill=\"#D55E00\"")], [21, 42]);
    assert_eq!(mistakes, grid("--only-wrong --rows 3 --columns 7"));
    assert_ne!(mistakes, grid("--only-wrong --rows 3 --columns 7 --seed 1"));
    assert_eq!(predict(&scratch, "--rows 3").code, Some(2));
    assert_eq!(predict(&scratch, "--only-wrong").code, Some(2));
    predict(&scratch, "--grid out.jpeg").failed(2, "out.jpeg: neither .svg nor .png");
}

#[test]
fn pictures_of_any_size_are_classified() {
    let scratch = trained();
    let row = &rows(&predict(&scratch, "").stdout)[3];
    let sample = pixels(&scratch, 3);
    let value = |x: u32, y: u32| sample[(8 * y + x) as usize];
    GrayImage::from_fn(8, 8, |x, y| Luma([value(x, y)])).save(scratch.path("own.png")).unwrap();
    // The same as dark on white, fifty times as large.
    let enlarged = RgbaImage::from_fn(600, 400, |x, y| match (x / 50).checked_sub(3) {
        Some(x @ 0..8) => {
            Rgba([255 - value(x, y / 50); 3].into_iter().chain([255]).collect::<Vec<_>>().try_into().unwrap())
        }
        _ => Rgba([255; 4]),
    });
    enlarged.save(scratch.path("enlarged.png")).unwrap();

    let told = predict(&scratch, "own.png enlarged.png --invert no --json").succeeded("as they are").json();
    let classes = |picture: usize| told[0]["pictures"][picture]["classes"].as_array().unwrap();
    assert_eq!(classes(0).len(), 3);
    for class in classes(0) {
        let expected = row.probabilities[class["class"].as_u64().unwrap() as usize];
        assert!((class["probability"].as_f64().unwrap() - expected).abs() < 1e-6, "{class} {expected}");
    }
    assert_eq!(classes(0)[0]["class"], row.predicted);

    let told = predict(&scratch, "enlarged.png --margins none --json").succeeded("large").json();
    let picture = &told[0]["pictures"][0];
    assert_eq!((&picture["inverted"], &picture["classes"][0]["class"]), (&true.into(), &row.predicted.into()));
    let ended = predict(&scratch, "own.png enlarged.png --margins none --invert yes").succeeded("table");
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{ended:?}");
    assert!(lines[0].starts_with("picture ") && lines[0].ends_with("third"), "{ended:?}");
    assert!(lines[2].starts_with(&format!("enlarged.png  yes       {} ", row.predicted)), "{ended:?}");
}

/// A PNG that is `size` on either side, each pixel a bit, all of them black.
fn black(path: &Path, size: u32) {
    let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), size, size);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    encoder.set_compression(png::Compression::Fastest);
    let bytes = (size.div_ceil(8) * size) as usize;
    encoder.write_header().unwrap().write_image_data(&vec![0; bytes]).unwrap();
}

#[test]
fn what_is_no_picture_is_refused_in_one_line() {
    let scratch = Scratch::new();
    scratch.train("--epochs 1 --run-dir run -q");
    let written = |name: &str, bytes: &[u8]| fs::write(scratch.path(name), bytes).unwrap();
    black(&scratch.path("good.png"), 9);
    black(&scratch.path("huge.png"), 30_000);
    let good = fs::read(scratch.path("good.png")).unwrap();
    written("text.png", b"Not a picture, whatever its name says.\n");
    written("photo.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic");
    written("photo.avif", b"\0\0\0\x18ftypavif\0\0\0\0mif1avif");
    written("scan.png", b"II*\0\x08\0\0\0");
    written("drawing.svg", b"<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"/>\n");
    written("page.jpg", b"<!DOCTYPE html>\n<html><img src=\"boot.jpg\"></html>\n");
    written("bytes.png", &[0x80, 0, 0xff, 7, 0, 0]);
    written("empty.png", b"");
    written("short.png", &good[..good.len() - 20]);
    // Width and height are the first words of the first chunk, whose checksum follows its 13 bytes.
    let mut header = [b"IHDR".as_slice(), &[0; 8], &good[24..29]].concat();
    header.extend(crc32(&header).to_be_bytes());
    written("none.png", &[&good[..12], &header, &good[33..]].concat());
    for (name, problem) in [
        ("text.png", "a text file, not a picture that can be read; give"),
        ("photo.heic", "a HEIC photograph; save it as PNG or JPEG and give that (magick FILE picture.png, say)"),
        ("photo.avif", "an AVIF picture; save"),
        ("scan.png", "a TIFF picture; save"),
        ("drawing.svg", "an SVG drawing; save"),
        ("page.jpg", "a web page (HTML), as a failed download leaves it, not a picture that can be read; download"),
        ("bytes.png", "no picture that is known; give"),
        ("empty.png", "the file is empty; give"),
        ("none.png", "cannot be decoded (Format error decoding Png: Invalid image dimensions); give"),
        ("huge.png", "30000 x 30000 pixels are too many; scale it down, to 8192 x 8192 at most"),
        ("short.png", "cannot be decoded (unexpected end of file); give"),
        ("nowhere.png", "there is no such file; check"),
        ("data", "a folder; give the pictures in it, as FOLDER/*.png"),
    ] {
        let ended = predict(&scratch, &format!("good.png {name}"));
        ended.failed(3, &format!("error: {name}: {problem}"));
        assert_eq!(ended.stdout, "", "{name}: an answer in part");
    }
    predict(&scratch, "good.png").succeeded("the good one");
    for contradiction in
        ["good.png --split test", "good.png -o out.csv", "good.png --grid out.png", "--invert yes", "--json"]
    {
        assert_eq!(predict(&scratch, contradiction).code, Some(2), "{contradiction}");
    }
}

/// PNG's checksum.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}
