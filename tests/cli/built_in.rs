//! The built-in networks by their names, on images of their size.

use std::fs;

use gpu_fmnist::model::{NAMES, NOTEBOOK, built_in};

use crate::support::{IMAGES, LABELS, Scratch, idx};

const TRAINING: usize = 48;

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    let files = [(IMAGES, LABELS, TRAINING), ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", 20)];
    for (images, labels, count) in files {
        let pixels = (0..count * 28 * 28).map(|place| (place.wrapping_mul(0x9E37_79B9) >> 9) as u8);
        fs::write(scratch.path("data").join(images), idx(0x0803, &[count, 28, 28], pixels)).unwrap();
        let classes = (0..count).map(|sample| (sample % 10) as u8);
        fs::write(scratch.path("data").join(labels), idx(0x0801, &[count], classes)).unwrap();
    }
    scratch
}

#[test]
fn every_command_with_a_model_names_the_built_in_ones() {
    let scratch = Scratch::new();
    let known = NAMES.join(", ");
    for command in ["train", "summary", "kfold", "bench", "profile", "tune", "shaders", "evaluate", "predict", "export"]
    {
        let help = scratch.succeed(&format!("{command} --help")).stdout;
        let words: Vec<&str> = help.split_whitespace().collect();
        assert!(words.join(" ").contains(&known), "{command}: {help}");
    }
    for name in NAMES {
        let summary = scratch.succeed(&format!("summary --model {name}")).stdout;
        assert!(summary.contains(&format!("Model: \"{name}\"")), "{summary}");
    }
    scratch
        .run("summary --model fast94")
        .failed(2, "(did you mean \"fast93\"?); choose cnn1, cnn2, cnn3, fast93, best95");
}

/// Whatever the recipes are, they train all samples, in small data, too.
#[test]
fn recipes_train() {
    let scratch = scratch();
    for name in NAMES.into_iter().filter(|name| !NOTEBOOK.contains(name)) {
        let train =
            format!("train --model {name} --adapter cpu --epochs 1 --batch-size 24 --no-report --run-dir {name}");
        let ended = scratch.succeed(&train);
        let words = format!("{name} on the CPU path: 48 samples to train, none to validate, 20 to test");
        assert!(ended.stderr.contains(&words), "{ended:?}");
        let ended = scratch.succeed(&format!("export {name} -o net.onnx"));
        assert!(scratch.path("net.onnx").exists(), "{ended:?}");
    }
    scratch.succeed("export fast93 -o weights.safetensors");
    let ended = scratch.succeed("evaluate --run weights.safetensors --model fast93 --adapter cpu --json");
    assert_eq!(ended.json()[0]["samples"], 20);
}

/// What a network is not told, it is: folds hold out samples of their own, flags and `--set` go before the recipe.
#[test]
fn a_recipe_can_be_changed() {
    let scratch = scratch();
    let folds = "kfold --model fast93 --adapter cpu --folds 2 --epochs 1 --batch-size 8 --json";
    assert_eq!(scratch.succeed(folds).json().len(), 3);
    let train = "train --model fast93 --adapter cpu --no-report --epochs 1 --batch-size 8 --run-dir held-out";
    let ended = scratch.succeed(&format!("{train} --validation-fraction 0.25 --set optimizer.momentum=0.5"));
    assert!(ended.stderr.contains("36 samples to train, 12 to validate"), "{ended:?}");
    let config = fs::read_to_string(scratch.path("held-out/config.toml")).unwrap();
    assert!(config.contains("momentum = 0.5\n"), "{config}");
}

#[test]
fn best96_has_less_than_a_million_parameters() {
    let scratch = Scratch::new();
    let summary = scratch.succeed("summary --model best96").stdout;
    let total = summary.lines().find_map(|line| line.trim().strip_prefix("Total params: ")).unwrap();
    let digits: String = total.chars().take_while(|letter| *letter != ' ').filter(char::is_ascii_digit).collect();
    assert!(digits.parse::<usize>().unwrap() < 1_000_000, "{total}");
}

#[test]
fn the_default_is_the_notebooks_first() {
    assert_eq!(built_in("cnn1").unwrap().0, gpu_fmnist::train::Config::default().model);
    assert!(Scratch::new().succeed("summary").stdout.contains("Model: \"cnn1\""));
}
