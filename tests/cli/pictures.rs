//! Pictures: files that hold what they promise, and one clear line where there is nothing to draw.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;

use crate::support::{Scratch, names};

/// A PNG's width and height, and its red values.
fn red(path: &Path) -> ((usize, usize), Vec<u8>) {
    let mut reader = png::Decoder::new(BufReader::new(File::open(path).unwrap())).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    let channels = frame.color_type.samples();
    ((frame.width as usize, frame.height as usize), pixels.into_iter().step_by(channels).collect())
}

/// The number in the first attribute of that name.
fn attribute(svg: &str, name: &str) -> usize {
    let (_, rest) = svg.split_once(&format!(" {name}=\"")).unwrap();
    rest.split('"').next().unwrap().parse().unwrap()
}

/// Asserts that both files are the same picture, by their size; the SVG's text.
#[track_caller]
fn pair(svg: &Path, png: &Path) -> String {
    let text = fs::read_to_string(svg).unwrap();
    let (size, values) = red(png);
    assert_eq!(size, (attribute(&text, "width"), attribute(&text, "height")), "{}", png.display());
    assert!(values.contains(&255) && values.iter().any(|value| *value < 128), "{}: empty", png.display());
    text
}

#[test]
fn a_grid_shows_samples_of_the_data_set() {
    let scratch = Scratch::new();
    let grid = "data grid --rows 2 --columns 3 --seed 7";
    assert_eq!(scratch.succeed(&format!("{grid} -o grid.svg")).stdout, "wrote grid.svg\n");
    assert_eq!(scratch.succeed(&format!("{grid} -o grid.png")).stdout, "wrote grid.png\n");
    let svg = pair(&scratch.path("grid.svg"), &scratch.path("grid.png"));
    assert_eq!((svg.matches("<image").count(), svg.matches("<text").count()), (6, 6));

    // The first image's pixels, each from the middle of its square, are an image of the class that is named below it.
    let (_, image) = svg.split_once("<image").unwrap();
    let [x, y, side] = ["x", "y", "width"].map(|name| attribute(image, name));
    assert_eq!(side % 8, 0, "each pixel is a whole square");
    let ((width, _), values) = red(&scratch.path("grid.png"));
    let place = |pixel: usize| (2 * pixel + 1) * side / 16;
    let shown: Vec<u8> =
        (0..64).map(|pixel| 255 - values[(y + place(pixel / 8)) * width + x + place(pixel % 8)]).collect();
    let images = fs::read(scratch.path("data/train-images-idx3-ubyte")).unwrap();
    let sample = images[16..].chunks(64).position(|image| image == shown).expect("an image of the data set");
    let caption = svg.split("</text>").next().unwrap().lines().last().unwrap();
    assert_eq!(caption, (sample * 7 % 4).to_string());
}

#[test]
fn a_grid_is_the_seed_s() {
    let scratch = Scratch::new();
    let drawn = |options: &str| {
        scratch.succeed(&format!("data grid {options}"));
        fs::read(scratch.path("samples.png")).unwrap()
    };
    assert_eq!(drawn(""), drawn("--rows 5 --columns 5 --seed 0 --split train"));
    assert_ne!(drawn(""), drawn("--seed 1"));
    assert_ne!(drawn(""), drawn("--split test"));
    drawn("--rows 10 --columns 10 --split test");
    for (options, code, part) in [
        ("--rows 30 --columns 11", 2, "--rows 30 --columns 11: there are 300 samples only; give fewer"),
        ("-o grid.gif", 2, "grid.gif: neither .svg nor .png; give"),
        ("-o grid", 2, "grid: neither .svg nor .png; give"),
        ("-o nowhere/grid.png", 1, "nowhere/grid.png: cannot be written ("),
        ("--data-dir nowhere", 3, "nowhere"),
    ] {
        scratch.run(&format!("data grid {options}")).failed(code, part);
    }
    for options in ["--rows 0", "--columns 31", "--seed -1", "--split validation"] {
        assert_eq!(scratch.run(&format!("data grid {options}")).code, Some(2), "{options}");
    }
    assert_eq!(names(&scratch.path("")), ["data", "samples.png", "tiny.toml"]);
}

#[test]
fn curves_are_drawn_of_one_run_or_several() {
    let scratch = Scratch::new();
    for (run, epochs) in [("one", 3), ("other", 1)] {
        scratch.train(&format!("--epochs {epochs} --run-dir {run}"));
    }
    assert_eq!(
        scratch.succeed("plot one").stdout.replace('\\', "/"),
        "wrote one/learning_curves.svg\nwrote one/learning_curves.png\n"
    );
    let svg = pair(&scratch.path("one/learning_curves.svg"), &scratch.path("one/learning_curves.png"));
    for words in ["Learning curves of one", "training", "validation", "loss", "accuracy", "epoch", "best epoch: "] {
        assert!(svg.contains(words), "no {words}");
    }
    assert_eq!(scratch.succeed("plot one other").stdout, "wrote learning_curves.svg\nwrote learning_curves.png\n");
    let svg = pair(&scratch.path("learning_curves.svg"), &scratch.path("learning_curves.png"));
    assert!(svg.contains("\none (best epoch: ") && svg.contains("\nother (best epoch: 1, "), "{svg}");
    assert_eq!(scratch.succeed("plot other -o picture.PNG").stdout, "wrote picture.PNG\n");
    assert!(scratch.path("picture.PNG").is_file() && !scratch.path("other/learning_curves.png").exists());
}

#[test]
fn curves_are_drawn_of_what_metrics_csv_has() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("run")).unwrap();
    let write = |text: &str| fs::write(scratch.path("run/metrics.csv"), text).unwrap();
    // As a run has it while it goes on; columns are known by their names.
    write("epoch,val_accuracy,learning_rate,val_loss,accuracy,loss\n1,0.25,0.001,2.5,0.5,1.5\n");
    scratch.succeed("plot run");
    let svg = fs::read_to_string(scratch.path("run/learning_curves.svg")).unwrap();
    assert!(svg.contains("best epoch: 1, validation accuracy 0.2500"), "{svg}");
    fs::remove_file(scratch.path("run/learning_curves.svg")).unwrap();
    let header = "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds\n";
    for (text, part) in [
        (String::new(), "metrics.csv: no epoch in it; wait"),
        (header.to_owned(), "metrics.csv: no epoch in it; wait"),
        (format!("{header}1,0.5,0.5,0.5,0.5,0.1,1\n2,0.5"), "metrics.csv: not a table of epochs ("),
        (format!("{header}1,0.5,0.5,0.5,zero,0.1,1\n"), "metrics.csv: not a table of epochs ("),
        (
            format!("{header}1,inf,0.5,0.5,0.5,0.1,1\n"),
            "metrics.csv: epoch 1 has a loss or accuracy that cannot be; give",
        ),
        ("nothing,known\n1,2\n".to_owned(), "missing field `epoch`"),
    ] {
        write(&text);
        scratch.run("plot run").failed(3, part);
    }
    scratch.run("plot run -o curves.jpeg").failed(3, "missing field");
    scratch.run("plot nowhere").failed(3, "nowhere: there is no such file or folder; check the path");
    scratch.run("plot 1 2 3 4 5 6 7").failed(2, "plot: 7 runs; give at most 6, whose colours can be told apart");
    assert_eq!(scratch.run("plot").code, Some(2));
    assert_eq!(names(&scratch.path("run")), ["learning_curves.png", "metrics.csv"]);
}
