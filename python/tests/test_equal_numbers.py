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
    program("train", "--model", folder / "lines.toml", "--data-dir", data, "--run-dir", folder / "run",
            "--adapter", "cpu", "--no-report", "--quiet", "--validation-fraction", 0, *flags)  # fmt: skip
    classifier = Classifier(folder / "lines.toml", device="cpu", settings=settings).fit(images, labels)
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
