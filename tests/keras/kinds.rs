//! Networks of every kind that is read to predict with: what Keras saved is read, and predicts as Keras did. `kinds.py` made
//! the files under files/, and makes more of them where there is a Keras.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use gpu_fmnist::data::Samples;
use gpu_fmnist::formats::{Format, Network, Tensor, keras_h5};
use serde::Deserialize;

use super::graphs::layers;
use super::support::{bits, decode, folder, probabilities, put, with_engine};

#[derive(Deserialize)]
struct Expected {
    /// In an image.
    pixels: usize,
    /// Of the first 8 images, one after the other.
    probabilities: Vec<f64>,
    /// The shapes and the sums of each layer's arrays.
    arrays: BTreeMap<String, Vec<(Vec<usize>, f64)>>,
}

fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keras/files")
}

/// The files that Keras saved, by the folder's name and theirs; and those that were packed again.
pub fn all() -> Vec<(String, Vec<u8>)> {
    let folders = [files(), files().join("keras2"), files().join("keras3")];
    let mut all = Vec::new();
    for folder in folders {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "h5" || ending == "keras") {
                all.push((path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()));
            }
        }
    }
    all.sort();
    all
}

#[test]
fn networks_of_every_kind_predict_as_keras_did() {
    assert_eq!(predict(&files().join("keras3"), 1e-6), 13);
    assert_eq!(predict(&files().join("keras2"), 1e-6), 8);
}

#[test]
fn layers_have_keras_names_and_arrays() {
    for folder in ["keras3", "keras2"] {
        for (file, network, expected) in networks(&files().join(folder)) {
            check_arrays(&file, &network, &expected);
        }
    }
}

/// What we write of what Keras wrote is what we read: a layer may be spelt in another way, but is the same.
#[test]
fn keras_files_come_back_as_they_are() {
    for folder in ["keras3", "keras2"] {
        for (file, network, _) in networks(&files().join(folder)) {
            for (ending, bytes) in encodings(&network) {
                let back = decode(&bytes, &format!("a.{ending}")).unwrap();
                // The layers of models within a model stand in another order.
                assert_eq!(layers(&back.model), layers(&network.model), "{file} as .{ending}");
                let weights = |network| bits(network).into_iter().filter(is_weight).collect::<Vec<_>>();
                assert_eq!(weights(&back), weights(&network), "{file} as .{ending}");
            }
        }
    }
}

/// The files' bytes by their ending.
fn encodings(network: &Network) -> [(&'static str, Vec<u8>); 2] {
    [("h5", Format::KerasH5.encode(network).unwrap()), ("keras", Format::Keras.encode(network).unwrap())]
}

/// All files in the folder by name, read, and what Keras said of them.
fn networks(folder: &Path) -> Vec<(String, Network, Expected)> {
    let read = || serde_json::from_slice(&fs::read(folder.join("expected.json")).unwrap()).unwrap();
    let mut networks = Vec::new();
    for ending in ["h5", "keras", "weights.h5"] {
        let expected: BTreeMap<String, Expected> = read();
        for (name, expected) in expected {
            let file = format!("{name}.{ending}");
            let Ok(bytes) = fs::read(folder.join(&file)) else { continue };
            let network = match ending {
                "weights.h5" => weights_alone(folder, &name, &bytes),
                _ => decode(&bytes, &format!("a.{ending}")).unwrap_or_else(|error| panic!("{file}: {error}")),
            };
            networks.push((file, network, expected));
        }
    }
    networks
}

/// Compares what all files in the folder predict with Keras' own; how many there were.
pub fn predict(folder: &Path, tolerance: f64) -> usize {
    let networks = networks(folder);
    for (file, network, expected) in &networks {
        let far = difference(network, &fs::read(folder.join("images.u8")).unwrap(), expected);
        assert!(far <= tolerance, "{file}: {far:e} from Keras");
    }
    networks.len()
}

/// Checks what was read of all files in the folder, and writes it again, as FILE.h5 and FILE.keras.
pub fn write_again(folder: &Path, again: &Path) {
    fs::create_dir_all(again).unwrap();
    for (file, network, expected) in networks(folder) {
        check_arrays(&file, &network, &expected);
        for (ending, bytes) in encodings(&network) {
            fs::write(again.join(format!("{file}.{ending}")), bytes).unwrap();
        }
    }
}

/// Each of Keras' layers with arrays is one of ours of that name, or two: a separable convolution.
fn check_arrays(file: &str, network: &Network, expected: &Expected) {
    let own = |name: &str| match name {
        "input" => "input_1".to_owned(),
        name => name.chars().take(94).map(|letter| if letter == '.' { '_' } else { letter }).collect(),
    };
    let is_of = |tensor: &Tensor, layer: &str| {
        tensor.name.strip_prefix(layer).is_some_and(|part| part.starts_with('.') && !part[1..].contains('.'))
    };
    let mut count = 0;
    for (layer, arrays) in &expected.arrays {
        let (depthwise, own) = (format!("{}_depthwise", own(layer)), own(layer));
        let of = |layer: &str| network.tensors.iter().filter(|tensor| is_of(tensor, layer)).collect::<Vec<_>>();
        let tensors = [of(&depthwise), of(&own)].concat();
        assert_eq!(tensors.len(), arrays.len(), "{file}: {layer}");
        count += tensors.len();
        for (tensor, (shape, sum)) in tensors.into_iter().zip(arrays) {
            let own: f64 = tensor.values.iter().map(|value| f64::from(*value)).sum();
            assert_eq!(&tensor.shape, shape, "{file}: {}", tensor.name);
            assert!((own - sum).abs() < 1e-9, "{file}: {} has the sum {own}, not {sum}", tensor.name);
        }
    }
    assert_eq!(bits(network).iter().filter(|tensor| is_weight(tensor)).count(), count, "{file}");
}

fn is_weight((name, ..): &(&str, &[usize], Vec<u32>)) -> bool {
    name.split('.').count() == 2
}

/// The file says nothing of the layers; the file of the whole model beside it does.
fn weights_alone(folder: &Path, name: &str, bytes: &[u8]) -> Network {
    let whole = ["h5", "keras"].iter().find_map(|ending| {
        let bytes = fs::read(folder.join(format!("{name}.{ending}"))).ok()?;
        Some(decode(&bytes, &format!("a.{ending}")).unwrap())
    });
    let whole = whole.unwrap();
    let message = keras_h5::decode(bytes, "w.h5", None).unwrap_err().to_string();
    assert_eq!(message, "w.h5: has weights alone, without their layers; give the `model` that they are of");
    let network = keras_h5::decode(bytes, "w.h5", Some(&whole.model)).unwrap();
    assert_eq!(bits(&network), bits(&whole).into_iter().filter(is_weight).collect::<Vec<_>>(), "{name}");
    let mut other = whole.model.clone();
    let last = other.layers.last().unwrap().layer.clone();
    other.layers.push(last.into());
    let message = keras_h5::decode(bytes, "w.h5", Some(&other)).unwrap_err().to_string();
    assert!(message.contains("; give the `model` that they are of"), "{message}");
    network
}

/// How far what the network predicts for the first 8 images is from what Keras said.
fn difference(network: &Network, images: &[u8], expected: &Expected) -> f64 {
    assert_eq!(network.model.input.iter().product::<usize>(), expected.pixels);
    // Of two channels, there are fewer.
    let count = (images.len() / expected.pixels).min(8);
    let images = images[..count * expected.pixels].to_vec();
    let samples = Samples { images, labels: vec![0; count], shape: network.model.input };
    // Whatever optimizer trained it.
    let network = Network { optimizer: None, ..network.clone() };
    let ours = with_engine(&network.model, &samples, |engine| {
        put(engine, &network);
        probabilities(engine)
    });
    assert_eq!(ours.len(), expected.probabilities.len());
    ours.iter().zip(&expected.probabilities).map(|(ours, theirs)| (ours - theirs).abs()).fold(0.0, f64::max)
}

#[test]
fn what_only_training_knows_is_named() {
    let left_out = |name: &str| {
        let bytes = fs::read(files().join(name)).unwrap();
        decode(&bytes, name).unwrap().left_out.join("; ")
    };
    let noise = left_out("keras3/noise.h5");
    for part in ["(GaussianNoise);", "(SpatialDropout2D);", "(GaussianDropout);", "(AlphaDropout)", "state (Ftrl)"] {
        assert!(noise.contains(part), "no '{part}' in: {noise}");
    }
    let normalised = left_out("keras3/normalised.h5");
    assert_eq!(normalised, "", "each is a layer of ours");
    let frozen = decode(&fs::read(files().join("keras2/frozen.keras")).unwrap(), "frozen.keras").unwrap();
    let trainable: Vec<bool> = frozen.model.layers.iter().map(|node| node.trainable).collect();
    assert_eq!(trainable, [false, true, true, false, true, true], "the convolution and the normalisation are not");
    assert!(frozen.optimizer.is_some() || !frozen.left_out.iter().any(|one| one.contains("trainable")), "{frozen:?}");
    assert_eq!(left_out("keras3/rows.keras"), "");
}

/// Counters of Keras on JAX are of 32 bits.
#[test]
fn an_adam_that_counts_in_32_bits_goes_on() {
    let network = decode(&fs::read(files().join("keras3/rows.keras")).unwrap(), "rows.keras").unwrap();
    let adam = network.optimizer.unwrap();
    assert_eq!((adam.iterations, adam.learning_rate as f32, network.tensors.len()), (2, 0.001, 12));
}

#[test]
fn files_that_were_packed_again_hold_the_same_network() {
    let read = |path: PathBuf| decode(&fs::read(&path).unwrap(), &path.to_string_lossy()).unwrap();
    let mut original = read(folder().join("keras3.h5"));
    let newest = read(files().join("newest.h5"));
    assert_eq!((&newest.model, &newest.optimizer), (&original.model, &original.optimizer));
    assert_eq!(bits(&newest), bits(&original));
    let deflated = read(files().join("deflated.keras"));
    assert_eq!(bits(&deflated), bits(&read(folder().join("keras3.keras"))));
    // Its numbers have 11 bits.
    let oldest = read(files().join("oldest.h5"));
    assert_eq!(oldest.model.layers, original.model.layers);
    assert!(oldest.tensors.len() == original.tensors.len());
    for (old, original) in oldest.tensors.iter().zip(&mut original.tensors) {
        for (old, original) in old.values.iter().zip(&original.values) {
            assert!((old - original).abs() <= original.abs() / 2048.0 + 3e-8, "{old} {original}");
        }
    }
}
