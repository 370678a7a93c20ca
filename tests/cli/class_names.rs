//! What the classes are called: by option, as the run recorded it, by the data's folder, or by their numbers.

use std::fs;

use gpu_fmnist::data;
use gpu_fmnist::formats::{Checkpoint, Format, Network, Tensor};
use gpu_fmnist::model::by_name_or_file;

use crate::skips::skip;
use crate::support::Scratch;

const IN_FOLDER: &str = "upper left\nupper right\nlower left\nlower right\n";
const OWN: &str = "A, \"b\"\nÄ <c>\nd\ne";

/// The names that `evaluate` tells of a run or a file.
#[track_caller]
fn evaluated(scratch: &Scratch, arguments: &str) -> Vec<String> {
    let told = scratch.succeed(&format!("evaluate --adapter cpu --json -o judged --run {arguments}")).json().remove(0);
    let names: Vec<String> = serde_json::from_value(told["class_names"].clone()).unwrap();
    assert!(names.iter().all(|name| told["classification_report"][name].is_object()), "{told}");
    let rows = fs::read_to_string(scratch.path("judged/confusion_matrix.csv")).unwrap();
    assert!(rows.lines().skip(1).zip(&names).all(|(row, name)| row.starts_with(&quoted(name))), "{rows}");
    names
}

fn quoted(name: &str) -> String {
    format!("\"{}\",", name.replace('"', "\"\""))
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

fn numbers() -> Vec<String> {
    lines("0\n1\n2\n3")
}

/// Whether `predict` tells the likeliest class of a picture by one of these names.
#[track_caller]
fn predicted(scratch: &Scratch, arguments: &str, names: &[String]) {
    let told = scratch.succeed(&format!("predict --adapter cpu --json picture.png --run {arguments}")).json().remove(0);
    for class in told["pictures"][0]["classes"].as_array().unwrap() {
        assert_eq!(class["name"], names[class["class"].as_u64().unwrap() as usize], "{told}");
    }
}

/// The small data set with a run on it, and the files that the tests need beside.
fn scratch() -> Scratch {
    let scratch = Scratch::new();
    scratch.train("--epochs 1 --run-dir run");
    fs::write(scratch.path("own.txt"), OWN).unwrap();
    image::GrayImage::from_fn(8, 8, |x, y| image::Luma([if x < 4 && y < 4 { 255 } else { 0 }]))
        .save(scratch.path("picture.png"))
        .unwrap();
    scratch
}

#[test]
fn the_option_wins_then_the_record_then_the_folder() {
    let scratch = scratch();
    let (own, in_folder) = (lines(OWN), lines(IN_FOLDER));
    assert_eq!(evaluated(&scratch, "run"), numbers());
    predicted(&scratch, "run", &numbers());
    // Nothing is recorded of what nobody said, so what is said later holds.
    fs::write(scratch.path("data/classes.txt"), IN_FOLDER).unwrap();
    assert_eq!(evaluated(&scratch, "run"), in_folder);
    predicted(&scratch, "run", &in_folder);
    assert_eq!(evaluated(&scratch, "run --class-names own.txt"), own);
    predicted(&scratch, "run --class-names own.txt", &own);

    scratch.train("--epochs 1 --run-dir recorded");
    scratch.train("--epochs 1 --run-dir named --class-names own.txt");
    fs::write(scratch.path("data/classes.txt"), "p\nq\nr\ns\n").unwrap();
    assert_eq!(evaluated(&scratch, "recorded"), in_folder);
    predicted(&scratch, "recorded", &in_folder);
    assert_eq!(evaluated(&scratch, "named"), own);
    scratch.succeed("train --resume recorded --epochs 2 --adapter cpu --no-report");
    assert_eq!(evaluated(&scratch, "recorded"), in_folder);
    scratch.succeed("train --resume recorded --epochs 3 --adapter cpu --no-report --class-names own.txt");
    assert_eq!(evaluated(&scratch, "recorded"), own);
}

#[test]
fn every_command_that_tells_of_classes_has_their_names() {
    let scratch = scratch();
    let own = lines(OWN);
    let read = |name: &str| fs::read_to_string(scratch.path(name)).unwrap();
    let train = "train --model tiny.toml --epochs 1 --adapter cpu --run-dir named --class-names own.txt";
    assert!(scratch.succeed(train).stdout.contains(" Ä <c>  "));
    assert!(read("named/report.html").contains("Ä &#60;c&#62;"));
    assert!(read("named/evaluation/test/confusion_matrix.svg").contains("Ä &lt;c&gt;"));
    scratch.succeed("report run --adapter cpu --class-names own.txt -o other.html");
    assert!(read("other.html").contains("Ä &#60;c&#62;") && !scratch.path("run/report.html").exists());
    scratch.succeed("predict --run run --adapter cpu --class-names own.txt --grid grid.svg");
    assert!(read("grid.svg").contains("Actual = Ä &lt;c&gt;"));
    scratch.succeed("data grid --class-names own.txt -o data.svg");
    assert!(read("data.svg").contains("Ä &lt;c&gt; (1)"));
    scratch.succeed("reduce --adapter cpu --components 2 --class-names own.txt");
    assert!(read("reduced/pca/scatter.svg").contains("Ä &lt;c&gt;"));
    scratch.succeed("kfold --model tiny.toml --folds 2 --epochs 1 --adapter cpu --run-dir folds --class-names own.txt");
    assert_eq!(evaluated(&scratch, "folds/fold-2"), own);

    // Formats with a place for names have them; those without are told.
    for file in ["n.onnx", "n.safetensors"] {
        scratch.succeed(&format!("export named -o {file}"));
        assert_eq!(evaluated(&scratch, file), own, "{file}");
        scratch.succeed(&format!("export run -o {file} --class-names own.txt"));
        predicted(&scratch, file, &own);
    }
    assert_eq!(evaluated(&scratch, "named/checkpoints/last.safetensors"), own);
    scratch.succeed("export named -o n.h5");
    predicted(&scratch, "n.h5", &numbers());
    predicted(&scratch, "n.h5 --class-names own.txt", &own);
    assert_eq!(evaluated(&scratch, "n.h5"), numbers());
    fs::write(scratch.path("data/classes.txt"), IN_FOLDER).unwrap();
    assert_eq!(evaluated(&scratch, "n.h5"), lines(IN_FOLDER));
    fs::write(scratch.path("numbers.txt"), "0\n1\n2\n3\n").unwrap();
    assert_eq!(evaluated(&scratch, "n.h5 --class-names numbers.txt"), numbers());
    scratch.run("export run -o n.h5 --class-names own.txt").failed(2, "--class-names: a file of keras-h5 has no place");
}

#[test]
fn what_cannot_be_a_name_is_one_line() {
    let scratch = scratch();
    for (bytes, part) in [
        (&b"a\nb\nc\n"[..], "names.txt: 3 names for 4 classes; give one name a line for each class"),
        (b"a\nb\nc\nd\ne\n", "names.txt: 5 names for 4 classes; give"),
        (b"a\n\nc\nd", "names.txt: class 1 has an empty name; give"),
        (b"a\nb\nc\na", "names.txt: class 3 is called 'a', as another one is; give"),
        (b"a\nb\x1b[2J\nc\nd", "names.txt: the name of class 1 has control characters"),
        (b"a\nb\nc\n\xff", "names.txt: not a text in UTF-8; save"),
    ] {
        fs::write(scratch.path("names.txt"), bytes).unwrap();
        let train = "train --model tiny.toml --adapter cpu --run-dir other";
        for command in [train, "evaluate --run run --adapter cpu", "predict --run run picture.png", "report run"] {
            scratch.run(&format!("{command} --class-names names.txt")).failed(3, part);
        }
        fs::write(scratch.path("data/classes.txt"), bytes).unwrap();
        for command in [train, "evaluate --run run --adapter cpu"] {
            scratch.run(command).failed(3, &part.replace("names.txt", "classes.txt"));
        }
    }
    // More names than the samples' labels are no mistake where there is no model.
    fs::write(scratch.path("data/classes.txt"), "a\nb\nc\nd\ne\n").unwrap();
    scratch.succeed("data grid");
    scratch.run("data grid --class-names nowhere").failed(3, "nowhere: cannot be read (");
    assert!(!scratch.path("other").exists(), "a run was begun");
}

/// A checkpoint from before there were names in it, and forged ones.
#[test]
fn a_checkpoint_without_names_goes_on_and_one_with_wrong_names_does_not() {
    let scratch = scratch();
    fs::write(scratch.path("data/classes.txt"), IN_FOLDER).unwrap();
    scratch.train("--epochs 1 --run-dir new");
    let path = scratch.path("new/checkpoints/last.safetensors");
    let original = Checkpoint::read(&path).unwrap();
    let spelled = "\"class_names\":[\"upper left\",\"upper right\",\"lower left\",\"lower right\"],";
    assert!(original.about.contains(spelled), "{}", original.about);
    let with = |names: &str| {
        let about = original.about.replace(spelled, names);
        fs::write(&path, Checkpoint { about, ..original.clone() }.encode().unwrap()).unwrap();
    };
    with("");
    // As such a run begins without names in the folder, too.
    assert_eq!(fs::read(&path).unwrap(), scratch.last("run"));
    for (names, part) in [
        ("\"class_names\":[\"a\"],", "it has 1 class names for 4 classes"),
        ("\"class_names\":[\"a\",\"a\",\"b\",\"c\"],", "class 1 is called 'a', as another one is"),
        ("\"class_names\":[\"a\",\"\\u001b\",\"b\",\"c\"],", "class 1 has control characters"),
        ("\"class_names\":7,", "its metadata is garbled"),
    ] {
        with(names);
        scratch.run("evaluate --run new --adapter cpu").failed(3, part);
        scratch.run("train --resume new --epochs 2 --adapter cpu").failed(3, part);
    }
    for (run, names) in [("new", spelled), ("run", "")] {
        if run == "new" {
            with("");
        } else {
            fs::remove_file(scratch.path("data/classes.txt")).unwrap();
        }
        scratch.succeed(&format!("train --resume {run} --epochs 2 --adapter cpu --no-report"));
        let resumed = Checkpoint::read(&scratch.path(run).join("checkpoints/last.safetensors")).unwrap();
        assert_eq!(resumed.about.contains("class_names"), !names.is_empty(), "{run}");
        assert!(resumed.about.contains(names), "{}", resumed.about);
    }
    let weights =
        |run: &str| Checkpoint::read(&scratch.path(run).join("checkpoints/last.safetensors")).unwrap().tensors;
    assert_eq!(weights("new"), weights("run"), "names are no part of a run's numbers");
}

#[test]
fn fashion_mnist_has_its_names_for_any_file() {
    let Some(folder) = data::locate(None).unwrap() else {
        return skip("Fashion-MNIST's names for any file: 'gpu-fmnist data fetch' brings the data set");
    };
    let folder = folder.canonicalize().unwrap();
    let scratch = Scratch::new();
    let text = "input = [28, 28, 1]\nlayers = [{ type = \"flatten\" }, { type = \"dense\", units = 10 }]\n";
    fs::write(scratch.path("dense.toml"), text).unwrap();
    let (model, _) = by_name_or_file(&scratch.path("dense.toml")).unwrap();
    let tensor = |name: &str, shape: &[usize]| {
        let values = (0..shape.iter().product()).map(|place: usize| (place % 7) as f32 / 7.0).collect();
        Tensor { name: name.into(), shape: shape.into(), values }
    };
    let tensors = vec![tensor("dense.kernel", &[784, 10]), tensor("dense.bias", &[10])];
    let network = Network { model, tensors, optimizer: None, class_names: Vec::new(), left_out: Vec::new() };
    for format in [Format::KerasH5, Format::Keras, Format::Onnx] {
        let file = format!("network.{}", format.extension());
        fs::write(scratch.path(&file), format.encode(&network).unwrap()).unwrap();
        let evaluate = format!("evaluate --run {file} --adapter cpu --data-dir {} --json", folder.display());
        let told = scratch.succeed(&evaluate).json().remove(0);
        assert_eq!(told["class_names"], serde_json::json!(data::FASHION_MNIST), "{file}");
    }
}

#[test]
fn a_grid_of_the_longest_names_has_bounded_pixels() {
    let scratch = Scratch::with_images(900);
    let names: Vec<String> = (0..4).map(|class| format!("{class}{}", "W".repeat(99))).collect();
    fs::write(scratch.path("names.txt"), names.join("\n")).unwrap();
    scratch.succeed("data grid --data-dir data --class-names names.txt --rows 30 --columns 30 -o grid.png");
    let (width, height) = image::image_dimensions(scratch.path("grid.png")).unwrap();
    let pixels = u64::from(width) * u64::from(height);
    assert!((1 << 25..=1 << 26).contains(&pixels), "{width} x {height}");
    // A few of them are not scaled: twice as many are twice as wide.
    let widths = [1, 2].map(|columns| {
        let file = format!("{columns}.png");
        scratch.succeed(&format!(
            "data grid --data-dir data --class-names names.txt --rows 2 --columns {columns} -o {file}"
        ));
        image::image_dimensions(scratch.path(&file)).unwrap().0
    });
    assert_eq!(widths[0] * 2, widths[1]);
}
