//! Pictures of one's own for a network whose training images have margins: digits, say.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use gpu_fmnist::formats::Checkpoint;
use image::{DynamicImage, GrayImage, ImageFormat, Luma};

use crate::support::{Ended, IMAGES, LABELS, Scratch, ended, idx, names};

const SIZE: usize = 16;

const MODEL: &str = r#"
input = [16, 16, 1]
layers = [
    { type = "flatten" },
    { type = "dense", units = 16, activation = "relu" },
    { type = "dense", units = 3 },
]
"#;

/// A stroke, a bar or a ring of six to eight pixels in the middle of 16; with the sample's number, in another brightness.
fn sign(sample: usize) -> Vec<u8> {
    let (class, value) = (sample % 3, 160 + (sample * 29 % 90) as u8);
    let set = |x: usize, y: usize| {
        let (across, down) = ((4..12).contains(&x), (4..12).contains(&y));
        match class {
            0 => down && (7..9).contains(&x),
            1 => across && (7..9).contains(&y),
            _ => across && down && !((6..10).contains(&x) && (6..10).contains(&y)),
        }
    };
    (0..SIZE * SIZE).map(|place| if set(place % SIZE, place / SIZE) { value } else { 0 }).collect()
}

/// A scratch folder with a run in `run` that knows the three signs.
fn trained() -> Scratch {
    let scratch = Scratch::new();
    fs::write(scratch.path("tiny.toml"), MODEL).unwrap();
    for (images, labels, count) in [(IMAGES, LABELS, 300), ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", 30)] {
        let data = scratch.path("data");
        fs::write(data.join(images), idx(0x0803, &[count, SIZE, SIZE], (0..count).flat_map(sign))).unwrap();
        fs::write(data.join(labels), idx(0x0801, &[count], (0..count).map(|sample| (sample % 3) as u8))).unwrap();
    }
    scratch.train("--epochs 6 --learning-rate 0.01 --run-dir run -q");
    scratch
}

/// A sign as a photograph of `width` x `height`: dark on grey paper, twenty times as large, with its corner at a place.
fn photograph(sample: usize, [width, height]: [u32; 2], [left, top]: [u32; 2]) -> GrayImage {
    let sign = sign(sample);
    GrayImage::from_fn(width, height, |x, y| {
        let [x, y] = [x.wrapping_sub(left) / 20, y.wrapping_sub(top) / 20].map(|at| at as usize);
        Luma([if x < SIZE && y < SIZE { 230 - sign[SIZE * y + x] / 4 * 3 } else { 230 }])
    })
}

fn predict(scratch: &Scratch, arguments: &str) -> Ended {
    scratch.run(&format!("predict --adapter cpu {arguments}"))
}

/// The likeliest class of each picture.
#[track_caller]
fn classes(ended: Ended) -> Vec<u64> {
    let told = ended.succeeded("predict").json();
    let pictures = told[0]["pictures"].as_array().unwrap();
    pictures.iter().map(|picture| picture["classes"][0]["class"].as_u64().unwrap()).collect()
}

fn pixels(path: &Path) -> Vec<u8> {
    image::open(path).unwrap().into_luma8().into_raw()
}

#[test]
fn margins_are_those_of_the_training_data() {
    let scratch = trained();
    for sample in 0..3 {
        photograph(sample, [320, 320], [0, 0]).save(scratch.path(&format!("{sample}.png"))).unwrap();
        photograph(sample, [900, 500], [500, 100]).save(scratch.path(&format!("page{sample}.png"))).unwrap();
    }
    let all = "0.png 1.png 2.png page0.png page1.png page2.png --json";
    let told = predict(&scratch, &format!("--run run {all} --save-prepared data_margins"));
    assert_eq!(classes(told), [0, 1, 2, 0, 1, 2]);
    for sample in 0..3 {
        for name in [format!("{sample}.png"), format!("page{sample}.png")] {
            let prepared = pixels(&scratch.path("data_margins").join(&name));
            let same = |place: &usize| (prepared[*place] > 60) == (sign(sample)[*place] > 60);
            assert!((0..SIZE * SIZE).filter(same).count() >= SIZE * SIZE - 4, "{name}: {prepared:?}");
        }
    }
    // Without margins a ring is as large as the input.
    predict(&scratch, &format!("--run run {all} --margins none --save-prepared filled")).succeeded("none");
    let filled = pixels(&scratch.path("filled/page2.png"));
    assert!(filled.iter().filter(|value| **value > 60).count() > 150, "{filled:?}");
    predict(&scratch, &format!("--run run {all} --margins keep --save-prepared kept")).succeeded("keep");
    let kept = pixels(&scratch.path("kept/page2.png"));
    assert!(kept.iter().filter(|value| **value > 60).count() < 20, "a small part of a page: {kept:?}");

    // A checkpoint from before says nothing of margins, and means Fashion-MNIST's; nor does a network's file.
    scratch.succeed("export run --format safetensors -o network.safetensors");
    let path = scratch.path("run/checkpoints/last.safetensors");
    let mut checkpoint = Checkpoint::read(&path).unwrap();
    let mut about: serde_json::Value = serde_json::from_str(&checkpoint.about).unwrap();
    let framing = about.as_object_mut().unwrap().remove("framing").expect("what was measured");
    assert_eq!(framing["side"], 0.5);
    checkpoint.about = about.to_string();
    fs::write(&path, checkpoint.encode().unwrap()).unwrap();
    for network in ["run", "network.safetensors"] {
        fs::remove_dir_all(scratch.path("filled")).unwrap();
        predict(&scratch, &format!("--run {network} {all} --save-prepared filled")).succeeded(network);
        assert_eq!(pixels(&scratch.path("filled/page2.png")), filled, "{network}");
        let told = predict(&scratch, &format!("--run {network} {all} --data-dir data"));
        assert_eq!(classes(told), [0, 1, 2, 0, 1, 2], "{network}: measured now");
    }
    about["framing"] = serde_json::json!({ "background": 0, "side": 1e30, "by_mass": true, "middle": [0.5, 0.5] });
    checkpoint.about = about.to_string();
    fs::write(&path, checkpoint.encode().unwrap()).unwrap();
    predict(&scratch, "--run run 0.png").failed(3, "its framing is impossible; give a checkpoint");
}

#[test]
fn what_the_network_saw_is_saved() {
    let scratch = trained();
    for folder in ["a", "b"] {
        fs::create_dir(scratch.path(folder)).unwrap();
        photograph(folder.len(), [400, 400], [30, 30]).save(scratch.path(folder).join("sign.bmp")).unwrap();
    }
    fs::create_dir(scratch.path("seen")).unwrap();
    let own = b"a file of the user's own";
    fs::write(scratch.path("seen/sign.png"), own).unwrap();
    let arguments = "--run run a/sign.bmp b/sign.bmp --save-prepared seen";
    let ended = predict(&scratch, arguments).succeeded("saved");
    assert!(ended.stdout.ends_with("\nwrote 2 prepared pictures into seen\n"), "{ended:?}");
    assert_eq!(names(&scratch.path("seen")), ["sign-2.png", "sign-3.png", "sign.png"]);
    let told = predict(&scratch, &format!("{arguments} --json")).succeeded("again").json();
    let told = told[0]["pictures"][1]["prepared"].as_str().unwrap().replace('\\', "/");
    assert_eq!(told, "seen/sign-3.png");
    assert_eq!(names(&scratch.path("seen")), ["sign-2.png", "sign-3.png", "sign.png"], "its own are written over");
    assert_eq!(fs::read(scratch.path("seen/sign.png")).unwrap(), own);
    // What the network saw is what it sees.
    let first = pixels(&scratch.path("seen/sign-2.png"));
    predict(&scratch, "--run run seen/sign-2.png --save-prepared again").succeeded("again");
    assert_eq!(pixels(&scratch.path("again/sign-2.png")), first);
    fs::write(scratch.path("file"), "").unwrap();
    predict(&scratch, "--run run a/sign.bmp --save-prepared file").failed(1, "file: cannot be made (");
    assert_eq!(predict(&scratch, "--run run --save-prepared seen").code, Some(2), "of no picture");
}

#[test]
fn every_kind_is_read_from_files_and_from_streams() {
    let scratch = trained();
    let picture = DynamicImage::from(photograph(2, [400, 300], [40, -10i32 as u32]));
    let mut expected = None;
    for (name, format) in [
        ("sign.png", ImageFormat::Png),
        ("sign.bmp", ImageFormat::Bmp),
        ("sign.gif", ImageFormat::Gif),
        ("sign.webp", ImageFormat::WebP),
    ] {
        DynamicImage::from(picture.to_rgba8()).save_with_format(scratch.path(name), format).unwrap();
        predict(&scratch, &format!("--run run {name} --save-prepared seen")).succeeded(name);
        let seen = pixels(&scratch.path("seen/sign.png"));
        assert_eq!(*expected.get_or_insert(seen.clone()), seen, "{name}");
    }
    let from_stdin = |path: &str| {
        let mut command =
            scratch.command(&format!("predict --run run --adapter cpu {path} --json --save-prepared piped"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let bytes = fs::read(scratch.path("sign.webp")).unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A pipe gives what it has, and cannot be rewound.
        bytes.chunks(7).for_each(|part| stdin.write_all(part).unwrap());
        drop(stdin);
        let ended = ended(child.wait_with_output().unwrap()).succeeded(path);
        assert_eq!(ended.json()[0]["pictures"][0]["file"], path);
    };
    from_stdin("-");
    assert_eq!(Some(pixels(&scratch.path("piped/stdin.png"))), expected);
    if cfg!(unix) {
        from_stdin("/dev/stdin");
    }
    predict(&scratch, "--run run - -").failed(2, "'-' is given twice");
    predict(&scratch, "--run run -").failed(3, "error: standard input: the file is empty; give");
}
