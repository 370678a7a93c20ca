//! The words of every figure, where the renderer puts them: none is cut off, and none lies on another.

use resvg::usvg::{Group, Node, Rect};

use super::figure::tree;
use super::*;
use crate::data::FASHION_MNIST;
use crate::evaluate::{Calibration, Confusion, Predictions};

/// All words with their places.
fn words(group: &Group) -> Vec<(String, Rect)> {
    let of = |node: &Node| match node {
        Node::Text(text) => {
            let words = text.chunks().iter().map(|chunk| chunk.text()).collect();
            vec![(words, text.abs_bounding_box())]
        }
        Node::Group(group) => words(group),
        _ => Vec::new(),
    };
    group.children().iter().flat_map(of).collect()
}

#[track_caller]
fn check(figure: &impl Figure, expected: &[&str]) {
    let (tree, (width, height)) = (tree(figure).unwrap(), figure.size());
    let words = words(tree.root());
    for expected in expected {
        assert!(words.iter().any(|(words, _)| words.contains(expected)), "{expected} is not in {words:?}");
    }
    for (place, (one, rectangle)) in words.iter().enumerate() {
        let inside = rectangle.left() >= 0.0 && rectangle.right() <= width as f32;
        assert!(
            inside && rectangle.top() >= 0.0 && rectangle.bottom() <= height as f32,
            "'{one}' is cut off: {rectangle:?}"
        );
        for (other, taken) in &words[..place] {
            let across = rectangle.left() < taken.right() && taken.left() < rectangle.right();
            let down = rectangle.top() < taken.bottom() && taken.top() < rectangle.bottom();
            assert!(!(across && down), "'{one}' lies on '{other}': {rectangle:?} {taken:?}");
        }
    }
}

fn names(classes: usize) -> Vec<String> {
    match classes {
        10 => FASHION_MNIST.map(str::to_owned).to_vec(),
        _ => (0..classes).map(|class| format!("{}class {class}", "long ".repeat(class % 5))).collect(),
    }
}

/// Each sample is of another class; those of every third are taken for the next one.
fn predictions(classes: usize, samples: usize) -> Predictions {
    let labels: Vec<usize> = (0..samples).map(|sample| sample % classes).collect();
    let taken = |label: usize| if label % 3 == 2 { (label + 1) % classes } else { label };
    let logit = |label: usize, class: usize| if class == taken(label) { (label % 4) as f32 } else { -1.0 };
    let logits: Vec<f32> =
        labels.iter().flat_map(|&label| (0..classes).map(move |class| logit(label, class))).collect();
    Predictions::from_logits((0..samples as u32).collect(), labels, classes, &logits)
}

#[test]
fn samples_of_any_size_have_whole_captions() {
    for shape in [[28, 28, 1], [1, 1, 1], [8, 20, 3], [600, 400, 4]] {
        let pixels = vec![9; shape.iter().product()];
        for (count, columns) in [(1, 1), (3, 5), (10, 1), (100, 10)] {
            let sample = |place: usize| {
                let name = FASHION_MNIST[place % 10];
                let name = if place == 2 { format!("{name} of a rather unusual length") } else { name.into() };
                Sample { pixels: &pixels, caption: format!("Actual = {name}\nPredicted = {name}"), colour: INK }
            };
            let figure = Samples { shape, columns, samples: (0..count).map(sample).collect() };
            check(&figure, &["Actual = T-shirt/top"]);
        }
    }
}

#[test]
fn heat_maps_name_their_classes_in_full() {
    for (classes, samples) in [(1, 1), (2, 10), (10, 1_000_000), (20, 30), (60, 100)] {
        let confusion = Confusion::new(&predictions(classes, samples));
        let names = names(classes);
        for title in ["", "The confusion matrix of a run in a folder with a long name"] {
            let figure = HeatMap { title: title.into(), confusion: &confusion, names: &names };
            let mut expected: Vec<&str> = names.iter().map(String::as_str).collect();
            expected.extend(["actual", "predicted"]);
            check(&figure, &expected);
        }
    }
}

#[test]
fn reliability_diagrams_say_the_expected_error() {
    let calibration = Calibration::new(&predictions(10, 100));
    for title in ["", "The reliability of a run in a folder whose name is longer than the picture is wide"] {
        check(
            &Reliability { title: title.into(), calibration: &calibration },
            &["expected calibration error", "confidence"],
        );
    }
}

#[test]
fn parallel_coordinates_name_every_axis_and_its_ends() {
    let coordinate = |name: &str, values: usize| {
        let tick = |value: usize| ((value as f64 + 0.5) / values as f64, format!("{:.4}", 0.1 * value as f64));
        Coordinate { name: name.into(), ticks: (0..values).map(tick).collect() }
    };
    for (parameters, values) in [(0, 1), (1, 2), (3, 5), (9, 60)] {
        let names = ["fold", "layers.a-layer-with-a-long-name.a_key_of_it", "optimizer.momentum"];
        let parameters: Vec<Coordinate> =
            (0..parameters).map(|place| coordinate(names[place % names.len()], values)).collect();
        let line = |run: usize| {
            let places = (0..parameters.len()).map(|place| ((run + place) % 7) as f64 / 6.0).collect();
            Line { places, result: 0.91 + 1e-3 * run as f64, pruned: run.is_multiple_of(3) }
        };
        let (lines, result) = ((0..12).map(line).collect(), "val_accuracy".to_owned());
        let title = "12 runs of a sweep whose name may be longer than everything below it is wide".to_owned();
        let figure =
            ParallelCoordinates { title, parameters: parameters.clone(), result, larger_is_better: true, lines };
        let mut expected = vec!["val_accuracy"];
        expected.extend(parameters.iter().flat_map(|axis| [axis.name.as_str(), axis.ticks[0].1.as_str()]));
        check(&figure, &expected);
    }
}

#[test]
fn box_plots_say_the_median() {
    let name = || "test accuracy".to_owned();
    for values in [vec![0.5], vec![0.91, 0.92], vec![0.0, 1.0, 0.123_456_789], vec![1.0; 30]] {
        let boxes = vec![Values { name: name(), values, limits: [0.0, 1.0] }; 3];
        check(&BoxPlot { title: "cnn1".into(), order: "folds 1 to 5".into(), boxes }, &["median", "folds 1 to 5"]);
    }
    let boxes = vec![Values { name: name(), values: vec![1e-9, 3e38], limits: [0.0, f64::MAX] }];
    check(
        &BoxPlot { title: "cnn1 in five folds, a title wider than its box".into(), order: String::new(), boxes },
        &[],
    );
}

#[test]
fn curves_name_their_runs() {
    let curve = |name: &str, epochs: usize| {
        let epoch = |number: usize| {
            let part = number as f64 / epochs as f64;
            let figures = |loss, accuracy| Figures { loss, accuracy };
            let validation = (!name.starts_with("all")).then_some(figures(4.0 - part, 0.5));
            Epoch { number, training: figures(3.0 / part, part), validation }
        };
        Curve { name: name.into(), epochs: (1..=epochs).map(epoch).collect() }
    };
    for epochs in [1, 2, 10, 11, 100, 1000] {
        check(
            &Curves { title: "a".into(), runs: vec![curve("a", epochs)] },
            &["best epoch: 1, validation accuracy 0.5000"],
        );
        check(&Curves { title: "a".into(), runs: vec![curve("all", epochs)] }, &["training"]);
    }
    let long = "runs/".repeat(50);
    let runs = ["a", "runs/cnn1-1", &long, "b", "all", "d"].map(|name| curve(name, 7)).to_vec();
    check(&Curves { title: "Learning curves".into(), runs }, &["runs/cnn1-1 (best", &long]);
}

/// Names of learners, some long; those after the first few differ in a number.
fn learners(count: usize) -> Vec<String> {
    let names = ["cnn1", "gradient boosting, 50 components", "support vectors (RBF kernel), 50 components", "tree"];
    (0..count).map(|place| format!("{} {place}", names[place % names.len()])).collect()
}

fn kinds() -> [String; 2] {
    ["classical learner".into(), "network".into()]
}

#[test]
fn dot_plots_name_their_rows_and_series_in_full() {
    let long = "NVIDIA GeForce RTX 4090 with a driver of a rather long name, ".repeat(3);
    for (series, groups, rows) in [(1, 1, 1), (2, 3, 3), (3, 4, 4), (9, 7, 5)] {
        let series: Vec<String> =
            (0..series).map(|place| format!("{}{place}", if place == 1 { &long } else { "cpu " })).collect();
        let row = |group: usize, place: usize| Row {
            name: format!("network {group} of a name, batches of {}", 64 << place),
            values: (0..series.len()).map(|one| (one != place).then(|| 10_f64.powi((group + place) as i32))).collect(),
        };
        let groups = (0..groups).map(|group| (0..rows).map(|place| row(group, place + 1)).collect()).collect();
        let title = "training images a second".into();
        let figure = DotPlot { title, values: "images a second (logarithmic)".into(), series, groups };
        let mut expected: Vec<&str> = figure.series.iter().map(String::as_str).collect();
        expected.extend(["network 0 of a name, batches of 128", "images a second (logarithmic)"]);
        check(&figure, &expected);
    }
}

#[test]
fn bar_charts_name_their_bars_in_full() {
    let long = "gradient boosting, ".repeat(12);
    for values in [[0.9, 0.91], [0.0, 1.0], [0.5, 0.5], [1.0, 1.0], [0.0, 0.0], [0.999, 1.0]] {
        for count in [1, 2, 14, 40] {
            let bar = |(place, name): (usize, String)| Bar {
                name: if place == 5 { long.clone() } else { name },
                value: values[place % 2],
                mark: [None, Some(values[0]), Some(0.99 * values[1])][place % 3],
                highlighted: place % 4 == 0,
            };
            let figure = BarChart {
                title: "Accuracies".into(),
                values: "test accuracy, with words enough to be longer than the axis itself is in any of the cases"
                    .into(),
                kinds: kinds(),
                marks: "validation accuracy".into(),
                bars: learners(count).into_iter().enumerate().map(bar).collect(),
            };
            let names: Vec<&str> = figure.bars.iter().map(|bar| bar.name.trim_end()).collect();
            check(&figure, &names);
            let number = format!("{:.4}", values[0]);
            check(&figure, &[&number, "test accuracy"]);
        }
    }
}

#[test]
fn trade_offs_name_their_points() {
    let spread = |place: usize| (0.01 * 1.3_f64.powi(place as i32), 0.5 + 0.01 * (place * 7 % 40) as f64);
    let together = |place: usize| (60.0 + 1e-3 * place as f64, 0.9);
    let in_two_places = |place: usize| [(1.0, 1.0), (1e6, 0.0)][place % 2];
    let in_a_line = |place: usize| (0.01 * 1.3_f64.powi(place as i32), 0.02 * place as f64);
    for at in [&spread as &dyn Fn(usize) -> (f64, f64), &together, &in_two_places, &in_a_line] {
        for count in [1, 2, 14, 40] {
            let choice = |(place, name): (usize, String)| {
                let (cost, value) = at(place);
                let spread = if place % 3 == 0 { 0.02 } else { 0.0 };
                Choice { name, cost, value, spread, highlighted: place % 4 == 0 }
            };
            let figure = TradeOff {
                title: "Accuracy and time".into(),
                costs: ["seconds of training".into(), "the best in that time".into()],
                target: (count % 2 == 0).then(|| (0.93, "target".into())),
                values: "test accuracy".into(),
                limits: [0.0, 1.0],
                kinds: kinds(),
                choices: learners(count).into_iter().enumerate().map(choice).collect(),
            };
            let names: Vec<&str> = figure.choices.iter().map(|choice| choice.name.as_str()).collect();
            check(&figure, &names);
            check(&figure, &["seconds of training (logarithmic)", "the best in that time"]);
        }
    }
}

#[test]
fn scree_plots_say_how_many_components_are_enough() {
    for count in [1, 2, 3, 10, 50, 51, 784] {
        let equal = vec![1.0 / count as f64; count];
        let steep: Vec<f64> = (1..=count as i32).map(|place| 0.5_f64.powi(place)).collect();
        let title = "The variance of a data set whose name is long";
        check(&Scree { title: title.into(), ratios: equal }, &["0.99: ", "component"]);
        check(&Scree { title: title.repeat(5), ratios: steep }, &["part of the variance"]);
    }
    check(&Scree { title: String::new(), ratios: vec![0.0; 5] }, &["components"]);
}

#[test]
fn components_have_whole_captions() {
    for shape in [[28, 28, 1], [1, 1, 1], [8, 20, 3], [300, 200, 2]] {
        let values = vec![-0.5; shape.iter().product()];
        for (count, columns) in [(1, 1), (3, 8), (16, 4)] {
            let caption =
                |place| if place == 2 { "3: 0.1 % of the variance".into() } else { format!("{place}: 29.0 %") };
            let components = (0..count).map(|place| Component { values: &values, caption: caption(place) }).collect();
            let title = "The first principal components of a data set".into();
            check(&Components { title, shape, columns, components }, &["0: 29.0 %", "negative", "positive"]);
        }
    }
}

#[test]
fn epochs_have_their_numbers_and_whole_captions() {
    for shape in [[28, 28, 1], [1, 1, 1], [8, 20, 3], [300, 40, 2]] {
        let pixels = vec![9; shape.iter().product()];
        for (rows, columns) in [(1, 2), (5, 8), (2, 30)] {
            let caption = |place| if place % columns == 0 { "Ankle boot" } else { "83 % Ankle boot\n17 % T-shirt/top" };
            let sample = |place| Sample { pixels: &pixels, caption: caption(place).into(), colour: INK };
            let samples = Samples { shape, columns, samples: (0..rows * columns).map(sample).collect() };
            let last = format!("epoch {}", columns - 1);
            let title = "flip=alternating, shift=2, pad=reflect, cutout=8, mixup=0.2".into();
            check(&Epochs { title, samples }, &["as it is", "83 % Ankle boot", &last, "flip=alternating"]);
        }
    }
}

#[test]
fn scatter_plots_name_their_classes() {
    for classes in [1, 10, 40] {
        let names = names(classes);
        for count in [0, 1, 500] {
            let labels: Vec<u8> = (0..count).map(|place| (place % classes) as u8).collect();
            for scale in [0.0, 1e-3, 1e30] {
                let points: Vec<[f32; 2]> = (0..count).map(|place| [scale * place as f32, scale]).collect();
                let figure = Scatter {
                    title: "Test samples".into(),
                    axes: ["component 1 (29.0 % of the variance)".into(), "component 2".into()],
                    names: &names,
                    points: &points,
                    labels: &labels,
                };
                let mut expected: Vec<&str> = names.iter().map(String::as_str).collect();
                expected.extend(["component 1", "component 2"]);
                check(&figure, &expected);
            }
        }
    }
}

#[test]
fn rooflines_name_their_passes() {
    let point = |place: usize| Point {
        label: format!("conv2d_{} weight gradient", place / 3),
        group: format!("conv2d_{}", place / 3),
        share: 1.0 / (place + 2) as f64,
        operations: 3e8,
        bytes: 2e7 + 1e6 * place as f64,
        seconds: 2e-3,
    };
    for count in [1, 5, 18] {
        let points = (0..count).map(point).collect();
        let figure = Roofline { title: "Passes".into(), arithmetic: 2e11, bandwidth: 2e10, points };
        check(&figure, &["conv2d_0 weight gradient", "arithmetic", "memory"]);
    }
}
