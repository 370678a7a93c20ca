//! What is not one of our networks is refused by the layer's name, and what is no whole file by its own.

use std::io::{Cursor, Read, Write};

use gpu_fmnist::error::Error;
use gpu_fmnist::formats::{keras_h5, keras_zip};
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::support::{files, folder};

/// The members of an archive.
pub fn members(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let member = |index| {
        let mut member = archive.by_index(index).unwrap();
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).unwrap();
        (member.name().unwrap().into_owned(), bytes)
    };
    (0..3).map(member).collect()
}

pub fn archive(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive.start_file(name, SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// Keras' own file of that name, with another configuration.
pub fn edited(name: &str, edit: &dyn Fn(&mut Value)) -> Vec<u8> {
    let mut members = members(&std::fs::read(folder().join(name)).unwrap());
    let (_, config) = members.iter_mut().find(|(name, _)| name == "config.json").unwrap();
    let mut json: Value = serde_json::from_slice(config).unwrap();
    edit(&mut json);
    *config = json.to_string().into_bytes();
    archive(&members)
}

fn message(bytes: &[u8]) -> String {
    let error = keras_zip::decode(bytes, "my.keras").unwrap_err();
    assert!(matches!(error, Error::Data(_)), "{error:?}");
    let message = error.to_string();
    assert!(message.starts_with("my.keras: ") && message.lines().count() == 1, "{message}");
    message
}

#[test]
fn layers_are_refused_by_name_and_setting() {
    for (layer, key, value, expected) in [
        (1, "use_bias", json!(3), "layer 'conv2d' (Conv2D): use_bias is 3, which is unsupported; change the layer"),
        (
            1,
            "data_format",
            json!("channels_first"),
            "layer 'conv2d' (Conv2D): data_format is \"channels_first\", which",
        ),
        (1, "dilation_rate", json!([2, 2]), "dilation_rate is [2,2], which is unsupported; only [1,1] is supported"),
        (1, "groups", json!(2), "groups is 2, which is unsupported"),
        (1, "padding", json!("causal"), "padding is \"causal\", which is unsupported"),
        (1, "activation", json!("selu"), "activation is \"selu\", which is unsupported"),
        (1, "kernel_size", json!([3]), "kernel_size is [3], which is unsupported"),
        (1, "filters", json!(1.5), "filters is 1.5, which is unsupported"),
        (1, "filters", json!(1_u64 << 63), "filters is 9223372036854775808; give 1 to"),
        (1, "dtype", json!("mixed_float16"), "dtype is \"mixed_float16\", which is unsupported; only \"float32\" is"),
        (1, "lora_rank", json!(4), "lora_rank is 4, which is unsupported"),
        (1, "name", json!("a\nb".repeat(99)), "layer 'a ba ba"),
        (2, "pool_size", json!([99, 1]), "size 99 is larger than its input's height of 4"),
        (
            4,
            "threshold",
            json!(0.1),
            "layer 're_lu' (ReLU): threshold is 0.1, which is unsupported; only 0 is supported",
        ),
        (4, "max_value", json!("six"), "max_value is \"six\", which is unsupported"),
        (4, "max_value", json!(-1.0), "layer 're_lu' (ReLU): max_value is -1; give a number from 0 on"),
        (6, "rate", json!("x"), "layer 'dropout' (Dropout): rate is \"x\", which is unsupported"),
        (6, "rate", json!(1), "rate is 1; give one from 0 to below 1"),
        (7, "activation", json!("relu"), "layer 'dense' (Dense): the last layer must be a Dense without activation, "),
        (7, "units", json!(1), "a global pool or a Flatten, of two values or more, with one softmax or none; change"),
        (1, "activation", json!("softmax"), "layer 'conv2d' (Conv2D): its softmax is not the network's end"),
        (7, "units", json!(0), "layer 'dense' (Dense): units is 0; give 1 to"),
        (1, "strides", json!([1.0, 1.0]), "layer 'conv2d' (Conv2D): strides is [1.0,1.0], which is unsupported"),
        (1, "name", json!("a".repeat(1001)), "its name has 1001 bytes; give it one of at most 1000"),
        (0, "batch_shape", json!([null, 47]), "layer 'input_layer' (InputLayer): its input has the shape [null,47]; "),
        (
            0,
            "batch_shape",
            json!([null, 48]),
            "layer 'conv2d' (Conv2D): its input [48] is no image [height, width, channels]",
        ),
        (0, "batch_shape", json!([null, null, 6, 1]), "its input has the shape [null,null,6,1]; "),
        (0, "batch_shape", json!([null, 0, 6, 1]), "its input has the shape [null,0,6,1]; "),
        (0, "batch_shape", json!([null, 1_u64 << 40, 1_u64 << 40, 1]), "its input has the shape [null,1099511627776,"),
        (0, "dtype", json!("float64"), "layer 'input_layer' (InputLayer): dtype is \"float64\", which is unsupported"),
    ] {
        let bytes = edited("keras3.keras", &|json| {
            let config = &mut json["config"]["layers"][layer]["config"];
            config[key] = value.clone();
            if expected.contains("a ba") {
                config["use_bias"] = json!(3);
            }
        });
        let message = message(&bytes);
        assert!(message.contains(expected), "no '{expected}' in: {message}");
    }
}

#[test]
fn other_classes_and_graphs_are_refused() {
    type Edit = fn(&mut Value);
    let cases: [(&str, Edit, &str); 14] = [
        ("keras3.keras", |json| json["class_name"] = json!("Mine"), "is a model of the class \"Mine\"; supported are"),
        ("keras3.keras", |json| json["config"]["layers"] = json!([]), "has no layers"),
        (
            "keras3.keras",
            |json| json["config"]["layers"][4]["class_name"] = json!("PReLU"),
            "layer 're_lu' (PReLU): layers of this class are unsupported; supported are Conv2D,",
        ),
        (
            "keras3.keras",
            |json| json["config"]["layers"][6]["class_name"] = json!("RandomFourierFeatures"),
            "layer 'dropout' (RandomFourierFeatures): layers of this class are unsupported; supported are Conv2D,",
        ),
        (
            "keras3.keras",
            |json| json["config"]["layers"][7]["registered_name"] = json!("Dense"),
            "layer 'dense' (Dense): it is the author's own class \"Dense\", not Keras'; supported are",
        ),
        (
            "keras3_functional.keras",
            |json| {
                json["config"]["layers"][3]["inbound_nodes"][0]["args"][0]["config"]["keras_history"][0] = json!("x")
            },
            "layer 'conv2d_5' (Conv2D): takes what no layer before it gives ('x', 0); save the model in Keras again",
        ),
        (
            "keras3_functional.keras",
            |json| {
                let args = &mut json["config"]["layers"][2]["inbound_nodes"][0]["args"];
                let again = args[0].clone();
                args.as_array_mut().unwrap().push(again);
            },
            "layer 'max_pooling2d_2' (MaxPooling2D): it has 2 inputs; give one",
        ),
        (
            "keras3_functional.keras",
            |json| {
                let nodes = &mut json["config"]["layers"][2]["inbound_nodes"];
                let again = nodes[0].clone();
                nodes.as_array_mut().unwrap().push(again);
            },
            "(MaxPooling2D): it is used in 2 places, which would share its weights; give each a layer of its own",
        ),
        (
            "keras3_functional.keras",
            |json| json["config"]["layers"][6]["inbound_nodes"][0]["kwargs"] = json!({"training": true}),
            "(Dropout): it is called with other arguments than tensors; call it without in Keras",
        ),
        (
            "keras3_functional.keras",
            |json| json["config"]["output_layers"] = json!([["activation_1", 0, 0], ["dense_2", 0, 0]]),
            "has 2 outputs; only networks with one are supported",
        ),
        (
            "keras3_functional.keras",
            |json| json["config"]["output_layers"] = json!(["conv2d_5", 0, 0]),
            "its output is not its last layer's",
        ),
        (
            "keras3_functional.keras",
            |json| json["config"]["input_layers"] = json!([["input_layer_2", 0, 0], ["conv2d_4", 0, 0]]),
            "has 2 inputs; only networks with one are supported",
        ),
        (
            "keras3_functional.keras",
            |json| json["config"]["layers"][2]["inbound_nodes"] = json!([]),
            "layer 'max_pooling2d_2' (MaxPooling2D): nothing is its input; save the model in Keras again",
        ),
        (
            "keras3_functional.keras",
            |json| json["config"]["layers"][2]["inbound_nodes"][0]["args"] = json!([2.0]),
            "layer 'max_pooling2d_2' (MaxPooling2D): it is called with no tensor",
        ),
    ];
    for (name, edit, expected) in cases {
        let message = message(&edited(name, &edit));
        assert!(message.contains(expected), "no '{expected}' in: {message}");
    }
}

#[test]
fn archives_with_anything_else_in_them_are_refused() {
    let whole = members(&std::fs::read(folder().join("keras3.keras")).unwrap());
    for other in ["../evil", "/etc/evil", "..\\evil", "assets/a.txt", "a\nb"] {
        let more = [whole.as_slice(), &[(other.to_owned(), vec![1])]].concat();
        let message = message(&archive(&more));
        assert!(message.contains(&format!("has a member {other:?}, which is none of a Keras model's")), "{message}");
    }
    for missing in ["config.json", "model.weights.h5"] {
        let rest: Vec<_> = whole.iter().filter(|(name, _)| name != missing).cloned().collect();
        let message = message(&archive(&rest));
        assert!(message.contains(&format!("has no readable member '{missing}'")), "{message}");
    }
}

#[test]
fn members_that_are_not_packed_as_they_say_are_refused() {
    let mut bytes = std::fs::read(folder().join("keras3.keras")).unwrap();
    for (signature, method) in [(b"PK\x03\x04", 8), (b"PK\x01\x02", 10)] {
        let starts: Vec<usize> = (0..bytes.len() - 4).filter(|&at| bytes[at..at + 4] == *signature).collect();
        assert_eq!(starts.len(), 3);
        for start in starts {
            bytes[start + method] = 8; // deflate
        }
    }
    assert!(message(&bytes).contains("has no readable member 'config.json' ("));
}

/// A member may unpack to a thousand times its size.
#[test]
fn members_that_unpack_to_far_more_than_a_model_are_refused() {
    let whole = members(&std::fs::read(folder().join("keras3.keras")).unwrap());
    for (name, most) in [("config.json", 1 << 22), ("model.weights.h5", 1 << 27)] {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        for (other, bytes) in &whole {
            let packed = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
            archive.start_file(other, packed).unwrap();
            archive.write_all(if other == name { &[] } else { bytes }).unwrap();
            let zeros = vec![b' '; 1 << 20];
            for _ in 0..if other == name { (most >> 20) + 1 } else { 0 } {
                archive.write_all(&zeros).unwrap();
            }
        }
        let bytes = archive.finish().unwrap().into_inner();
        assert!(bytes.len() < 1 << 20);
        let message = message(&bytes);
        assert!(
            message.contains(&format!("has no readable member '{name}' (it has more than {most} bytes)")),
            "{message}"
        );
    }
}

/// Their arrays are known by their order alone, but for the names.
#[test]
fn arrays_in_another_order_and_kernels_the_other_way_round_are_refused() {
    for (file, old, new, expected) in [
        (
            "keras/files/keras3/normalised.h5",
            "batch_normalization/beta",
            "batch_normalization/gamm",
            "gamm' where a beta is expected; save the model as .keras",
        ),
        (
            "formats/keras3.h5",
            "tensorflow",
            "theano\0\0\0\0",
            "a: was saved on Theano, whose kernels are the other way round;",
        ),
    ] {
        assert_eq!(old.len(), new.len());
        let bytes = std::fs::read(folder().join("..").join(file)).unwrap();
        let mut edited = bytes.clone();
        for place in 0..bytes.len() - old.len() {
            if bytes[place..].starts_with(old.as_bytes()) {
                edited[place..place + old.len()].copy_from_slice(new.as_bytes());
            }
        }
        let message = keras_h5::decode(&edited, "a", None).unwrap_err().to_string();
        assert!(message.contains(expected) && message.lines().count() == 1, "no '{expected}' in: {message}");
    }
}

/// Settings that only training knows change nothing but what is said.
#[test]
fn settings_of_training_alone_are_read_and_named() {
    let whole = keras_zip::decode(&edited("keras3.keras", &|_| {}), "a").unwrap();
    for (layer, key, value, said) in [
        (1, "kernel_regularizer", json!({"class_name": "L2"}), "layer 'conv2d' (Conv2D): kernel_regularizer"),
        (7, "bias_constraint", json!("mine>odd"), "layer 'dense' (Dense): bias_constraint"),
        (7, "activity_regularizer", json!([1]), "layer 'dense' (Dense): activity_regularizer"),
        (6, "noise_shape", json!([1]), "layer 'dropout' (Dropout): noise_shape"),
        (1, "kernel_initializer", json!({"class_name": "Mine"}), ""),
    ] {
        let bytes = edited("keras3.keras", &|json| json["config"]["layers"][layer]["config"][key] = value.clone());
        let network = keras_zip::decode(&bytes, "a").unwrap();
        assert_eq!(network.model, whole.model, "{key}");
        assert!(network.tensors[..6] == whole.tensors[..6], "{key}");
        let left_out = network.left_out.join("; ");
        assert!(left_out.contains(said) && left_out.is_empty() == said.is_empty(), "no '{said}' in: {left_out}");
    }
}

#[test]
fn configurations_that_are_too_long_too_deep_or_too_large_are_refused() {
    let with = |config: Vec<u8>| {
        let mut members = members(&std::fs::read(folder().join("keras3.keras")).unwrap());
        members.iter_mut().find(|(name, _)| name == "config.json").unwrap().1 = config;
        message(&archive(&members))
    };
    assert!(with(vec![b'['; 1 << 20]).contains("its configuration is not JSON (recursion limit exceeded"));
    assert!(with(vec![b' '; (1 << 22) + 1]).contains("it has more than 4194304 bytes"));
    let flat = |layers: usize| {
        let mut layers = vec![json!({"class_name": "Flatten", "config": {}}); layers - 1];
        layers.push(json!({"class_name": "Dense", "config": {"units": 3}}));
        let config = json!({"name": "a", "build_input_shape": [null, 8, 6, 1], "layers": layers});
        json!({"class_name": "Sequential", "config": config}).to_string().into_bytes()
    };
    assert!(with(flat(50_000)).contains("50000 layers; give at most 1000"));
    let huge = edited("keras3.keras", &|json| json["config"]["layers"][7]["config"]["units"] = json!(1 << 24));
    assert!(message(&huge).contains("weights, more than the file has"));
}

#[test]
fn files_of_another_kind_are_refused() {
    let files = files();
    let (_, h5) = files.iter().find(|(name, _)| name == "keras3.h5").unwrap();
    let (_, zip) = files.iter().find(|(name, _)| name == "keras3.keras").unwrap();
    let weights = &members(zip)[2].1;
    for (error, expected) in [
        (keras_zip::decode(h5, "a"), "a: is no whole zip archive ("),
        (keras_h5::decode(zip, "a", None), "a: is no whole HDF5 file ("),
        (keras_h5::decode(b"", "a", None), "a: is no whole HDF5 file ("),
        (
            keras_h5::decode(weights, "a", None),
            "a: has weights alone, without their layers; give the `model` that they are of",
        ),
        (keras_h5::decode(&h5[..h5.len() / 2], "a", None), "save the model in Keras again"),
    ] {
        let message = error.unwrap_err().to_string();
        assert!(message.contains(expected) && message.lines().count() == 1, "{message}");
    }
}
