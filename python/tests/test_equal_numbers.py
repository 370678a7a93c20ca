"""Python's numbers are the command line's, to the bit."""

import json

import numpy as np
import pytest
from conftest import pictures, write_idx

from gpu_fmnist import Classifier, keras, load_model

MODEL = """
name = "lines"
input = [8, 8, 1]
layers = [
    { type = "conv2d", filters = 6, kernel = 3, activation = "relu" },
    { type = "max_pool2d", size = 2 },
    { type = "dropout", rate = 0.25 },
    { type = "flatten" },
    { type = "dense", units = 2 },
]
training = { epochs = 3, batch_size = 32 }
schedule = { learning_rate = 5e-3 }
"""


@pytest.fixture
def made(tmp_path):
    train, test = pictures(300, seed=1), pictures(60, seed=2)
    folder = write_idx(tmp_path / "data", train, test)
    (tmp_path / "lines.toml").write_text(MODEL)
    return tmp_path, folder, train, test


def weights(network):
    return {name: np.frombuffer(values, np.float32).reshape(shape) for name, shape, values in network.weights()}


def equal(one, other):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], strict=True, err_msg=name)


def test_a_run_of_the_command_has_the_same_weights_history_and_answers(made, program):
    folder, data, (images, labels), (test_images, test_labels) = made
    run = folder / "run"
    lines = program("train", "--model", folder / "lines.toml", "--data-dir", data, "--run-dir", run, "--adapter", "cpu",
                    "--seed", 7, "--json", "--no-report", "--quiet")  # fmt: skip
    *epochs, last = map(json.loads, lines.splitlines())
    classifier = Classifier(folder / "lines.toml", device="cpu", random_state=7, validation_fraction=0.2).fit(
        images, labels
    )
    for name, values in classifier.history_.items():
        assert values == [epoch[name] for epoch in epochs], name
    loaded = load_model(run, device="cpu")
    equal(weights(classifier.network_), weights(loaded._network))
    # Kernels before biases, as in Keras, whatever the file's order is.
    assert [values.shape for values in loaded.get_weights()] == [(3, 3, 1, 6), (6,), (54, 2), (2,)]
    loaded.save(folder / "network.safetensors")
    about = json.loads(
        program("evaluate", "--run", folder / "network.safetensors", "--data-dir", data, "--adapter", "cpu", "--json")
    )
    loss, accuracy = loaded.evaluate(test_images, test_labels)
    assert (loss, accuracy) == (about["loss"], about["accuracy"]) and accuracy == last["test_accuracy"]
    # Keras' face, too, given the same samples in the same order.
    np.testing.assert_array_equal(np.argmax(loaded.predict(test_images), 1), classifier.predict(test_images))


def test_settings_are_those_of_set(made, program):
    folder, data, (images, labels), _ = made
    settings = {"optimizer.type": "sgd", "optimizer.momentum": 0.9, "schedule.type": "cosine", "augmentation.shift": 1,
                "layers.conv2d.filters": 5, "loss.label_smoothing": 0.1}  # fmt: skip
    flags = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    program(
        "train",
        "--model",
        folder / "lines.toml",
        "--data-dir",
        data,
        "--run-dir",
        folder / "run",
        "--adapter",
        "cpu",
        "--no-report",
        "--quiet",
        "--validation-fraction",
        0,
        "--no-shuffle",
        *flags,
    )
    classifier = Classifier(folder / "lines.toml", device="cpu", settings=settings, shuffle=False).fit(images, labels)
    equal(weights(classifier.network_), weights(load_model(folder / "run", device="cpu")._network))


def test_the_command_reads_what_python_writes(made, program):
    folder, data, (images, labels), (test_images, test_labels) = made
    classifier = Classifier(folder / "lines.toml", device="cpu", validation_fraction=0.25)
    classifier.fit(images, labels, run_dir=folder / "run")
    accuracy = classifier.score(test_images, test_labels)
    for ending in ("safetensors", "onnx", "h5", "keras"):
        classifier.save(folder / f"network.{ending}")
        about = program(
            "evaluate", "--run", folder / f"network.{ending}", "--data-dir", data, "--adapter", "cpu", "--json"
        )
        assert json.loads(about)["accuracy"] == accuracy, ending
    about = program(
        "evaluate", "--run", folder / "run", "--data-dir", data, "--adapter", "cpu", "--json", "--split", "test"
    )
    assert json.loads(about)["accuracy"] == accuracy
    assert len((folder / "run" / "metrics.csv").read_text().splitlines()) == 4


def test_a_model_of_layers_is_the_file_of_the_same_layers(made):
    folder, _, (images, labels), _ = made
    model = keras.Sequential(
        [
            keras.layers.Conv2D(6, 3, activation="relu", input_shape=(8, 8, 1)),
            keras.layers.MaxPooling2D(),
            keras.layers.Dropout(0.25),
            keras.layers.Flatten(),
            keras.layers.Dense(2),
        ],
        device="cpu",
    )
    model.compile(keras.optimizers.Adam(5e-3), "sparse_categorical_crossentropy")
    model.fit(images, labels, batch_size=32, epochs=3, seed=7, verbose=0)
    classifier = Classifier(folder / "lines.toml", device="cpu", random_state=7).fit(images, labels)
    equal(weights(classifier.network_), weights(model._network))
    np.testing.assert_array_equal(model.predict(images).argmax(1), classifier.predict(images))


def test_bytes_and_the_floats_that_they_stand_for_give_the_same_weights(made):
    folder, _, (images, labels), _ = made
    options = {"device": "cpu", "epochs": 2}
    of_bytes = Classifier(folder / "lines.toml", **options).fit(images, labels)
    floats = images.astype(np.float32) / np.float32(255)
    of_floats = Classifier(folder / "lines.toml", **options).fit(floats, labels)
    equal(weights(of_bytes.network_), weights(of_floats.network_))
    np.testing.assert_array_equal(of_bytes.predict_proba(images), of_floats.predict_proba(floats))
    # What no byte stands for is not rounded to one.
    moved = Classifier(folder / "lines.toml", **options).fit(floats * np.float32(1.0001), labels)
    assert any((weights(moved.network_)[name] != values).any() for name, values in weights(of_bytes.network_).items())


def test_augmented_floats_are_augmented_bytes(made):
    folder, _, (images, labels), _ = made
    settings = {"augmentation.flip": "horizontal", "augmentation.shift": 1, "augmentation.cutout": 2}
    of_bytes = Classifier(folder / "lines.toml", device="cpu", settings=settings).fit(images, labels)
    floats = images.astype(np.float32) / np.float32(255)
    of_floats = Classifier(folder / "lines.toml", device="cpu", settings=settings).fit(floats, labels)
    equal(weights(of_bytes.network_), weights(of_floats.network_))


def test_validation_data_is_what_a_part_held_out_would_be(made):
    folder, _, (images, labels), _ = made
    from gpu_fmnist import train_test_split

    train, held_out = train_test_split(len(images), 0.2, 2020)
    part = Classifier(folder / "lines.toml", device="cpu", validation_fraction=0.2, shuffle=False).fit(images, labels)
    given = Classifier(folder / "lines.toml", device="cpu", shuffle=False)
    given.fit(images[train], labels[train], validation_data=(images[held_out], labels[held_out]))
    assert part.history_ == given.history_


def lines(*ends):
    first = keras.layers.Conv2D(6, 3, activation="relu", input_shape=(8, 8, 1))
    rest = [keras.layers.MaxPooling2D(), keras.layers.Dropout(0.25), keras.layers.Flatten(), keras.layers.Dense(2)]
    return keras.Sequential([first, *rest, *ends], name="lines", device="cpu")


def test_what_compile_says_is_what_a_file_says(made):
    folder, _, (images, labels), _ = made
    settings = {
        "optimizer.type": "adamw",
        "optimizer.beta_1": 0.8,
        "optimizer.weight_decay": 0.01,
        "optimizer.global_clipnorm": 0.5,
        "optimizer.ema_momentum": 0.9,
        "loss.label_smoothing": 0.1,
    }
    model = lines()
    optimizer = keras.optimizers.AdamW(
        5e-3, beta_1=0.8, weight_decay=0.01, global_clipnorm=0.5, use_ema=True, ema_momentum=0.9
    )
    model.compile(optimizer, keras.losses.CategoricalCrossentropy(label_smoothing=0.1))
    history = model.fit(images, np.eye(2)[labels], batch_size=32, epochs=3, verbose=0, seed=0)
    classifier = Classifier(folder / "lines.toml", device="cpu", settings=settings).fit(images, labels)
    assert history.history == classifier.history_
    equal(weights(classifier.network_), weights(model._network))


def test_a_cosine_is_the_commands(made, program):
    folder, data, (images, labels), _ = made
    program(
        "train",
        "--model",
        folder / "lines.toml",
        "--data-dir",
        data,
        "--run-dir",
        folder / "run",
        "--adapter",
        "cpu",
        "--no-report",
        "--quiet",
        "--validation-fraction",
        0,
        "--schedule",
        "cosine",
        "--warm-up-epochs",
        1,
    )
    model = lines()
    course = keras.optimizers.schedules.CosineDecay(5e-3, warm_up_epochs=1)
    model.compile(keras.optimizers.Adam(course), "sparse_categorical_crossentropy")
    model.fit(images, labels, batch_size=32, epochs=3, verbose=0, seed=0)
    equal(weights(load_model(folder / "run", device="cpu")._network), weights(model._network))


EVERY_LAYER = """
name = "all"
input = [8, 8, 3]
layers = [
    { type = "rescaling", scale = 2.0, offset = -1.0, name = "rescaling", inputs = ["input"] },
    { type = "conv2d", filters = 4, kernel = [3, 2], stride = 2, padding = "same", use_bias = false,
      kernel_initializer = "he_normal", trainable = false, name = "conv2d", inputs = ["rescaling"] },
    { type = "batch_normalization", momentum = 0.9, epsilon = 1e-2, center = false, name = "batch_normalization",
      inputs = ["conv2d"] },
    { type = "activation", activation = "leaky_relu", negative_slope = 0.1, name = "re_lu",
      inputs = ["batch_normalization"] },
    { type = "depthwise_conv2d", kernel = 3, padding = "same", activation = "gelu", kernel_initializer = "he_uniform",
      name = "depthwise_conv2d", inputs = ["re_lu"] },
    { type = "activation", activation = "elu", alpha = 0.5, name = "elu", inputs = ["depthwise_conv2d"] },
    { type = "activation", activation = "relu", max_value = 6.0, name = "six", inputs = ["depthwise_conv2d"] },
    { type = "activation", activation = "leaky_relu", negative_slope = 0.3, name = "leaky_re_lu", inputs = ["six"] },
    { type = "add", name = "add", inputs = ["elu", "leaky_re_lu"] },
    { type = "concatenate", name = "concatenate", inputs = ["add", "six"] },
    { type = "average_pool2d", size = 2, stride = 1, padding = "same", name = "average_pooling2d",
      inputs = ["concatenate"] },
    { type = "max_pool2d", size = [2, 1], name = "max_pooling2d", inputs = ["average_pooling2d"] },
    { type = "activation", activation = "tanh", name = "activation", inputs = ["max_pooling2d"] },
    { type = "global_average_pool2d", name = "global_average_pooling2d", inputs = ["activation"] },
    { type = "global_max_pool2d", name = "global_max_pooling2d", inputs = ["activation"] },
    { type = "concatenate", name = "concatenate_1", inputs = ["global_average_pooling2d", "global_max_pooling2d"] },
    { type = "dropout", rate = 0.5, name = "dropout", inputs = ["concatenate_1"] },
    { type = "dense", units = 3, use_bias = false, name = "dense", inputs = ["dropout"] },
    { type = "activation", activation = "softmax", name = "softmax", inputs = ["dense"] },
]
"""


def test_every_layer_is_the_file_s(tmp_path):
    from gpu_fmnist import _engine
    from gpu_fmnist.keras import layers

    inputs = keras.Input((8, 8, 3))
    x = layers.Rescaling(2.0, -1.0)(inputs)
    x = layers.Conv2D(4, (3, 2), 2, "same", use_bias=False, kernel_initializer="he_normal", trainable=False)(x)
    x = layers.BatchNormalization(0.9, 1e-2, center=False)(x)
    x = layers.ReLU(negative_slope=0.1)(x)
    x = layers.DepthwiseConv2D(3, padding="same", activation="gelu", depthwise_initializer="he_uniform")(x)
    six = layers.ReLU(max_value=6.0, name="six")(x)
    x = layers.Add()([layers.ELU(0.5)(x), layers.LeakyReLU()(six)])
    x = layers.AveragePooling2D(2, 1, "same")(layers.Concatenate()([x, six]))
    x = layers.Activation("tanh")(layers.MaxPooling2D((2, 1))(x))
    x = layers.Concatenate()([layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)])
    x = layers.Dense(3, use_bias=False)(layers.Dropout(0.5)(x))
    model = keras.Model(inputs, layers.Softmax()(x), name="all", device="cpu")
    (tmp_path / "all.toml").write_text(EVERY_LAYER)
    file = _engine.Network.named(str(tmp_path / "all.toml"), [], "cpu")
    assert json.loads(model._built().config())["model"] == json.loads(file.config())["model"]
    kinds = {layer["type"] for layer in json.loads(file.config())["model"]["layers"]}
    assert len(kinds) == 14 - 1  # all but flatten


def test_data_sets_of_anyones_are_read(made):
    folder, data, (images, labels), (test_images, test_labels) = made
    from gpu_fmnist.datasets import fashion_mnist

    (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data(data)
    for read, written in ((x_train, images), (y_train, labels), (x_test, test_images), (y_test, test_labels)):
        np.testing.assert_array_equal(read, written)
        assert read.dtype == np.uint8
