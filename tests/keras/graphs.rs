//! Graphs of ours as Keras' files, and back.

use gpu_fmnist::formats::{Format, Network, Tensor};
use gpu_fmnist::model::{Model, parse, resolve};

use super::support::{bits, decode};

const HEAD: &str = "input = [6, 6, 2]\nname = \"graph\"\nlayers = [";

/// A network whose weights are all different.
fn network(layers: &str) -> Network {
    let (model, _) = parse("graph.toml", &format!("{HEAD}{layers}]")).unwrap();
    let mut next = 0.0;
    let mut tensors = Vec::new();
    for layer in resolve(&model).unwrap() {
        for variable in layer.inferred.variables {
            let name = format!("{}.{}", layer.name, variable.kind.name());
            let values = (0..variable.values()).map(|index| next + index as f32).collect::<Vec<_>>();
            next += values.len() as f32;
            tensors.push(Tensor { name, shape: variable.shape, values });
        }
    }
    Network { model, tensors, optimizer: None, class_names: Vec::new(), left_out: Vec::new() }
}

fn back(network: &Network) -> [Network; 2] {
    let h5 = decode(&Format::KerasH5.encode(network).unwrap(), "a.h5").unwrap();
    [h5, decode(&Format::Keras.encode(network).unwrap(), "a.keras").unwrap()]
}

/// Each layer by its name, with the names of what it takes.
pub fn layers(model: &Model) -> Vec<String> {
    let layers = resolve(model).unwrap();
    let name = |input: &usize| input.checked_sub(1).map_or("input", |index| &layers[index].name);
    let line = |inputs: &[usize]| inputs.iter().map(name).collect::<Vec<_>>().join(", ");
    let mut lines: Vec<String> =
        layers.iter().map(|layer| format!("{} = {:?} of {}", layer.name, layer.layer, line(&layer.inputs))).collect();
    lines.sort();
    lines
}

const SEPARATE: &str = r#"
    { type = "conv2d", filters = 2, kernel = 1, name = "shortcut" },
    { type = "conv2d", filters = 2, kernel = 3, padding = "same", use_bias = false, inputs = ["input"] },
    { type = "batch_normalization" },
    { type = "conv2d", filters = 2, kernel = 3, padding = "same" },
    { type = "depthwise_conv2d", kernel = 2, padding = "same", inputs = ["conv2d"] },
    { type = "add", inputs = ["shortcut", "conv2d_1", "input"] },
    { type = "concatenate", inputs = ["add", "depthwise_conv2d", "add"] },
    { type = "batch_normalization", scale = false },
    { type = "max_pool2d", size = 2, padding = "same" },"#;

#[test]
fn layers_in_any_order_keep_their_names_and_weights() {
    let network = network(&format!("{SEPARATE} {{ type = \"flatten\" }}, {{ type = \"dense\", units = 3 }}"));
    for back in back(&network) {
        assert_eq!(layers(&back.model), layers(&network.model));
        assert_eq!(bits(&back), bits(&network));
        assert_eq!((&back.model.name, back.model.input), (&network.model.name, network.model.input));
    }
}

/// Keras' loss is of probabilities.
#[test]
fn a_network_that_ends_without_a_dense_layer_ends_with_a_softmax_in_keras() {
    let ends = [
        r#"{ type = "flatten" }"#,
        r#"{ type = "global_average_pool2d" }"#,
        r#"{ type = "global_max_pool2d" }"#,
        r#"{ type = "global_max_pool2d" }, { type = "activation", activation = "softmax", name = "softmax" }"#,
    ];
    for end in ends {
        let network = network(&format!("{SEPARATE} {end}"));
        for back in back(&network) {
            let mut expected = layers(&network.model);
            if !end.contains("softmax") {
                let last = resolve(&network.model).unwrap().pop().unwrap().name;
                let softmax =
                    r#"{ type = "flatten" }, { type = "activation", activation = "softmax", name = "softmax" }"#;
                let softmax = layers(&super::graphs::network(softmax).model).pop().unwrap();
                expected.push(softmax.replace("of flatten", &format!("of {last}")));
                expected.sort();
            }
            assert_eq!(layers(&back.model), expected, "{end}");
            assert_eq!(bits(&back), bits(&network), "{end}");
        }
    }
}

/// In Keras, a `Rescaling` by 0.05 would rather be of bytes.
#[test]
fn pixels_are_rescaled_by_what_they_were() {
    for (scale, offset) in [(2.0, -1.0), (0.05, 0.0), (-0.01, 0.5), (255.0, 0.25), (3.3, -1.2345678901234567)] {
        let rescaling =
            format!("{{ type = \"rescaling\", scale = {scale:?}, offset = {offset:?}, name = \"scaled\" }},");
        let network = network(&format!("{rescaling} {{ type = \"flatten\" }}, {{ type = \"dense\", units = 3 }}"));
        for back in back(&network) {
            assert_eq!(back.model, network.model);
        }
    }
}

#[test]
fn activations_keep_their_parameters() {
    let mut text = String::from(r#"{ type = "flatten" },"#);
    for activation in ["relu", "gelu", "silu", "leaky_relu", "elu", "tanh", "sigmoid", "linear"] {
        text += &format!("{{ type = \"dense\", units = 2, activation = \"{activation}\" }},");
        text += &format!("{{ type = \"activation\", activation = \"{activation}\" }},");
    }
    text += r#"{ type = "activation", activation = "relu", max_value = 6.0 },
        { type = "activation", activation = "leaky_relu", negative_slope = 0.1 },
        { type = "activation", activation = "elu", alpha = 0.3 },
        { type = "dense", units = 3 }"#;
    let network = network(&text);
    for back in back(&network) {
        assert_eq!(back.model, network.model);
        assert_eq!(bits(&back), bits(&network));
    }
}

/// A file whose model is the same but for names is a named model's own.
#[test]
fn a_network_takes_the_names_of_its_model() {
    let text = r#"{ type = "flatten", name = "a" }, { type = "dense", units = 4, name = "b" }, { type = "dense", units = 3, name = "c" }"#;
    let named = network(text);
    let plain = network(r#"{ type = "flatten" }, { type = "dense", units = 4 }, { type = "dense", units = 3 }"#);
    assert_eq!(named.clone().named_as(&plain.model), plain);
    let other = network(r#"{ type = "flatten" }, { type = "dense", units = 5 }, { type = "dense", units = 3 }"#);
    assert_eq!(named.clone().named_as(&other.model), named);
}

/// In the words of the file; Keras has neither a dirac nor a whitening for an image's kernel.
#[test]
fn how_a_kernel_begins_is_kept_where_keras_has_it() {
    for (own, read) in [
        ("he_normal", "he_normal"),
        ("he_uniform", "he_uniform"),
        ("glorot_normal", "glorot_normal"),
        ("zeros", "zeros"),
        ("dirac", "glorot_uniform"),
        ("glorot_uniform", "glorot_uniform"),
    ] {
        let network = network(&format!(
            "{{ type = \"conv2d\", filters = 2, kernel = 3, kernel_initializer = \"{own}\" }},
             {{ type = \"depthwise_conv2d\", kernel = 2, kernel_initializer = \"{own}\" }}, {{ type = \"flatten\" }},
             {{ type = \"dense\", units = 3, kernel_initializer = \"{own}\" }}"
        ));
        for back in back(&network) {
            let initializers = back.model.layers.iter().map(|node| node.kernel_initializer);
            let names = initializers.map(|own| serde_json::to_value(own).unwrap());
            assert!(names.zip([read, read, "glorot_uniform", read]).all(|(one, expected)| one == expected), "{own}");
            assert_eq!(bits(&back), bits(&network));
        }
    }
}
