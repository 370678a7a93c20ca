//! What we write, we read again: every bit of it.

use gpu_fmnist::formats::{Format, Network};
use gpu_fmnist::model::{NOTEBOOK, built_in};
use gpu_fmnist::optimizers::Optimizer;

use super::support::{bits, decode, network, optimizers, samples, train, with_optimizer};

const LEARNING_RATE: f64 = 1e-3;

fn trained(name: &str) -> Network {
    trained_by(&Optimizer::default(), name)
}

fn trained_by(optimizer: &Optimizer, name: &str) -> Network {
    let (model, _) = built_in(name).unwrap();
    with_optimizer(optimizer, &model, &samples(&model, 16), |engine| {
        engine.initialise().unwrap();
        train(engine, LEARNING_RATE);
        network(engine, LEARNING_RATE)
    })
}

fn encodings(network: &Network) -> [(&'static str, Vec<u8>); 2] {
    [("a.h5", Format::KerasH5.encode(network).unwrap()), ("a.keras", Format::Keras.encode(network).unwrap())]
}

#[test]
fn a_network_comes_back_to_the_bit() {
    for name in NOTEBOOK {
        let network = trained(name);
        let without_adam = without_adam(network.clone());
        for ((file, bytes), expected) in encodings(&network).into_iter().zip([&without_adam, &network]) {
            let back = decode(&bytes, file).unwrap();
            assert_eq!((&back.model, &back.optimizer), (&expected.model, &expected.optimizer), "{name} {file}");
            assert_eq!(bits(&back), bits(expected), "{name} {file}");
        }
        assert_eq!(encodings(&network), encodings(&network.clone()), "{name}: the same network gives the same bytes");
    }
}

/// A `.keras` file has all of any optimizer, but for what does not decay.
#[test]
fn every_optimizer_comes_back_to_the_bit() {
    for (name, _, optimizer) in optimizers() {
        let network = trained_by(&optimizer, "cnn1");
        let back = decode(&Format::Keras.encode(&network).unwrap(), "a.keras").unwrap();
        assert_eq!(bits(&back), bits(&network), "{name}");
        let state = back.optimizer.unwrap();
        assert_eq!((state.iterations, state.learning_rate), (2, LEARNING_RATE), "{name}");
        assert_eq!(state.optimizer, Optimizer { weight_decay_exclude: Vec::new(), ..optimizer }, "{name}");
    }
}

/// As a .h5 file holds it.
fn without_adam(network: Network) -> Network {
    let tensors = network.tensors.into_iter().filter(|tensor| !tensor.name.ends_with("_moment")).collect();
    Network { tensors, optimizer: None, ..network }
}

#[test]
fn unusual_values_and_weights_alone_come_back_too() {
    let mut network = trained("cnn1");
    let unusual = [f32::NAN.to_bits() | 0x1234, f32::NEG_INFINITY.to_bits(), (-0.0_f32).to_bits(), 1];
    network.tensors[0].values[..4].copy_from_slice(&unusual.map(f32::from_bits));
    let network = without_adam(network);
    for (file, bytes) in encodings(&network) {
        let back = decode(&bytes, file).unwrap();
        assert_eq!(back.optimizer, None);
        assert_eq!(bits(&back), bits(&network), "{file}");
    }
}

#[test]
fn a_network_without_one_of_its_tensors_is_not_written() {
    let mut network = trained("cnn1");
    network.tensors.retain(|tensor| tensor.name != "dense.bias.second_moment");
    let message = Format::Keras.encode(&network).unwrap_err().to_string();
    assert_eq!(message, "cnn1: has no tensor dense.bias.second_moment of the shape [128]");
    network.tensors[0].shape.reverse();
    let message = Format::KerasH5.encode(&network).unwrap_err().to_string();
    assert_eq!(message, "cnn1: has no tensor conv2d.kernel of the shape [3, 3, 1, 32]");
}
