//! The crate as a library: what `examples/fit.rs` shows, and what it does where something is wrong.

#[allow(dead_code)]
#[path = "../examples/fit.rs"]
mod fit;

use std::ops::ControlFlow;

use gpu_fmnist::model::{self, built_in};
use gpu_fmnist::{Classifier, Config, Device, Error, FitProgress, Model, Samples};

fn model() -> Model {
    let text = "input = [2, 2, 1]\nlayers = [{ type = 'flatten' }, { type = 'dense', units = 3 }]";
    model::parse("small", text).unwrap().0
}

/// Images whose class is the brightest of their first three pixels.
fn samples(count: usize) -> Samples {
    let labels: Vec<u8> = (0..count).map(|number| (number % 3) as u8).collect();
    let pixel = |label: u8, place: u8, number: usize| if place == label { 200 } else { (number % 60) as u8 };
    let image = |(number, &label): (usize, &u8)| [0, 1, 2, 3].map(|place| pixel(label, place, number * 7));
    Samples { images: labels.iter().enumerate().flat_map(image).collect(), labels, shape: [2, 2, 1] }
}

fn config() -> Config {
    Config { epochs: 4, batch_size: 10, learning_rate: 0.05, ..Config::default() }
}

fn go_on(_: FitProgress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// The words of an error, and whether the user asked for something impossible.
#[track_caller]
fn refused<T>(result: Result<T, Error>) -> (String, bool) {
    match result {
        Ok(_) => panic!("was not refused"),
        Err(error) => (error.to_string(), matches!(error, Error::Usage(_))),
    }
}

#[test]
fn the_example_learns() {
    assert!(fit::run(|| Device::Cpu).unwrap() > 0.95);
}

#[test]
fn a_network_learns_predicts_and_comes_back_from_every_format() {
    let mut classifier = Classifier::new(Device::Cpu, model());
    let mut told = Vec::new();
    let history = classifier
        .fit(&samples(200), &config(), &mut |progress| {
            told.push(progress);
            ControlFlow::Continue(())
        })
        .unwrap();
    let epochs = told.iter().filter(|progress| matches!(progress, FitProgress::Epoch(_))).count();
    let steps = told
        .iter()
        .any(|progress| matches!(progress, FitProgress::Steps { epoch: 4, metrics } if metrics.samples == 160));
    assert!((history.len(), epochs, steps) == (4, 4, true), "{told:?}");
    let test = samples(31);
    let (loss, predictions) = classifier.evaluate(&test).unwrap();
    assert!(predictions.top(1) > 0.95 && loss < history[0].loss, "{loss}: {history:?}");
    assert_eq!(classifier.predict(&test.images).unwrap().csv(), classifier.predict(&test.images).unwrap().csv());

    let folder = tempfile::tempdir().unwrap();
    for ending in ["safetensors", "onnx", "h5", "keras"] {
        let path = folder.path().join(format!("network.{ending}"));
        classifier.save(&path).unwrap();
        let again = Classifier::load(Device::Cpu, &path).unwrap();
        assert_eq!(again.evaluate(&test).unwrap(), (loss, predictions.clone()), "{ending}");
    }
}

#[test]
fn training_goes_on_from_the_weights_there_are() {
    let mut once = Classifier::new(Device::Cpu, model());
    once.fit(&samples(200), &config(), &mut go_on).unwrap();
    let first = once.fit(&samples(200), &config(), &mut go_on).unwrap()[0];
    let fresh = Classifier::new(Device::Cpu, model()).fit(&samples(200), &config(), &mut go_on).unwrap()[0];
    assert!(first.loss < fresh.loss / 2.0, "{first:?}, {fresh:?}");
}

#[test]
fn the_callback_ends_a_training() {
    let mut classifier = Classifier::new(Device::Cpu, model());
    let stop = |at_steps: bool| {
        move |progress| match progress {
            FitProgress::Steps { .. } if !at_steps => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    };
    assert_eq!(classifier.fit(&samples(200), &config(), &mut stop(false)).unwrap().len(), 1);
    assert!(classifier.fit(&samples(200), &config(), &mut stop(true)).unwrap().len() <= 1);
    classifier.evaluate(&samples(9)).unwrap();
}

#[test]
fn what_is_wrong_is_said_in_fields() {
    let mut classifier = Classifier::new(Device::Cpu, model());
    let (line, usage) = refused(classifier.evaluate(&samples(9)));
    assert!(usage && line.ends_with("has no weights yet; train it with `fit`, or `load` a network"), "{line}");
    assert_eq!(refused(classifier.save("network.onnx")), (line, true));
    let (line, usage) = refused(classifier.fit(&samples(200), &Config { epochs: 0, ..config() }, &mut go_on));
    assert!(usage && line == "`epochs` 0: nothing to train; give 1 or more", "{line}");
    let (line, usage) = refused(classifier.fit(&samples(20), &Config { batch_size: 64, ..config() }, &mut go_on));
    assert!(usage && line.starts_with("`batch_size` 64: only 16 samples"), "{line}");
    let (line, _) = refused(classifier.fit(&Samples { labels: vec![7; 200], ..samples(200) }, &config(), &mut go_on));
    assert!(line.contains("label 7 of sample 0 is beyond the 3 classes"), "{line}");
    classifier.fit(&samples(200), &config(), &mut go_on).unwrap();
    assert!(classifier.predict(&[]).unwrap().is_empty());
    let (line, _) = refused(classifier.predict(&[0; 7]));
    assert!(line.contains("7 bytes are no whole images of [2, 2, 1]"), "{line}");
    let (line, usage) = refused(classifier.save("network.pt"));
    assert!(usage && line.contains("its ending is no format's; give one of .onnx"), "{line}");
    let (line, _) = refused(Classifier::load(Device::Cpu, "nothing.onnx"));
    assert!(line.contains("nothing.onnx") && line.contains("there is no such file"), "{line}");
}

#[test]
fn devices_have_names() {
    assert_eq!(Device::named("CPU").unwrap().name(), "cpu");
    let (line, _) = refused(Device::named("no such thing"));
    assert!(line.starts_with("`adapter` no such thing: no such adapter; there are: "), "{line}");
    // Whatever it is, it computes.
    let mut best = Classifier::new(Device::best(), model());
    best.fit(&samples(200), &config(), &mut go_on).unwrap();
}

#[test]
fn the_defaults_are_those_of_the_command_line() {
    let (cnn1, recipe) = built_in("cnn1").unwrap();
    let Config { model, batch_size, learning_rate, validation_fraction, split_seed, .. } = Config::default();
    assert_eq!((model, recipe.training.epochs), (cnn1, Config::default().epochs));
    assert_eq!((batch_size, learning_rate, validation_fraction, split_seed), (512, 1e-3, 0.2, 2020));
}
