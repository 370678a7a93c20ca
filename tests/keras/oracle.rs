//! Real Keras. `GPU_FMNIST_PYTHON` names a Python that has it: `pip install keras tensorflow-cpu`, and `tf_keras` for
//! Keras 2. `check.py` has the other half of the test.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use gpu_fmnist::formats::{Format, Network};
use gpu_fmnist::model::{NOTEBOOK, built_in, parse, summary};
use gpu_fmnist::optimizers::Optimizer;
use gpu_fmnist::precision::Precision;
use serde_json::{Value, json};

use super::kinds;
use super::support::{
    BATCH, bits, decode, network, optimizers, probabilities, put, samples, train, with_engine, with_optimizer,
};
use crate::python::python;
use crate::skips::skip;

const LEARNING_RATE: f64 = 2e-3;
const IMAGES: usize = 40;

#[test]
fn keras_and_we_read_each_other() {
    let Some(python) = python("real Keras") else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for name in NOTEBOOK {
        write_ours(name, &folder.join("ours").join(name));
    }
    for (name, learning_rate, optimizer) in optimizers() {
        write_optimized(&optimizer, learning_rate, &folder.join("optimizers").join(name));
    }
    write_graph(&folder.join("graph"));
    run(&python, "check.py", folder);
    for name in NOTEBOOK {
        for file in ["h5", "keras"] {
            check_theirs(name, &folder.join("theirs"), file);
        }
    }
    for (name, _, optimizer) in optimizers() {
        check_optimized(&optimizer, &folder.join("optimizers").join(name).join("theirs"));
    }
    check_refused(&folder.join("refused"));
    let kinds = [("kinds", 95), ("kinds2", 84)].map(|(name, count)| (folder.join(name), count));
    let kinds: Vec<_> = kinds.iter().filter(|(folder, _)| folder.exists()).collect();
    for (kinds, _) in &kinds {
        kinds::write_again(kinds, &kinds.join("again"));
    }
    run(&python, "again.py", folder);
    for (kinds, count) in kinds {
        let checked = kinds::predict(kinds, 1e-5);
        writeln!(std::io::stderr(), "{}: {checked} files predict as Keras does", kinds.display()).unwrap();
        assert_eq!(checked, *count);
    }
}

/// Runs a script beside this file with the folder, and passes on what it says.
fn run(python: &Path, script: &str, folder: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keras").join(script);
    let output = Command::new(python).arg(script).arg(folder).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let mut stderr = std::io::stderr();
    for line in said.lines() {
        match line.strip_prefix("SKIPPED: ") {
            Some(reason) => skip(reason),
            None => writeln!(stderr, "{line}").unwrap(),
        }
    }
}

fn write_ours(name: &str, folder: &Path) {
    let (model, _) = built_in(name).unwrap();
    let samples = samples(&model, IMAGES);
    fs::create_dir_all(folder).unwrap();
    with_engine(&model, &samples, |engine| {
        engine.initialise().unwrap();
        train(engine, LEARNING_RATE);
        let network = network(engine, LEARNING_RATE);
        fs::write(folder.join("model.h5"), Format::KerasH5.encode(&network).unwrap()).unwrap();
        fs::write(folder.join("model.keras"), Format::Keras.encode(&network).unwrap()).unwrap();
        for (file, format) in [("half.h5", Format::KerasH5), ("half.keras", Format::Keras)] {
            fs::write(folder.join(file), format.encode_in(&network, Precision::F16).unwrap()).unwrap();
        }
        let alone = Network { optimizer: None, ..network.clone() };
        fs::write(folder.join("alone.keras"), Format::Keras.encode(&alone).unwrap()).unwrap();
        write_arrays(&network, &folder.join("arrays"));
        fs::write(folder.join("images.u8"), &samples.images).unwrap();
        fs::write(folder.join("labels.u8"), &samples.labels).unwrap();
        let probabilities: Vec<u8> = probabilities(engine).iter().flat_map(|value| value.to_le_bytes()).collect();
        fs::write(folder.join("probabilities.f64"), probabilities).unwrap();
        let time = engine.iterations;
        let loss = train(engine, LEARNING_RATE);
        write_arrays(&super::support::network(engine, LEARNING_RATE), &folder.join("after"));
        let truth = json!({
            "learning_rate": LEARNING_RATE, "time": time, "batch": BATCH, "time_after": engine.iterations, "loss_after": loss
        });
        fs::write(folder.join("truth.json"), truth.to_string()).unwrap();
    });
}

/// A network that another optimizer trained, its arrays, and those after another epoch.
fn write_optimized(optimizer: &Optimizer, learning_rate: f64, folder: &Path) {
    let (model, _) = built_in("cnn1").unwrap();
    let samples = samples(&model, IMAGES);
    fs::create_dir_all(folder).unwrap();
    with_optimizer(optimizer, &model, &samples, |engine| {
        engine.initialise().unwrap();
        train(engine, learning_rate);
        let trained = network(engine, learning_rate);
        fs::write(folder.join("model.keras"), Format::Keras.encode(&trained).unwrap()).unwrap();
        write_arrays(&trained, &folder.join("arrays"));
        fs::write(folder.join("images.u8"), &samples.images).unwrap();
        fs::write(folder.join("labels.u8"), &samples.labels).unwrap();
        let time = engine.iterations;
        let loss = train(engine, learning_rate);
        write_arrays(&averaged(network(engine, learning_rate)), &folder.join("after"));
        let truth = json!({
            "optimizer": optimizer, "learning_rate": learning_rate, "time": time, "batch": BATCH,
            "time_after": engine.iterations, "loss_after": loss
        });
        fs::write(folder.join("truth.json"), truth.to_string()).unwrap();
    });
}

/// A network as Keras' `fit` leaves it at its end: averages, where there are any, take the weights' places.
fn averaged(mut network: Network) -> Network {
    for average in network.tensors.clone() {
        let name = average.name.strip_suffix(".average");
        if let Some(weight) = network.tensors.iter_mut().find(|tensor| Some(tensor.name.as_str()) == name) {
            weight.values = average.values;
        }
    }
    network
}

/// A file of a network that Keras trained by another optimizer is read to the bit, and where Keras is after another
/// epoch, we are.
fn check_optimized(optimizer: &Optimizer, folder: &Path) {
    let what = folder.display();
    let read = |file: &str, arrays: &str| {
        let network = decode(&fs::read(folder.join(file)).unwrap(), file).unwrap();
        let network = network.named_as(&built_in("cnn1").unwrap().0);
        let state = network.optimizer.as_ref().unwrap_or_else(|| panic!("{what}: {:?}", network.left_out));
        assert_eq!(state.optimizer, Optimizer { weight_decay_exclude: Vec::new(), ..optimizer.clone() }, "{what}");
        for (name, _, bits) in bits(&network) {
            let expected = floats(&folder.join(arrays).join(format!("{name}.f32")));
            assert!(bits == expected.into_iter().map(f32::to_bits).collect::<Vec<_>>(), "{what}, {file}: {name}");
        }
        network
    };
    let begun = read("model.keras", "arrays");
    read("model.h5", "after");
    let (model, _) = built_in("cnn1").unwrap();
    let samples = samples(&model, IMAGES);
    let ended = with_optimizer(optimizer, &model, &samples, |engine| {
        put(engine, &begun);
        let learning_rate = begun.optimizer.as_ref().unwrap().learning_rate;
        train(engine, learning_rate);
        averaged(network(engine, learning_rate))
    });
    let (mut near, mut all) = (0, 0);
    for tensor in &ended.tensors {
        let expected = floats(&folder.join("after").join(format!("{}.f32", tensor.name)));
        assert_eq!(tensor.values.len(), expected.len());
        near += tensor.values.iter().zip(expected).filter(|(one, other)| (*one - other).abs() <= 1e-5).count();
        all += tensor.values.len();
    }
    assert!(near as f64 > 0.999 * all as f64, "{what}: {near} of {all} numbers are Keras' after another epoch");
}

/// A network of ours whose layers stand in another order than Keras lists them in. A bias ahead of a normalisation would have
/// no gradient but rounding, of which Adam makes whole steps.
const GRAPH: &str = r#"
    name = "graph"
    input = [10, 10, 1]
    layers = [
        { type = "rescaling", scale = 2.0, offset = -1.0 },
        { type = "conv2d", filters = 4, kernel = 3, padding = "same", use_bias = false, activation = "gelu", name = "stem" },
        { type = "conv2d", filters = 6, kernel = 1, stride = 2, use_bias = false, name = "shortcut" },
        { type = "conv2d", filters = 6, kernel = 3, stride = 2, padding = "same", use_bias = false, inputs = ["stem"] },
        { type = "batch_normalization", momentum = 0.9 },
        { type = "activation", activation = "leaky_relu", name = "leak" },
        { type = "depthwise_conv2d", kernel = 3, padding = "same", use_bias = false, name = "by_channel" },
        { type = "add", inputs = ["by_channel", "shortcut", "leak"] },
        { type = "concatenate", inputs = ["add", "shortcut"] },
        { type = "average_pool2d", size = 3, stride = 2, padding = "same" },
        { type = "batch_normalization", center = false },
        { type = "global_average_pool2d" },
        { type = "dense", units = 3, use_bias = false },
    ]"#;

fn write_graph(folder: &Path) {
    let (model, _) = parse("graph.toml", GRAPH).unwrap();
    let samples = samples(&model, IMAGES);
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("summary.txt"), summary(&model).unwrap()).unwrap();
    with_engine(&model, &samples, |engine| {
        engine.initialise().unwrap();
        train(engine, LEARNING_RATE);
        let network = network(engine, LEARNING_RATE);
        fs::write(folder.join("model.h5"), Format::KerasH5.encode(&network).unwrap()).unwrap();
        fs::write(folder.join("model.keras"), Format::Keras.encode(&network).unwrap()).unwrap();
        write_arrays(&network, &folder.join("arrays"));
        fs::write(folder.join("images.u8"), &samples.images).unwrap();
        fs::write(folder.join("labels.u8"), &samples.labels).unwrap();
        let probabilities: Vec<u8> = probabilities(engine).iter().flat_map(|value| value.to_le_bytes()).collect();
        fs::write(folder.join("probabilities.f64"), probabilities).unwrap();
        train(engine, LEARNING_RATE);
        write_arrays(&super::support::network(engine, LEARNING_RATE), &folder.join("after"));
    });
}

fn write_arrays(network: &Network, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for tensor in &network.tensors {
        let bytes: Vec<u8> = tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        fs::write(folder.join(format!("{}.f32", tensor.name)), bytes).unwrap();
    }
}

fn floats(path: &Path) -> Vec<f32> {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    bytes.chunks_exact(4).map(|word| f32::from_le_bytes(word.try_into().unwrap())).collect()
}

/// A file of Keras' is read to the bit, and our CPU path answers as Keras does.
fn check_theirs(name: &str, folder: &Path, file: &str) {
    let what = format!("Keras' {name}.{file}");
    let network = decode(&fs::read(folder.join(format!("{name}.{file}"))).unwrap(), file_name(file)).unwrap();
    let truth = folder.join(name);
    let (model, _) = built_in(name).unwrap();
    let network = network.named_as(&model);
    assert_eq!((&network.model.layers, network.model.input), (&model.layers, model.input), "{what}");
    let arrays = fs::read_dir(&truth).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name().into_string().unwrap();
        name.ends_with(".f32") && name != "probabilities.f32"
    });
    assert_eq!(arrays.count(), network.tensors.len(), "{what}");
    for (name, _, bits) in bits(&network) {
        let expected: Vec<u32> =
            floats(&truth.join(format!("{name}.f32"))).iter().map(|value| value.to_bits()).collect();
        assert!(bits == expected, "{what}: {name}");
    }
    let expected: Value = serde_json::from_slice(&fs::read(truth.join("truth.json")).unwrap()).unwrap();
    let adam = network.optimizer.as_ref().unwrap();
    assert_eq!(json!({ "learning_rate": adam.learning_rate, "time": adam.iterations }), expected, "{what}");
    let samples = samples(&model, IMAGES);
    let ours = with_engine(&model, &samples, |engine| {
        put(engine, &network);
        probabilities(engine)
    });
    let theirs = floats(&truth.join("probabilities.f32"));
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let difference = ours.iter().zip(&theirs).map(|(ours, theirs)| (ours - f64::from(*theirs)).abs());
    let difference = difference.fold(0.0, f64::max);
    assert!(difference <= 1e-5, "{what}: {difference:e} apart");
}

/// A name with the file's ending.
fn file_name(ending: &str) -> &'static str {
    if ending == "h5" { "their.h5" } else { "their.keras" }
}

fn check_refused(folder: &Path) {
    let text = fs::read(folder.join("expected.json")).unwrap();
    let expected: BTreeMap<String, String> = serde_json::from_slice(&text).unwrap();
    assert_eq!(expected.len(), 22);
    for (name, said) in expected {
        for file in ["h5", "keras"] {
            let bytes = fs::read(folder.join(format!("{name}.{file}"))).unwrap();
            let message = decode(&bytes, file_name(file)).unwrap_err().to_string();
            assert!(message.contains(&said) && message.lines().count() == 1, "no '{said}' in: {message}");
        }
    }
}
