//! The crate as a library: what `examples/fit.rs` shows, and what it does where something is wrong.

#[allow(dead_code)]
#[path = "../examples/fit.rs"]
mod fit;

use std::ops::ControlFlow;

use gpu_fmnist::augment::{Augmentation, Flip};
use gpu_fmnist::model::{self, built_in};
use gpu_fmnist::train::{Finished, Metrics, Source, Trainer};
use gpu_fmnist::{
    Classifier, Config, Device, Error, FitProgress, LentSamples, Model, Pixels, Result, Samples, Watcher,
};

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
fn refused<T>(result: Result<T>) -> (String, bool) {
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

/// What the bytes of the samples stand for.
fn floats(Samples { images, .. }: &Samples) -> Vec<f32> {
    images.iter().map(|&byte| f32::from(byte) / 255.0).collect()
}

fn lent<'a>(pixels: &'a [f32], Samples { labels, shape, .. }: &'a Samples) -> LentSamples<'a> {
    LentSamples { pixels: Pixels::Floats(pixels), labels, shape: *shape }
}

/// Augmented or not, whatever mixes none: numbers are what the bytes stand for, and moved as those are.
#[test]
fn floats_are_taken_as_they_are() {
    let (samples, test) = (samples(200), samples(31));
    let augmentation = Augmentation { flip: Flip::Horizontal, shift: 1, cutout: 1, ..Augmentation::default() };
    for augmentation in [Augmentation::default(), augmentation] {
        let config = Config { augmentation, ..config() };
        let (mut of_bytes, mut of_floats) =
            (Classifier::new(Device::Cpu, model()), Classifier::new(Device::Cpu, model()));
        let history = of_bytes.fit(&samples, &config, &mut go_on).unwrap();
        assert_eq!(of_floats.fit(lent(&floats(&samples), &samples), &config, &mut go_on).unwrap(), history);
        assert_eq!(of_floats.network(), of_bytes.network());
        assert_eq!(of_floats.evaluate(lent(&floats(&test), &test)).unwrap(), of_bytes.evaluate(&test).unwrap());
        // They are not rounded to bytes.
        let between: Vec<f32> = floats(&test).iter().map(|value| value + 0.001).collect();
        let answers = of_floats.predict_pixels(Pixels::Floats(&between)).unwrap();
        assert_ne!(answers, of_bytes.predict(&test.images).unwrap());
    }
    // Mixed, they are as near as rounding lets them be.
    let config = Config { augmentation: Augmentation { mixup: 0.4, ..Augmentation::default() }, ..config() };
    let mut losses = [0.0; 2];
    for (loss, is_float) in losses.iter_mut().zip([false, true]) {
        let pixels = floats(&samples);
        let source: Source = if is_float { lent(&pixels, &samples).into() } else { (&samples).into() };
        *loss = Classifier::new(Device::Cpu, model()).fit(source, &config, &mut go_on).unwrap()[3].loss;
    }
    assert!((losses[0] - losses[1]).abs() < 1e-5, "{losses:?}");
}

/// A ReLU that bytes have no need of.
#[test]
fn floats_may_be_negative() {
    let relu = "{ type = 'activation', activation = 'relu' }, ";
    let text =
        |relu| format!("input = [2, 2, 1]\nlayers = [{relu}{{ type = 'flatten' }}, {{ type = 'dense', units = 3 }}]");
    let mut classifier = Classifier::new(Device::Cpu, model::parse("relu", &text(relu)).unwrap().0);
    classifier.initialise(3).unwrap();
    let signed = [-0.5, 0.25, -1.0, 2.0];
    let answers = classifier.logits(Pixels::Floats(&signed)).unwrap();
    assert_eq!(answers, classifier.logits(Pixels::Floats(&[0.0, 0.25, 0.0, 2.0])).unwrap());
    let mut without = Classifier::new(Device::Cpu, model::parse("relu", &text("")).unwrap().0);
    without.initialise(3).unwrap();
    assert_ne!(answers, without.logits(Pixels::Floats(&signed)).unwrap());
}

#[test]
fn floats_that_are_none_and_images_of_both_kinds_are_refused() {
    let samples = samples(200);
    let mut classifier = Classifier::new(Device::Cpu, model());
    let mut pixels = floats(&samples);
    let both = Source { parts: [lent(&pixels, &samples), (&samples).into()] };
    let (line, _) = refused(classifier.fit(both, &config(), &mut go_on));
    assert!(line.contains("images are bytes and numbers"), "{line}");
    pixels[17] = f32::NAN;
    let (line, _) = refused(classifier.fit(lent(&pixels, &samples), &config(), &mut go_on));
    assert!(line.contains("a pixel of sample 4 is NaN"), "{line}");
}

/// Keeps the weights that each epoch left, and halves the learning rate.
struct Halving(Vec<Vec<f32>>);

impl Watcher for Halving {
    fn steps(&mut self, _: usize, _: Metrics) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn epoch(&mut self, finished: &Finished, trainer: &mut Trainer) -> Result<ControlFlow<()>> {
        self.0.push(trainer.weights()?.swap_remove(0).values);
        trainer.set_learning_rate(finished.result.learning_rate / 2.0)?;
        Ok(ControlFlow::Continue(()))
    }
}

#[test]
fn a_watcher_sees_each_epochs_weights_and_steers() {
    let mut watcher = Halving(Vec::new());
    let mut classifier = Classifier::new(Device::Cpu, model());
    let history = classifier.fit_watched(&samples(200), &config(), &mut watcher).unwrap();
    let rates: Vec<f64> = history.iter().map(|result| result.learning_rate).collect();
    assert_eq!(rates, [0.05, 0.025, 0.0125, 0.00625]);
    assert_eq!(watcher.0.len(), 4);
    assert_eq!(watcher.0[3], classifier.network().tensors[0].values);
    assert_ne!(watcher.0[2], watcher.0[3]);
}

/// The part that a split holds out, given as data of its own.
#[test]
fn validation_data_may_be_given() {
    let all = samples(200);
    let part = |range: std::ops::Range<usize>| Samples {
        images: all.images[4 * range.start..4 * range.end].to_vec(),
        labels: all.labels[range].to_vec(),
        shape: all.shape,
    };
    let (train, held_out) = (part(0..150), part(150..200));
    let config = Config { validation_data: true, shuffle: false, ..config() };
    let mut classifier = Classifier::new(Device::Cpu, model());
    let history = classifier.fit([&train, &held_out], &config, &mut go_on).unwrap();
    let (loss, predictions) = classifier.evaluate(&held_out).unwrap();
    assert!((history[3].val_loss.unwrap() - loss).abs() < 1e-6);
    assert_eq!(history[3].val_accuracy, Some(predictions.top(1)));
    let alone = Config { validation_data: false, validation_fraction: 0.0, ..config.clone() };
    assert_eq!(Classifier::new(Device::Cpu, model()).fit(&train, &alone, &mut go_on).unwrap()[3].loss, history[3].loss);
    let (line, usage) = refused(classifier.fit(&train, &config, &mut go_on));
    assert!(usage && line.starts_with("`validation_data`: there are no samples"), "{line}");
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
